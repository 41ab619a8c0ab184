//! The fields of an entry.

use super::super::Stream;
use super::super::records::entry::Parsed;

/// The fields that say whose output an entry is, in the protocol's form, up to the name of the last one:
/// for stdout and stderr, for whole lines and partial ones.
pub(super) struct Fields([[Box<[u8]>; 2]; 2]);

/// Ids of 64 hexadecimal digits are shortened to this many where people read them, as docker and podman do.
const SHORT_ID: usize = 12;

impl Fields {
    /// Of the container of this id, which has no newline in it.
    pub(super) fn of(id: &str) -> Self {
        let identifier = match id.len() == 64 && id.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            true => &id[..SHORT_ID],
            false => id,
        };
        let fields = |stream, partial| {
            // Priorities of syslog(3): information, and error.
            let (name, priority) = match stream {
                Stream::Stdout => ("stdout", 6),
                Stream::Stderr => ("stderr", 3),
            };
            let partial = if partial {
                "CONTAINER_PARTIAL_MESSAGE=true\n"
            } else {
                ""
            };
            let fields = format!(
                "CONTAINER_ID={id}\nCONTAINER_STREAM={name}\nPRIORITY={priority}\n\
                 SYSLOG_IDENTIFIER={identifier}\n{partial}MESSAGE\n"
            );
            fields.into_bytes().into_boxed_slice()
        };
        Self(
            [Stream::Stdout, Stream::Stderr]
                .map(|stream| [false, true].map(|partial| fields(stream, partial))),
        )
    }

    /// The parts of an entry's datagram. The message has the form with a length before it, in which any
    /// byte may be; `length` is that of the content.
    pub(super) fn datagram<'a>(&'a self, entry: &Parsed<'a>, length: &'a [u8; 8]) -> [&'a [u8]; 4] {
        let fields = &self.0[entry.stream as usize][usize::from(entry.partial)];
        [fields, length, entry.content, b"\n"]
    }
}
