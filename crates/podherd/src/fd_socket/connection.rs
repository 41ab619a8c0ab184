//! One client of the fd socket.

use std::io::{self, IoSliceMut};
use std::mem::{self, MaybeUninit};
use std::os::fd::OwnedFd;
use std::rc::Rc;

use rustix::net::{RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, ReturnFlags, SendFlags};
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;

use super::message::{Head, MOST_AT_ONCE, REQUEST};
use super::slots::Slots;
use crate::error::{Code, Error, Result};

/// A connection. Dropped, it closes what it has sent and nobody has taken.
#[derive(Debug)]
pub struct Connection {
    socket: AsyncFd<OwnedFd>,
    slots: Rc<Slots>,
    /// Slots that this connection has filled. Some may have been taken since; numbers are never reused.
    filled: Vec<u64>,
}

/// What one packet brought.
struct Packet {
    head: Head,
    bytes: usize,
    descriptors: Vec<OwnedFd>,
    /// Descriptors are missing, since the server has room for no more.
    incomplete: bool,
}

impl Connection {
    /// On a socket that was accepted.
    pub fn new(socket: OwnedFd, slots: Rc<Slots>) -> io::Result<Self> {
        Ok(Self {
            socket: crate::readiness::register(socket, Interest::READABLE | Interest::WRITABLE)?,
            slots,
            filled: Vec::new(),
        })
    }

    /// Answers requests until the client goes; `heard` is called at each. A client that doesn't read its
    /// answers is not read either.
    pub async fn serve(mut self, heard: impl Fn()) -> io::Result<()> {
        loop {
            let packet = self.receive().await?;
            if packet.bytes == 0 {
                return Ok(());
            }
            heard();
            let head = packet.head;
            if packet.bytes == REQUEST && head.closes() {
                self.close_slots();
                continue;
            }
            let answer = match self.keep(packet) {
                Ok(slots) => head.answer(slots),
                Err(error) => {
                    tracing::debug!(%error, "a request of the fd socket failed");
                    head.failure(&error)
                }
            };
            self.send(&answer).await?;
        }
    }

    /// Gives the descriptors their slots; on an error they are closed.
    fn keep(&mut self, packet: Packet) -> Result<&[u64]> {
        let (said, came) = (packet.head.descriptors(), packet.descriptors.len());
        if packet.bytes != REQUEST {
            return Err(invalid(format!("a request of the fd socket has {REQUEST} bytes")));
        }
        if said > MOST_AT_ONCE {
            return Err(invalid(format!(
                "{said} descriptors at once; {MOST_AT_ONCE} can be sent"
            )));
        }
        if packet.incomplete {
            return Err(Error::new(
                Code::ResourcesExhausted,
                format!("the server has no descriptors left: {came} of {said} could be received"),
            ));
        }
        if said != came {
            return Err(invalid(format!("{said} descriptors were announced, {came} came")));
        }
        let first = self.filled.len();
        self.filled.extend(self.slots.fill(packet.descriptors)?);
        Ok(&self.filled[first..])
    }

    fn close_slots(&mut self) {
        self.slots.close(mem::take(&mut self.filled));
    }

    async fn receive(&self) -> io::Result<Packet> {
        self.socket.async_io(Interest::READABLE, receive_packet).await
    }

    async fn send(&self, bytes: &[u8]) -> io::Result<()> {
        let send = |socket: &OwnedFd| Ok(rustix::net::send(socket, bytes, SendFlags::NOSIGNAL)?);
        self.socket.async_io(Interest::WRITABLE, send).await.map(drop)
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        self.close_slots();
    }
}

/// Every descriptor that the kernel installs is owned at once, so that none is lost on any path.
fn receive_packet(socket: &OwnedFd) -> io::Result<Packet> {
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(MOST_AT_ONCE))];
    let mut control = RecvAncillaryBuffer::new(&mut space);
    // One byte more than a request has: what is longer shows.
    let mut buffer = [0; REQUEST + 1];
    let received = rustix::net::recvmsg(
        socket,
        &mut [IoSliceMut::new(&mut buffer)],
        &mut control,
        RecvFlags::CMSG_CLOEXEC,
    )?;
    let mut descriptors = Vec::new();
    for message in control.drain() {
        if let RecvAncillaryMessage::ScmRights(more) = message {
            descriptors.extend(more);
        }
    }
    Ok(Packet {
        head: Head::of(&buffer[..received.bytes]),
        bytes: received.bytes,
        descriptors,
        incomplete: received.flags.contains(ReturnFlags::CTRUNC),
    })
}

fn invalid(why: String) -> Error {
    Error::new(Code::InvalidArgument, why)
}
