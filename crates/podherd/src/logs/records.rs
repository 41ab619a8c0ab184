//! The forms of a record: what is in a batch, one after the other.

pub(super) mod cri;
pub(super) mod entry;
pub(super) mod json;

use cri::Cri;
use entry::Entry;
use json::Json;

use super::lines::Lines;
use super::timestamp::Timestamp;
use super::{LogFormat, LogTarget, Stream};

/// The event loop's side of a format: chunks go in, records come out.
pub(super) enum Encoder {
    Cri(Lines<Cri>),
    Json(Lines<Json>),
    Journald(Lines<Entry>),
}

macro_rules! each {
    ($encoder:expr, $lines:ident => $result:expr) => {
        match $encoder {
            Encoder::Cri($lines) => $result,
            Encoder::Json($lines) => $result,
            Encoder::Journald($lines) => $result,
        }
    };
}

impl Encoder {
    pub(super) fn of(target: &LogTarget) -> Self {
        match target {
            LogTarget::File(file) => match file.format {
                LogFormat::Cri => Self::Cri(Lines::default()),
                LogFormat::Json => Self::Json(Lines::default()),
            },
            LogTarget::Journald => Self::Journald(Lines::default()),
        }
    }

    /// See [`Lines::encode`].
    pub(super) fn encode(
        &mut self,
        stream: Stream,
        time: Timestamp,
        chunk: &[u8],
        batch: &mut Vec<u8>,
    ) -> usize {
        each!(self, lines => lines.encode(stream, time, chunk, batch))
    }

    /// See [`Lines::holds`].
    pub(super) fn holds(&self, stream: Stream) -> bool {
        each!(self, lines => lines.holds(stream))
    }

    /// See [`Lines::end`].
    pub(super) fn end(&mut self, stream: Stream, time: Timestamp, batch: &mut Vec<u8>) {
        each!(self, lines => lines.end(stream, time, batch));
    }
}

impl LogFormat {
    /// One whole record of the server's own, on stderr.
    pub(super) fn notice(self, text: &str) -> Vec<u8> {
        match self {
            Self::Cri => cri::notice(text),
            Self::Json => json::notice(text),
        }
    }

    /// Bytes of output in whole records: their content, and a newline for each line that ends.
    pub(super) fn output_bytes(self, records: &[u8]) -> u64 {
        let of = match self {
            Self::Cri => cri::output_bytes,
            Self::Json => json::output_bytes,
        };
        records.split_inclusive(|&byte| byte == b'\n').map(of).sum()
    }
}
