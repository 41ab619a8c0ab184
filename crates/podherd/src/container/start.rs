//! Starting a created container.

use std::ffi::OsStr;
use std::path::PathBuf;
use std::rc::Rc;
use std::time::{Duration, SystemTime};

use podherd_reaper::Status;

use super::{Container, ContainerId, Phase, Pod};
use crate::error::{Code, Error, Result};

/// Runs the runtime's `start`. Once begun it is carried through, whatever becomes of the caller.
pub async fn start(pod: &Rc<Pod>, id: &ContainerId) -> Result<()> {
    let container = pod.containers.get(id)?;
    let shared = pod.clone();
    pod.call(move |_| async move { run(&shared, &container).await })
        .await
}

async fn run(pod: &Pod, container: &Container) -> Result<()> {
    let refused = |why: &str| {
        Err(Error::new(
            Code::ContainerNotCreated,
            format!("container {} {why}", container.id),
        ))
    };
    match container.phase() {
        Phase::Creating => return refused("is still being created"),
        Phase::Running => return refused("is running already"),
        Phase::Exited | Phase::Gone => return refused("has ended"),
        Phase::Created if container.starting.replace(true) => return refused("is being started already"),
        Phase::Created => {}
    }
    let result = pod
        .runtime
        .run(&pod.reaper, "start", &[OsStr::new(container.id.as_str())])
        .await;
    container.starting.set(false);
    match result {
        Ok(_) => container.is_running(pod, Some(SystemTime::now())),
        Err(error) => {
            // Wakes `settle`.
            container.state.send_modify(|_| {});
            return Err(error);
        }
    }
    tracing::info!(container = %container.id, "started");
    Ok(())
}

/// Notices that somebody else has started the container, as clients of conmon-rs do: the runtimes whose
/// layout is known remove `exec.fifo` from its state directory then. When that was isn't known.
pub async fn notice_start(pod: &Pod, container: &Container) {
    if container.phase() != Phase::Created || container.starting.get() {
        return;
    }
    let Ok(identity) = pod.runtime.identity(&pod.reaper).await else {
        return;
    };
    let waits = |directory: PathBuf| !directory.is_dir() || directory.join("exec.fifo").exists();
    if !pod
        .runtime
        .state_dir(identity, container.id.as_str())
        .is_none_or(waits)
    {
        container.is_running(pod, None);
    }
}

/// Finds out, when a container has ended, whether it had been started: its start is told before its end. Waits for a
/// `start` that still runs, since a short command may end before the runtime does, but not for one that hangs.
pub async fn settle(pod: &Pod, container: &Container, end: Status) {
    let mut state = container.state.subscribe();
    let settled = state.wait_for(|_| !container.starting.get());
    let hangs = tokio::time::timeout(SETTLES, settled).await.is_err();
    // Who waits for its start is ended by a signal alone; and a short command may have ended before its runtime has
    // removed what `notice_start` looks for.
    if hangs || matches!(end, Status::Exited(_)) {
        container.is_running(pod, None);
    }
    notice_start(pod, container).await;
}

/// How long the end of a container waits for the runtime that has started it: mostly it ends within milliseconds,
/// but it may have hooks.
const SETTLES: Duration = Duration::from_secs(1);
