//! Unix sockets at paths of any length: a socket address holds 108 bytes (unix(7)), a directory's
//! path may be longer, so sockets are bound through a descriptor of their directory.

use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};

use rustix::fs::Mode;
use rustix::net::{AddressFamily, SocketAddrUnix, SocketFlags, SocketType};

/// Binds a socket of `kind` under `name` in `directory`, with mode 0600 from its first moment.
pub fn bind(directory: BorrowedFd<'_>, name: &str, kind: SocketType) -> io::Result<OwnedFd> {
    let socket = rustix::net::socket_with(
        AddressFamily::UNIX,
        kind,
        SocketFlags::CLOEXEC | SocketFlags::NONBLOCK,
        None,
    )?;
    // The file inherits the mode of the socket's inode (unix(7)), so there is no moment of another one.
    rustix::fs::fchmod(&socket, Mode::RUSR | Mode::WUSR)?;
    let path = format!("/proc/self/fd/{}/{name}", directory.as_raw_fd());
    rustix::net::bind(&socket, &SocketAddrUnix::new(path)?)?;
    Ok(socket)
}

/// Whether root or this server's own user has connected (`SO_PEERCRED`, unix(7)); says so if not.
pub fn is_of_this_user(connection: impl AsFd) -> bool {
    match rustix::net::sockopt::socket_peercred(connection) {
        Ok(peer) if peer.uid.is_root() || peer.uid == rustix::process::geteuid() => true,
        Ok(peer) => {
            tracing::warn!(uid = peer.uid.as_raw(), "a connection of another user is refused");
            false
        }
        Err(error) => {
            tracing::warn!(%error, "a connection without credentials is refused");
            false
        }
    }
}
