//! Appending whole records, whatever the filesystem does.

use std::borrow::Cow;

use memchr::memrchr;
use rustix::fs::{SeekFrom, fstat, ftruncate, seek};
use rustix::io::{Errno, write};

use super::super::encoder::{notice, output_bytes};
use super::super::error::reason;
use super::LogFile;

impl LogFile {
    /// Appends a batch of whole records with one `write(2)` if the filesystem takes it. What can't be
    /// written whole is lost and counted; a torn record is cut off again.
    pub(in super::super) fn append(&mut self, records: &[u8]) {
        let lead = self.lead();
        let out = if lead.is_empty() {
            Cow::Borrowed(records)
        } else {
            Cow::Owned([&lead, records].concat())
        };
        let (written, error) = self.write(&out);
        let Some(errno) = error else {
            self.torn = false;
            self.said();
            return;
        };
        // A notice alone would fill the last free bytes with notices, batch after batch.
        let whole = whole_records(&out[..written]);
        let keep = if whole > lead.len() { whole } else { 0 };
        let kept = self.cut_back(&out[..written], keep);
        if !lead.is_empty() && kept >= lead.len() {
            self.said();
        }
        let lost = output_bytes(&records[kept.saturating_sub(lead.len())..]);
        self.lose(lost, errno);
    }

    /// Says in the log how much was lost, if that has not been said and the filesystem takes it.
    pub(in super::super) fn settle(&mut self) {
        if self.unsaid == 0 {
            return;
        }
        let lead = self.lead();
        let (written, error) = self.write(&lead);
        if error.is_none() || self.cut_back(&lead[..written], 0) == lead.len() {
            self.torn = false;
            self.said();
        }
    }

    /// What has to come before the next record: the end of a torn line, and what was lost before it.
    fn lead(&self) -> Vec<u8> {
        let mut lead = Vec::new();
        if self.torn {
            lead.push(b'\n');
        }
        if self.unsaid > 0 {
            let why = self.last_error.map_or_else(String::new, reason);
            let text = format!("podherd: {} bytes of output were not logged: {why}", self.unsaid);
            lead.extend_from_slice(&notice(&text));
        }
        lead
    }

    /// Writes until all is written or an error comes; returns how much got into the file.
    fn write(&self, bytes: &[u8]) -> (usize, Option<Errno>) {
        let mut written = 0;
        while written < bytes.len() {
            match write(&self.file, &bytes[written..]) {
                Ok(0) => return (written, Some(Errno::IO)),
                Ok(count) => written += count,
                Err(Errno::INTR) => {}
                Err(errno) => return (written, Some(errno)),
            }
        }
        (written, None)
    }

    /// Cuts the file back so that of `written`, its last bytes, the first `keep` stay. Returns how many
    /// bytes of whole records did stay: more where the file can't be cut.
    fn cut_back(&mut self, written: &[u8], keep: usize) -> usize {
        if written.len() == keep || self.truncate_by(written.len() - keep).is_ok() {
            // Nothing kept is the state before the write, torn or not.
            self.torn = self.torn && keep == 0;
            return keep;
        }
        self.torn = written.last() != Some(&b'\n');
        whole_records(written)
    }

    /// Takes off the file's last bytes, unless somebody else appended after us.
    fn truncate_by(&self, bytes: usize) -> Result<(), Errno> {
        if !self.regular {
            return Err(Errno::INVAL);
        }
        // A write to a file opened with O_APPEND leaves the position at the end of what it wrote.
        let end = seek(&self.file, SeekFrom::Current(0))?;
        if u64::try_from(fstat(&self.file)?.st_size) != Ok(end) {
            return Err(Errno::BUSY);
        }
        ftruncate(&self.file, end.saturating_sub(bytes as u64))
    }

    fn lose(&mut self, bytes: u64, errno: Errno) {
        let (container, path) = (&*self.label, self.path.display());
        if self.unsaid == 0 {
            let error = reason(errno);
            tracing::warn!(container, code = "LOG_WRITE_FAILED", %path, %error, "output is not logged");
        }
        self.unsaid += bytes;
        self.dropped += bytes;
        self.last_error = Some(errno);
    }

    fn said(&mut self) {
        let lost = std::mem::take(&mut self.unsaid);
        if lost > 0 {
            let (container, path) = (&*self.label, self.path.display());
            tracing::warn!(container, code = "LOG_WRITES_AGAIN", %path, lost, "output is logged again");
        }
    }
}

/// Bytes up to and with the last newline.
fn whole_records(bytes: &[u8]) -> usize {
    memrchr(b'\n', bytes).map_or(0, |newline| newline + 1)
}
