//! One attach socket: its file, and accepting connections on it.

use std::cell::{Cell, RefCell};
use std::fs::DirBuilder;
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rustix::fs::{AtFlags, FileType, Mode, OFlags, Stat};
use rustix::io::Errno;
use rustix::net::{AddressFamily, SocketAddrUnix, SocketFlags, SocketType};
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;

use crate::error::{Code, Error, Result};

/// A listening socket. Its file is removed when the streams end, and at the latest when this is dropped.
#[derive(Debug)]
pub struct Listener {
    path: PathBuf,
    directory: OwnedFd,
    name: String,
    socket: AsyncFd<OwnedFd>,
    /// What the file at the path was when it was made: somebody may have put another one there.
    file: (u64, u64),
    removed: Cell<bool>,
    made: MadeDirectories,
}

/// Connections that the kernel keeps until they are accepted.
const BACKLOG: i32 = 64;

/// How long to wait before accepting again when there are no descriptors left.
const AFTER_EXHAUSTION: Duration = Duration::from_millis(100);

impl Listener {
    /// Listens at `path`, of any length, with mode 0600. A socket that a dead server has left there is
    /// replaced; what is anything else is left alone.
    pub fn bind(path: PathBuf) -> Result<Self> {
        let unusable = |why: String| {
            let message = format!("attach socket {}: {why}", path.display());
            Error::new(Code::AttachSocketUnusable, message)
        };
        let (Some(parent), Some(name)) = (path.parent(), path.file_name().and_then(|name| name.to_str()))
        else {
            return Err(unusable("the path has no file name".into()));
        };
        let failed = |what: &str, error: io::Error| {
            let what = format!("attach socket {}: {what}", path.display());
            Error::from_io(Code::AttachSocketUnusable, what, &error)
        };
        let made = MadeDirectories::make(parent).map_err(|error| failed("its directory", error))?;
        let flags = OFlags::DIRECTORY | OFlags::PATH | OFlags::CLOEXEC;
        let directory = rustix::fs::open(parent, flags, Mode::empty())
            .map_err(|errno| failed("its directory", errno.into()))?;
        let socket = match crate::socket::bind(directory.as_fd(), name, SocketType::SEQPACKET) {
            Err(error) if error.kind() == io::ErrorKind::AddrInUse => {
                clear_stale(directory.as_fd(), name).map_err(unusable)?;
                crate::socket::bind(directory.as_fd(), name, SocketType::SEQPACKET)
            }
            bound => bound,
        }
        .map_err(|error| failed("making it", error))?;
        let listen = || -> io::Result<_> {
            let stat = rustix::fs::statat(&directory, name, AtFlags::SYMLINK_NOFOLLOW)?;
            rustix::net::listen(&socket, BACKLOG)?;
            Ok(identity(&stat))
        };
        let listened =
            listen().and_then(|file| Ok((file, crate::readiness::register(socket, Interest::READABLE)?)));
        match listened {
            Ok((file, socket)) => Ok(Self {
                directory,
                name: name.to_owned(),
                socket,
                file,
                removed: Cell::new(false),
                made,
                path,
            }),
            Err(error) => {
                let _ = rustix::fs::unlinkat(&directory, name, AtFlags::empty());
                Err(failed("listening", error))
            }
        }
    }

    /// Whether its file is still where it was made.
    pub fn is_there(&self) -> bool {
        rustix::fs::statat(&self.directory, &*self.name, AtFlags::SYMLINK_NOFOLLOW)
            .is_ok_and(|stat| identity(&stat) == self.file)
    }

    /// The next connection. A failed accept is that connection's loss alone.
    pub async fn accept(&self) -> OwnedFd {
        loop {
            let accepted = self
                .socket
                .async_io(Interest::READABLE, |socket| Ok(accept(socket)?))
                .await;
            match accepted {
                Ok(connection) => return connection,
                Err(error) => {
                    tracing::warn!(%error, path = %self.path.display(), "an attach client could not be accepted");
                    tokio::time::sleep(AFTER_EXHAUSTION).await;
                }
            }
        }
    }

    /// A connection that waits, if there is one.
    pub fn accept_now(&self) -> Option<OwnedFd> {
        accept(self.socket.get_ref()).ok()
    }

    /// Removes the file, unless it is another one by now.
    pub fn remove(&self) {
        if !self.removed.replace(true) && self.is_there() {
            let _ = rustix::fs::unlinkat(&self.directory, &*self.name, AtFlags::empty());
        }
        self.made.remove();
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        self.remove();
    }
}

/// Directories above the socket that were not there: CRI-O counts on the server to make one for each container.
/// They go with the socket, if nothing else is in them; also when this is dropped.
#[derive(Debug)]
struct MadeDirectories {
    /// The lowest last.
    paths: RefCell<Vec<PathBuf>>,
}

impl MadeDirectories {
    fn make(directory: &Path) -> io::Result<Self> {
        let missing: Vec<_> = directory.ancestors().take_while(|path| !path.exists()).collect();
        let made = Self {
            paths: RefCell::default(),
        };
        for path in missing.into_iter().rev() {
            match DirBuilder::new().mode(0o700).create(path) {
                Ok(()) => made.paths.borrow_mut().push(path.to_owned()),
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                Err(error) => return Err(error),
            }
        }
        Ok(made)
    }

    fn remove(&self) {
        while let Some(path) = self.paths.borrow_mut().pop() {
            let _ = std::fs::remove_dir(path);
        }
    }
}

impl Drop for MadeDirectories {
    fn drop(&mut self) {
        self.remove();
    }
}

fn accept(socket: &OwnedFd) -> std::result::Result<OwnedFd, Errno> {
    rustix::net::accept_with(socket, SocketFlags::CLOEXEC | SocketFlags::NONBLOCK)
}

fn identity(stat: &Stat) -> (u64, u64) {
    (stat.st_dev, stat.st_ino)
}

/// Removes a socket on which nobody listens; says why not otherwise.
fn clear_stale(directory: impl AsFd, name: &str) -> std::result::Result<(), String> {
    let stat =
        rustix::fs::statat(&directory, name, AtFlags::SYMLINK_NOFOLLOW).map_err(|errno| errno.to_string())?;
    if FileType::from_raw_mode(stat.st_mode) != FileType::Socket {
        return Err("there is a file of this name, and it is not a socket".into());
    }
    let path = Path::new("/proc/self/fd")
        .join(std::os::fd::AsRawFd::as_raw_fd(&directory.as_fd()).to_string())
        .join(name);
    let probe = || -> std::result::Result<(), Errno> {
        let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
        let socket = rustix::net::socket_with(AddressFamily::UNIX, SocketType::SEQPACKET, flags, None)?;
        rustix::net::connect(&socket, &SocketAddrUnix::new(&path)?)
    };
    match probe() {
        Err(Errno::CONNREFUSED) => {
            rustix::fs::unlinkat(&directory, name, AtFlags::empty()).map_err(|errno| errno.to_string())
        }
        _ => Err("somebody else listens on it".into()),
    }
}
