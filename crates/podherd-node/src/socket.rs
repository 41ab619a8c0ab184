//! One connected socket. Calls never block; readiness can be awaited.

use std::io::{self, IoSlice};
use std::mem::MaybeUninit;
use std::os::fd::{BorrowedFd, OwnedFd};
use std::path::Path;

use rustix::io::{Errno, Result};
use rustix::net::{
    AddressFamily, RecvFlags, SendAncillaryBuffer, SendAncillaryMessage, SendFlags, Shutdown, SocketFlags,
    SocketType,
};
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;

use crate::address;

/// Most descriptors in one packet: the kernel's SCM_MAX_FD (unix(7)).
pub const MAX_DESCRIPTORS: usize = 253;

/// A connected SEQPACKET socket, and the one owner of its descriptor.
pub struct PacketSocket {
    fd: AsyncFd<OwnedFd>,
}

impl PacketSocket {
    /// Connects; has to be called within an event loop.
    ///
    /// # Errors
    ///
    /// Those of connect(2), among them `EAGAIN` while the listener's queue is full, which nothing tells the end of.
    pub fn connect(path: &Path) -> Result<Self> {
        let address = address::of(path)?;
        let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
        let fd = rustix::net::socket_with(AddressFamily::UNIX, SocketType::SEQPACKET, flags, None)?;
        rustix::net::connect(&fd, &address.unix)?;
        // SAFETY: an OwnedFd is the only owner of its number and always names it, so the number stays open, and
        // names the same file, until the AsyncFd has deregistered and drops it.
        let registered = unsafe { AsyncFd::register(fd) };
        Ok(Self {
            fd: registered.map_err(|error| errno(&io::Error::from(error)))?,
        })
    }

    /// Takes one packet and gives its length; 0 at the end, which an empty packet looks like. Descriptors that
    /// came with it are closed by the kernel.
    ///
    /// # Errors
    ///
    /// `EAGAIN` while there is none; `EMSGSIZE` for one that is larger than `into`, which is lost; those of recv(2).
    pub fn try_receive(&self, into: &mut [u8]) -> Result<usize> {
        let limit = into.len();
        let length = self.call(Interest::READABLE, |fd| {
            rustix::net::recv(fd, &mut *into, RecvFlags::TRUNC).map(|(_, length)| length)
        })?;
        if length > limit {
            Err(Errno::MSGSIZE)
        } else {
            Ok(length)
        }
    }

    /// Sends one packet, whole or not at all, with copies of `descriptors`.
    ///
    /// # Errors
    ///
    /// `EAGAIN` while there is no room; `EINVAL` for an empty packet or more than [`MAX_DESCRIPTORS`]; those of
    /// sendmsg(2).
    pub fn try_send(&self, packet: &[u8], descriptors: &[BorrowedFd<'_>]) -> Result<()> {
        if packet.is_empty() || descriptors.len() > MAX_DESCRIPTORS {
            return Err(Errno::INVAL);
        }
        let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(MAX_DESCRIPTORS))];
        let mut control = SendAncillaryBuffer::new(&mut space);
        if !descriptors.is_empty() && !control.push(SendAncillaryMessage::ScmRights(descriptors)) {
            return Err(Errno::INVAL);
        }
        self.call(Interest::WRITABLE, |fd| {
            rustix::net::sendmsg(fd, &[IoSlice::new(packet)], &mut control, SendFlags::NOSIGNAL).map(drop)
        })
    }

    /// Tells the peer that nothing more comes.
    pub fn shutdown_write(&self) -> Result<()> {
        rustix::net::shutdown(self.fd.get_ref(), Shutdown::Write)
    }

    /// Resolves when a receive is worth a try, also at the end and after an error.
    pub async fn readable(&self) -> io::Result<()> {
        self.fd.readable().await.map(drop)
    }

    /// Resolves when a send is worth a try, also after an error.
    pub async fn writable(&self) -> io::Result<()> {
        self.fd.writable().await.map(drop)
    }

    /// Makes a call that wakes the next wait for `interest` no sooner than it is worth it.
    fn call<T>(&self, interest: Interest, call: impl FnOnce(&OwnedFd) -> Result<T>) -> Result<T> {
        self.fd
            .try_io(interest, |fd| call(fd).map_err(io::Error::from))
            .map_err(|error| errno(&error))
    }
}

/// The number of an error; the event loop has a `WouldBlock` of its own, without one.
fn errno(error: &io::Error) -> Errno {
    match Errno::from_io_error(error) {
        Some(errno) => errno,
        None if error.kind() == io::ErrorKind::WouldBlock => Errno::AGAIN,
        None => Errno::IO,
    }
}

#[cfg(test)]
mod tests;
