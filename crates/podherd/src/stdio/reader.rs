//! The server's end of an output stream: a pipe or the master of a terminal.

use std::cell::RefCell;
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::rc::Rc;

use rustix::fs::OFlags;
use rustix::io::Errno;
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;

use super::RateLimiter;

/// One read takes at most this much: a pipe's usual capacity.
pub const CHUNK: usize = 64 << 10;

/// Reads one output stream without blocking. Cheap to clone: a terminal is read, and resized.
#[derive(Clone, Debug)]
pub struct OutputReader {
    fd: Rc<AsyncFd<OwnedFd>>,
    /// Shared with the other stream of the same container.
    limiter: Option<Rc<RateLimiter>>,
}

impl OutputReader {
    /// Takes over the read end of a pipe, or a terminal's master. The flag is set on the open file
    /// description, which the writers of a pipe don't share.
    pub fn new(fd: OwnedFd) -> io::Result<Self> {
        Self::watch(fd, Interest::READABLE)
    }

    /// The same for a terminal, which is written too.
    pub(super) fn terminal(master: OwnedFd) -> io::Result<Self> {
        Self::watch(master, Interest::READABLE | Interest::WRITABLE)
    }

    fn watch(fd: OwnedFd, interest: Interest) -> io::Result<Self> {
        let flags = rustix::fs::fcntl_getfl(&fd)?;
        rustix::fs::fcntl_setfl(&fd, flags | OFlags::NONBLOCK)?;
        Ok(Self {
            fd: Rc::new(crate::readiness::register(fd, interest)?),
            limiter: None,
        })
    }

    /// The same, read no faster than this allows.
    pub fn limited_by(self, limiter: Option<Rc<RateLimiter>>) -> Self {
        Self { limiter, ..self }
    }

    /// Whom to ask for a turn before each read of something that is there.
    pub(super) fn limiter(&self) -> Option<&RateLimiter> {
        self.limiter.as_deref()
    }

    /// The registered descriptor, for the input side of a terminal.
    pub(super) fn shared(&self) -> Rc<AsyncFd<OwnedFd>> {
        self.fd.clone()
    }

    /// Waits until there is something to read, or the end.
    pub async fn readable(&self) -> io::Result<()> {
        self.fd.readable().await.map(|mut guard| guard.retain_ready())
    }

    /// Whether nothing is there to read now; false when the kernel doesn't say.
    pub fn is_empty(&self) -> bool {
        rustix::io::ioctl_fionread(self.fd.get_ref()).is_ok_and(|count| count == 0)
    }

    /// Reads what is there, at most `buffer.len()` bytes, once [`OutputReader::readable`] has returned:
    /// `Ok(0)` is the end, `WouldBlock` means that nothing is there now.
    pub fn try_read(&self, buffer: &mut [u8]) -> io::Result<usize> {
        self.fd.try_io(Interest::READABLE, |fd| read(fd, buffer))
    }

    /// The same without regard to what the event loop knows: it may not have heard yet of bytes that a
    /// process wrote before its end, of which it has heard.
    pub fn read_now(&self, buffer: &mut [u8]) -> io::Result<usize> {
        read(self.fd.get_ref(), buffer)
    }
}

/// A terminal that nobody holds open any more reports EIO, which is its end and not an error.
fn read(fd: &OwnedFd, buffer: &mut [u8]) -> io::Result<usize> {
    match rustix::io::read(fd, buffer) {
        Err(Errno::IO) => Ok(0),
        other => Ok(other?),
    }
}

impl AsFd for OutputReader {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.fd.get_ref().as_fd()
    }
}

/// Buffers for reading. Streams that are busy at the same time hold one each; between reads one is
/// kept, and none once everything is quiet, so that idle containers cost no memory.
#[derive(Clone, Debug, Default)]
pub struct BufferPool {
    spare: Rc<RefCell<Option<Box<[u8]>>>>,
}

impl BufferPool {
    /// A buffer of [`CHUNK`] bytes.
    pub fn take(&self) -> Box<[u8]> {
        self.spare
            .take()
            .unwrap_or_else(|| vec![0; CHUNK].into_boxed_slice())
    }

    /// Gives a buffer back for the next reader.
    pub fn give(&self, buffer: Box<[u8]>) {
        self.spare.replace(Some(buffer));
    }

    /// Frees the spare buffer; called when a stream has run dry.
    pub fn trim(&self) {
        self.spare.take();
    }
}
