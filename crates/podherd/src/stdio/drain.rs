//! Reading an output stream to its end, or to the drain limit.

use std::io;
use std::time::Duration;

use podherd_reaper::Process;
use tokio::sync::watch;

use super::reader::CHUNK;
use super::{BufferPool, OutputReader};

/// How reading a stream ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// Everything was read.
    Complete,
    /// The process had ended, and something else went on holding the stream; or reading failed.
    GivenUp,
}

/// Whose output a stream is: none until the runtime has told its pid.
pub type Owner = watch::Receiver<Option<Process>>;

/// Hands what comes out of `reader` to `sink`, until the stream's end. Once the owner has ended,
/// `limit` bounds each wait for more; and since what an ended process wrote is in the pipe by then,
/// a stranger that goes on writing is cut off after a pipe's capacity. The reader's rate limit holds until then.
pub async fn drain(
    reader: &OutputReader,
    mut owner: Owner,
    limit: Duration,
    pool: &BufferPool,
    mut sink: impl AsyncFnMut(&[u8]),
) -> End {
    let capacity = rustix::pipe::fcntl_getpipe_size(reader).unwrap_or(CHUNK);
    let mut after_end = 0;
    let end = loop {
        let process = owner.borrow_and_update().clone();
        let ended = process.as_ref().is_some_and(|process| process.exit().is_some());
        let readable = if ended {
            match tokio::time::timeout(limit, reader.readable()).await {
                Ok(result) => result,
                Err(_) => break End::GivenUp,
            }
        } else {
            tokio::select! {
                biased;
                result = reader.readable() => result,
                () = known_or_ended(process.as_ref(), &mut owner) => continue,
            }
        };
        if let Err(error) = readable {
            tracing::warn!(%error, "an output stream can't be watched any more");
            break End::GivenUp;
        }
        // Mostly a stream that becomes readable with nothing in it is at its end: no reason to map a buffer.
        let is_empty = reader.is_empty();
        // What an ended process has left is in the pipe: it holds nobody up, and is read at once.
        let turn = match reader.limiter().filter(|_| !ended && !is_empty) {
            None => None,
            Some(limiter) => tokio::select! {
                biased;
                turn = limiter.turn() => Some(turn),
                () = known_or_ended(process.as_ref(), &mut owner) => continue,
            },
        };
        let mut buffer = if is_empty { Box::from([0; 64]) } else { pool.take() };
        let most = turn
            .as_ref()
            .map_or(buffer.len(), |turn| turn.allowed().min(buffer.len()));
        let result = reader.try_read(&mut buffer[..most]);
        if let (Some(turn), Ok(count)) = (turn, &result) {
            turn.took(*count);
        }
        if let Ok(count @ 1..) = result {
            sink(&buffer[..count]).await;
            after_end += if ended { count } else { 0 };
        }
        if buffer.len() == CHUNK {
            pool.give(buffer);
        }
        match result {
            Ok(0) => break End::Complete,
            Ok(_) if after_end > capacity + CHUNK => break End::GivenUp,
            Ok(_) => {}
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => pool.trim(),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => {
                tracing::warn!(%error, "reading an output stream failed");
                break End::GivenUp;
            }
        }
    };
    pool.trim();
    end
}

/// The next thing that changes how long to wait: that the process became known, or its end.
async fn known_or_ended(process: Option<&Process>, owner: &mut Owner) {
    match process {
        Some(process) => {
            process.wait().await;
        }
        // Without a sender nobody will ever be known: what decides then is the stream's own end.
        None => {
            if owner.changed().await.is_err() {
                std::future::pending().await
            }
        }
    }
}
