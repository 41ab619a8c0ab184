//! Stopping a container: a signal, a time of grace, the end of all its processes.

use std::rc::Rc;
use std::time::Duration;

use super::kill::{check_signal, kill_all, signal_init};
use super::{Container, ContainerId, Phase, Pod, Stopping, notice_start};
use crate::error::{Code, Error, Result};

/// What differs from the container's own settings.
#[derive(Clone, Copy, Debug, Default)]
pub struct StopRequest {
    /// The first signal.
    pub signal: Option<i32>,
    /// The time after it.
    pub grace: Option<Duration>,
}

/// Stops a container and waits until its end is published. Returns the container, and whether its grace was not
/// enough. For one that has ended already there is nothing to do. Once begun it is carried through, whatever
/// becomes of the caller.
pub async fn stop(pod: &Rc<Pod>, id: &ContainerId, request: StopRequest) -> Result<(Rc<Container>, bool)> {
    if let Some(signal) = request.signal {
        check_signal(signal)?;
    }
    let container = pod.containers.get(id)?;
    let shared = pod.clone();
    pod.call(move |_| async move {
        let killed = run(&shared, &container, request).await?;
        Ok((container, killed))
    })
    .await
}

async fn run(pod: &Pod, container: &Container, request: StopRequest) -> Result<bool> {
    notice_start(pod, container).await;
    let Stopping { signal, grace } = container.settings.stopping;
    let (signal, grace) = (request.signal.unwrap_or(signal), request.grace.unwrap_or(grace));
    match container.phase() {
        Phase::Creating => return Err(container.not_running("is being created")),
        Phase::Exited | Phase::Gone => return Ok(false),
        // Its command has not begun: there is nobody who could use the time.
        Phase::Created => return end(pod, container).await.map(|()| false),
        Phase::Running => {}
    }
    match signal_init(container, signal) {
        Err(error) if error.code != Code::ContainerNotRunning => return Err(error),
        _ => {}
    }
    tracing::info!(container = %container.id, signal, seconds = grace.as_secs_f64(), "stopping");
    if exited(container, grace).await {
        return Ok(false);
    }
    end(pod, container).await?;
    Ok(true)
}

/// Kills a container and waits until its end is published, at most the time of a runtime call.
pub async fn end(pod: &Pod, container: &Container) -> Result<()> {
    if container.phase() >= Phase::Exited {
        return Ok(());
    }
    if let Err(error) = kill_all(container).await
        && error.code != Code::ContainerNotRunning
    {
        tracing::warn!(container = %container.id, code = %error.code, "{}", error.message);
    }
    if exited(container, pod.limits.runtime_timeout).await {
        return Ok(());
    }
    Err(Error::new(
        Code::ContainerAlive,
        format!(
            "container {} was killed and has not ended yet; its processes may hang in the kernel",
            container.id
        ),
    ))
}

/// Whether the end is published within this time.
async fn exited(container: &Container, within: Duration) -> bool {
    let mut state = container.state.subscribe();
    let ended = state.wait_for(|state| state.phase >= Phase::Exited);
    tokio::time::timeout(within, ended).await.is_ok()
}
