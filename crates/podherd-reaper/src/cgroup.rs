//! The processes of a cgroup, signalled as a whole.

use std::collections::HashSet;
use std::fs;
use std::io;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::time::Duration;

use tokio::time::Instant;

use crate::error::SignalError;
use crate::pidfd;

/// Kills every process in the cgroup at `directory` and below, and waits until it is empty, at most
/// `within`. A directory that is not there is empty.
///
/// cgroup v2: `cgroup.kill` (Linux 5.14), or else frozen, killed and thawed. v1: the same through
/// `freezer.state`; in a hierarchy without the freezer, killed again and again until it is empty,
/// which a process that forks fast enough outlives until the time is over.
///
/// # Errors
/// `InvalidInput`: this process is in there. `TimedOut`: it was not empty in time. Else what reading
/// it gave.
pub async fn kill_all(directory: &Path, within: Duration) -> io::Result<()> {
    let deadline = Instant::now() + within;
    refuse_own(directory)?;
    if write(directory, "cgroup.kill", "1").is_err() {
        let frozen = Frozen::freeze(directory, deadline).await;
        kill_each(directory)?;
        drop(frozen);
    }
    loop {
        let left = kill_each(directory)?;
        if processes(directory)?.is_empty() {
            return Ok(());
        }
        if Instant::now() >= deadline {
            let text = format!(
                "{} is not empty after {} s",
                directory.display(),
                within.as_secs_f64()
            );
            return Err(io::Error::new(io::ErrorKind::TimedOut, text));
        }
        let again = deadline.min(Instant::now() + LOOK_AGAIN);
        let _ = tokio::time::timeout_at(again, all_ended(left)).await;
    }
}

/// Sends `signal` to every process in the cgroup at `directory` and below; returns to how many.
///
/// # Errors
/// `InvalidInput`: this process is in there, or there is no such signal. Else what reading it gave.
pub async fn signal_all(directory: &Path, signal: i32) -> io::Result<usize> {
    refuse_own(directory)?;
    let mut done = HashSet::new();
    // New ones are looked for, since a process that forks while it is signalled leaves one behind.
    for _ in 0..MOST_LOOKS {
        let new: Vec<_> = opened(directory)?
            .into_iter()
            .filter(|(pid, _)| !done.contains(pid))
            .collect();
        if new.is_empty() {
            break;
        }
        for (pid, pidfd) in new {
            match pidfd::send(&pidfd, signal) {
                Ok(()) => drop(done.insert(pid)),
                Err(SignalError::Ended) => {}
                Err(SignalError::Refused(error)) => return Err(error),
            }
        }
    }
    Ok(done.len())
}

/// Lets the processes of a frozen cgroup at `directory` run, where they have to in order to die: with the
/// freezer of version 1 even a SIGKILL waits until then. Version 2 needs no thaw for that, and stays frozen.
///
/// # Errors
/// What writing its state gave. No freezer is no error.
pub fn thaw_to_die(directory: &Path) -> io::Result<()> {
    match write(directory, "freezer.state", "THAWED") {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        result => result,
    }
}

/// Processes that fork on and on get no more looks than this.
const MOST_LOOKS: usize = 8;

/// A cgroup without events tells its emptiness only when asked.
const LOOK_AGAIN: Duration = Duration::from_millis(20);

/// A frozen cgroup; thawed when dropped, so that the killed can die.
#[derive(Debug)]
struct Frozen<'a> {
    directory: &'a Path,
    file: &'static str,
    thaw: &'static str,
}

impl<'a> Frozen<'a> {
    /// None: it can't be frozen. Waits until it is, for a part of the time only: killing goes on
    /// without.
    async fn freeze(directory: &'a Path, deadline: Instant) -> Option<Self> {
        let (frozen, state) = if write(directory, "cgroup.freeze", "1").is_ok() {
            (
                Self {
                    directory,
                    file: "cgroup.freeze",
                    thaw: "0",
                },
                ("cgroup.events", "frozen 1"),
            )
        } else {
            write(directory, "freezer.state", "FROZEN").ok()?;
            (
                Self {
                    directory,
                    file: "freezer.state",
                    thaw: "THAWED",
                },
                ("freezer.state", "FROZEN"),
            )
        };
        let deadline = deadline.min(Instant::now() + FREEZE_TIMEOUT);
        // Neither file can be waited for from a loop (poll's POLLPRI on one, nothing on the other);
        // freezing takes well under a millisecond.
        while Instant::now() < deadline {
            let now = fs::read_to_string(directory.join(state.0)).unwrap_or_default();
            if now.lines().any(|line| line == state.1) {
                break;
            }
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        Some(frozen)
    }
}

impl Drop for Frozen<'_> {
    fn drop(&mut self) {
        if let Err(error) = write(self.directory, self.file, self.thaw) {
            tracing::warn!(%error, cgroup = %self.directory.display(), "thawing");
        }
    }
}

