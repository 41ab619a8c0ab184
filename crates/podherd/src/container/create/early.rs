//! What comes out of a container's streams before it is created.

use std::cell::RefCell;

use tokio::sync::watch;

use super::streams::Streams;
use crate::container::Pod;
use crate::stdio::{self, OutputReader};

/// What comes out of the streams while `create` runs. The container's command does not run yet (OCI
/// runtime specification, runtime.md, "Lifecycle"), so what is on stderr is the runtime's own: a
/// warning, or its reason to fail. It never lands in the container's log. On stdout runtimes write
/// nothing; what is there is kept for the log, for the sake of runtimes that start at once.
#[derive(Debug, Default)]
pub struct Early {
    /// For the log.
    pub stdout: Vec<u8>,
    /// The runtime's own words.
    pub stderr: Vec<u8>,
}

/// More than a runtime ever says; past it the runtime waits for its own end or its deadline.
const MOST_EARLY: usize = 1 << 20;

impl Early {
    /// Keeps the pipes from filling up while the runtime runs. Never ends.
    pub async fn collect(early: &RefCell<&mut Self>, streams: &Streams, pod: &Pod) {
        let nobody = || watch::Sender::new(None).subscribe();
        let read = async |reader: &Option<OutputReader>, to: fn(&mut Self) -> &mut Vec<u8>| {
            let Some(reader) = reader else { return };
            stdio::drain(
                reader,
                nobody(),
                pod.limits.drain_timeout,
                &pod.buffers,
                async |chunk| {
                    to(&mut early.borrow_mut()).extend_from_slice(chunk);
                    if to(&mut early.borrow_mut()).len() > MOST_EARLY {
                        std::future::pending::<()>().await;
                    }
                },
            )
            .await;
        };
        tokio::join!(
            read(&streams.stdout, |early| &mut early.stdout),
            read(&streams.stderr, |early| &mut early.stderr)
        );
        std::future::pending::<()>().await;
    }

    /// Takes what is in the pipes now: what the runtime wrote before it ended.
    pub fn rest(&mut self, streams: &Streams) {
        let mut buffer = [0; 4096];
        for (reader, kept) in [
            (&streams.stdout, &mut self.stdout),
            (&streams.stderr, &mut self.stderr),
        ] {
            let Some(reader) = reader else { continue };
            while let Ok(count @ 1..) = reader.read_now(&mut buffer) {
                kept.extend_from_slice(&buffer[..count]);
                if kept.len() > MOST_EARLY {
                    break;
                }
            }
        }
    }

    /// The runtime's words on stderr.
    pub fn words(&mut self, streams: &Streams) -> Vec<u8> {
        self.rest(streams);
        self.stderr.clone()
    }
}
