//! The files that tell a container's end to who watches directories: complete before visible, in order.
//!
//! A client gives several paths: the first in a directory that it watches with inotify, the others where
//! it reads after that. So the *last* path is written first, and the first appears when all others are
//! complete. `publish` makes one file appear whole under its final name.

mod publish;
#[cfg(test)]
mod tests;

use std::io;
use std::path::PathBuf;

use crate::disk::{Disk, DiskError};
use publish::publish;

/// Writes the exit code in decimal, without a newline, to every path, the last one first.
///
/// Each file appears whole or not at all; see `publish` for what becomes of an older file of the name.
/// A missing directory is not made: it is an error of its path. What failed is returned with its path;
/// the other paths are written all the same.
///
/// Waits as long as the disks take. When the future is dropped, the file at work is still finished and
/// those after it are not begun: a watched name never appears before the others.
pub async fn write_exit_files(disk: &Disk, code: i32, paths: Vec<PathBuf>) -> Vec<(PathBuf, io::Error)> {
    publish_all(disk, code.to_string(), paths).await
}

/// Makes an empty file at every path, the last one first: the sign that the container was killed for
/// want of memory. Otherwise like [`write_exit_files`].
pub async fn write_oom_files(disk: &Disk, paths: Vec<PathBuf>) -> Vec<(PathBuf, io::Error)> {
    publish_all(disk, String::new(), paths).await
}

async fn publish_all(disk: &Disk, content: String, paths: Vec<PathBuf>) -> Vec<(PathBuf, io::Error)> {
    let mut failed = Vec::new();
    for path in paths.into_iter().rev() {
        let lane = disk.lane(&path);
        let job = {
            let (path, content) = (path.clone(), content.clone());
            move || publish(&path, content.as_bytes())
        };
        match disk.run(&lane, job).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => failed.push((path, error)),
            Err(DiskError::NoThread(error)) => failed.push((path, error)),
            Err(error @ DiskError::Panicked) => failed.push((path, io::Error::other(error))),
        }
    }
    failed
}
