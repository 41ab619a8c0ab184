//! What is mounted, and mounts in bundles of containers that are gone.

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::path::PathBuf;

use super::finding::{Code, Details, Finding};
use super::look::Look;
use crate::journal;

/// One line of proc_pid_mountinfo(5).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mount {
    /// What of the file system is mounted; of a namespace its name, `net:[4026531840]`.
    pub root: String,
    /// Where.
    pub point: PathBuf,
    /// Type of the file system.
    pub kind: String,
}

/// What is mounted in this mount namespace.
pub fn look() -> io::Result<Vec<Mount>> {
    let text = fs::read_to_string("/proc/self/mountinfo")?;
    Ok(text.lines().filter_map(Mount::parse).collect())
}

impl Mount {
    fn parse(line: &str) -> Option<Self> {
        let (left, right) = line.split_once(" - ")?;
        let mut fields = left.split(' ').skip(3);
        Some(Self {
            root: fields.next()?.to_owned(),
            point: crate::cgroup::unescape(fields.next()?),
            kind: right.split(' ').next()?.to_owned(),
        })
    }
}

/// Mounts in directories that were bundles: the container is dead, and `config.json` is gone. One whose
/// `config.json` is there may be used again.
pub fn leftovers(look: &Look<'_>) -> Vec<Finding> {
    let dead = look
        .states
        .read
        .iter()
        .filter(|state| !state.lives(&look.processes));
    let mut bundles: BTreeSet<PathBuf> = dead.filter_map(|state| state.bundle.clone()).collect();
    for directory in &look.runtime_dirs {
        let survivors = journal::survivors(directory).unwrap_or_default().into_iter();
        let ended = survivors.filter(|survivor| {
            let pid = survivor.pid.unsigned_abs();
            look.processes.living(pid, Some(survivor.start_time)).is_none()
        });
        bundles.extend(ended.map(|survivor| survivor.bundle));
    }
    let alive = look
        .states
        .read
        .iter()
        .filter(|state| state.lives(&look.processes));
    let alive: BTreeSet<_> = alive.filter_map(|state| state.bundle.as_deref()).collect();
    let gone = bundles.into_iter().filter(|bundle| {
        !alive.contains(bundle.as_path()) && bundle.is_dir() && !bundle.join("config.json").exists()
    });
    gone.flat_map(|bundle| {
        let mounts = look
            .mounts
            .iter()
            .filter(move |mount| mount.point.starts_with(&bundle));
        mounts.map(finding).collect::<Vec<_>>()
    })
    .collect()
}

fn finding(mount: &Mount) -> Finding {
    let path = mount.point.display();
    Finding::problem(Code::LeftoverMount, path.to_string(), format!("mount {path}"))
        .says(format!(
            "a {} is mounted in the bundle of a container that is dead and whose config.json is gone",
            mount.kind
        ))
        .advises(format!(
            "see that nobody uses it (fuser -m {path}), then: umount {path}"
        ))
        .with(Details {
            path: Some(mount.point.clone()),
            ..Details::default()
        })
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    #[test]
    fn reads_lines_of_mountinfo() {
        let line = "9 8 0:4 net:[4026532] /run/netns/a\\040b rw shared:1 - nsfs nsfs rw";
        let mount = Mount::parse(line).unwrap();
        assert_eq!(
            (mount.root.as_str(), mount.kind.as_str()),
            ("net:[4026532]", "nsfs")
        );
        assert_eq!(mount.point, Path::new("/run/netns/a b"));
        assert!(!look().unwrap().is_empty());
    }
}
