//! Telling watchers of events that output is lost on its way to the log.

use std::cell::Cell;
use std::rc::Rc;
use std::time::Duration;

use super::{Container, Pod};
use crate::events::What;
use crate::logs::{ContainerLog, LogError};

/// What watchers know of one container's losses: the first of a row at once, more of it every ten seconds, and the
/// whole when it is over or the container has ended.
pub struct Losses {
    container: Rc<Container>,
    log: ContainerLog,
    /// Bytes that were told.
    told: Cell<u64>,
}

impl Losses {
    /// None yet.
    pub fn new(container: Rc<Container>, log: ContainerLog) -> Self {
        Self {
            container,
            log,
            told: Cell::new(0),
        }
    }

    /// Tells of them as they come. Costs nothing while there is none.
    pub async fn follow(&self, pod: &Pod) {
        loop {
            self.log.changed().await;
            self.tell(pod);
            // However often a disk is full and is not.
            tokio::time::sleep(AT_MOST_EVERY).await;
            let is_over = async {
                while self.log.is_losing() {
                    self.log.changed().await;
                }
            };
            let _ = tokio::time::timeout(WHILE_IT_LASTS, is_over).await;
            self.tell(pod);
        }
    }

    /// Tells of what is lost by now, if that was not told.
    pub fn tell(&self, pod: &Pod) {
        let lost = self.log.outcome();
        if lost.dropped_bytes > self.told.replace(lost.dropped_bytes) {
            let dropped = What::LogDropped {
                dropped_bytes: lost.dropped_bytes,
                reason: lost
                    .last_error
                    .as_ref()
                    .map_or_else(String::new, LogError::to_string),
            };
            self.container.tell(pod, dropped);
        }
    }
}

const AT_MOST_EVERY: Duration = Duration::from_secs(1);
const WHILE_IT_LASTS: Duration = Duration::from_secs(9);
