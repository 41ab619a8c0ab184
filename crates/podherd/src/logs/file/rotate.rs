//! Rotation at a size: the file gets another name, once, and a fresh one is begun at the path.
//!
//! An older file is `PATH.YYYYMMDD-HHMMSS.NNNNNNNNN`, the time of its last record's writing in UTC. It is
//! complete when it gets that name, and is not changed any more; `retain` removes the oldest where that is asked
//! for. The names begin like
//! those that the kubelet gives (`PATH.YYYYMMDD-HHMMSS`), so that it finds, compresses, counts and removes
//! them together with its own, and sorting by name is sorting by age.

use std::path::{Path, PathBuf};

use rustix::fs::{CWD, Mode, RenameFlags, fchmod, fchown, fstat, renameat_with};
use rustix::io::Errno;

use super::super::error::reason;
use super::super::timestamp::Timestamp;
use super::LogFile;
use super::open::Opened;

/// Names that are tried when somebody has them already.
const TRIES: usize = 8;

impl LogFile {
    /// Begins a fresh file at the path. False when that can't be done, so that the old file goes on; the
    /// next batch tries again.
    pub(super) fn rotate(&mut self) -> bool {
        // A first record that is longer than the limit.
        if self.opened.size == 0 {
            return true;
        }
        match self.begin_another() {
            Ok(()) => {
                self.rotation_fails = false;
                self.remove_oldest();
                true
            }
            Err(errno) => {
                if !std::mem::replace(&mut self.rotation_fails, true) {
                    let (container, path, error) = (self.losses.label(), self.path.display(), reason(errno));
                    tracing::warn!(container, code = "LOG_NOT_ROTATED", %path, %error, "the log grows past its size");
                }
                false
            }
        }
    }

    fn begin_another(&mut self) -> Result<(), Errno> {
        // Renamed by somebody else, who is about to ask for a reopening: that was the rotation.
        if !self.path_is_ours() {
            return self.open_path();
        }
        let aside = match self.set_aside() {
            Ok(name) => name,
            // Renamed by somebody else in this moment.
            Err(Errno::NOENT) => return self.open_path(),
            Err(errno) => return Err(errno),
        };
        self.open_path().inspect_err(|_| {
            // Without another file the path stays with the old one.
            let _ = rename_to_free(&aside, &self.path);
        })
    }

    /// Renames the file to a name of its own.
    fn set_aside(&mut self) -> Result<PathBuf, Errno> {
        let mut time = Timestamp::now();
        for _ in 0..TRIES {
            if let Some(last) = self.rotated_at.filter(|last| *last >= time) {
                time = last.next();
            }
            let mut name = self.path.clone().into_os_string();
            name.push(".");
            name.push(time.suffix());
            let name = PathBuf::from(name);
            self.rotated_at = Some(time);
            match rename_to_free(&self.path, &name) {
                Err(Errno::EXIST) => {}
                Err(errno) => return Err(errno),
                Ok(()) => return Ok(name),
            }
        }
        Err(Errno::EXIST)
    }

    /// Goes on with the file at the path, which others can read as they could the old one.
    fn open_path(&mut self) -> Result<(), Errno> {
        let mut fresh = Opened::append_to(&self.path)?;
        if std::mem::take(&mut fresh.created)
            && let Ok(old) = fstat(&self.opened.file)
        {
            let _ = fchmod(&fresh.file, Mode::from_raw_mode(old.st_mode & 0o777));
            let _ = fchown(
                &fresh.file,
                Some(rustix::process::Uid::from_raw(old.st_uid)),
                Some(rustix::process::Gid::from_raw(old.st_gid)),
            );
        }
        self.opened = fresh;
        Ok(())
    }
}

/// Renames, but not over a file that is there; where the filesystem can't promise that (NFS), by a look before.
fn rename_to_free(from: &Path, to: &Path) -> Result<(), Errno> {
    match renameat_with(CWD, from, CWD, to, RenameFlags::NOREPLACE) {
        Err(Errno::INVAL | Errno::NOSYS) => match rustix::fs::lstat(to) {
            Ok(_) => Err(Errno::EXIST),
            Err(Errno::NOENT) => rustix::fs::rename(from, to),
            Err(errno) => Err(errno),
        },
        renamed => renamed,
    }
}
