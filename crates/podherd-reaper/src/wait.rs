//! `waitid(2)` with the pid, which rustix does not tell.

use std::io;

use crate::exit::Status;

/// A dead child that was seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Dead {
    pub(crate) pid: u32,
    pub(crate) status: Status,
}

/// Shows a dead child, whichever comes first, and leaves it as it is. None: no child is dead.
pub(crate) fn peek() -> io::Result<Option<Dead>> {
    waitid(
        libc::P_ALL,
        0,
        libc::WEXITED | libc::WNOHANG | libc::WNOWAIT | libc::__WALL,
    )
}

/// Consumes the dead child `pid`.
pub(crate) fn consume(pid: u32) -> io::Result<Option<Dead>> {
    waitid(libc::P_PID, pid, libc::WEXITED | libc::WNOHANG | libc::__WALL)
}

/// Waits for the child `pid`, blocking, and consumes it.
pub(crate) fn block_on(pid: u32) -> io::Result<Option<Dead>> {
    waitid(libc::P_PID, pid, libc::WEXITED | libc::__WALL)
}

fn waitid(which: libc::idtype_t, pid: u32, options: libc::c_int) -> io::Result<Option<Dead>> {
    loop {
        // SAFETY: all zeros is a valid siginfo_t, and the one that waitid(2) asks for with WNOHANG.
        let mut info: libc::siginfo_t = unsafe { std::mem::zeroed() };
        // SAFETY: `info` is writable and lives as long as the call.
        if unsafe { libc::waitid(which, pid, &raw mut info, options) } == 0 {
            // SAFETY: waitid has filled in the fields of a SIGCHLD, or left the zeros.
            let (pid, status) = unsafe { (info.si_pid(), info.si_status()) };
            let Some(pid) = u32::try_from(pid).ok().filter(|pid| *pid != 0) else {
                return Ok(None);
            };
            let status = match info.si_code {
                libc::CLD_EXITED => Status::Exited(status),
                code => Status::Signaled {
                    signal: status,
                    core_dumped: code == libc::CLD_DUMPED,
                },
            };
            return Ok(Some(Dead { pid, status }));
        }
        match io::Error::last_os_error() {
            error if error.kind() == io::ErrorKind::Interrupted => {}
            error if error.raw_os_error() == Some(libc::ECHILD) => return Ok(None),
            error => return Err(error),
        }
    }
}
