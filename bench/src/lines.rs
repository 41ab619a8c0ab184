//! The lines that a container prints, and whether a log has all of them.

use std::fs::{self, File};
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

use memchr::memchr;

use crate::Result;

/// Bytes of a line, its end included.
pub const LINE: usize = 80;

/// A prepared file of numbered lines.
#[derive(Debug)]
pub struct Lines {
    path: PathBuf,
    content: Vec<u8>,
}

impl Lines {
    /// Writes the file: no two lines are the same, so that one that is lost or doubled is seen.
    pub fn write(path: PathBuf, megabytes: usize) -> Result<Self> {
        let count = megabytes * 1_000_000 / LINE;
        let mut file = BufWriter::new(File::create(&path)?);
        for number in 0..count {
            writeln!(file, "{number:012} {:.>width$}", "", width = LINE - 14)?;
        }
        file.into_inner()?.sync_all()?;
        let content = fs::read(&path)?;
        Ok(Self { path, content })
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Its size in megabytes.
    pub fn megabytes(&self) -> f64 {
        self.content.len() as f64 / 1e6
    }

    /// Says that a plain copy is complete, or what is wrong with it.
    pub fn compare_copy(&self, copy: &Path) -> Result<()> {
        let size = fs::metadata(copy)?.len();
        if size == self.content.len() as u64 {
            Ok(())
        } else {
            Err(format!("{size} of {} bytes were copied", self.content.len()).into())
        }
    }

    /// Says that a log has every byte, in order and once, or where it has not. A line may stand there
    /// in parts.
    pub fn compare_log(&self, log: &Path) -> Result<()> {
        let log = fs::read(log)?;
        let (mut rest, mut missing) = (&log[..], &self.content[..]);
        while !rest.is_empty() {
            let end = memchr(b'\n', rest).map_or(rest.len(), |at| at + 1);
            let (record, behind) = rest.split_at(end);
            let content = content_of(record).unwrap_or_default();
            match missing.strip_prefix(content) {
                Some(left) if !content.is_empty() => missing = left,
                _ => {
                    let (at, found) = (
                        self.content.len() - missing.len(),
                        String::from_utf8_lossy(record),
                    );
                    return Err(format!("from byte {at} on the log has {found:?}").into());
                }
            }
            rest = behind;
        }
        if missing.is_empty() {
            Ok(())
        } else {
            Err(format!(
                "{} of {} bytes are not in the log",
                missing.len(),
                self.content.len()
            )
            .into())
        }
    }
}

/// What a record `TIMESTAMP STREAM TAG CONTENT` says, as the kubelet's format has it; C conmon's
/// `k8s-file` is the same. The tag `P` means that the line goes on in the next record.
fn content_of(record: &[u8]) -> Option<&[u8]> {
    let mut rest = record;
    let mut tag = &rest[..0];
    for _ in 0..FIELDS_BEFORE_CONTENT {
        let at = memchr(b' ', rest)?;
        (tag, rest) = (&rest[..at], &rest[at + 1..]);
    }
    match tag {
        b"F" => Some(rest),
        b"P" => rest.strip_suffix(b"\n"),
        _ => None,
    }
}

/// Timestamp, stream and tag.
const FIELDS_BEFORE_CONTENT: usize = 3;

#[cfg(test)]
mod tests {
    use super::*;

    fn logged(change: impl FnOnce(&mut Vec<String>)) -> Result<()> {
        let directory = tempfile::tempdir()?;
        let lines = Lines::write(directory.path().join("input"), 1)?;
        let text = String::from_utf8(lines.content.clone())?;
        let mut records: Vec<String> = text
            .lines()
            .map(|line| format!("2026-01-02T03:04:05.000000006Z stdout F {line}\n"))
            .collect();
        change(&mut records);
        let log = directory.path().join("log");
        fs::write(&log, records.concat())?;
        lines.compare_log(&log)
    }

    #[test]
    fn a_complete_log_is_recognized() {
        logged(|_| ()).unwrap();
    }

    #[test]
    fn a_line_in_parts_is_a_line() {
        logged(|records| {
            let (start, end) = records[5].split_at(60);
            let rest = format!("{}{end}", &start[..40]);
            let start = format!("{start}\n").replacen(" F ", " P ", 1);
            records.splice(5..6, [start, rest]);
        })
        .unwrap();
    }

    #[test]
    fn whatever_is_wrong_is_seen() {
        assert!(logged(|records| drop(records.pop())).is_err());
        assert!(logged(|records| drop(records.remove(7))).is_err());
        assert!(logged(|records| records.push(records[0].clone())).is_err());
        assert!(logged(|records| records.swap(3, 4)).is_err());
        assert!(logged(|records| records[9].insert(40, 'x')).is_err());
    }
}
