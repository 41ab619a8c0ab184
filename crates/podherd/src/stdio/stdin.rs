//! The standard input of a container or exec: what its attach clients write.

use std::cell::{Cell, RefCell};
use std::io;
use std::os::fd::OwnedFd;
use std::rc::Rc;

use rustix::fs::OFlags;
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;
use tokio::sync::{Mutex, watch};

/// The way in. Clones are the same way; it stays open until one of them closes it or all are dropped.
#[derive(Clone, Debug)]
pub struct Stdin {
    shared: Rc<Shared>,
}

#[derive(Debug)]
struct Shared {
    end: RefCell<End>,
    /// Held while a chunk is written: what one client sends in one piece arrives in one piece.
    writing: Mutex<()>,
    /// Ends a write that waits for room when the input is closed.
    closed: watch::Sender<bool>,
    /// A terminal has no half-close: its users type the end of file.
    terminal: bool,
    /// Whether what was written last is the beginning of a line.
    within_line: Cell<bool>,
}

/// Newline, and the return key.
const LINE_ENDS: [u8; 2] = [b'\n', b'\r'];

#[derive(Debug)]
enum End {
    /// Nobody has written yet, so the event loop need not know of it.
    Idle(OwnedFd),
    Watched(Rc<AsyncFd<OwnedFd>>),
    Closed,
}

impl Stdin {
    /// The write end of a pipe.
    pub fn pipe(fd: OwnedFd) -> Self {
        Self::new(End::Idle(fd), false)
    }

    /// The input side of a terminal, whose master is registered for writing too.
    pub fn terminal(master: Rc<AsyncFd<OwnedFd>>) -> Self {
        Self::new(End::Watched(master), true)
    }

    fn new(end: End, terminal: bool) -> Self {
        Self {
            shared: Rc::new(Shared {
                end: RefCell::new(end),
                writing: Mutex::new(()),
                closed: watch::Sender::new(false),
                terminal,
                within_line: Cell::new(false),
            }),
        }
    }

    /// Writes all of `bytes`, waiting for the process to take them. `BrokenPipe`: the input is closed,
    /// by a client or by the process.
    pub async fn write(&self, bytes: &[u8]) -> io::Result<()> {
        let _turn = self.shared.writing.lock().await;
        let fd = self.shared.watched()?;
        if let Some(last) = bytes.last() {
            self.shared.within_line.set(!LINE_ENDS.contains(last));
        }
        let mut closed = self.shared.closed.subscribe();
        tokio::select! {
            written = write_all(&fd, bytes) => written,
            _ = closed.wait_for(|closed| *closed) => Err(io::ErrorKind::BrokenPipe.into()),
        }
    }

    /// Says that nothing more comes: closes a pipe, and types the end of file on a terminal, as its user would. The
    /// character (VEOF, termios(3)) ends a line that was begun; only at the beginning of a line it is the end of file.
    pub async fn end(&self) -> io::Result<()> {
        if !self.shared.terminal {
            self.close();
            return Ok(());
        }
        let character = self.shared.end_of_file()?;
        let times = if self.shared.within_line.get() { 2 } else { 1 };
        self.write(&vec![character; times]).await
    }

    /// End of file for the process, once it has read what was written. Without effect on a terminal.
    pub fn close(&self) {
        if !self.shared.terminal {
            self.shared.end.replace(End::Closed);
            self.shared.closed.send_replace(true);
        }
    }
}

impl Shared {
    /// What a terminal's user types for the end of file; it may have been set to something else.
    fn end_of_file(&self) -> io::Result<u8> {
        let terminal = self.watched()?;
        let settings = rustix::termios::tcgetattr(terminal.get_ref())?;
        Ok(settings.special_codes[rustix::termios::SpecialCodeIndex::VEOF])
    }

    fn watched(&self) -> io::Result<Rc<AsyncFd<OwnedFd>>> {
        let mut end = self.end.borrow_mut();
        match std::mem::replace(&mut *end, End::Closed) {
            End::Closed => Err(io::ErrorKind::BrokenPipe.into()),
            End::Watched(fd) => {
                *end = End::Watched(fd.clone());
                Ok(fd)
            }
            End::Idle(fd) => {
                // A copy first: when the event loop refuses it, the process must not see an end of file.
                let copy = fd.try_clone()?;
                *end = End::Idle(fd);
                let flags = rustix::fs::fcntl_getfl(&copy)?;
                rustix::fs::fcntl_setfl(&copy, flags | OFlags::NONBLOCK)?;
                let fd = Rc::new(crate::readiness::register(copy, Interest::WRITABLE)?);
                *end = End::Watched(fd.clone());
                Ok(fd)
            }
        }
    }
}

async fn write_all(fd: &AsyncFd<OwnedFd>, mut bytes: &[u8]) -> io::Result<()> {
    while !bytes.is_empty() {
        let written = fd
            .async_io(Interest::WRITABLE, |fd| Ok(rustix::io::write(fd, bytes)?))
            .await?;
        bytes = &bytes[written..];
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use futures::FutureExt;

    use super::*;

    #[tokio::test(flavor = "current_thread")]
    async fn writes_every_byte_and_then_the_end() {
        let (read, write) = crate::stdio::pipe().unwrap();
        let stdin = Stdin::pipe(write);
        let sent: Vec<u8> = (0..300_000_u32).map(|number| (number % 251) as u8).collect();
        let reader = std::thread::spawn(move || {
            let mut received = Vec::new();
            std::fs::File::from(read).read_to_end(&mut received).unwrap();
            received
        });
        stdin.write(&sent).await.unwrap();
        let copy = stdin.clone();
        copy.close();
        assert_eq!(reader.join().unwrap(), sent);
        let closed = stdin.write(b"more").await.unwrap_err();
        assert_eq!(closed.kind(), io::ErrorKind::BrokenPipe);
    }

    #[tokio::test(flavor = "current_thread")]
    async fn closing_ends_a_write_that_waits() {
        let (_read, write) = crate::stdio::pipe().unwrap();
        let stdin = Stdin::pipe(write);
        let full = vec![0; 1 << 20];
        let mut writing = Box::pin(stdin.write(&full));
        assert!(writing.as_mut().now_or_never().is_none());
        stdin.close();
        assert_eq!(writing.await.unwrap_err().kind(), io::ErrorKind::BrokenPipe);
    }

    #[tokio::test(flavor = "current_thread")]
    async fn a_process_that_has_closed_its_input_is_a_broken_pipe() {
        let (read, write) = crate::stdio::pipe().unwrap();
        let stdin = Stdin::pipe(write);
        drop(read);
        assert_eq!(
            stdin.write(b"x").await.unwrap_err().kind(),
            io::ErrorKind::BrokenPipe
        );
    }
}
