//! A container's output on its way: read, as fast as its rate limit allows, handed to those who follow it, logged;
//! and what is counted of it.

use std::cell::{Cell, OnceCell};
use std::rc::Rc;
use std::time::Duration;

use super::{Container, Pod};
use crate::events::What;
use crate::logs::{ContainerLog, Stream};
use crate::stdio::{self, End, Hub, OutputReader, RateLimiter};

/// One output stream of a container.
#[derive(Debug)]
pub struct Output {
    /// Where it is read.
    pub reader: OutputReader,
    /// How it is named in the log.
    pub stream: Stream,
    /// What was read of it already.
    pub early: Vec<u8>,
}

/// What is counted of a container's output; kept with its exit state.
#[derive(Debug, Default)]
pub struct OutputCount {
    bytes: Cell<u64>,
    /// Where it has a rate limit, from its creation on.
    limiter: OnceCell<Rc<RateLimiter>>,
}

impl OutputCount {
    /// Bytes read so far.
    pub fn bytes(&self) -> u64 {
        self.bytes.get()
    }

    /// How long a rate limit has held it back, in all.
    pub fn held_back(&self) -> Duration {
        self.limiter
            .get()
            .map_or(Duration::ZERO, |limiter| limiter.held_back())
    }

    /// All of it was read.
    pub(super) fn end(&self) {
        if let Some(limiter) = self.limiter.get() {
            limiter.end();
        }
    }

    fn add(&self, bytes: usize) {
        self.bytes.set(self.bytes.get() + bytes as u64);
    }
}

/// The container's rate limiter, if it has a limit: one for all its streams.
pub fn rate_limiter(pod: &Pod, container: &Rc<Container>) -> Option<Rc<RateLimiter>> {
    let limit = container.settings.rate_limit?;
    let (events, told) = (pod.events.clone(), Rc::downgrade(container));
    let tell = move |holding, total| {
        if let Some(container) = told.upgrade().filter(|container| container.is_announced()) {
            events.emit(&container.id, What::HeldBack { holding, total });
        }
    };
    let limiter = Rc::new(RateLimiter::new(limit.bytes_per_second, limit.burst_bytes, tell));
    Some(container.output.limiter.get_or_init(|| limiter).clone())
}

/// Reads a stream to its end.
pub async fn read(
    pod: Rc<Pod>,
    container: Rc<Container>,
    log: ContainerLog,
    hub: Hub,
    owner: stdio::Owner,
    output: Output,
) -> End {
    let Output {
        reader,
        stream,
        early,
    } = output;
    if !early.is_empty() {
        container.output.add(early.len());
        log.write(stream, &early).await;
    }
    let end = stdio::drain(
        &reader,
        owner,
        pod.limits.drain_timeout,
        &pod.buffers,
        async |chunk| {
            container.output.add(chunk.len());
            // Attach clients first: they don't wait for a stalled disk, and the log waits for none of them.
            hub.publish(stream, chunk).await;
            log.write(stream, chunk).await;
        },
    )
    .await;
    log.end(stream).await;
    end
}
