//! Versions of runtimes and servers.

use std::collections::{BTreeMap, BTreeSet};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use podherd_reaper::{Program, Reaper};
use serde::Serialize;

use super::finding::{Code, Details, Finding};
use super::look::Look;
use super::servers::Server;
use crate::runtime::RuntimeCall;

/// A runtime's binary.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct RuntimeProgram {
    /// Where it is.
    pub path: PathBuf,
    /// What it calls itself; empty when it does not say.
    pub name: String,
    /// Its version; empty when it does not say.
    pub version: String,
}

/// Runtimes that are known by name.
const NAMES: [&str; 3] = ["runc", "crun", "youki"];

/// Where a shell of root looks for programs.
const DIRECTORIES: [&str; 6] = [
    "/usr/local/sbin",
    "/usr/local/bin",
    "/usr/sbin",
    "/usr/bin",
    "/sbin",
    "/bin",
];

/// A version is told at once or not at all.
const WITHIN: Duration = Duration::from_secs(5);

/// The runtimes of the servers, and those that are installed, each binary once.
pub async fn runtimes(reaper: &Reaper, servers: &[Server]) -> Vec<RuntimeProgram> {
    let of_servers = servers.iter().filter_map(|server| server.runtime_path.clone());
    let installed = NAMES.iter().flat_map(|name| {
        DIRECTORIES
            .iter()
            .map(move |directory| Path::new(directory).join(name))
    });
    let paths = of_servers
        .chain(installed)
        .filter_map(|path| path.canonicalize().ok());
    let paths: BTreeSet<_> = paths.filter(|path| is_executable(path)).collect();
    let mut found = Vec::new();
    for path in paths {
        found.push(ask(reaper, path).await);
    }
    found
}

fn is_executable(path: &Path) -> bool {
    std::fs::metadata(path).is_ok_and(|file| file.is_file() && file.permissions().mode() & 0o111 != 0)
}

async fn ask(reaper: &Reaper, path: PathBuf) -> RuntimeProgram {
    let program = Program::new(&path).arg("--version");
    let said = RuntimeCall::output(reaper, program, WITHIN)
        .await
        .unwrap_or_default();
    let said = String::from_utf8_lossy(&said).into_owned();
    let mut words = said.lines().next().unwrap_or_default().split_whitespace();
    let name = words.next().unwrap_or_default().to_owned();
    let version = words.find(|word| word.starts_with(|letter: char| letter.is_ascii_digit()));
    RuntimeProgram {
        path,
        name,
        version: version.unwrap_or_default().to_owned(),
    }
}

/// Servers of different versions at the same time.
pub fn mixed(look: &Look<'_>) -> Vec<Finding> {
    let mut by_kind: BTreeMap<&str, BTreeMap<&str, Vec<u32>>> = BTreeMap::new();
    for server in &look.servers {
        if let Some(version) = &server.version {
            let versions = by_kind.entry(server.kind).or_default();
            versions.entry(version).or_default().push(server.pid);
        }
    }
    let several = by_kind.into_iter().filter(|(_, versions)| versions.len() > 1);
    several
        .map(|(kind, versions)| {
            let told: Vec<_> = versions.iter().map(|(version, pids)| format!("{version} ({})", pids.len())).collect();
            Finding::note(Code::MixedVersions, format!("{kind} {}", told.join(" ")), format!("servers of {kind}"))
                .says(format!("run in different versions: {}", told.join(", ")))
                .advises("nothing, in the midst of an upgrade: each ends with its pod; new ones are of the new version")
                .with(Details {
                    pids: versions.values().flatten().copied().collect(),
                    versions: versions.keys().map(|version| (*version).to_owned()).collect(),
                    ..Details::default()
                })
        })
        .collect()
}

/// Installed runtimes of one name and different versions.
pub fn mixed_runtimes(runtimes: &[RuntimeProgram]) -> Vec<Finding> {
    let mut by_name: BTreeMap<&str, Vec<&RuntimeProgram>> = BTreeMap::new();
    for runtime in runtimes.iter().filter(|runtime| !runtime.version.is_empty()) {
        by_name.entry(&runtime.name).or_default().push(runtime);
    }
    let several = by_name.into_iter().filter(|(_, all)| {
        all.iter()
            .map(|runtime| &runtime.version)
            .collect::<BTreeSet<_>>()
            .len()
            > 1
    });
    several
        .map(|(name, all)| {
            let told: Vec<_> = all
                .iter()
                .map(|runtime| format!("{} at {}", runtime.version, runtime.path.display()))
                .collect();
            Finding::note(
                Code::MixedVersions,
                format!("{name} {}", told.join(" ")),
                format!("runtime {name}"),
            )
            .says(format!("is there in different versions: {}", told.join(", ")))
            .advises("see that servers and whoever deletes their containers use the same one")
            .with(Details {
                name: Some(name.to_owned()),
                versions: all.iter().map(|runtime| runtime.version.clone()).collect(),
                ..Details::default()
            })
        })
        .collect()
}
