//! Where a run works: a directory and a cgroup of its own. Both are removed at its end, whatever it
//! was, and every process that is left is ended first.

use std::fs;
use std::path::{Path, PathBuf};

use tempfile::TempDir;

use crate::{Result, programs};

/// The ground of one run.
#[derive(Debug)]
pub struct Ground {
    directory: TempDir,
    cgroup: String,
}

impl Ground {
    /// Makes the directory. The cgroup is made by runtimes, below its path.
    pub fn make() -> Result<Self> {
        programs::become_subreaper()?;
        Ok(Self {
            directory: tempfile::Builder::new().prefix("podherd-bench-").tempdir()?,
            cgroup: format!("/podherd-bench-{}", std::process::id()),
        })
    }

    /// A path in the directory.
    pub fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    /// A new directory.
    pub fn folder(&self, name: &str) -> Result<PathBuf> {
        let path = self.path(name);
        fs::create_dir_all(&path)?;
        Ok(path)
    }

    /// The cgroup of a container, from the root of the hierarchies.
    pub fn cgroup_of(&self, container: &str) -> String {
        format!("{}/{container}", self.cgroup)
    }
}

impl Drop for Ground {
    fn drop(&mut self) {
        programs::end_all();
        for hierarchy in hierarchies() {
            remove_cgroup(&hierarchy.join(self.cgroup.trim_start_matches('/')));
        }
    }
}

/// Mount points of the cgroup hierarchies: one for each v1 controller, or the one of v2.
fn hierarchies() -> Vec<PathBuf> {
    let mounts = fs::read_to_string("/proc/self/mountinfo").unwrap_or_default();
    mounts
        .lines()
        .filter(|line| line.contains(" - cgroup ") || line.contains(" - cgroup2 "))
        .filter_map(|line| line.split(' ').nth(4))
        .map(PathBuf::from)
        .collect()
}

/// Removes a cgroup with those below it. One that is in use stays: nothing of ours runs any more.
fn remove_cgroup(path: &Path) {
    for entry in fs::read_dir(path).into_iter().flatten().flatten() {
        if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            remove_cgroup(&entry.path());
        }
    }
    let _ = fs::remove_dir(path);
}
