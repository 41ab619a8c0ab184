//! A container's terminal: the console socket on which the runtime hands over its master, and what
//! is done with the master afterwards.
//!
//! The protocol is runc's (docs/terminals.md there): the runtime connects to a unix stream socket
//! and sends one message with one descriptor.

use std::io;
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, OwnedFd};
use std::path::PathBuf;
use std::time::Duration;

use rustix::fs::{Mode, OFlags};
use rustix::net::{RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SocketFlags, SocketType};
use rustix::termios::Winsize;
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;

use super::{OutputReader, Stdin};
use crate::error::{Code, Error, Result};

/// A listening console socket.
#[derive(Debug)]
pub struct ConsoleSocket {
    listener: AsyncFd<OwnedFd>,
    directory: OwnedFd,
}

impl ConsoleSocket {
    /// The name of its file.
    pub const NAME: &str = "console.sock";

    /// Listens in `directory`, which is of this call alone and takes the socket's file with it.
    pub fn listen(directory: PathBuf) -> Result<Self> {
        let make = || -> io::Result<Self> {
            let flags = OFlags::DIRECTORY | OFlags::RDONLY | OFlags::CLOEXEC;
            let directory = rustix::fs::open(&directory, flags, Mode::empty())?;
            let socket = crate::socket::bind(directory.as_fd(), Self::NAME, SocketType::STREAM)?;
            rustix::net::listen(&socket, 1)?;
            let listener = crate::readiness::register(socket, Interest::READABLE)?;
            Ok(Self { listener, directory })
        };
        make().map_err(|error| {
            let what = format!("making the console socket in {}", directory.display());
            Error::from_io(Code::RuntimeDirUnusable, what, &error)
        })
    }

    /// The path to tell the runtime: short whatever the directory's length, since a socket address
    /// holds 108 bytes (unix(7)).
    pub fn path(&self) -> PathBuf {
        super::path_of(&self.directory).join(Self::NAME)
    }

    /// Waits, at most `timeout`, for the runtime to connect and hand over the master.
    pub async fn receive(&self, timeout: Duration) -> Result<Terminal> {
        let master = tokio::time::timeout(timeout, async {
            let connection = self.accept().await?;
            receive_descriptor(&connection).await
        })
        .await
        .map_err(|_| {
            let seconds = timeout.as_secs_f64();
            Error::new(
                Code::ConsoleFailed,
                format!("the runtime did not hand over the terminal within {seconds} s"),
            )
        })?
        .map_err(|error| {
            Error::from_io(
                Code::ConsoleFailed,
                "receiving the terminal from the runtime",
                &error,
            )
        })?;
        Terminal::new(master)
            .map_err(|error| Error::from_io(Code::ConsoleFailed, "taking over the terminal", &error))
    }

    async fn accept(&self) -> io::Result<AsyncFd<OwnedFd>> {
        let socket = self
            .listener
            .async_io(Interest::READABLE, |listener| {
                Ok(rustix::net::accept_with(
                    listener,
                    SocketFlags::CLOEXEC | SocketFlags::NONBLOCK,
                )?)
            })
            .await?;
        crate::readiness::register(socket, Interest::READABLE)
    }
}

async fn receive_descriptor(connection: &AsyncFd<OwnedFd>) -> io::Result<OwnedFd> {
    connection
        .async_io(Interest::READABLE, |socket| {
            let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
            let mut control = RecvAncillaryBuffer::new(&mut space);
            let mut name = [0; 4096];
            let mut data = [io::IoSliceMut::new(&mut name)];
            rustix::net::recvmsg(socket, &mut data, &mut control, RecvFlags::CMSG_CLOEXEC)?;
            control
                .drain()
                .find_map(|message| match message {
                    RecvAncillaryMessage::ScmRights(mut descriptors) => descriptors.next(),
                    _ => None,
                })
                .ok_or_else(|| {
                    io::Error::new(io::ErrorKind::InvalidData, "the message carried no descriptor")
                })
        })
        .await
}

/// The master of a container's terminal.
#[derive(Clone, Debug)]
pub struct Terminal {
    reader: OutputReader,
}

impl Terminal {
    fn new(master: OwnedFd) -> io::Result<Self> {
        if !rustix::termios::isatty(&master) {
            return Err(io::Error::new(
                io::ErrorKind::InvalidData,
                "the descriptor is not a terminal",
            ));
        }
        Ok(Self {
            reader: OutputReader::terminal(master)?,
        })
    }

    /// The output side.
    pub fn reader(&self) -> OutputReader {
        self.reader.clone()
    }

    /// The input side.
    pub fn stdin(&self) -> Stdin {
        Stdin::terminal(self.reader.shared())
    }

    /// Sets the size; the kernel tells the foreground process by SIGWINCH.
    pub fn resize(&self, columns: u16, rows: u16) -> io::Result<()> {
        let size = Winsize {
            ws_row: rows,
            ws_col: columns,
            ws_xpixel: 0,
            ws_ypixel: 0,
        };
        Ok(rustix::termios::tcsetwinsize(&self.reader, size)?)
    }
}
