//! A connected SEQPACKET socket (unix(7)): packets keep their boundaries.

use std::io;
use std::os::fd::OwnedFd;

use rustix::net::{RecvFlags, SendFlags};
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;

/// One end of a connection.
#[derive(Debug)]
pub struct SeqPacket {
    socket: AsyncFd<OwnedFd>,
}

impl SeqPacket {
    /// Takes over a connected, non-blocking socket.
    pub fn new(socket: OwnedFd) -> io::Result<Self> {
        let interest = Interest::READABLE | Interest::WRITABLE;
        Ok(Self {
            socket: crate::readiness::register(socket, interest)?,
        })
    }

    /// The next packet, whole. Empty: the peer sends no more.
    pub async fn receive(&self) -> io::Result<Vec<u8>> {
        self.socket
            .async_io(Interest::READABLE, |socket| {
                // Its length first: what does not fit into the buffer would be lost.
                let look = RecvFlags::PEEK | RecvFlags::TRUNC;
                let (_, length) = rustix::net::recv(socket, [0_u8; 0].as_mut_slice(), look)?;
                let mut packet = vec![0; length];
                let (_, length) = rustix::net::recv(socket, packet.as_mut_slice(), RecvFlags::empty())?;
                packet.truncate(length);
                Ok(packet)
            })
            .await
    }

    /// Sends a packet, waiting until the peer has room for it.
    pub async fn send(&self, packet: &[u8]) -> io::Result<()> {
        self.socket
            .async_io(Interest::WRITABLE, |socket| {
                Ok(rustix::net::send(socket, packet, SendFlags::NOSIGNAL)?)
            })
            .await
            .map(drop)
    }

    /// Waits until the peer has closed its end for both directions.
    pub async fn hung_up(&self) -> io::Result<()> {
        // A registration of its own, for the hang-up alone: that event comes to every one (epoll_ctl(2)).
        let copy = self.socket.get_ref().try_clone()?;
        let watched = crate::readiness::register(copy, Interest::PRIORITY)?;
        watched.ready(Interest::PRIORITY).await.map(drop)
    }
}
