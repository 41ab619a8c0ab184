//! Starting a created container.

use std::ffi::OsStr;
use std::path::PathBuf;
use std::rc::Rc;
use std::time::SystemTime;

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
    result?;
    let now = SystemTime::now();
    container.state.send_modify(|state| {
        // A short command may have ended before the runtime did.
        state.started_at = Some(state.exit.as_ref().map_or(now, |exit| exit.at.min(now)));
        state.phase = state.phase.max(Phase::Running);
    });
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
        container
            .state
            .send_modify(|state| state.phase = state.phase.max(Phase::Running));
    }
}
