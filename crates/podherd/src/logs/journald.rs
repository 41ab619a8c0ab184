//! A container's output in systemd-journald. Everything here may wait for journald: writer
//! threads only.

mod fields;

use std::io::IoSlice;
use std::os::fd::OwnedFd;
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use rustix::io::Errno;

use super::Stream;
use super::error::LogError;
use super::losses::Losses;
use super::records::entry::{Parsed, parse};
use crate::journald::{Journald, SOCKET};
use fields::Fields;

/// How long one line may wait for a journald that takes none, before output is dropped: the end of a
/// container waits for its last line, and the server's for its containers' ends.
pub(super) const PATIENCE: Duration = Duration::from_secs(5);

/// systemd-journald of this machine, for all containers.
pub(super) fn of_the_machine() -> &'static Journald {
    static JOURNAL: LazyLock<Journald> = LazyLock::new(|| Journald::at(SOCKET, PATIENCE));
    &JOURNAL
}

/// A container's way to journald, and what could not be sent.
pub(super) struct JournaldLog {
    journald: &'static Journald,
    socket: OwnedFd,
    fields: Fields,
    losses: Losses,
}

impl JournaldLog {
    /// Makes a socket. An error if nobody listens at journald's.
    pub(super) fn open(journald: &'static Journald, label: Arc<str>) -> Result<Self, LogError> {
        let socket = journald.open();
        let socket = socket.map_err(|errno| LogError::of_journald(journald.path(), errno))?;
        Ok(Self {
            journald,
            socket,
            fields: Fields::of(&label),
            losses: Losses::new(label),
        })
    }

    /// What could not be sent.
    pub(super) fn losses(&self) -> &Losses {
        &self.losses
    }

    /// The last failure to send.
    pub(super) fn last_error(&self) -> Option<LogError> {
        let errno = self.losses.last_error()?;
        Some(LogError::of_journald(self.journald.path(), errno))
    }

    /// Sends each entry of a batch. One that can't be sent is lost and counted.
    pub(super) fn append(&mut self, batch: &[u8]) {
        for entry in parse(batch) {
            self.settle();
            // An entry after a loss that is not said would look as if nothing were missing.
            let sent = match self.losses.notice() {
                None => self.send(entry),
                Some(_) => Err(self.losses.last_error().unwrap_or(Errno::IO)),
            };
            if let Err(errno) = sent {
                self.losses
                    .lose(self.journald.path(), entry.output_bytes(), errno);
            }
        }
    }

    /// Says how much was lost, if that has not been said and journald takes it.
    pub(super) fn settle(&mut self) {
        let Some(text) = self.losses.notice() else {
            return;
        };
        let notice = Parsed {
            stream: Stream::Stderr,
            partial: false,
            content: text.as_bytes(),
        };
        if self.send(notice).is_ok() {
            self.losses.said(self.journald.path());
        }
    }

    fn send(&self, entry: Parsed<'_>) -> Result<(), Errno> {
        let length = (entry.content.len() as u64).to_le_bytes();
        let datagram = self.fields.datagram(&entry, &length);
        self.journald.send(&self.socket, &datagram.map(IoSlice::new))
    }
}
