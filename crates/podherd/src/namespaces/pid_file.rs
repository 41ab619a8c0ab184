//! The pid file of the process that holds a pod's namespaces. Its lock says whether the server that made
//! them lives: the kernel lets go of it when that server ends, however it ends (flock(2)).

use std::fs::File;
use std::io::{self, Read, Seek, Write};
use std::path::{Path, PathBuf};

use rustix::fs::{AtFlags, CWD, FlockOperation, Mode, OFlags, flock, ftruncate, openat, unlinkat};
use rustix::io::Errno;

use super::file::FileId;

/// A pid file that is ours. Removed with its drop.
#[derive(Debug)]
pub(super) struct PidFile {
    path: PathBuf,
    id: FileId,
    /// Open for as long as it is ours: it has the lock.
    file: File,
    kept: bool,
}

/// What came of asking for a pid file.
pub(super) enum Taken {
    /// There was none, and there is an empty one now.
    Made(PidFile),
    /// It was left by a server that lives no longer, with the pid that stands in it.
    Left(PidFile, Option<u32>),
    /// A server that lives has it.
    InUse,
    /// There is something else.
    Foreign,
    /// There is none (only if none was to be made).
    Absent,
}

impl PidFile {
    /// Takes the pid file at `path`; without `make`, only if it is there.
    pub(super) fn take(path: &Path, make: bool) -> io::Result<Taken> {
        // It may be removed, or made, by another server between two looks.
        for _ in 0..MOST_LOOKS {
            let flags = OFlags::RDWR | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
            let made = make
                .then(|| {
                    let mode = Mode::RUSR | Mode::WUSR | Mode::RGRP | Mode::ROTH;
                    openat(CWD, path, flags | OFlags::CREATE | OFlags::EXCL, mode)
                })
                .transpose();
            let (file, is_new) = match made {
                Ok(Some(file)) => (file, true),
                Ok(None) | Err(Errno::EXIST) => match openat(CWD, path, flags, Mode::empty()) {
                    Ok(file) => (file, false),
                    Err(Errno::NOENT) if make => continue,
                    Err(Errno::NOENT) => return Ok(Taken::Absent),
                    Err(Errno::LOOP | Errno::ISDIR | Errno::NXIO) => return Ok(Taken::Foreign),
                    Err(error) => return Err(error.into()),
                },
                Err(error) => return Err(error.into()),
            };
            if !FileId::is_regular(&file)? {
                return Ok(Taken::Foreign);
            }
            match flock(&file, FlockOperation::NonBlockingLockExclusive) {
                Ok(()) => {}
                Err(Errno::WOULDBLOCK) => return Ok(Taken::InUse),
                Err(error) => return Err(error.into()),
            }
            let id = FileId::of(&file)?;
            if FileId::at(path)? != Some(id) {
                continue;
            }
            let mut ours = Self {
                path: path.to_owned(),
                id,
                file: file.into(),
                kept: false,
            };
            return Ok(if is_new {
                Taken::Made(ours)
            } else {
                let pid = ours.pid();
                Taken::Left(ours, pid)
            });
        }
        Ok(Taken::InUse)
    }

    /// Writes the pid, decimal, without a newline.
    pub(super) fn write(&mut self, pid: u32) -> io::Result<()> {
        self.clear()?;
        self.file.rewind()?;
        self.file.write_all(pid.to_string().as_bytes())
    }

    /// Empties it: the pid may become somebody else's.
    pub(super) fn clear(&self) -> io::Result<()> {
        Ok(ftruncate(&self.file, 0)?)
    }

    /// Lets it be where it is.
    pub(super) fn keep(mut self) {
        self.kept = true;
    }

    fn pid(&mut self) -> Option<u32> {
        let mut text = String::new();
        (&self.file).take(LONGEST_PID).read_to_string(&mut text).ok()?;
        text.trim().parse().ok()
    }
}

impl Drop for PidFile {
    fn drop(&mut self) {
        // Only if nobody has replaced it.
        if !self.kept && FileId::at(&self.path).is_ok_and(|found| found == Some(self.id)) {
            let _ = unlinkat(CWD, &self.path, AtFlags::empty());
        }
    }
}

/// More means that somebody goes on making and removing it.
const MOST_LOOKS: usize = 16;

const LONGEST_PID: u64 = 16;
