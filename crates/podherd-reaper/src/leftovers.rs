//! What a failed call left behind.

use std::time::Duration;

use tokio::time::Instant;

use crate::claim::Claim;
use crate::file_id::FileId;
use crate::process::Process;
use crate::procfs::{self, Stat};
use crate::tree;

/// What became of the processes that a failed call left.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Leftovers {
    /// Sent SIGKILL, descendants included.
    pub killed: usize,
    /// Left alone, since they may be another call's. They are collected when they end.
    pub spared: usize,
    /// Killed, and not gone in time.
    pub survived: usize,
}

/// What one look at our children shows.
#[derive(Debug, Default)]
struct Look {
    ours: Vec<Stat>,
    spared: usize,
    /// Dead and about to be collected: their children are ours now, and may be on their way.
    ending: usize,
}

pub(crate) async fn kill(
    claim: &Claim,
    call: Option<&Process>,
    traces: &[FileId],
    within: Duration,
) -> Leftovers {
    let deadline = Instant::now() + within;
    let mut result = Leftovers::default();
    let mut quiet = false;
    loop {
        let reaped = claim.reaper.inner.reaped.notified();
        let look = look(claim, call, traces);
        result.spared = look.spared;
        if look.ours.is_empty() && look.ending == 0 {
            if quiet {
                return result;
            }
            quiet = true;
            tokio::task::yield_now().await;
            continue;
        }
        quiet = false;
        if look.ours.is_empty() {
            tokio::select! {
                () = reaped => continue,
                () = tokio::time::sleep_until(deadline) => return result,
            }
        }
        let killed = tree::kill_trees(None, || self::look(claim, call, traces).ours);
        result.killed += killed.len();
        let left = deadline.saturating_duration_since(Instant::now());
        result.survived = tree::collected(&claim.reaper, killed, left).await;
        if result.survived > 0 {
            return result;
        }
    }
}

fn look(claim: &Claim, call: Option<&Process>, traces: &[FileId]) -> Look {
    let reaper = &claim.reaper;
    let mut look = Look::default();
    for pid in procfs::children(reaper.inner.pid) {
        if reaper.is_watched(pid) {
            continue;
        }
        let Ok(Some(stat)) = Stat::of(pid) else { continue };
        if stat.start_time < claim.opened {
            continue;
        }
        if stat.is_zombie() {
            look.ending += 1;
        } else if belongs(claim, call, traces, &stat) {
            look.ours.push(stat);
        } else {
            look.spared += 1;
        }
    }
    look
}

fn belongs(claim: &Claim, call: Option<&Process>, traces: &[FileId], stat: &Stat) -> bool {
    let call = call.map(Process::pid);
    Some(stat.group) == call
        || Some(stat.session) == call
        || procfs::holds_open(stat.pid, traces)
        || (!claim
            .reaper
            .inner
            .table
            .borrow()
            .others_open_since(claim.number, stat.start_time)
            && !shares_cgroup_with_watched(claim, call, stat.pid))
}

/// Whether it is in a cgroup with a watched process, and not in ours: then it may come of that
/// process (a daemon of a container that shares our pid namespace, for instance).
fn shares_cgroup_with_watched(claim: &Claim, call: Option<u32>, pid: u32) -> bool {
    let inner = &claim.reaper.inner;
    let Some(cgroups) = procfs::cgroups(pid).filter(|its| procfs::cgroups(inner.pid).as_ref() != Some(its))
    else {
        return false;
    };
    let table = inner.table.borrow();
    let mut others = table
        .watchers()
        .map(|(other, _)| other)
        .filter(|other| *other != pid && Some(*other) != call);
    others.any(|other| procfs::cgroups(other).as_ref() == Some(&cgroups))
}
