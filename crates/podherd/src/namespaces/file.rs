//! Which file a path means, and what is mounted there.

use std::io;
use std::os::fd::AsFd;
use std::path::Path;

use rustix::fs::{FileType, Stat, fstat, lstat, statfs};
use rustix::io::Errno;

/// Which file it is: for a path that a namespace is mounted at, which namespace.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct FileId {
    device: u64,
    inode: u64,
}

impl FileId {
    /// Of an open file.
    pub(super) fn of(file: impl AsFd) -> io::Result<Self> {
        Ok(Self::from(fstat(file)?))
    }

    /// Of what a path means now, links not followed. None: there is nothing.
    pub(super) fn at(path: &Path) -> io::Result<Option<Self>> {
        match lstat(path) {
            Ok(stat) => Ok(Some(Self::from(stat))),
            Err(Errno::NOENT | Errno::NOTDIR) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// Of a namespace of a process, `/proc/PID/ns/…`. None: the process has ended, or is about to.
    pub(super) fn of_namespace(path: &str) -> Option<Self> {
        rustix::fs::stat(path).ok().map(Self::from)
    }

    pub(super) fn is_regular(file: impl AsFd) -> io::Result<bool> {
        Ok(FileType::from_raw_mode(fstat(file)?.st_mode) == FileType::RegularFile)
    }
}

impl From<Stat> for FileId {
    fn from(stat: Stat) -> Self {
        Self {
            device: stat.st_dev,
            inode: stat.st_ino,
        }
    }
}

/// What stands at a path at which a namespace is to be mounted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Found {
    Nothing,
    /// A namespace.
    Namespace(FileId),
    /// A file that a namespace may have been mounted on.
    EmptyFile,
    /// Anything else, which nobody who mounts namespaces has made.
    Other,
}

/// Looks at a path, links not followed.
pub(super) fn look(path: &Path) -> io::Result<Found> {
    let stat = match lstat(path) {
        Ok(stat) => stat,
        Err(Errno::NOENT | Errno::NOTDIR) => return Ok(Found::Nothing),
        Err(error) => return Err(error.into()),
    };
    if FileType::from_raw_mode(stat.st_mode) != FileType::RegularFile {
        return Ok(Found::Other);
    }
    if statfs(path)?.f_type == NSFS_MAGIC {
        return Ok(Found::Namespace(stat.into()));
    }
    Ok(if stat.st_size == 0 {
        Found::EmptyFile
    } else {
        Found::Other
    })
}

/// The file system of namespaces (`linux/magic.h`).
const NSFS_MAGIC: rustix::fs::FsWord = 0x6e73_6673;
