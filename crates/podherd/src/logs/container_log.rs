//! One container's log.

use std::rc::Rc;
use std::sync::Arc;

use futures::future::join_all;
use tokio::sync::Notify;

use super::error::{LogError, LogOutcome};
use super::sink::{Sink, Undo};
use super::timestamp::Timestamp;
use super::{LogTarget, Stream};
use crate::disk::Disk;

/// What a container writes, in every sink that was asked for. Clones are the same log: the readers of
/// stdout and of stderr have one each.
///
/// A record is whole in the log or not in it. Records of one stream keep their order; between the streams
/// the order is that of the calls. A failing sink never fails a call of a container's output.
///
/// Dropping the last clone writes what was accepted, without waiting for it, and closes the files. A held
/// unfinished line is written by [`ContainerLog::end`] only.
#[derive(Clone)]
pub struct ContainerLog {
    sinks: Rc<[Sink]>,
    /// Told when one of them begins or goes on to lose output, and when it writes again.
    changed: Arc<Notify>,
}

impl ContainerLog {
    /// Opens every target to append to it, mode 0600 if it has to be made; never truncates. A file whose
    /// last line was torn by an earlier life is continued on a new line.
    ///
    /// `label` is the container's id, for the server's own log. On an error, and when the future is
    /// dropped, files that this call made are removed again and nothing else is.
    pub async fn open(disk: &Disk, label: &str, targets: Vec<LogTarget>) -> Result<Self, LogError> {
        let label: Arc<str> = label.into();
        let changed = Arc::new(Notify::new());
        let mut sinks = Vec::new();
        let mut undos = Vec::new();
        for target in targets {
            match Sink::open(disk, Arc::clone(&label), target, &changed).await {
                Ok((sink, undo)) => {
                    sinks.push(sink);
                    undos.extend(undo);
                }
                Err(error) => {
                    drop(undos);
                    join_all(sinks.iter().map(Sink::remove_if_created)).await;
                    return Err(error);
                }
            }
        }
        undos.into_iter().for_each(Undo::disarm);
        Ok(Self {
            sinks: sinks.into(),
            changed,
        })
    }

    /// Takes a chunk of a stream, cut anywhere. Waits only while
    /// [`BATCHES_IN_FLIGHT`](super::BATCHES_IN_FLIGHT) batches of a sink are full.
    ///
    /// One call at a time for each stream. Dropping the future in mid-wait loses the rest of the chunk.
    pub async fn write(&self, stream: Stream, chunk: &[u8]) {
        let time = Timestamp::now();
        match &*self.sinks {
            [sink] => sink.write(stream, time, chunk).await,
            // Side by side: one that waits for its disk keeps nothing from the others.
            sinks => drop(join_all(sinks.iter().map(|sink| sink.write(stream, time, chunk))).await),
        }
    }

    /// The stream has ended: closes an unfinished line.
    pub async fn end(&self, stream: Stream) {
        join_all(self.sinks.iter().map(|sink| sink.end(stream))).await;
    }

    /// Waits until everything accepted so far is written or counted as dropped; as long as a stalled disk
    /// takes, so the caller sets the limit.
    pub async fn flush(&self) -> LogOutcome {
        LogOutcome::of_all(join_all(self.sinks.iter().map(Sink::flush)).await)
    }

    /// What has become of it so far, without waiting for what is queued.
    pub fn outcome(&self) -> LogOutcome {
        LogOutcome::of_all(self.sinks.iter().map(Sink::outcome))
    }

    /// Whether a sink loses output now.
    pub fn is_losing(&self) -> bool {
        self.sinks.iter().any(Sink::is_losing)
    }

    /// Waits until output is lost, or is logged again. For one caller at a time, who is told later of what happens
    /// in between.
    pub async fn changed(&self) {
        self.changed.notified().await;
    }

    /// Opens every path anew, for logs that were renamed. What was accepted before is in the old file, what
    /// is accepted after in the new one; no record is lost or repeated. A sink whose path can't be opened
    /// goes on with its old file, and the first such error is returned.
    pub async fn reopen(&self) -> Result<(), LogError> {
        join_all(self.sinks.iter().map(Sink::reopen))
            .await
            .into_iter()
            .collect()
    }

    /// Removes the files that [`ContainerLog::open`] made, if their paths still name them. The removal is
    /// queued by the call itself: a guard's drop may drop the future.
    pub fn remove_if_created(self) -> impl Future<Output = ()> + use<> {
        let removals: Vec<_> = self.sinks.iter().map(Sink::remove_if_created).collect();
        async move {
            join_all(removals).await;
        }
    }

    /// Bytes of output that are not in the log; of several sinks, of the one that lacks most. Does not wait
    /// for what is queued.
    pub fn dropped_bytes(&self) -> u64 {
        self.sinks.iter().map(Sink::dropped).max().unwrap_or(0)
    }
}
