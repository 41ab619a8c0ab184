//! Removing the oldest of the files that rotation has set aside, where only some are to be kept.
//!
//! Only regular files whose names are exactly those that rotation gives to this log: whatever else is in the
//! directory, such as files that somebody has compressed or renamed, is not ours.

use std::ffi::{OsStr, OsString};
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use super::LogFile;

impl LogFile {
    /// Removes the oldest files beyond the number that is kept. One that can't be removed stays; it is tried again
    /// after the next rotation.
    pub(super) fn remove_oldest(&mut self) {
        let Some(keep) = self.max_files else { return };
        let keep = usize::try_from(keep.get()).unwrap_or(usize::MAX);
        let directory = self.path.parent().unwrap_or(Path::new("/"));
        let removed = older_files(directory, &self.path).and_then(|older| {
            let surplus = older.len().saturating_sub(keep);
            let mut result = Ok(());
            for name in &older[..surplus] {
                match std::fs::remove_file(directory.join(name)) {
                    Ok(()) => {}
                    // Another log of the same path, or somebody else, was faster.
                    Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                    Err(error) => result = Err(error),
                }
            }
            result
        });
        let failed = std::mem::replace(&mut self.removal_fails, removed.is_err());
        if let Err(error) = removed
            && !failed
        {
            let (container, path) = (self.losses.label(), self.path.display());
            tracing::warn!(container, code = "LOG_NOT_REMOVED", %path, %error, "older files of a log stay beyond their number");
        }
    }
}

/// The names of the files that were set aside, the oldest first.
fn older_files(directory: &Path, log: &Path) -> io::Result<Vec<OsString>> {
    let name = log.file_name().unwrap_or_default();
    let mut older = Vec::new();
    for entry in std::fs::read_dir(directory)? {
        let entry = entry?;
        if is_older(name, &entry.file_name()) && entry.file_type().is_ok_and(|kind| kind.is_file()) {
            older.push(entry.file_name());
        }
    }
    older.sort_unstable();
    Ok(older)
}

/// What rotation adds to a name: see [`Timestamp::suffix`](super::super::timestamp::Timestamp::suffix).
const SUFFIX: &[u8] = b".YYYYMMDD-HHMMSS.NNNNNNNNN";

/// Whether `name` is one that rotation gives to the log `log`.
fn is_older(log: &OsStr, name: &OsStr) -> bool {
    let Some(suffix) = name.as_bytes().strip_prefix(log.as_bytes()) else {
        return false;
    };
    suffix.len() == SUFFIX.len()
        && suffix.iter().zip(SUFFIX).all(|(byte, shape)| match shape {
            b'.' | b'-' => byte == shape,
            _ => byte.is_ascii_digit(),
        })
}

#[cfg(test)]
mod tests {
    use super::super::super::timestamp::Timestamp;
    use super::*;

    #[test]
    fn only_the_names_of_rotation_are_ours() {
        let name = format!("0.log.{}", Timestamp::now().suffix());
        assert!(is_older(OsStr::new("0.log"), OsStr::new(&name)), "{name}");
        for other in [
            "0.log",
            "0.log.",
            "0.log.20261124-211502",
            "0.log.20261124-211502.gz",
            "0.log.20261124-211502.004821973.gz",
            "0.log.20261124-211502.00482197",
            "0.log.20261124-211502.0048219730",
            "0.log.20261124_211502.004821973",
            "0.log.2026112x-211502.004821973",
            "1.log.20261124-211502.004821973",
            "10.log.20261124-211502.004821973",
            "0.log.20261124-211502.004821973.20261124-211502.004821973",
            "0.logs.20261124-211502.004821973",
        ] {
            assert!(!is_older(OsStr::new("0.log"), OsStr::new(other)), "{other}");
        }
    }
}
