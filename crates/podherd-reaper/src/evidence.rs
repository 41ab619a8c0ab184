//! The record of an end is written before the end is consumed, but never at the price of a zombie.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

use tokio::sync::oneshot::{Receiver, error::TryRecvError};

use crate::exit::Exit;
use crate::process::Recorder;

/// The longest that a reap waits for its record.
pub(crate) const PATIENCE: Duration = Duration::from_millis(50);

/// Waits for records, until one was late: from then on nobody waits until that one has come. So a
/// stalled disk costs [`PATIENCE`] once, and not for every end.
#[derive(Debug, Default)]
pub(crate) struct Evidence {
    late: Option<Receiver<()>>,
}

impl Evidence {
    /// Has `exit` recorded; true if that was done in time.
    pub(crate) async fn record(&mut self, recorder: Recorder, exit: &Exit) -> bool {
        let Ok(mut receipt) = catch_unwind(AssertUnwindSafe(|| recorder(exit))) else {
            tracing::error!(
                pid = exit.pid,
                "recording an end panicked; it is reaped without a record"
            );
            return false;
        };
        if self.is_stalled() {
            return receipt.try_recv().is_ok();
        }
        match tokio::time::timeout(PATIENCE, &mut receipt).await {
            Ok(answer) => answer.is_ok(),
            Err(_) => {
                tracing::warn!(
                    pid = exit.pid,
                    "the record of an end is late; it is reaped without"
                );
                self.late = Some(receipt);
                false
            }
        }
    }

    fn is_stalled(&mut self) -> bool {
        let waiting = |late: &mut Receiver<()>| matches!(late.try_recv(), Err(TryRecvError::Empty));
        if !self.late.as_mut().is_some_and(waiting) {
            self.late = None;
        }
        self.late.is_some()
    }
}
