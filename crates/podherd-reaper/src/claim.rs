//! The right to an exit status not seen yet.

use std::rc::Rc;
use std::time::{Duration, SystemTime};

use crate::error::ClaimError;
use crate::file_id::FileId;
use crate::leftovers::{self, Leftovers};
use crate::pidfd;
use crate::process::{Process, Slot};
use crate::procfs::Stat;
use crate::reaper::Reaper;
use crate::time::{self, Ticks};

/// Opened before a program is spawned that leaves a process behind, and resolved when that process
/// is named. Until then, every end that nobody watches is kept. Dropping it gives the right up.
#[derive(Debug)]
pub struct Claim {
    pub(crate) reaper: Reaper,
    pub(crate) number: u64,
    pub(crate) opened: Ticks,
    /// Where boot lay on the wall clock then: it tells whether the clock was set since.
    boot: Duration,
}

impl Claim {
    pub(crate) fn new(reaper: Reaper) -> Self {
        let opened = time::now();
        let number = reaper.inner.table.borrow_mut().open_claim(opened);
        Self {
            reaper,
            number,
            opened,
            boot: time::boot_on_wall_clock(),
        }
    }

    /// Watches the process that `pid` meant when it was written down at `named_at`: one that has
    /// ended since the claim was opened, or a living child of ours. Of several that bore the pid in
    /// turn, the latest that started at `named_at` or before.
    ///
    /// # Errors
    /// No such process; not ours; watched by somebody else.
    pub fn resolve(&self, pid: u32, named_at: SystemTime) -> Result<Process, ClaimError> {
        let latest = self.latest_start(named_at);
        let kept = self
            .reaper
            .inner
            .table
            .borrow()
            .find_kept(self.number, pid, latest);
        // A living bearer of the pid started after every one that has ended.
        match (self.resolve_living(pid, latest), kept) {
            (Err(ClaimError::NotFound | ClaimError::NotOurChild), Some(start)) => {
                self.resolve_kept(pid, start)
            }
            (living, _) => living,
        }
    }

    /// After a failed call: kills what it left behind, and waits until that is collected, at most
    /// `within`.
    ///
    /// Looked at are our living children that nobody watches and that started since the claim was
    /// opened. One belongs to this call when its process group or session is that of `call`, when it
    /// holds one of `traces` open (pipes and memfds made for the call), or when no other claim was
    /// open since it started. It is killed with its descendants. Any other is left alone, and
    /// collected when it ends. When there is nothing, this costs no more than two looks at the list
    /// of our children.
    pub async fn kill_leftovers(
        &self,
        call: Option<&Process>,
        traces: &[FileId],
        within: Duration,
    ) -> Leftovers {
        leftovers::kill(self, call, traces, within).await
    }

    fn resolve_living(&self, pid: u32, latest: Ticks) -> Result<Process, ClaimError> {
        let stat = Stat::of(pid)
            .map_err(|_| ClaimError::ResourcesExhausted)?
            .ok_or(ClaimError::NotFound)?;
        if stat.parent != self.reaper.inner.pid {
            return Err(ClaimError::NotOurChild);
        }
        if stat.start_time > latest {
            return Err(ClaimError::NotFound);
        }
        let watcher = self.reaper.inner.table.borrow().watcher(pid).cloned();
        if let Some(slot) = watcher {
            // One count is ours, the other the table's.
            return match Rc::strong_count(&slot) {
                2 => Ok(Process {
                    slot,
                    reaper: self.reaper.clone(),
                }),
                _ => Err(ClaimError::AlreadyWatched),
            };
        }
        // No child of ours is consumed before this function returns: the pid can't change hands.
        let fd = pidfd::open(pid)
            .map_err(|_| ClaimError::ResourcesExhausted)?
            .ok_or(ClaimError::NotFound)?;
        match Stat::of(pid) {
            Ok(Some(now)) if now.start_time == stat.start_time && now.parent == stat.parent => {
                Ok(self.reaper.watch(Slot::living(pid, stat.start_time, fd)))
            }
            _ => Err(ClaimError::NotFound),
        }
    }

    fn resolve_kept(&self, pid: u32, start: Ticks) -> Result<Process, ClaimError> {
        let kept = self
            .reaper
            .inner
            .table
            .borrow_mut()
            .take_kept(pid, start)
            .ok_or(ClaimError::NotFound)?;
        let slot = Rc::new(Slot::ended(kept.start_time, kept.end));
        Ok(Process {
            slot,
            reaper: self.reaper.clone(),
        })
    }

    /// The last start that `named_at` allows. A clock that was set meanwhile tells nothing.
    fn latest_start(&self, named_at: SystemTime) -> Ticks {
        if time::boot_on_wall_clock().abs_diff(self.boot) > STEADY {
            return Ticks::MAX;
        }
        time::latest_start(named_at)
    }
}

impl Drop for Claim {
    fn drop(&mut self) {
        self.reaper
            .inner
            .table
            .borrow_mut()
            .close_claim(self.number, time::now());
    }
}

/// More than NTP slews the clock by within one call.
const STEADY: Duration = Duration::from_millis(10);
