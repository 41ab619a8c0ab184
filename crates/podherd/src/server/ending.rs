//! The end of a server: containers, calls, connections and files, in this order and in bounded time.

use std::os::fd::{AsFd, OwnedFd};
use std::rc::Rc;
use std::time::Duration;

use futures::future::join_all;
use rustix::fs::{AtFlags, Mode, OFlags};

use super::connections::Connections;
use crate::container::{Container, Pod, end_and_remove};
use crate::error::{Code, Error, Result};

/// Ends everything. Calls in flight are undone, containers are killed and their ends are published
/// as always (exit files, logs, waiters), watchers of events get the last of them, and the connections are closed. When `within` is over, or `hastened`
/// by a second signal, every process is killed at once, which ends most waits, and what still hangs is left.
pub async fn end(
    pod: &Rc<Pod>,
    connections: Connections,
    within: Duration,
    hastened: impl Future<Output = &'static str>,
) {
    pod.ending.cancel();
    connections.stop_listening();
    let mut everything = std::pin::pin!(async {
        let all = pod.containers.list();
        join_all(all.iter().map(|container| end_container(pod, container))).await;
        pod.tasks.close();
        pod.tasks.wait().await;
        pod.namespaces.end().await;
        kill_the_rest(pod).await;
        pod.events.finish(LAST_EVENTS).await;
        connections.close().await;
        pod.journal.close().await;
    });
    tokio::select! {
        () = &mut everything => return,
        () = tokio::time::sleep(within) => {
            tracing::error!(code = %Code::Internal, seconds = within.as_secs_f64(), "not everything could be ended in time; killing the rest");
        }
        reason = hastened => tracing::warn!(reason, "told again to end; killing the rest"),
    }
    kill_the_rest(pod).await;
    if tokio::time::timeout(AFTER_KILL, everything).await.is_err() {
        tracing::error!(code = %Code::Internal, "something hangs; leaving");
        pod.attach.remove_all();
        let _ = tokio::time::timeout(AFTER_KILL, pod.namespaces.end()).await;
        kill_the_rest(pod).await;
    }
}

/// How long watchers may take for the last events, all of them together.
const LAST_EVENTS: Duration = Duration::from_secs(2);

/// How long publishing the ends of killed processes may take: the files, not the processes, are waited for.
const AFTER_KILL: Duration = Duration::from_millis(500);

/// Kills what is no container's: what runtimes and hooks have left alive, which this server adopted.
async fn kill_the_rest(pod: &Pod) {
    if let Err(error) = pod.reaper.kill_all(KILL_TIMEOUT).await {
        tracing::error!(code = %Code::Internal, %error, "ending");
    }
}

/// How long killed processes may take to be gone.
const KILL_TIMEOUT: Duration = Duration::from_secs(1);

async fn end_container(pod: &Pod, container: &Rc<Container>) {
    if let Err(error) = end_and_remove(pod, container).await {
        tracing::warn!(container = %container.id, code = %error.code, "{}", error.message);
    }
}

/// `pidfile` of a server in the background: the pid, decimal, without a newline. Its readers remove
/// it themselves; what is left goes with the server.
#[derive(Debug)]
pub struct PidFile {
    directory: OwnedFd,
}

impl PidFile {
    const NAME: &str = "pidfile";

    /// Writes the file into the runtime directory.
    pub fn write(directory: &crate::container::RuntimeDir) -> Result<Self> {
        let write = || -> std::io::Result<_> {
            let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::TRUNC | OFlags::CLOEXEC;
            let file = rustix::fs::openat(directory.as_fd(), Self::NAME, flags, Mode::RUSR | Mode::WUSR)?;
            std::io::Write::write_all(
                &mut std::fs::File::from(file),
                std::process::id().to_string().as_bytes(),
            )?;
            directory.as_fd().try_clone_to_owned()
        };
        write().map(|directory| Self { directory }).map_err(|error| {
            Error::from_io(
                Code::RuntimeDirUnusable,
                directory.path().join(Self::NAME).display(),
                &error,
            )
        })
    }
}

impl Drop for PidFile {
    fn drop(&mut self) {
        let _ = rustix::fs::unlinkat(&self.directory, Self::NAME, AtFlags::empty());
    }
}
