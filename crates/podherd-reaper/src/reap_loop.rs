//! The one place that collects ends.

use std::io;
use std::rc::Rc;
use std::time::{Duration, SystemTime};

use tokio::signal::unix::Signal;

use crate::child_signal;
use crate::evidence::Evidence;
use crate::exit::Exit;
use crate::process::Slot;
use crate::procfs::Stat;
use crate::reaper::Reaper;
use crate::wait::{self, Dead};

/// Collects every child that ends, for as long as it runs.
///
/// It is to be spawned once. When its task ends, by an error or by a panic, nobody collects any
/// more: the process must end itself then.
#[derive(Debug)]
#[must_use = "no child is collected unless the loop runs"]
pub struct ReapLoop {
    reaper: Reaper,
    ended: Signal,
    evidence: Evidence,
}

/// After so many ends in a row others get their turn.
const BATCH: u32 = 32;

impl ReapLoop {
    pub(crate) fn new(reaper: Reaper, ended: Signal) -> Self {
        Self {
            reaper,
            ended,
            evidence: Evidence::default(),
        }
    }

    /// Runs until a fatal error, which it returns.
    pub async fn run(mut self) -> io::Error {
        loop {
            if let Err(error) = self.reap_all().await {
                return error;
            }
            // Ends that come while the loop is busy are remembered by the signal.
            if self.ended.recv().await.is_none() {
                return io::Error::other("SIGCHLD is no longer heard");
            }
        }
    }

    async fn reap_all(&mut self) -> io::Result<()> {
        let mut count = 0;
        // When the first of those that are dead now was announced.
        let mut since = None;
        loop {
            // Before the look: one that is announced after it is announced to the next look.
            since = since.or(child_signal::take());
            let Some(dead) = wait::peek()? else {
                return Ok(());
            };
            let since = *since.get_or_insert_with(child_signal::now);
            self.reap(dead).await?;
            let zombie = child_signal::now().saturating_sub(since);
            self.reaper.count(|totals| {
                totals.longest_zombie = totals.longest_zombie.max(Duration::from_nanos(zombie))
            });
            count += 1;
            if count % BATCH == 0 {
                tokio::task::yield_now().await;
            }
        }
    }

    /// Routes, records, then consumes and publishes in one breath.
    async fn reap(&mut self, dead: Dead) -> io::Result<()> {
        let mut exit = Exit {
            pid: dead.pid,
            status: dead.status,
            at: SystemTime::now(),
            recorded: false,
        };
        let recorder = self.watcher(dead.pid).and_then(|slot| slot.take_recorder());
        if let Some(recorder) = recorder {
            exit.recorded = self.evidence.record(recorder, &exit).await;
        }
        let orphan_start = self.orphan_start(dead.pid);
        if wait::consume(dead.pid)? != Some(dead) {
            let text = format!("the dead child {} was collected by somebody else", dead.pid);
            return Err(io::Error::other(text));
        }
        let mut table = self.reaper.inner.table.borrow_mut();
        // Looked up again: somebody may have resolved a claim to it while its record was written.
        let watcher = table.take(dead.pid);
        if watcher.is_none() && !table.keep(dead.pid, orphan_start.unwrap_or(0), exit.clone()) {
            tracing::warn!("more orphans than can be kept for the open claims; the oldest is forgotten");
        }
        drop(table);
        self.reaper.count(|totals| {
            totals.reaped += 1;
            totals.orphans += u64::from(watcher.is_none());
        });
        if let Some(slot) = watcher {
            slot.publish(exit);
        }
        self.reaper.inner.reaped.notify_waiters();
        Ok(())
    }

    fn watcher(&self, pid: u32) -> Option<Rc<Slot>> {
        self.reaper.inner.table.borrow().watcher(pid).cloned()
    }

    /// When an orphan started, if a claim may ask for it. It is a zombie still, so that its pid
    /// means it and no other.
    fn orphan_start(&self, pid: u32) -> Option<u64> {
        let table = self.reaper.inner.table.borrow();
        if table.watcher(pid).is_some() || table.open_claims() == 0 {
            return None;
        }
        Stat::of(pid).ok().flatten().map(|stat| stat.start_time)
    }
}
