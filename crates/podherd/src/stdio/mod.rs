//! Streams of containers and execs: pipes, terminals, reading them to their end.
//!
//! - `drain` reads an output to its end; `reader` is the server's end of it, `console` the way a terminal comes.
//! - [`RateLimiter`] holds an output back that comes faster than it may.
//! - [`Stdio`] is what attach clients share: the output's [`Hub`], the [`Stdin`], the terminal; a [`Session`]
//!   is one client's part in it.
//! - `capture` keeps the output of an exec for its caller.

mod capture;
mod console;
mod drain;
mod hub;
mod rate_limiter;
mod reader;
mod session;
mod stdin;

use std::io;
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::path::PathBuf;

use rustix::pipe::PipeFlags;

pub use capture::{Budget, Captured};
pub use console::{ConsoleSocket, Terminal};
pub use drain::{End, Owner, drain};
pub use hub::{Door, Followed, Follower, Hub, Pace};
pub use rate_limiter::RateLimiter;
pub use reader::{BufferPool, OutputReader};
pub use session::{Session, Stdio};
pub use stdin::Stdin;

/// A pipe whose two ends close when a program is executed; returned as (read, write).
pub fn pipe() -> io::Result<(OwnedFd, OwnedFd)> {
    Ok(rustix::pipe::pipe_with(PipeFlags::CLOEXEC)?)
}

/// A path under which another process of this user can open this descriptor's file while the
/// server holds it open.
pub fn path_of(fd: impl AsFd) -> PathBuf {
    format!("/proc/{}/fd/{}", std::process::id(), fd.as_fd().as_raw_fd()).into()
}

/// /dev/null, for reading and writing.
pub fn null() -> io::Result<OwnedFd> {
    use rustix::fs::{Mode, OFlags};
    Ok(rustix::fs::open(
        "/dev/null",
        OFlags::RDWR | OFlags::CLOEXEC,
        Mode::empty(),
    )?)
}
