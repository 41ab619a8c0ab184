//! Which file a descriptor means.

use std::io;
use std::os::fd::AsFd;

/// A file's identity: two descriptors with the same one are open on the same file, pipe or memfd.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FileId {
    /// `st_dev` of `stat(2)`.
    pub device: u64,
    /// `st_ino` of `stat(2)`.
    pub inode: u64,
}

impl FileId {
    /// The identity of what `fd` is open on.
    ///
    /// # Errors
    /// Those of `fstat(2)`.
    pub fn of(fd: impl AsFd) -> io::Result<Self> {
        Ok(rustix::fs::fstat(fd)?.into())
    }
}

impl From<rustix::fs::Stat> for FileId {
    fn from(stat: rustix::fs::Stat) -> Self {
        // The types of both fields differ between architectures.
        #[allow(clippy::unnecessary_cast, reason = "narrower on other architectures")]
        Self {
            device: stat.st_dev as u64,
            inode: stat.st_ino as u64,
        }
    }
}
