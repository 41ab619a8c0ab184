//! Opening a log file.

use std::path::Path;

use rustix::fs::{FileType, Mode, OFlags, fcntl_setfl, fstat, open};
use rustix::io::{Errno, pread};

use super::{Identity, OwnedFd};

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

/// An open file, and what is known of it.
pub(super) struct Opened {
    pub(super) file: OwnedFd,
    pub(super) identity: Identity,
    /// Opening made it.
    pub(super) created: bool,
    /// It can be cut back and rotated; not so `/dev/null`.
    pub(super) regular: bool,
    /// Its last byte is not a newline: the next record needs one before it.
    pub(super) torn: bool,
    /// Its size, as far as this server knows: others may have cut it.
    pub(super) size: u64,
}

impl Opened {
    /// Opens `path` to append to it, making it if it is not there.
    pub(super) fn append_to(path: &Path) -> Result<Self, Errno> {
        let (file, created) = open_or_create(path)?;
        let stat = fstat(&file)?;
        let regular = match FileType::from_raw_mode(stat.st_mode) {
            FileType::RegularFile => true,
            FileType::CharacterDevice => false,
            // What the kernel says of a FIFO or a socket without a reader.
            _ => return Err(Errno::NXIO),
        };
        if !regular {
            // A device that is not ready shall make its writer wait, as a file would.
            fcntl_setfl(&file, OFlags::APPEND)?;
        }
        let size = stat.st_size.try_into().unwrap_or(0);
        let mut last = [b'\n'];
        if regular && size > 0 {
            // Where it can't be read nothing is known of a torn line, and none is assumed.
            let _ = pread(&file, &mut last, size - 1);
        }
        Ok(Self {
            file,
            identity: Identity::of(&stat),
            created,
            regular,
            torn: last != *b"\n",
            size,
        })
    }

    /// Whether it is smaller than was known, because somebody else has cut it (logrotate's `copytruncate`).
    pub(super) fn was_cut(&mut self) -> bool {
        let size = fstat(&self.file).map_or(self.size, |stat| stat.st_size.try_into().unwrap_or(0));
        let cut = size < self.size;
        self.size = self.size.min(size);
        cut
    }
}

fn open_or_create(path: &Path) -> Result<(OwnedFd, bool), Errno> {
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
