//! One namespace at a path: an empty file, and the namespace mounted on it.

use std::io;
use std::os::fd::{AsFd, AsRawFd};
use std::path::{Path, PathBuf};

use rustix::fs::{AtFlags, CWD, Mode, OFlags, openat, unlinkat};
use rustix::mount::{UnmountFlags, mount_bind, unmount};

use super::file::{FileId, Found, look};

/// A namespace that we have mounted. Its drop unmounts it and removes the file; what others have put in their
/// place meanwhile it leaves alone.
#[derive(Debug)]
pub(super) struct Bound {
    path: PathBuf,
    file: FileId,
    /// None until it is mounted.
    namespace: Option<FileId>,
}

impl Bound {
    /// Makes the file, which must not exist, and mounts `namespace` on it. By the descriptor: whatever the path
    /// means by then, it is mounted on that file and no other.
    pub(super) fn mount(namespace: impl AsFd, path: PathBuf) -> io::Result<Self> {
        let flags = OFlags::RDONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let mode = Mode::RUSR | Mode::RGRP | Mode::ROTH;
        let file = openat(CWD, &path, flags, mode)?;
        let mut bound = match FileId::of(&file) {
            Ok(file) => Self {
                path,
                file,
                namespace: None,
            },
            Err(error) => {
                let _ = unlinkat(CWD, &path, AtFlags::empty());
                return Err(error);
            }
        };
        let id = FileId::of(&namespace)?;
        mount_bind(proc_path(&namespace), proc_path(&file))?;
        bound.namespace = Some(id);
        Ok(bound)
    }
}

impl Drop for Bound {
    fn drop(&mut self) {
        let now = |path: &Path| FileId::at(path).ok().flatten();
        if let Some(namespace) = self.namespace
            && now(&self.path) == Some(namespace)
            && let Err(error) = detach(&self.path)
        {
            tracing::error!(path = %self.path.display(), %error, "a namespace can't be unmounted");
        }
        if now(&self.path) == Some(self.file) {
            let _ = unlinkat(CWD, &self.path, AtFlags::empty());
        }
    }
}

/// Removes what a server that lives no longer has left at a path: its namespace, or the file that was to get one.
/// Anything else is left, and said.
pub(super) fn remove_left(path: &Path) -> io::Result<Found> {
    // One upon the other is nothing that we do; but a bound that is never reached costs nothing.
    for _ in 0..MOST_STACKED {
        match look(path)? {
            Found::Namespace(_) => detach(path)?,
            Found::EmptyFile => unlinkat(CWD, path, AtFlags::empty())?,
            end @ (Found::Nothing | Found::Other) => return Ok(end),
        }
    }
    look(path)
}

const MOST_STACKED: usize = 16;

/// Lazily: a process that is just looking at it can't keep it mounted.
fn detach(path: &Path) -> io::Result<()> {
    Ok(unmount(path, UnmountFlags::DETACH | UnmountFlags::NOFOLLOW)?)
}

fn proc_path(fd: impl AsFd) -> String {
    format!("/proc/self/fd/{}", fd.as_fd().as_raw_fd())
}
