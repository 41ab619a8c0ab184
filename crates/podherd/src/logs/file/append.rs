//! Appending whole records, whatever the filesystem does.

use std::borrow::Cow;

use memchr::{memchr, memrchr};
use rustix::fs::{SeekFrom, fstat, ftruncate, seek};
use rustix::io::{Errno, write};

use super::LogFile;

impl LogFile {
    /// Appends a batch of whole records, with one `write(2)` if the filesystem takes it and the file has
    /// room. What can't be written whole is lost and counted; a torn record is cut off again.
    pub(in super::super) fn append(&mut self, records: &[u8]) {
        let mut rest = records;
        while !rest.is_empty() {
            let mut lead = self.lead();
            let mut now = self.room_for(&lead, rest);
            if now == 0 && self.opened.was_cut() {
                now = self.room_for(&lead, rest);
            }
            if now == 0 {
                now = if self.rotate() {
                    // Nothing is torn any more.
                    lead = self.lead();
                    // A record that is longer than a file gets one of its own.
                    self.room_for(&lead, rest).max(first_record(rest))
                } else {
                    rest.len()
                };
            }
            self.append_here(&lead, &rest[..now]);
            rest = &rest[now..];
        }
    }

    /// Says in the log how much was lost, if that has not been said and the filesystem takes it.
    pub(in super::super) fn settle(&mut self) {
        if self.losses.notice().is_none() {
            return;
        }
        let lead = self.lead();
        let (written, error) = self.write(&lead);
        if error.is_none() || self.cut_back(&lead[..written], 0) == lead.len() {
            self.opened.torn = false;
            self.losses.said(&self.path);
        }
    }

    /// What has to come before the next record: the end of a torn line, and what was lost before it.
    fn lead(&self) -> Vec<u8> {
        let mut lead = Vec::new();
        if self.opened.torn {
            lead.push(b'\n');
        }
        if let Some(text) = self.losses.notice() {
            lead.extend_from_slice(&self.format.notice(&text));
        }
        lead
    }

    /// Bytes of whole records at the start of `records` that the file may still get.
    fn room_for(&self, lead: &[u8], records: &[u8]) -> usize {
        let Some(max_size) = self.max_size.filter(|_| self.opened.regular) else {
            return records.len();
        };
        let room = max_size.get().saturating_sub(self.opened.size);
        let room = usize::try_from(room).unwrap_or(usize::MAX);
        match room.checked_sub(lead.len()) {
            Some(room) if room >= records.len() => records.len(),
            Some(room) => whole_records(&records[..room]),
            None => 0,
        }
    }

    fn append_here(&mut self, lead: &[u8], records: &[u8]) {
        let out = if lead.is_empty() {
            Cow::Borrowed(records)
        } else {
            Cow::Owned([lead, records].concat())
        };
        let (written, error) = self.write(&out);
        let Some(errno) = error else {
            self.opened.torn = false;
            self.losses.said(&self.path);
            return;
        };
        // A notice alone would fill the last free bytes with notices, batch after batch.
        let whole = whole_records(&out[..written]);
        let keep = if whole > lead.len() { whole } else { 0 };
        let kept = self.cut_back(&out[..written], keep);
        if !lead.is_empty() && kept >= lead.len() {
            self.losses.said(&self.path);
        }
        let lost = self
            .format
            .output_bytes(&records[kept.saturating_sub(lead.len())..]);
        self.losses.lose(&self.path, lost, errno);
    }

    /// Writes until all is written or an error comes; returns how much got into the file.
    fn write(&mut self, bytes: &[u8]) -> (usize, Option<Errno>) {
        let mut written = 0;
        let error = loop {
            if written == bytes.len() {
                break None;
            }
            match write(&self.opened.file, &bytes[written..]) {
                Ok(0) => break Some(Errno::IO),
                Ok(count) => written += count,
                Err(Errno::INTR) => {}
                Err(errno) => break Some(errno),
            }
        };
        self.opened.size += written as u64;
        (written, error)
    }

    /// Cuts the file back so that of `written`, its last bytes, the first `keep` stay. Returns how many
    /// bytes of whole records did stay: more where the file can't be cut.
    fn cut_back(&mut self, written: &[u8], keep: usize) -> usize {
        if written.len() == keep || self.truncate_by(written.len() - keep).is_ok() {
            // Nothing kept is the state before the write, torn or not.
            self.opened.torn = self.opened.torn && keep == 0;
            return keep;
        }
        self.opened.torn = written.last() != Some(&b'\n');
        whole_records(written)
    }

    /// Takes off the file's last bytes, unless somebody else appended after us.
    fn truncate_by(&mut self, bytes: usize) -> Result<(), Errno> {
        if !self.opened.regular {
            return Err(Errno::INVAL);
        }
        // A write to a file opened with O_APPEND leaves the position at the end of what it wrote.
        let end = seek(&self.opened.file, SeekFrom::Current(0))?;
        if u64::try_from(fstat(&self.opened.file)?.st_size) != Ok(end) {
            return Err(Errno::BUSY);
        }
        ftruncate(&self.opened.file, end.saturating_sub(bytes as u64))?;
        self.opened.size = self.opened.size.saturating_sub(bytes as u64);
        Ok(())
    }
}

/// Bytes up to and with the last newline.
fn whole_records(bytes: &[u8]) -> usize {
    memrchr(b'\n', bytes).map_or(0, |newline| newline + 1)
}

/// Bytes of the first record.
fn first_record(records: &[u8]) -> usize {
    memchr(b'\n', records).map_or(records.len(), |newline| newline + 1)
}
