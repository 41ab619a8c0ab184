//! Waiting until a container has come to a point of its life.

use std::rc::Rc;
use std::time::Duration;

use super::{Container, ContainerId, ExitState, Phase, Pod};
use crate::error::{Code, Error, Result};

/// The longest time that one call waits; who wants longer asks again.
pub const LONGEST: Duration = Duration::from_secs(600);

/// Waits until the container has reached `until` or a later phase. Returns the container, and
/// whether it got there before `timeout` was over.
pub async fn wait(
    pod: &Pod,
    id: &ContainerId,
    until: Phase,
    timeout: Duration,
) -> Result<(Rc<Container>, bool)> {
    let container = pod.containers.get(id)?;
    let mut state = container.state.subscribe();
    let reached =
        tokio::time::timeout(timeout.min(LONGEST), state.wait_for(|state| state.phase >= until)).await;
    let reached = match reached {
        Ok(Ok(state)) if state.phase == Phase::Gone && state.exit.is_none() => {
            return Err(Error::new(
                Code::ContainerNotFound,
                format!("container {id} could not be created, or was deleted"),
            ));
        }
        Ok(_) => true,
        Err(_) => false,
    };
    Ok((container, reached))
}

impl Container {
    /// Waits until its end is published. None: it was forgotten without one.
    pub async fn exit_state(&self) -> Option<ExitState> {
        let mut state = self.state.subscribe();
        let state = state.wait_for(|state| state.phase >= Phase::Exited).await;
        state.ok().and_then(|state| state.exit.clone())
    }
}
