//! A cgroup with those below it.

use std::io;
use std::path::{Path, PathBuf};

/// Removes a cgroup and those below it. A cgroup that is busy stays, with those above it.
pub fn remove_tree(directory: &Path) {
    for child in child_directories(directory) {
        remove_tree(&child);
    }
    match std::fs::remove_dir(directory) {
        Ok(()) => {}
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => tracing::debug!(%error, cgroup = %directory.display(), "a cgroup stays"),
    }
}

pub(super) fn child_directories(directory: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(directory).into_iter().flatten().flatten();
    entries
        .filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir()))
        .map(|entry| entry.path())
        .collect()
}
