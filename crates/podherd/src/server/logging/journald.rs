//! The server's events as entries of systemd-journald.

use std::fmt::{self, Write};
use std::io::IoSlice;
use std::os::fd::OwnedFd;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use rustix::io::Errno;
use tracing::field::{Field, Visit};
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::Layer;
use tracing_subscriber::layer::Context;

use crate::journald::{Journald, SOCKET};

/// How long the event loop may be held by a journald that takes nothing; once, until it takes something again.
const PATIENCE: Duration = Duration::from_millis(100);

/// Sends each event: `MESSAGE` is the whole line as it would be on standard output, and each field of the
/// event is a field `PODHERD_NAME` of the entry too. `CONTAINER_ID`, by which a container's output is
/// found in journald, is none of them.
pub(super) struct JournaldLayer {
    journald: Journald,
    socket: OwnedFd,
    /// Events that journald did not take, and that it has not been told of.
    lost: AtomicU64,
}

impl JournaldLayer {
    /// An error if there is no journald.
    pub(super) fn open() -> Result<Self, Errno> {
        let journald = Journald::at(SOCKET, PATIENCE);
        Ok(Self {
            socket: journald.open()?,
            journald,
            lost: AtomicU64::new(0),
        })
    }

    fn send(&self, level: Level, fields: &Fields) -> Result<(), Errno> {
        let head = format!("SYSLOG_IDENTIFIER=podherd\nPRIORITY={}\n", priority(level));
        let mut entry = head.into_bytes();
        put(&mut entry, "MESSAGE", &fields.line);
        entry.extend_from_slice(&fields.entry);
        self.journald.send(&self.socket, &[IoSlice::new(&entry)])
    }

    /// Tells journald of the events that it lacks, if there are any.
    fn tell_of_lost(&self) {
        let lost = self.lost.load(Ordering::Relaxed);
        if lost == 0 {
            return;
        }
        let mut fields = Fields::default();
        let _ = write!(fields.line, "{lost} events of this server are not in journald");
        if self.send(Level::WARN, &fields).is_ok() {
            self.lost.fetch_sub(lost, Ordering::Relaxed);
        }
    }
}

impl<S: Subscriber> Layer<S> for JournaldLayer {
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        self.tell_of_lost();
        let mut fields = Fields::default();
        event.record(&mut fields);
        if self.send(*event.metadata().level(), &fields).is_err() {
            self.lost.fetch_add(1, Ordering::Relaxed);
        }
    }
}

/// Priorities of syslog(3): error, warning, information, debug.
fn priority(level: Level) -> u8 {
    match level {
        Level::ERROR => 3,
        Level::WARN => 4,
        Level::INFO => 6,
        _ => 7,
    }
}

/// The fields of one event.
#[derive(Default)]
struct Fields {
    /// The message, and then ` NAME=VALUE` for each field.
    line: String,
    /// The fields in the protocol's form.
    entry: Vec<u8>,
}

impl Visit for Fields {
    fn record_str(&mut self, field: &Field, value: &str) {
        self.record_debug(field, &format_args!("{value}"));
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        let text = format!("{value:?}");
        if field.name() == "message" {
            self.line.insert_str(0, &text);
            return;
        }
        let _ = write!(self.line, " {}={text}", field.name());
        let name = field.name().to_ascii_uppercase();
        put(&mut self.entry, &format!("PODHERD_{name}"), &text);
    }
}

/// Appends a field in the form with a length before the value, in which any byte may be.
fn put(entry: &mut Vec<u8>, name: &str, value: &str) {
    entry.extend_from_slice(name.as_bytes());
    entry.push(b'\n');
    entry.extend_from_slice(&(value.len() as u64).to_le_bytes());
    entry.extend_from_slice(value.as_bytes());
    entry.push(b'\n');
}
