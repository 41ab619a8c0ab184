//! The lines of log files.

use std::io::{self, ErrorKind, Read};
use std::path::Path;

use memchr::memchr;

use super::files;
use super::record::Record;
use crate::commands::failure::Failure;

/// Bytes that are read at once.
pub const CHUNK_BYTES: usize = 64 << 10;

/// Why a file could not be gone through.
pub enum Unread {
    /// The file can't be read.
    Io(io::Error),
    /// Who takes its records failed.
    Failure(Failure),
}

/// Goes through a rotated file.
pub fn each_record(path: &Path, mut take: impl FnMut(Record) -> Result<(), Failure>) -> Result<(), Unread> {
    let mut file = files::open(path).map_err(Unread::Io)?;
    let (mut rest, mut chunk) = (Vec::new(), vec![0; CHUNK_BYTES]);
    loop {
        let count = match file.read(&mut chunk) {
            Ok(0) => break,
            Ok(count) => count,
            Err(error) if error.kind() == ErrorKind::Interrupted => continue,
            Err(error) => return Err(Unread::Io(error)),
        };
        let mut lines = Lines::new(&mut rest, &chunk[..count]);
        while let Some(record) = lines.next_record() {
            take(record).map_err(Unread::Failure)?;
        }
    }
    if !rest.is_empty() {
        take(Record::parse(&rest)).map_err(Unread::Failure)?;
    }
    Ok(())
}

/// The whole lines of a chunk; what comes after the last newline is kept for the next one.
pub struct Lines<'a> {
    rest: &'a mut Vec<u8>,
    chunk: &'a [u8],
}

impl<'a> Lines<'a> {
    /// `rest`: what came before, of a line whose end has not been seen.
    pub fn new(rest: &'a mut Vec<u8>, chunk: &'a [u8]) -> Self {
        Self { rest, chunk }
    }

    /// The next one, or None when there is no whole line left.
    pub fn next_record(&mut self) -> Option<Record> {
        let Some(end) = memchr(b'\n', self.chunk) else {
            self.rest.extend_from_slice(self.chunk);
            self.chunk = &[];
            return None;
        };
        let (line, after) = self.chunk.split_at(end);
        self.chunk = &after[1..];
        if self.rest.is_empty() {
            return Some(Record::parse(line));
        }
        self.rest.extend_from_slice(line);
        Some(Record::parse(&std::mem::take(self.rest)))
    }
}
