//! From a process's output to its caller's sinks.
//!
//! Bytes are handed on in calls, of which a bounded number is open: a sink that does not answer holds up its own
//! stream, and through the pipe the process, but no other stream. At most [`WINDOW`] bytes are on their way to a
//! sink; as many as the hub lets a follower be behind wait for it.

use std::rc::Rc;

use futures::StreamExt;
use futures::stream::FuturesOrdered;

use crate::container::Pod;
use crate::error::{Code, Error, Result};
use crate::logs::Stream;
use crate::stdio::{Follower, Hub, Pace};

/// Where the bytes of one stream go.
pub trait Sink: 'static {
    /// Sends the bytes of `pieces`, in the order of the calls. What is returned resolves when they are taken.
    fn write(&self, pieces: &[Rc<[u8]>]) -> impl Future<Output = Result<()>> + 'static;

    /// Says that nothing more comes. What is returned resolves when that is heard.
    fn end(&self) -> impl Future<Output = Result<()>> + 'static;

    /// Waits until the way to the sink is free enough for a write.
    fn room(&self) -> impl Future<Output = ()>;
}

/// Where the output of a process goes; what has no sink is not read for this session.
#[derive(Debug)]
pub struct Sinks<S> {
    /// For standard output; with a terminal, for everything.
    pub stdout: Option<S>,
    /// For standard error.
    pub stderr: Option<S>,
}

/// How handing on an output ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Given {
    /// All of it was taken.
    All,
    /// The caller was too far behind.
    Behind,
}

/// Those who hand on, one for each stream that has a sink.
pub struct Outputs<S> {
    stdout: Option<(Rc<Follower>, S)>,
    stderr: Option<(Rc<Follower>, S)>,
}

impl<S: Sink> Outputs<S> {
    /// Follows `hub` from now on. None: the output has ended.
    pub fn follow(hub: &Hub, sinks: Sinks<S>, pace: Pace) -> Option<Self> {
        let follow = |stream, sink: Option<S>| match sink {
            None => Some(None),
            Some(sink) => {
                let follower = hub.follow_stream(stream, pace)?;
                Some(Some((Rc::new(follower), sink)))
            }
        };
        Some(Self {
            stdout: follow(Stream::Stdout, sinks.stdout)?,
            stderr: follow(Stream::Stderr, sinks.stderr)?,
        })
    }

    /// The output that the caller has to keep up with.
    pub fn followers(&self) -> Vec<Rc<Follower>> {
        [&self.stdout, &self.stderr]
            .into_iter()
            .flatten()
            .map(|(follower, _)| follower.clone())
            .collect()
    }

    /// Hands on everything, until the output ends, the caller is cut off, or a sink fails.
    pub async fn give(self) -> Result<Given> {
        let (stdout, stderr) = tokio::try_join!(hand_on(self.stdout), hand_on(self.stderr))?;
        Ok(match (stdout, stderr) {
            (Given::All, Given::All) => Given::All,
            _ => Given::Behind,
        })
    }
}

async fn hand_on<S: Sink>(output: Option<(Rc<Follower>, S)>) -> Result<Given> {
    let Some((output, sink)) = output else {
        return Ok(Given::All);
    };
    tokio::select! {
        biased;
        () = output.cut_off() => Ok(Given::Behind),
        given = hand_on_all(&output, &sink) => given,
    }
}

async fn hand_on_all<S: Sink>(output: &Follower, sink: &S) -> Result<Given> {
    let mut open = FuturesOrdered::new();
    let mut on_the_way = 0;
    loop {
        let next = async {
            output.ready().await;
            // From here to the write nothing is waited for: of many who find room, the first takes it.
            sink.room().await;
        };
        tokio::select! {
            biased;
            Some(taken) = open.next() => {
                on_the_way -= taken?;
                continue;
            }
            () = next, if on_the_way < WINDOW => {}
        }
        let pieces = output.take(WRITE);
        if pieces.is_empty() {
            break;
        }
        let cost = pieces.iter().map(|piece| piece.len()).sum::<usize>() + CALL;
        let written = sink.write(&pieces);
        on_the_way += cost;
        open.push_back(async move { written.await.map(|()| cost) });
    }
    while let Some(taken) = open.next().await {
        taken?;
    }
    sink.end().await?;
    Ok(Given::All)
}

/// What the caller of a session that ends with the server still has: the drain limit.
pub async fn server_has_ended(pod: &Pod) -> Error {
    pod.patience(std::time::Duration::MAX).await;
    Error::new(Code::ShuttingDown, "the server is ending")
}

/// Bytes on their way to one sink.
const WINDOW: usize = 256 << 10;

/// Bytes of one write.
const WRITE: usize = 64 << 10;

/// What a call costs beside its bytes.
const CALL: usize = 4 << 10;
