//! Undoing a create that failed: everything that it made, and nothing else.

use std::rc::Rc;
use std::time::Duration;

use super::before::Before;
use crate::container::launch::Launch;
use crate::container::{Container, Pod};
use crate::logs::ContainerLog;

/// What a create has made so far.
pub struct Undo {
    container: Rc<Container>,
    /// How things stood before the runtime was called.
    pub before: Option<Before>,
    /// The opened log.
    pub log: Option<ContainerLog>,
    /// The runtime call.
    pub launch: Option<Launch>,
}

impl Undo {
    /// The reservation of the id is all that there is yet.
    pub fn new(container: Rc<Container>) -> Self {
        Self {
            container,
            before: None,
            log: None,
            launch: None,
        }
    }

    /// Undoes it all, the id last: it can be used again when this returns. What can't be undone now (the
    /// runtime's `delete` needs processes too, and there may be none left) is tried again until it works
    /// or the server ends; the id stays taken until then.
    pub async fn run(mut self, pod: &Rc<Pod>) {
        let mut has_run = false;
        if let Some(launch) = self.launch.take() {
            has_run = launch.has_run();
            launch.undo().await;
        }
        if let Some(log) = self.log.take() {
            log.remove_if_created().await;
        }
        let Some(before) = self.before.take().filter(|_| has_run) else {
            pod.containers.forget(&self.container);
            return;
        };
        match before.restore(pod, &self.container.id).await {
            Ok(()) => {
                pod.containers.forget(&self.container);
            }
            Err(error) => {
                tracing::error!(container = %self.container.id, code = %error.code, "a failed create is not undone yet: {}", error.message);
                pod.tasks
                    .spawn_local(try_again(pod.clone(), self.container, before));
            }
        }
    }
}

/// Restores with growing pauses, and a last time when the server ends.
async fn try_again(pod: Rc<Pod>, container: Rc<Container>, before: Before) {
    let mut pause = FIRST_PAUSE;
    loop {
        let last = tokio::select! {
            () = tokio::time::sleep(pause) => false,
            () = pod.ending.cancelled() => true,
        };
        match before.restore(&pod, &container.id).await {
            Ok(()) => break tracing::info!(container = %container.id, "a failed create is undone now"),
            Err(error) if last => {
                break tracing::error!(container = %container.id, code = %error.code, "a failed create stays behind: {}", error.message);
            }
            Err(_) => pause = (pause * 2).min(LONGEST_PAUSE),
        }
    }
    pod.containers.forget(&container);
}

/// Exhaustion mostly passes as soon as another process ends.
const FIRST_PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(5);
