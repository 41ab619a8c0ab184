//! Sending datagrams to journald, and long ones in a sealed file.

use std::io::IoSlice;
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, OwnedFd};
use std::path::{Path, PathBuf};
use std::sync::LazyLock;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use rustix::fs::{MemfdFlags, SealFlags, fcntl_add_seals, memfd_create};
use rustix::io::{Errno, pwritev};
use rustix::net::sockopt::{Timeout, set_socket_timeout};
use rustix::net::{
    AddressFamily, SendAncillaryBuffer, SendAncillaryMessage, SendFlags, SocketAddrUnix, SocketFlags,
    SocketType, connect, sendmsg_addr, socket_with,
};

use super::SOCKET;

/// How long one datagram may wait for a journal that doesn't take any, before the journal is given up: the
/// end of a container waits for its last line.
pub(in super::super) const PATIENCE: Duration = Duration::from_secs(5);

/// A journal. Each datagram is sent to its path, not over a connection: one that was started anew is
/// found by that.
pub(in super::super) struct Journal {
    path: PathBuf,
    /// A datagram has waited for [`PATIENCE`] in vain: nobody waits any more until one gets through.
    /// Shared by all logs, so that a journal that hangs costs that time once.
    given_up: AtomicBool,
}

impl Journal {
    pub(in super::super) fn of_the_machine() -> &'static Self {
        static JOURNAL: LazyLock<Journal> = LazyLock::new(|| Journal::at(SOCKET.into()));
        &JOURNAL
    }

    pub(in super::super) fn at(path: PathBuf) -> Self {
        Self {
            path,
            given_up: AtomicBool::new(false),
        }
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// A socket to send from. An error if nobody listens at the path.
    pub(super) fn open(&self) -> Result<OwnedFd, Errno> {
        let make = || socket_with(AddressFamily::UNIX, SocketType::DGRAM, SocketFlags::CLOEXEC, None);
        connect(&make()?, &SocketAddrUnix::new(&self.path)?)?;
        let socket = make()?;
        set_socket_timeout(&socket, Timeout::Send, Some(PATIENCE))?;
        Ok(socket)
    }

    /// Sends one entry.
    pub(super) fn send(&self, socket: &OwnedFd, parts: [&[u8]; 4]) -> Result<(), Errno> {
        let slices = parts.map(IoSlice::new);
        let sent = match self.send_message(socket, &slices, &mut SendAncillaryBuffer::default()) {
            // More than the socket's buffer takes.
            Err(Errno::MSGSIZE | Errno::NOBUFS) => self.send_file(socket, &slices),
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
    fn send_file(&self, socket: &OwnedFd, slices: &[IoSlice<'_>]) -> Result<(), Errno> {
        let file = memfd_create(c"journal-entry", MemfdFlags::CLOEXEC | MemfdFlags::ALLOW_SEALING)?;
        let length: usize = slices.iter().map(|slice| slice.len()).sum();
        if pwritev(&file, slices, 0)? != length {
            return Err(Errno::NOSPC);
        }
        fcntl_add_seals(
            &file,
            SealFlags::SHRINK | SealFlags::GROW | SealFlags::WRITE | SealFlags::SEAL,
        )?;
        let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
        let mut ancillary = SendAncillaryBuffer::new(&mut space);
        let files = [file.as_fd()];
        ancillary.push(SendAncillaryMessage::ScmRights(&files));
        self.send_message(socket, &[], &mut ancillary)
    }

    fn send_message(
        &self,
        socket: &OwnedFd,
        slices: &[IoSlice<'_>],
        ancillary: &mut SendAncillaryBuffer<'_, '_, '_>,
    ) -> Result<(), Errno> {
        let address = SocketAddrUnix::new(&self.path)?;
        let mut flags = SendFlags::NOSIGNAL;
        if self.given_up.load(Ordering::Relaxed) {
            flags |= SendFlags::DONTWAIT;
        }
        loop {
            match sendmsg_addr(socket, &address, slices, ancillary, flags) {
                Err(Errno::INTR) => {}
                Err(errno) => return Err(errno),
                Ok(_) => return Ok(()),
            }
        }
    }
}
