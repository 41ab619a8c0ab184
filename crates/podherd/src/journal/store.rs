//! The journal's file. For writer threads only.

use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind, Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use rustix::fs::OFlags;

use super::Survivor;
use super::fact::Fact;
use super::record::Record;

/// Name of the file in the runtime directory.
pub const FILE_NAME: &str = "journal";

/// Size past which the file is rewritten without what is deleted, in bytes; and when it has at least
/// doubled since the last time, so that many live containers don't mean a rewrite for each fact.
pub const REWRITE_BYTES: u64 = 256 * 1024;

/// More of an earlier journal is not read: no server wrote it.
const READ_BYTES: u64 = 64 * 1024 * 1024;

/// A journal that can't be begun in the runtime directory.
#[derive(Debug, thiserror::Error)]
#[error("the journal can't be begun: {}: {source}", path.display())]
pub struct JournalError {
    /// The file.
    pub path: PathBuf,
    /// What the kernel said.
    pub source: io::Error,
}

/// What the journal in a directory says lived when it was last written; for those that only look.
pub fn survivors(directory: &Path) -> io::Result<Vec<Survivor>> {
    let mut record = Record::default();
    record.read(&read(&directory.join(FILE_NAME))?);
    record.keep_survivors();
    Ok(record.survivors())
}

/// The file and what stands in it.
pub(super) struct Store {
    path: PathBuf,
    file: File,
    /// Length of the file up to the last whole line, in bytes.
    size: u64,
    /// Its length after the last rewrite.
    fresh_size: u64,
    record: Record,
    /// Since an error the file lacks facts that the record has: the next write is a rewrite.
    behind: bool,
}

impl Store {
    /// Reads an earlier life's journal and begins the new one. Returns how many lines were skipped, too.
    pub(super) fn open(path: PathBuf) -> Result<(Self, u64), JournalError> {
        let mut record = Record::default();
        let begun = (|| {
            let skipped = record.read(&read(&path)?);
            record.keep_survivors();
            record.add(Fact::Boot { boot_id: boot_id()? });
            Ok((skipped, replace(&path, &record.lines())?))
        })();
        match begun {
            Ok((skipped, (file, size))) => Ok((
                Self {
                    path,
                    file,
                    size,
                    fresh_size: size,
                    record,
                    behind: false,
                },
                skipped,
            )),
            Err(source) => Err(JournalError { path, source }),
        }
    }

    pub(super) fn survivors(&self) -> Vec<Survivor> {
        self.record.survivors()
    }

    /// Records facts with one `write(2)`. Says whether all of them are in the file now.
    pub(super) fn write(&mut self, facts: Vec<Fact>) -> bool {
        let mut lines = Vec::new();
        let mut all = true;
        for fact in facts {
            all &= fact.append_to(&mut lines);
            self.record.add(fact);
        }
        let due = self.size + lines.len() as u64 > REWRITE_BYTES.max(2 * self.fresh_size);
        let written = if self.behind || due {
            self.rewrite()
        } else {
            self.append(&lines)
        };
        match written {
            Ok(()) if self.behind => {
                self.behind = false;
                tracing::info!(path = %self.path.display(), "the journal is complete again");
            }
            Ok(()) => {}
            Err(error) => {
                if !self.behind {
                    let path = self.path.display();
                    tracing::warn!(code = "JOURNAL_NOT_WRITTEN", %path, %error, "exit states are kept in memory only");
                }
                self.behind = true;
                all = false;
            }
        }
        all
    }

    /// Removes the file if no container stands in it.
    pub(super) fn remove_if_empty(&self) {
        if self.record.is_empty()
            && let Err(error) = fs::remove_file(&self.path)
        {
            tracing::warn!(path = %self.path.display(), %error, "the journal can't be removed");
        }
    }

    fn append(&mut self, lines: &[u8]) -> io::Result<()> {
        let appended = self.file.write_all(lines);
        match appended {
            Ok(()) => self.size += lines.len() as u64,
            // Half a line is harmless where it can't be cut off: it is skipped when read.
            Err(_) => drop(self.file.set_len(self.size)),
        }
        appended
    }

    fn rewrite(&mut self) -> io::Result<()> {
        let (file, size) = replace(&self.path, &self.record.lines())?;
        self.file = file;
        self.size = size;
        self.fresh_size = size;
        Ok(())
    }
}

/// Makes `path` a file of these lines, whole or not at all, open to append to.
fn replace(path: &Path, lines: &[u8]) -> io::Result<(File, u64)> {
    let fresh = path.with_extension("new");
    let made = (|| {
        // What a killed server left of it may be anything.
        match fs::remove_file(&fresh) {
            Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        let mut options = OpenOptions::new();
        let mut file = options.append(true).create_new(true).mode(0o600).open(&fresh)?;
        file.write_all(lines)?;
        fs::rename(&fresh, path)?;
        Ok(file)
    })();
    if made.is_err() {
        let _ = fs::remove_file(&fresh);
    }
    Ok((made?, lines.len() as u64))
}

fn read(path: &Path) -> io::Result<Vec<u8>> {
    let no_link = OFlags::NOFOLLOW.bits().cast_signed();
    match OpenOptions::new().read(true).custom_flags(no_link).open(path) {
        Ok(file) => {
            let mut bytes = Vec::new();
            file.take(READ_BYTES).read_to_end(&mut bytes)?;
            Ok(bytes)
        }
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(Vec::new()),
        Err(error) => Err(error),
    }
}

fn boot_id() -> io::Result<String> {
    Ok(fs::read_to_string("/proc/sys/kernel/random/boot_id")?
        .trim_end()
        .to_owned())
}
