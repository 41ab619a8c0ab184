//! The sub-cgroup of one exec: whatever the command starts stays in it, `setsid` or not, and ends
//! with it when the exec runs out of time.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use super::ContainerCgroup;
use super::container::remove_tree;

/// A sub-cgroup, made before the runtime's `exec`. Removed when dropped; one that still holds
/// processes (a daemon that the command left on purpose) goes with the container's own.
#[derive(Debug)]
pub struct ExecCgroup {
    directory: PathBuf,
    argument: OsString,
}

impl ExecCgroup {
    /// A sub-cgroup `name` of the container's. None where it can't be had; the exec's processes are
    /// then found by walking the process tree, which a process that has left its parents escapes.
    pub fn make(container: &ContainerCgroup, name: &str) -> Option<Self> {
        let (parent, controller) = container.exec_parent()?;
        let directory = parent.join(name);
        if let Err(error) = std::fs::create_dir(&directory) {
            tracing::debug!(%error, cgroup = %directory.display(), "an exec gets no cgroup of its own");
            return None;
        }
        let argument = match controller {
            Some(controller) => format!("{controller}:{name}"),
            None => name.to_owned(),
        };
        Some(Self {
            directory,
            argument: argument.into(),
        })
    }

    /// The directory.
    pub fn directory(&self) -> &Path {
        &self.directory
    }

    /// The value of the runtime's `exec --cgroup`.
    pub fn argument(&self) -> &OsString {
        &self.argument
    }
}

impl Drop for ExecCgroup {
    fn drop(&mut self) {
        remove_tree(&self.directory);
    }
}
