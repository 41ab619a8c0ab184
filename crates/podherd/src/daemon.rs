//! Starting the server: what is checked in the foreground, the way to the background, and how its
//! starter learns that it listens.

use std::fs;
use std::io::{self, Read};
use std::os::fd::{AsFd, FromRawFd, OwnedFd, RawFd};
use std::os::unix::fs::DirBuilderExt;
use std::path::PathBuf;

use podherd_reaper::ChildDefaults;
use podherd_reaper::background::{self, Fork};
use rustix::fs::FlockOperation;
use rustix::io::FdFlags;

use crate::cli::Cli;
use crate::container::RuntimeDir;
use crate::error::{Code, Error, Result};
use crate::runtime::Runtime;
use crate::server::{self, READY, Ready, Start};

/// Starts the server and runs it to its end; unless it stays in the foreground, returns in the
/// starter's process as soon as it listens, or has failed to.
pub fn start(cli: Cli) -> Result<()> {
    if !rustix::process::geteuid().is_root() {
        let message = "the server needs root; rootless operation is not supported yet";
        return Err(Error::new(Code::Unimplemented, message));
    }
    let required = |path: &Option<PathBuf>| path.clone().unwrap_or_default();
    let runtime_path = absolute(required(&cli.runtime))?;
    let root = cli.runtime_root.clone().map(absolute).transpose()?;
    let runtime = Runtime::new(runtime_path, root, cli.limits.runtime_timeout);
    runtime.check()?;
    let ready_fd = cli.ready_fd.map(|fd| inherited("--ready-fd", fd)).transpose()?;
    let lease = cli.lease_fd.map(|fd| inherited("--lease-fd", fd)).transpose()?;
    let runtime_dir = lock(absolute(required(&cli.runtime_dir))?)?;
    let children = ChildDefaults::capture()
        .map_err(|error| Error::from_io(Code::Internal, "reading the limits to hand on", &error))?;

    let mut ready = Ready {
        channels: ready_fd.into_iter().collect(),
        background: None,
    };
    if !cli.skip_fork {
        match fork()? {
            Forked::Starter => return Ok(()),
            Forked::Server(channel) => {
                ready.channels.push(channel);
                ready.background = Some(cli.log_driver);
            }
        }
    }
    server::run(Start {
        cli,
        runtime,
        runtime_dir,
        children,
        ready,
        lease,
    })
}

/// Makes the directory if it is absent, and locks it: one server per directory. The lock is the
/// kernel's (flock(2)) and ends with the server, however that ends.
fn lock(path: PathBuf) -> Result<RuntimeDir> {
    let unusable = |error: io::Error| {
        Error::from_io(
            Code::RuntimeDirUnusable,
            format!("runtime directory {}", path.display()),
            &error,
        )
    };
    fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(&path)
        .map_err(unusable)?;
    let directory = RuntimeDir::open(path.canonicalize().map_err(unusable)?).map_err(unusable)?;
    rustix::fs::flock(directory.as_fd(), FlockOperation::NonBlockingLockExclusive).map_err(|errno| {
        match errno {
            rustix::io::Errno::WOULDBLOCK => Error::new(
                Code::ServerRunning,
                format!(
                    "another server owns the runtime directory {}; connect to it, or end it first",
                    path.display()
                ),
            ),
            errno => unusable(errno.into()),
        }
    })?;
    Ok(directory)
}

enum Forked {
    /// The starter's process: the server listens.
    Starter,
    /// The server's process, with the channel to the starter.
    Server(OwnedFd),
}

/// Forks before there is any thread. The starter waits until the server listens or has ended.
fn fork() -> Result<Forked> {
    let failed =
        |error: io::Error| Error::from_io(Code::ResourcesExhausted, "going to the background", &error);
    let (listens, channel) = crate::stdio::pipe().map_err(failed)?;
    match background::fork().map_err(failed)? {
        Fork::Child => {
            drop(listens);
            rustix::process::setsid().map_err(|error| failed(error.into()))?;
            std::env::set_current_dir("/").map_err(failed)?;
            Ok(Forked::Server(channel))
        }
        Fork::Parent { mut child } => {
            drop(channel);
            let mut word = String::new();
            fs::File::from(listens)
                .read_to_string(&mut word)
                .map_err(failed)?;
            if word == READY {
                return Ok(Forked::Starter);
            }
            // It has said why on standard error.
            let _ = child.wait();
            std::process::exit(1);
        }
    }
}

/// Takes over a descriptor that the starter has passed by its number.
fn inherited(flag: &str, number: RawFd) -> Result<OwnedFd> {
    let invalid = |why: String| Error::new(Code::InvalidArgument, format!("{flag} {number}: {why}"));
    if number <= 2 {
        return Err(invalid("a standard stream can't be used".into()));
    }
    // SAFETY: only borrowed, to ask whether it is open; a closed number gives EBADF.
    let borrowed = unsafe { std::os::fd::BorrowedFd::borrow_raw(number) };
    rustix::io::fcntl_setfd(borrowed, FdFlags::CLOEXEC).map_err(|error| invalid(error.to_string()))?;
    // SAFETY: it is open (just asked), the starter passed it to be owned by this process, and this
    // runs once per flag before the server opens anything of its own.
    Ok(unsafe { OwnedFd::from_raw_fd(number) })
}

fn absolute(path: PathBuf) -> Result<PathBuf> {
    std::path::absolute(&path)
        .map_err(|error| Error::from_io(Code::InvalidArgument, format!("path {}", path.display()), &error))
}
