//! Signals through pidfds: what was opened can't become a stranger.

use std::io;
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::time::Duration;

use rustix::io::Errno;
use rustix::process::{Pid, PidfdFlags, pidfd_open};
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;

use crate::error::SignalError;
use crate::procfs::Stat;

/// Opens the process that has `pid` now. None: there is none, or `pid` is a thread's.
pub(crate) fn open(pid: u32) -> io::Result<Option<OwnedFd>> {
    let Some(pid) = i32::try_from(pid).ok().and_then(Pid::from_raw) else {
        return Ok(None);
    };
    match pidfd_open(pid, PidfdFlags::NONBLOCK) {
        Ok(fd) => Ok(Some(fd)),
        // ENOENT since Linux 6.9 and EINVAL before: a thread that does not lead its process.
        Err(Errno::SRCH | Errno::NOENT | Errno::INVAL) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// Waits until the process that has `pid` now has ended, whoever its parent is. False: it has not, `within` that
/// time. For processes of an earlier life; of one's own, a [`crate::Process`] knows.
pub async fn stranger_ends(pid: u32, within: Duration) -> bool {
    match open(pid) {
        Ok(Some(pidfd)) => tokio::time::timeout(within, ended(pidfd)).await.is_ok(),
        Ok(None) => true,
        Err(_) => false,
    }
}

/// Opens `pid` if it is still the process that `seen` describes: its start time is looked up again
/// when the pidfd holds it.
pub(crate) fn open_same(seen: &Stat) -> Option<OwnedFd> {
    let fd = open(seen.pid).ok().flatten()?;
    let now = Stat::of(seen.pid).ok().flatten()?;
    (now.start_time == seen.start_time).then_some(fd)
}

/// Sends `signal`, any number that the kernel takes.
pub(crate) fn send(pidfd: impl AsFd, signal: i32) -> Result<(), SignalError> {
    let fd = pidfd.as_fd().as_raw_fd();
    // SAFETY: the call takes plain numbers and a null siginfo, and touches no memory of ours.
    let sent = unsafe {
        libc::syscall(
            libc::SYS_pidfd_send_signal,
            fd,
            signal,
            std::ptr::null::<libc::siginfo_t>(),
            0,
        )
    };
    if sent == 0 {
        return Ok(());
    }
    match io::Error::last_os_error() {
        error if error.raw_os_error() == Some(libc::ESRCH) => Err(SignalError::Ended),
        error => Err(SignalError::Refused(error)),
    }
}

/// Waits until the process has ended; it may be a zombie then.
pub(crate) async fn ended(pidfd: impl AsFd) {
    // SAFETY: the borrow outlives the registration, which is dropped in this function, and it names
    // one and the same open file for as long.
    match unsafe { AsyncFd::register_with_interest(pidfd.as_fd(), Interest::READABLE) } {
        Ok(fd) => drop(fd.readable().await),
        // No room for another watched descriptor: the caller is to look again in a while.
        Err(_) => tokio::time::sleep(Duration::from_millis(10)).await,
    }
}
