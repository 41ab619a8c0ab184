//! The mounted hierarchies, and where a process stands in each.

use std::collections::BTreeSet;
use std::io;
use std::path::{Path, PathBuf};

use super::kernel_file;

/// One mounted hierarchy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mount {
    /// Controllers of version 1 (`memory`, `name=systemd`); empty for version 2.
    pub controllers: Vec<String>,
    /// The cgroup that is visible at the mount point.
    root: PathBuf,
    /// The mount point.
    point: PathBuf,
    counts_locally: bool,
}

/// All mounted hierarchies. They don't change while a server lives.
#[derive(Clone, Debug)]
pub struct Hierarchies {
    mounts: Vec<Mount>,
}

/// The directory of one cgroup of a process.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// Controllers of version 1; empty for version 2.
    pub controllers: Vec<String>,
    /// Its directory.
    pub directory: PathBuf,
    /// Version 2 mounted with `memory_localevents`: `memory.events` leaves out the cgroups below.
    pub counts_locally: bool,
}

impl Hierarchies {
    /// Reads what is mounted now.
    pub fn mounted() -> io::Result<Self> {
        Ok(Self::parse(&kernel_file::read("/proc/self/mountinfo")?))
    }

    /// Reads the form of /proc/PID/mountinfo, see proc(5).
    fn parse(mountinfo: &str) -> Self {
        let mut seen = BTreeSet::new();
        let mounts = mountinfo
            .lines()
            .filter_map(Mount::parse)
            .filter(|mount| seen.insert(mount.controllers.clone()));
        Self {
            mounts: mounts.collect(),
        }
    }

    /// The directories of the process `pid`.
    pub fn places_of(&self, pid: u32) -> io::Result<Vec<Place>> {
        Ok(self.places(&kernel_file::read(format!("/proc/{pid}/cgroup"))?))
    }

    /// The mount points.
    pub(crate) fn points(&self) -> Vec<PathBuf> {
        self.mounts.iter().map(|mount| mount.point.clone()).collect()
    }

    /// The directories that a cgroup path means in all hierarchies; one that is not absolute counts
    /// from the cgroups of this process, as in the runtimes.
    pub fn directories(&self, path: &Path) -> Vec<PathBuf> {
        if path.is_absolute() {
            return self
                .mounts
                .iter()
                .filter_map(|mount| mount.directory(path))
                .collect();
        }
        let own = self.places_of(std::process::id()).unwrap_or_default();
        own.into_iter().map(|place| place.directory.join(path)).collect()
    }

    /// Reads the form of /proc/PID/cgroup: `4:memory:/path`, `0::/path`.
    pub(crate) fn places(&self, text: &str) -> Vec<Place> {
        let place = |line: &str| {
            let mut fields = line.splitn(3, ':').skip(1);
            let controllers = list(fields.next()?);
            let path = Path::new(fields.next()?);
            let mount = self
                .mounts
                .iter()
                .find(|mount| mount.controllers == controllers)?;
            Some(Place {
                directory: mount.directory(path)?,
                counts_locally: mount.counts_locally,
                controllers,
            })
        };
        text.lines().filter_map(place).collect()
    }
}

impl Mount {
    fn parse(line: &str) -> Option<Self> {
        let (left, right) = line.split_once(" - ")?;
        let mut fields = left.split(' ').skip(3);
        let (root, point) = (unescape(fields.next()?), unescape(fields.next()?));
        let mut fields = right.split(' ');
        let (kind, options) = (fields.next()?, fields.nth(1)?);
        let controllers = match kind {
            "cgroup2" => Vec::new(),
            "cgroup" => controllers_of(options),
            _ => return None,
        };
        let counts_locally = options.split(',').any(|option| option == "memory_localevents");
        Some(Self {
            controllers,
            root,
            point,
            counts_locally,
        })
    }

    fn directory(&self, path: &Path) -> Option<PathBuf> {
        path.strip_prefix(&self.root)
            .ok()
            .map(|rest| self.point.join(rest))
    }
}

/// The controllers among the options of a version 1 mount: all but the flags.
fn controllers_of(options: &str) -> Vec<String> {
    const FLAGS: [&str; 7] = ["rw", "ro", "none", "all", "clone_children", "noprefix", "xattr"];
    let mut controllers = list(options);
    controllers.retain(|option| {
        !FLAGS.contains(&option.as_str()) && (!option.contains('=') || option.starts_with("name="))
    });
    controllers.sort();
    controllers
}

fn list(text: &str) -> Vec<String> {
    let mut names: Vec<String> = text
        .split(',')
        .filter(|name| !name.is_empty())
        .map(str::to_owned)
        .collect();
    names.sort();
    names
}

/// Undoes the octal escapes of proc(5): space, tab, newline, backslash.
pub(crate) fn unescape(text: &str) -> PathBuf {
    text.replace("\\040", " ")
        .replace("\\011", "\t")
        .replace("\\012", "\n")
        .replace("\\134", "\\")
        .into()
}

#[cfg(test)]
mod tests {
    use super::*;

    const HYBRID: &str = "\
29 20 0:25 / /sys/fs/cgroup rw - tmpfs tmpfs rw,mode=755
30 29 0:26 / /sys/fs/cgroup/cpu,cpuacct rw,relatime - cgroup cgroup rw,cpuacct,cpu
31 29 0:27 / /sys/fs/cgroup/memory rw,relatime - cgroup cgroup rw,memory
32 29 0:28 / /sys/fs/cgroup/systemd rw,relatime - cgroup cgroup rw,xattr,name=systemd
33 29 0:29 / /sys/fs/cgroup/unified rw,relatime - cgroup2 cgroup2 rw";

    #[test]
    fn finds_a_process_in_both_versions_at_once() {
        let places = Hierarchies::parse(HYBRID)
            .places("4:cpu,cpuacct:/a\n3:memory:/b/c\n2:name=systemd:/\n0::/x\n9:gone:/y\n");
        let directories: Vec<_> = places
            .iter()
            .map(|place| place.directory.to_str().unwrap())
            .collect();
        assert_eq!(
            directories,
            [
                "/sys/fs/cgroup/cpu,cpuacct/a",
                "/sys/fs/cgroup/memory/b/c",
                "/sys/fs/cgroup/systemd/",
                "/sys/fs/cgroup/unified/x"
            ]
        );
        assert!(places[3].controllers.is_empty());
    }

    #[test]
    fn counts_from_the_root_of_a_mount_that_shows_a_part() {
        let hierarchies =
            Hierarchies::parse("1 1 0:1 /pod\\040x /cg rw shared:5 master:1 - cgroup2 none rw,nsdelegate");
        assert_eq!(
            hierarchies.directories(Path::new("/pod x/c1")),
            [Path::new("/cg/c1")]
        );
        assert!(hierarchies.directories(Path::new("/elsewhere")).is_empty());
    }

    #[test]
    fn reads_this_machine() {
        let places = Hierarchies::mounted()
            .unwrap()
            .places_of(std::process::id())
            .unwrap();
        assert!(places.iter().all(|place| place.directory.is_dir()), "{places:?}");
    }
}
