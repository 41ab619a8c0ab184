//! A watched process.

use std::cell::{OnceCell, RefCell};
use std::fmt;
use std::os::fd::OwnedFd;
use std::rc::Rc;
use std::time::Duration;

use tokio::sync::{Notify, oneshot};

use crate::error::{KillError, SignalError};
use crate::exit::Exit;
use crate::kill_guard::KillGuard;
use crate::reaper::Reaper;
use crate::time::Ticks;
use crate::{pidfd, tree};

/// Starts to write the record of an end, and returns the receipt that is sent when it is written.
/// Called on the loop's thread: it must not block.
pub type Recorder = Box<dyn FnOnce(&Exit) -> oneshot::Receiver<()>>;

/// A child that is watched: its end is collected and told here. A clone is another handle to the
/// same process. Dropping the handles ends nothing ([`Process::kill_on_drop`] does), and the process
/// is collected all the same.
#[derive(Clone)]
pub struct Process {
    pub(crate) slot: Rc<Slot>,
    pub(crate) reaper: Reaper,
}

/// What the handles and the reap loop share.
pub(crate) struct Slot {
    pub(crate) pid: u32,
    pub(crate) start_time: Ticks,
    /// None for a process that had ended before it was watched.
    pub(crate) pidfd: Option<OwnedFd>,
    /// Set once, by the loop, in the same breath in which the child is consumed.
    exit: OnceCell<Exit>,
    ended: Notify,
    recorder: RefCell<Option<Recorder>>,
}

impl Process {
    /// Its pid. Once it has ended, the number may be another's.
    pub fn pid(&self) -> u32 {
        self.slot.pid
    }

    /// When it started, in clock ticks since boot (`proc_pid_stat(5)`, field 22).
    pub fn start_time(&self) -> u64 {
        self.slot.start_time
    }

    /// How it ended, if it has.
    pub fn exit(&self) -> Option<Exit> {
        self.slot.exit.get().cloned()
    }

    /// Waits for its end. Any number may wait, and stop waiting; by the time that one is woken there
    /// is no zombie left.
    pub async fn wait(&self) -> Exit {
        loop {
            if let Some(exit) = self.exit() {
                return exit;
            }
            self.slot.ended.notified().await;
        }
    }

    /// Sends it a signal, real-time ones included.
    ///
    /// # Errors
    /// It has ended, or the kernel refuses (no such signal).
    pub fn signal(&self, signal: i32) -> Result<(), SignalError> {
        match (&self.slot.pidfd, self.slot.exit.get()) {
            (Some(pidfd), None) => pidfd::send(pidfd, signal),
            _ => Err(SignalError::Ended),
        }
    }

    /// Has its end recorded before it is consumed: the reap waits for the receipt, at most 50 ms. If
    /// an earlier record is late by more than that, it doesn't wait at all. A later call replaces the
    /// recorder; for a process that has ended, it is called at once and nobody waits.
    pub fn record_before_reap(&self, record: Recorder) {
        match self.slot.exit.get() {
            None => drop(self.slot.recorder.replace(Some(record))),
            Some(exit) => drop(record(exit)),
        }
    }

    /// Ties its life to a guard.
    pub fn kill_on_drop(self) -> KillGuard {
        KillGuard::new(self)
    }

    /// Kills it with its descendants, and waits until it is collected, and so are those of them that
    /// are, or become, our children. What can escape is said at the top of this crate.
    ///
    /// # Errors
    /// Some were not gone `within` that time, for instance held by the kernel in an uninterruptible
    /// call. They are collected whenever they end.
    pub async fn kill_tree(&self, within: Duration) -> Result<(), KillError> {
        if self.slot.exit.get().is_some() {
            return Ok(());
        }
        let killed = tree::kill(self);
        let survived = tree::collected(&self.reaper, killed, within).await;
        if survived == 0 {
            Ok(())
        } else {
            Err(KillError { survived, within })
        }
    }
}

impl fmt::Debug for Process {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut debug = formatter.debug_struct("Process");
        debug
            .field("pid", &self.slot.pid)
            .field("start_time", &self.slot.start_time);
        debug.field("exit", &self.slot.exit.get()).finish()
    }
}

impl Slot {
    pub(crate) fn living(pid: u32, start_time: Ticks, pidfd: OwnedFd) -> Self {
        Self {
            pid,
            start_time,
            pidfd: Some(pidfd),
            exit: OnceCell::new(),
            ended: Notify::new(),
            recorder: RefCell::new(None),
        }
    }

    pub(crate) fn ended(start_time: Ticks, exit: Exit) -> Self {
        Self {
            pid: exit.pid,
            start_time,
            pidfd: None,
            exit: OnceCell::from(exit),
            ended: Notify::new(),
            recorder: RefCell::new(None),
        }
    }

    pub(crate) fn take_recorder(&self) -> Option<Recorder> {
        self.recorder.take()
    }

    /// Tells the end to everybody who waits.
    pub(crate) fn publish(&self, exit: Exit) {
        // Only the loop publishes, and only when it has taken the slot out of the table.
        let _ = self.exit.set(exit);
        self.ended.notify_waiters();
    }
}

impl fmt::Debug for Slot {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Slot")
            .field("pid", &self.pid)
            .field("exit", &self.exit.get())
            .finish_non_exhaustive()
    }
}
