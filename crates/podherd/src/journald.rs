//! systemd-journald, by its native protocol (systemd's documentation, "Native
//! Journal Protocol"): one datagram an entry, one too long for that in a sealed file. Used by the logs of
//! containers and by the server's own. Who sends here may wait, for the patience of the [`Journald`] at most.

use std::io::IoSlice;
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, OwnedFd};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use rustix::fs::{MemfdFlags, SealFlags, fcntl_add_seals, memfd_create};
use rustix::io::{Errno, pwritev};
use rustix::net::sockopt::{Timeout, set_socket_timeout};
use rustix::net::{
    AddressFamily, SendAncillaryBuffer, SendAncillaryMessage, SendFlags, SocketAddrUnix, SocketFlags,
    SocketType, connect, sendmsg_addr, socket_with,
};

/// Where journald listens.
pub const SOCKET: &str = "/run/systemd/journal/socket";

/// Where entries are sent. Each datagram goes to its path, not over a connection: one that was started
/// anew is found by that.
#[derive(Debug)]
pub struct Journald {
    path: PathBuf,
    patience: Duration,
    /// A datagram has waited in vain: nobody waits any more until one gets through. Shared by all who
    /// send to this journald, so that one that hangs costs its patience once.
    given_up: AtomicBool,
}

impl Journald {
    /// The journald that listens at `path`; one datagram may wait for `patience` until it is taken.
    pub fn at(path: impl Into<PathBuf>, patience: Duration) -> Self {
        Self {
            path: path.into(),
            patience,
            given_up: AtomicBool::new(false),
        }
    }

    /// Where it listens.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// A socket to send from. `ENOENT` or `ECONNREFUSED` if nobody listens at the path.
    pub fn open(&self) -> Result<OwnedFd, Errno> {
        let make = || socket_with(AddressFamily::UNIX, SocketType::DGRAM, SocketFlags::CLOEXEC, None);
        // Only a look: a connected socket would stay with a journald that has gone.
        connect(&make()?, &SocketAddrUnix::new(&self.path)?)?;
        let socket = make()?;
        set_socket_timeout(&socket, Timeout::Send, Some(self.patience))?;
        Ok(socket)
    }

    /// Sends the entry that the parts are together. `EAGAIN`: journald took nothing for its patience, or
    /// has been given up before.
    pub fn send(&self, socket: &OwnedFd, parts: &[IoSlice<'_>]) -> Result<(), Errno> {
        let sent = match self.send_message(socket, parts, &mut SendAncillaryBuffer::default()) {
            // More than the socket's buffer takes.
            Err(Errno::MSGSIZE | Errno::NOBUFS) => self.send_file(socket, parts),
            sent => sent,
        };
        match sent {
            Ok(()) => self.given_up.store(false, Ordering::Relaxed),
            Err(Errno::AGAIN) => self.given_up.store(true, Ordering::Relaxed),
            Err(_) => {}
        }
        sent
    }

    /// Sends an entry as a file in memory that nobody can change any more, which journald insists on.
    fn send_file(&self, socket: &OwnedFd, parts: &[IoSlice<'_>]) -> Result<(), Errno> {
        let file = memfd_create(c"journal-entry", MemfdFlags::CLOEXEC | MemfdFlags::ALLOW_SEALING)?;
        let length: usize = parts.iter().map(|part| part.len()).sum();
        if pwritev(&file, parts, 0)? != length {
            return Err(Errno::NOSPC);
        }
        let seals = SealFlags::SHRINK | SealFlags::GROW | SealFlags::WRITE | SealFlags::SEAL;
        fcntl_add_seals(&file, seals)?;
        let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
        let mut ancillary = SendAncillaryBuffer::new(&mut space);
        let files = [file.as_fd()];
        ancillary.push(SendAncillaryMessage::ScmRights(&files));
        self.send_message(socket, &[], &mut ancillary)
    }

    fn send_message(
        &self,
        socket: &OwnedFd,
        parts: &[IoSlice<'_>],
        ancillary: &mut SendAncillaryBuffer<'_, '_, '_>,
    ) -> Result<(), Errno> {
        let address = SocketAddrUnix::new(&self.path)?;
        let mut flags = SendFlags::NOSIGNAL;
        if self.given_up.load(Ordering::Relaxed) {
            flags |= SendFlags::DONTWAIT;
        }
        loop {
            match sendmsg_addr(socket, &address, parts, ancillary, flags) {
                Err(Errno::INTR) => {}
                Err(errno) => return Err(errno),
                Ok(_) => return Ok(()),
            }
        }
    }
}
