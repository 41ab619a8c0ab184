//! Where a run works: two directories and a cgroup of its own. All are removed at its end, whatever it
//! was, and every process that is left is ended first.

use std::fs;
use std::path::{Path, PathBuf};

use tempfile::TempDir;

use crate::{Result, programs};

/// The ground of one run.
#[derive(Debug)]
pub struct Ground {
    directory: TempDir,
    /// In memory where that can be had, as /run is: what a server and a runtime keep there costs no disk.
    state: TempDir,
    cgroup: String,
}

impl Ground {
    /// Makes the directories. The cgroup is made by runtimes, below its path.
    pub fn make() -> Result<Self> {
        programs::become_subreaper()?;
        let named = || {
            let mut builder = tempfile::Builder::new();
            builder.prefix("podherd-bench-");
            builder
        };
        let directory = named().tempdir()?;
        let state = ["/run", "/dev/shm"]
            .into_iter()
            .filter(|path| is_in_memory(Path::new(path)))
            .find_map(|path| named().tempdir_in(path).ok());
        Ok(Self {
            state: state.map_or_else(|| named().tempdir(), Ok)?,
            directory,
            cgroup: format!("/podherd-bench-{}", std::process::id()),
        })
    }

    /// A path on the disk.
    pub fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    /// A new directory for what a server and its runtime keep.
    pub fn state_folder(&self, name: &str) -> Result<PathBuf> {
        let path = self.state.path().join(name);
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

fn is_in_memory(path: &Path) -> bool {
    rustix::fs::statfs(path).is_ok_and(|found| found.f_type == TMPFS_MAGIC)
}

/// statfs(2).
const TMPFS_MAGIC: rustix::fs::FsWord = 0x0102_1994;

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
