//! Going to the background, before there is any thread or runtime.

use std::fs;
use std::io;
use std::os::unix::process::ExitStatusExt;
use std::process::ExitStatus;

/// On which side of [`fork`] the caller is.
#[derive(Debug)]
pub enum Fork {
    /// The process that called, with the one that it made.
    Parent {
        /// The process in the background.
        child: Child,
    },
    /// The new process.
    Child,
}

/// A forked copy of this process, to be waited for by its parent alone.
#[derive(Debug)]
pub struct Child {
    pid: u32,
    ended: Option<ExitStatus>,
}

/// Forks (`fork(2)`). Only while this process has a single thread: of others the child would have
/// their locks, and not them.
///
/// # Errors
/// There is more than one thread, or no room for another process.
pub fn fork() -> io::Result<Fork> {
    if fs::read_dir("/proc/self/task")?.count() != 1 {
        return Err(io::Error::other(
            "this process has threads already and can't be forked",
        ));
    }
    // SAFETY: there is no other thread whose locks or half-done writes the child could inherit.
    match unsafe { libc::fork() } {
        -1 => Err(io::Error::last_os_error()),
        0 => Ok(Fork::Child),
        pid => Ok(Fork::Parent {
            child: Child {
                pid: pid.unsigned_abs(),
                ended: None,
            },
        }),
    }
}

impl Child {
    /// Its pid.
    pub fn pid(&self) -> u32 {
        self.pid
    }

    /// Blocks until it has ended.
    ///
    /// # Errors
    /// Those of `waitpid(2)`.
    pub fn wait(&mut self) -> io::Result<ExitStatus> {
        loop {
            if let Some(status) = self.waitpid(0)? {
                return Ok(status);
            }
        }
    }

    /// How it ended, if it has.
    ///
    /// # Errors
    /// Those of `waitpid(2)`.
    pub fn try_wait(&mut self) -> io::Result<Option<ExitStatus>> {
        self.waitpid(libc::WNOHANG)
    }

    fn waitpid(&mut self, options: i32) -> io::Result<Option<ExitStatus>> {
        if self.ended.is_some() {
            return Ok(self.ended);
        }
        let pid = libc::pid_t::try_from(self.pid).map_err(io::Error::other)?;
        let mut status = 0;
        // SAFETY: `status` is writable and lives as long as the call.
        match unsafe { libc::waitpid(pid, &raw mut status, options) } {
            0 => Ok(None),
            -1 if io::Error::last_os_error().kind() == io::ErrorKind::Interrupted => Ok(None),
            -1 => Err(io::Error::last_os_error()),
            _ => {
                self.ended = Some(ExitStatus::from_raw(status));
                Ok(self.ended)
            }
        }
    }
}