/// Long enough for a machine under load, short enough to leave time for the kill.
const FREEZE_TIMEOUT: Duration = Duration::from_millis(500);

fn write(directory: &Path, file: &str, value: &str) -> io::Result<()> {
    // Not created where it is missing: that would be an ordinary file, if this is no cgroup.
    let path = directory.join(file);
    fs::OpenOptions::new()
        .write(true)
        .open(path)
        .and_then(|mut file| io::Write::write_all(&mut file, value.as_bytes()))
}

fn refuse_own(directory: &Path) -> io::Result<()> {
    if processes(directory)?.contains(&std::process::id()) {
        let text = format!("{} is the cgroup of this process itself", directory.display());
        return Err(io::Error::new(io::ErrorKind::InvalidInput, text));
    }
    Ok(())
}

fn kill_each(directory: &Path) -> io::Result<Vec<OwnedFd>> {
    let opened = opened(directory)?;
    for (_, pidfd) in &opened {
        let _ = pidfd::send(pidfd, libc::SIGKILL);
    }
    Ok(opened.into_iter().map(|(_, pidfd)| pidfd).collect())
}

/// The processes, opened, and looked up in the cgroup again once they were: a pid may have changed
/// hands between reading and opening.
fn opened(directory: &Path) -> io::Result<Vec<(u32, OwnedFd)>> {
    let mut opened = Vec::new();
    for pid in processes(directory)? {
        // 0 is a process of another pid namespace.
        if pid > 1
            && let Some(pidfd) = pidfd::open(pid)?
        {
            opened.push((pid, pidfd));
        }
    }
    if !opened.is_empty() {
        let still = processes(directory)?;
        opened.retain(|(pid, _)| still.contains(pid));
    }
    Ok(opened)
}

/// The pids in `directory` and below. One that vanishes while it is read is empty.
fn processes(directory: &Path) -> io::Result<HashSet<u32>> {
    let mut found = HashSet::new();
    let mut next = vec![directory.to_path_buf()];
    while let Some(directory) = next.pop() {
        match read(&directory) {
            Ok((pids, below)) => {
                found.extend(pids);
                next.extend(below);
            }
            Err(error) if matches!(error.raw_os_error(), Some(libc::ENOENT | libc::ENODEV)) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(found)
}

fn read(directory: &Path) -> io::Result<(Vec<u32>, Vec<PathBuf>)> {
    let list = match fs::read_to_string(directory.join("cgroup.procs")) {
        // A threaded cgroup (v2): its processes are listed above it.
        Err(error) if error.raw_os_error() == Some(libc::EOPNOTSUPP) => String::new(),
        list => list?,
    };
    let pids = list.lines().filter_map(|line| line.parse().ok()).collect();
    let mut below = Vec::new();
    for entry in fs::read_dir(directory)? {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            below.push(entry.path());
        }
    }
    Ok((pids, below))
}

/// Ends when all have ended.
async fn all_ended(processes: Vec<OwnedFd>) {
    if processes.is_empty() {
        // Dead ones that are still listed: only looking again tells.
        return std::future::pending().await;
    }
    for pidfd in processes {
        pidfd::ended(&pidfd).await;
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::process::ExitStatusExt;
    use std::process::Command;

    use super::*;

    /// Removed on every way out; a killed process leaves it at once.
    struct Made(PathBuf);

    impl Drop for Made {
        fn drop(&mut self) {
            let _ = kill_each(&self.0);
            let _ = fs::remove_dir(&self.0);
        }
    }

    /// The way of kernels without `cgroup.kill`, in the hierarchies that this machine has.
    #[test]
    fn frozen_killed_and_thawed() {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .build()
            .expect("a runtime");
        for root in [
            "/sys/fs/cgroup/freezer",
            "/sys/fs/cgroup/unified",
            "/sys/fs/cgroup",
        ] {
            let directory = Path::new(root).join(format!("podherd-reaper-frozen-{}", std::process::id()));
            let here = Path::new(root).join("cgroup.procs");
            if !here.exists() || fs::create_dir(&directory).is_err() {
                continue;
            }
            let made = Made(directory.clone());
            let mut child = Command::new("sleep").arg("30").spawn().expect("sleep starts");
            write(&directory, "cgroup.procs", &child.id().to_string()).expect("it is moved");
            let deadline = Instant::now() + Duration::from_secs(20);
            let frozen = runtime
                .block_on(Frozen::freeze(&directory, deadline))
                .expect("it can be frozen");
            let state = fs::read_to_string(directory.join("cgroup.events"))
                .or_else(|_| fs::read_to_string(directory.join("freezer.state")))
                .expect("its state");
            assert!(state.contains("frozen 1") || state == "FROZEN\n", "{state}");
            assert_eq!(kill_each(&directory).expect("they are killed").len(), 1);
            drop(frozen);
            assert_eq!(child.wait().expect("it ends").signal(), Some(libc::SIGKILL));
            drop(made);
            assert!(!directory.exists(), "it is empty");
        }
    }
}
