//! Cgroups of containers: which names they have, what lives in them, and those that are left.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use super::finding::{Code, Details, Finding};
use super::fix::Fix;
use super::look::Look;
use super::processes::Process;

/// The container that a cgroup's name means: `crio-ID.scope`, `libpod-ID`, `ID`, `slice:cri-containerd:ID`. Ids of
/// the engines are 64 hexadecimal digits, those of runtimes by themselves `runc-ID.scope`. A cgroup of a monitor
/// (`crio-conmon-ID`) is none of its container.
pub fn container_id(name: &str) -> Option<&str> {
    let bare = name.strip_suffix(".scope").unwrap_or(name);
    let (before, id) = bare.rsplit_once(['-', ':']).unwrap_or(("", bare));
    if before.ends_with("conmon") {
        return None;
    }
    if id.len() == ENGINE_ID && id.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return Some(id);
    }
    let of_runtime = ["runc-", "crun-", "youki-"]
        .iter()
        .find_map(|prefix| bare.strip_prefix(prefix));
    of_runtime.filter(|id| bare.len() != name.len() && !id.is_empty())
}

const ENGINE_ID: usize = 64;

/// Whether anything lives in a cgroup or below it. What can't be known counts as life; what isn't there does not.
pub fn is_populated(path: &Path) -> bool {
    if !path.exists() {
        return false;
    }
    let read = |name: &str| fs::read_to_string(path.join(name));
    if let Ok(events) = read("cgroup.events") {
        return !events.lines().any(|line| line == "populated 0");
    }
    // Version 1 leaves out what is in another pid namespace; its count of tasks does not.
    let counted = read("pids.current").is_ok_and(|count| count.trim() != "0");
    counted
        || read("cgroup.procs").map_or(path.exists(), |list| !list.trim().is_empty())
        || below(path).iter().any(|path| is_populated(path))
}

/// The cgroups directly in one.
pub fn below(path: &Path) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(path) else {
        return Vec::new();
    };
    let directories = entries
        .flatten()
        .filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir()));
    directories.map(|entry| entry.path()).collect()
}

/// All cgroups with the name of a container, by their path in the hierarchies.
#[derive(Debug, Default)]
pub struct Named {
    by_path: BTreeMap<PathBuf, (String, Vec<PathBuf>)>,
    /// Not all were looked at.
    pub cut: bool,
}

/// More cgroups than that are not looked at.
const MOST: usize = 50_000;

impl Named {
    /// Looks below `parts` (empty: everywhere) of each mounted hierarchy.
    pub fn look(mounts: &[PathBuf], parts: &[PathBuf]) -> Self {
        let mut named = Self::default();
        let mut seen = 0;
        for mount in mounts {
            let starts = match parts {
                [] => vec![mount.clone()],
                _ => parts
                    .iter()
                    .map(|part| mount.join(part.strip_prefix("/").unwrap_or(part)))
                    .collect(),
            };
            let mut open = starts;
            while let Some(path) = open.pop() {
                seen += 1;
                if seen > MOST {
                    named.cut = true;
                    return named;
                }
                let id = path.file_name().and_then(|name| container_id(name.to_str()?));
                match (id, path.strip_prefix(mount)) {
                    // What is below a container's is its own.
                    (Some(id), Ok(relative)) => {
                        let entry = named.by_path.entry(Path::new("/").join(relative)).or_default();
                        entry.0 = id.to_owned();
                        entry.1.push(path);
                    }
                    _ => open.extend(below(&path)),
                }
            }
        }
        named
    }
}

/// Empty cgroups of containers that no runtime knows.
pub fn leftovers(look: &Look<'_>) -> Vec<Finding> {
    let known_ids: BTreeSet<_> = look.known_ids().collect();
    let known_paths: BTreeSet<_> = look.states.read.iter().flat_map(|state| &state.cgroups).collect();
    let left = look.named.by_path.iter().filter(|(_, (id, directories))| {
        !known_ids.contains(id.as_str())
            && !directories
                .iter()
                .any(|path| known_paths.contains(path) || is_populated(path))
    });
    left.map(|(path, (id, directories))| {
        let subject = format!("cgroup {}", path.display());
        Finding::problem(Code::LeftoverCgroup, path.display().to_string(), subject)
            .says(format!("is empty, and no runtime knows container {id}"))
            .advises("remove it (rmdir, the innermost first); --fix does")
            .with(Details {
                container_id: Some(id.clone()),
                cgroup: Some(path.display().to_string()),
                path: directories.first().cloned(),
                ..Details::default()
            })
            .fixed_by(Fix::RemoveCgroup(directories.clone()))
    })
    .collect()
}

/// Processes in the cgroup of a container that no runtime knows, and that no monitor is above.
pub fn strays(look: &Look<'_>) -> Vec<Finding> {
    let known: BTreeSet<_> = look.known_ids().collect();
    let mut by_cgroup: BTreeMap<(String, String), Vec<&Process>> = BTreeMap::new();
    for process in look.processes.iter().filter(|process| !process.has_ended()) {
        if look.kind_of(process).is_some() || !look.is_in_scope(process) {
            continue;
        }
        if let Some((cgroup, id)) = look.named_cgroup_of(process)
            && !known.contains(id.as_str())
            && !look
                .processes
                .ancestors(process)
                .any(|above| look.kind_of(above).is_some())
        {
            by_cgroup.entry((cgroup, id)).or_default().push(process);
        }
    }
    let found = by_cgroup.into_iter().map(|((cgroup, id), processes)| {
        let pids: Vec<_> = processes.iter().map(|process| process.pid).collect();
        let first = processes.first().map(|process| process.tell()).unwrap_or_default();
        let count = match processes.len() {
            1 => first,
            count => format!("{first} and {} more", count - 1),
        };
        Finding::problem(Code::ProcessWithoutState, format!("{cgroup}#{id}"), count)
            .says(format!("lives in the cgroup of container {id}, which no runtime knows and no monitor watches"))
            .advises(format!(
                "if nobody needs it any more, end what is in the cgroup {cgroup}: it is not ended by anybody else"
            ))
            .with(Details {
                container_id: Some(id),
                cgroup: Some(cgroup),
                pid: pids.first().copied(),
                pids,
                ..Details::default()
            })
    });
    found.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn knows_the_names_that_engines_give() {
        let id = "0123456789abcdef".repeat(4);
        for name in [
            id.clone(),
            format!("crio-{id}.scope"),
            format!("libpod-{id}"),
            format!("docker-{id}.scope"),
            format!("cri-containerd-{id}.scope"),
            format!("kubepods-burstable-pod1_2.slice:cri-containerd:{id}"),
        ] {
            assert_eq!(container_id(&name), Some(id.as_str()), "{name}");
        }
        assert_eq!(container_id("runc-my-web.1.scope"), Some("my-web.1"));
        for name in [
            &format!("crio-conmon-{id}.scope"),
            "user.slice",
            "session-3.scope",
            "runc-x",
            "runc-.scope",
            "kubepods-burstable-pod1.slice",
            &id[1..],
        ] {
            assert_eq!(container_id(name), None, "{name}");
        }
    }
}
