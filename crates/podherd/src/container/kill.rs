//! Signals to a container: to its init, or to every process in its cgroup.

use std::rc::Rc;
use std::time::Duration;

use podherd_reaper::{SignalError, cgroup};

use super::{Container, ContainerId, Pod};
use crate::cgroup::ContainerCgroup;
use crate::error::{Code, Error, Result};

/// Who gets a signal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KillTarget {
    /// The container's init. A SIGKILL thaws a frozen container, since it would not end otherwise; any other
    /// signal waits until the container is resumed.
    Init,
    /// Every process in its cgroup.
    All,
}

/// Sends `signal` (1 to 64) to a container that lives.
pub async fn kill(pod: &Rc<Pod>, id: &ContainerId, signal: i32, target: KillTarget) -> Result<()> {
    check_signal(signal)?;
    let container = pod.containers.get(id)?;
    container.living()?;
    match target {
        KillTarget::Init => {
            signal_init(&container, signal)?;
            let frozen = container.cgroup.get().and_then(ContainerCgroup::kill_directory);
            match frozen.filter(|_| signal == SIGKILL).map(cgroup::thaw_to_die) {
                Some(Err(error)) => Err(Error::from_io(
                    Code::Internal,
                    format!("thawing container {}, so that it ends", container.id),
                    &error,
                )),
                _ => Ok(()),
            }
        }
        KillTarget::All => {
            pod.call(move |_| async move { signal_all(&container, signal).await })
                .await
        }
    }
}

/// Kills every process of the container, as one: in its cgroup where it has one of its own.
pub async fn kill_all(container: &Container) -> Result<()> {
    signal_all(container, SIGKILL).await
}

/// Refuses what is no signal.
pub fn check_signal(signal: i32) -> Result<()> {
    if (1..=LAST_SIGNAL).contains(&signal) {
        return Ok(());
    }
    Err(Error::new(
        Code::InvalidArgument,
        format!("signal {signal} is not one of 1 to {LAST_SIGNAL}"),
    ))
}

/// Sends a signal to init alone.
pub fn signal_init(container: &Container, signal: i32) -> Result<()> {
    let parts = container.living()?;
    parts.init.signal(signal).map_err(|error| match error {
        SignalError::Ended => container.not_running("has ended"),
        error => Error::new(
            Code::Internal,
            format!("signal {signal} to container {}: {error}", container.id),
        ),
    })
}

async fn signal_all(container: &Container, signal: i32) -> Result<()> {
    let parts = container.living()?;
    let failed = |error: std::io::Error| {
        Error::from_io(
            Code::Internal,
            format!("signal {signal} to all of container {}", container.id),
            &error,
        )
    };
    match container.cgroup.get().and_then(ContainerCgroup::kill_directory) {
        Some(directory) if signal == SIGKILL => {
            let killed = cgroup::kill_all(directory, KILL_TIMEOUT).await;
            // Init may stand outside (a runtime without cgroups of its own): it ends in any case.
            if parts.init.exit().is_none() {
                let _ = signal_init(container, signal);
            }
            killed.map_err(failed)
        }
        Some(directory) => cgroup::signal_all(directory, signal)
            .await
            .map(drop)
            .map_err(failed),
        None => signal_init(container, signal),
    }
}

/// SIGRTMAX of Linux.
const LAST_SIGNAL: i32 = 64;
const SIGKILL: i32 = 9;

/// How long killed processes may take to be gone.
const KILL_TIMEOUT: Duration = Duration::from_secs(5);
