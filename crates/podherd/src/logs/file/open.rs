//! Opening a log file.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustix::fs::{FileType, Mode, OFlags, fcntl_setfl, fstat, open};
use rustix::io::{Errno, pread};

use super::super::error::{LogError, LogErrorKind};
use super::{Identity, LogFile};

/// Only the owner: a log holds whatever a container prints. The kubelet reads it as root.
const MODE: Mode = Mode::from_raw_mode(0o600);

/// Tries for a path whose file comes and goes while it is opened.
const TRIES: usize = 8;

/// Read too, for the last byte. No symbolic link: a container that can write to the log's directory
/// must not have its output appended to another file. Not blocking, so that a FIFO without a reader
/// can be refused.
const FLAGS: OFlags = OFlags::RDWR
    .union(OFlags::APPEND)
    .union(OFlags::CLOEXEC)
    .union(OFlags::NOFOLLOW)
    .union(OFlags::NOCTTY)
    .union(OFlags::NONBLOCK);

impl LogFile {
    /// Opens a log to append to it, making it if it is not there. Nothing that is in it is touched.
    pub(in super::super) fn open(path: PathBuf, label: Arc<str>) -> Result<Self, LogError> {
        let (file, created) = open_or_create(&path).map_err(|errno| LogError::new(&path, errno))?;
        let stat = fstat(&file).map_err(|errno| LogError::new(&path, errno))?;
        let regular = match FileType::from_raw_mode(stat.st_mode) {
            FileType::RegularFile => true,
            FileType::CharacterDevice => false,
            _ => {
                return Err(LogError {
                    kind: LogErrorKind::NotAFile,
                    path,
                    source: Errno::INVAL,
                });
            }
        };
        if !regular {
            // A device that is not ready shall make its writer wait, as a file would.
            let waiting = fcntl_setfl(&file, OFlags::APPEND);
            waiting.map_err(|errno| LogError::new(&path, errno))?;
        }
        let mut last = [b'\n'];
        if regular && stat.st_size > 0 {
            // Where it can't be read nothing is known of a torn line, and none is assumed.
            let _ = pread(&file, &mut last, stat.st_size as u64 - 1);
        }
        let torn = last != *b"\n";
        let identity = Identity::of(&stat);
        Ok(Self {
            label,
            path,
            file,
            identity,
            created,
            regular,
            torn,
            unsaid: 0,
            dropped: 0,
            last_error: None,
        })
    }
}

fn open_or_create(path: &Path) -> Result<(std::os::fd::OwnedFd, bool), Errno> {
    let mut last = Errno::NOENT;
    for _ in 0..TRIES {
        match open(path, FLAGS | OFlags::CREATE | OFlags::EXCL, MODE) {
            Err(Errno::EXIST | Errno::INTR) => {}
            made => return made.map(|file| (file, true)),
        }
        match open(path, FLAGS, Mode::empty()) {
            Err(gone @ (Errno::NOENT | Errno::INTR)) => last = gone,
            found => return found.map(|file| (file, false)),
        }
    }
    Err(last)
}
