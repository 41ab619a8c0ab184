//! Killing a process with its descendants.

use std::collections::HashSet;
use std::os::fd::OwnedFd;
use std::thread;
use std::time::Duration;

use tokio::time::Instant;

use crate::pidfd;
use crate::process::Process;
use crate::procfs::{self, Stat};
use crate::reaper::Reaper;

/// A process that was sent SIGKILL.
#[derive(Debug)]
pub(crate) struct Killed {
    stat: Stat,
    pidfd: OwnedFd,
}

/// Kills `process`, its descendants, and the orphans of its process group and session. All are
/// stopped before the first is killed: a parent's end would let its children slip away.
pub(crate) fn kill(process: &Process) -> Vec<Killed> {
    let pid = process.pid();
    let reaper = &process.reaper;
    let orphans = || {
        let unwatched = procfs::children(reaper.inner.pid)
            .into_iter()
            .filter(|child| !reaper.is_watched(*child));
        // The process leads its group, so that none but its descendants can be in it.
        unwatched
            .filter_map(|child| Stat::of(child).ok().flatten())
            .filter(|stat| stat.group == pid || stat.session == pid)
            .collect()
    };
    let root = Stat::of(pid)
        .ok()
        .flatten()
        .filter(|stat| stat.start_time == process.start_time());
    kill_trees(root, orphans)
}

/// Kills `root` and what `more` finds, which is asked again until it finds nothing new, each with
/// its descendants.
pub(crate) fn kill_trees(root: Option<Stat>, more: impl Fn() -> Vec<Stat>) -> Vec<Killed> {
    let mut stopped: Vec<Killed> = Vec::new();
    let mut known = HashSet::new();
    for _ in 0..MOST_LOOKS {
        let before = stopped.len();
        let mut next: Vec<Stat> = root.into_iter().chain(more()).collect();
        next.extend(stopped.iter().flat_map(|killed| children(killed.stat.pid)));
        while let Some(stat) = next.pop() {
            if !known.insert((stat.pid, stat.start_time)) {
                continue;
            }
            if let Some(pidfd) = pidfd::open_same(&stat) {
                let _ = pidfd::send(&pidfd, libc::SIGSTOP);
                next.extend(children(stat.pid));
                stopped.push(Killed { stat, pidfd });
            }
        }
        if stopped.len() == before && stopped.iter().all(Killed::is_still) {
            break;
        }
        thread::yield_now();
    }
    for killed in &stopped {
        let _ = pidfd::send(&killed.pidfd, libc::SIGKILL);
    }
    stopped
}

/// A process that goes on forking faster than it is stopped gets no more looks than this.
const MOST_LOOKS: usize = 64;

fn children(pid: u32) -> Vec<Stat> {
    procfs::children(pid)
        .into_iter()
        .filter_map(|child| Stat::of(child).ok().flatten())
        .collect()
}

impl Killed {
    /// Whether it can't fork any more: stopped, ended, or held by the kernel.
    fn is_still(&self) -> bool {
        self.now()
            .is_none_or(|stat| matches!(stat.state, b'T' | b't' | b'Z' | b'X' | b'D'))
    }

    /// None: it is gone.
    fn now(&self) -> Option<Stat> {
        Stat::of(self.stat.pid)
            .ok()
            .flatten()
            .filter(|now| now.start_time == self.stat.start_time)
    }
}

/// Waits until all of `killed` are collected, apart from zombies of foreign parents; returns how many
/// are left after `within`.
pub(crate) async fn collected(reaper: &Reaper, mut killed: Vec<Killed>, within: Duration) -> usize {
    let deadline = Instant::now() + within;
    loop {
        let reaped = reaper.inner.reaped.notified();
        let living: HashSet<u32> = killed.iter().map(|killed| killed.stat.pid).collect();
        // A zombie whose parent is neither ours nor about to end is that parent's to collect.
        let ours =
            |now: &Stat| !now.is_zombie() || now.parent == reaper.inner.pid || living.contains(&now.parent);
        killed.retain(|killed| killed.now().as_ref().is_some_and(ours));
        if killed.is_empty() {
            return 0;
        }
        let alive = killed
            .iter()
            .find(|killed| killed.now().is_some_and(|now| !now.is_zombie()));
        let ended = async {
            match alive {
                Some(killed) => pidfd::ended(&killed.pidfd).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            () = reaped => {}
            () = ended => {}
            () = tokio::time::sleep_until(deadline) => return killed.len(),
        }
    }
}
