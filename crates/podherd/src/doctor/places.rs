//! Where things of containers are looked for: the usual places, those that servers name, those that were given.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use super::scope::Scope;
use super::servers::Server;
use crate::commands::SOCKET;
use crate::journal;

/// Where runc, crun and youki keep state by default, by themselves and under the engines.
const RUNTIME_ROOTS: [&str; 9] = [
    "/run/runc",
    "/run/crun",
    "/run/youki",
    "/run/user/*/runc",
    "/run/user/*/crun",
    "/run/user/*/youki",
    "/run/containerd/runc/*",
    "/run/docker/runtime-runc/*",
    "/run/k3s/containerd/runc/*",
];

/// Where servers are given their directory: by hand, and by CRI-O (docs/cri-o.md).
const RUNTIME_DIRS: [&str; 5] = [
    "/run/podherd",
    "/run/podherd/*",
    "/run/user/*/podherd",
    "/run/user/*/podherd/*",
    "/var/lib/containers/storage/overlay-containers/*/userdata",
];

/// Below which pods' namespaces are mounted.
const NAMESPACE_BASES: [&str; 1] = ["/run"];

/// Root directories of runtimes.
pub fn runtime_roots(scope: &Scope, servers: &[Server]) -> BTreeSet<PathBuf> {
    let of_servers = servers.iter().filter_map(|server| server.runtime_root.clone());
    let usual = usual(scope, &RUNTIME_ROOTS);
    existing(usual.chain(of_servers).chain(scope.runtime_roots.iter().cloned()))
}

/// Runtime directories of servers, also of those that are gone.
pub fn runtime_dirs(scope: &Scope, servers: &[Server]) -> BTreeSet<PathBuf> {
    let of_servers = servers.iter().filter_map(|server| server.reached_dir.clone());
    let usual = usual(scope, &RUNTIME_DIRS).filter(|path| is_runtime_dir(path));
    existing(usual.chain(of_servers).chain(scope.runtime_dirs.iter().cloned()))
}

/// Base directories of namespaces.
pub fn namespace_bases(scope: &Scope) -> BTreeSet<PathBuf> {
    existing(usual(scope, &NAMESPACE_BASES).chain(scope.namespace_bases.iter().cloned()))
}

fn usual<'a>(scope: &Scope, patterns: &'a [&'a str]) -> impl Iterator<Item = PathBuf> + 'a {
    let patterns = if scope.only_given { &[] } else { patterns };
    patterns.iter().flat_map(|pattern| matching(pattern))
}

/// Each once, whatever links lead to it.
fn existing(paths: impl Iterator<Item = PathBuf>) -> BTreeSet<PathBuf> {
    paths.filter_map(|path| path.canonicalize().ok()).collect()
}

/// A server has been there.
fn is_runtime_dir(path: &Path) -> bool {
    [SOCKET, journal::FILE_NAME]
        .iter()
        .any(|name| fs::symlink_metadata(path.join(name)).is_ok())
}

/// The directories that a pattern means: `*` stands for one whole name.
fn matching(pattern: &str) -> Vec<PathBuf> {
    let mut found = vec![PathBuf::from("/")];
    for name in pattern.split('/').filter(|name| !name.is_empty()) {
        found = match name {
            "*" => found
                .iter()
                .flat_map(|path| fs::read_dir(path).into_iter().flatten().flatten())
                .filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir()))
                .map(|entry| entry.path())
                .collect(),
            _ => found.into_iter().map(|path| path.join(name)).collect(),
        };
    }
    found.retain(|path| path.is_dir());
    found.sort();
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_star_is_one_name() {
        assert_eq!(matching("/proc/self"), [Path::new("/proc/self")]);
        assert!(matching("/proc/*/fd").contains(&format!("/proc/{}/fd", std::process::id()).into()));
        assert!(matching("/nowhere/*").is_empty());
    }
}
