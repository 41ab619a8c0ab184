//! What runtimes keep of their containers, `ROOT/ID/…`: read, never asked, so that a runtime that hangs holds up
//! nobody. The layouts are those of runc 1.1 and later, crun 1 and youki.

use std::collections::BTreeMap;
use std::fs;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::Deserialize;

use super::cgroups;
use super::processes::{Process, Processes};
use crate::cgroup::Hierarchies;

/// The state of one container.
#[derive(Clone, Debug)]
pub struct State {
    /// The container.
    pub id: String,
    /// The runtime's root that it was found in.
    pub root: PathBuf,
    /// Name of the runtime whose layout it is.
    pub runtime: &'static str,
    /// Of init; 0 where the runtime has none.
    pub pid: u32,
    /// In clock ticks since boot.
    pub start_time: Option<u64>,
    /// Its bundle.
    pub bundle: Option<PathBuf>,
    /// Its cgroups' directories.
    pub cgroups: Vec<PathBuf>,
}

/// A directory in a runtime's root that can't be read.
#[derive(Clone, Debug)]
pub struct Unreadable {
    /// Name of the directory: the container's id.
    pub id: String,
    /// The runtime's root.
    pub root: PathBuf,
    /// Why.
    pub why: String,
}

/// What there is in some roots.
#[derive(Debug, Default)]
pub struct States {
    /// Those that could be read.
    pub read: Vec<State>,
    /// The others.
    pub unreadable: Vec<Unreadable>,
}

impl State {
    /// Init, if it lives.
    pub fn init<'a>(&self, processes: &'a Processes) -> Option<&'a Process> {
        processes.living(self.pid, self.start_time)
    }

    /// Whether anything of the container lives: its init, or something in its cgroups. (Pids may be those of
    /// another pid namespace; the cgroups tell all the same.)
    pub fn lives(&self, processes: &Processes) -> bool {
        self.init(processes).is_some() || self.cgroups.iter().any(|path| cgroups::is_populated(path))
    }

    /// Tells it from a later container of the same id.
    pub fn identity(&self) -> String {
        let start = self.start_time.unwrap_or(0);
        format!("{}/{}#{}@{start}", self.root.display(), self.id, self.pid)
    }

    /// Reads it again.
    pub fn again(&self, hierarchies: &Hierarchies) -> io::Result<Self> {
        read(&self.root, &self.id, hierarchies)
    }
}

impl States {
    /// Reads all in these roots.
    pub fn look<'a>(roots: impl IntoIterator<Item = &'a PathBuf>, hierarchies: &Hierarchies) -> Self {
        let mut states = Self::default();
        for root in roots {
            for id in ids(root) {
                match read(root, &id, hierarchies) {
                    Ok(state) => states.read.push(state),
                    // Being made, unless it stays so.
                    Err(error) if age(&root.join(&id)).is_some_and(|age| age >= YOUNG) => {
                        states.unreadable.push(Unreadable {
                            id,
                            root: root.clone(),
                            why: error.to_string(),
                        });
                    }
                    Err(_) => states.unready(root, id),
                }
            }
        }
        states
    }

    /// One whose file is not there yet: it counts as known, so that its cgroup is not taken for a leftover.
    fn unready(&mut self, root: &Path, id: String) {
        self.read.push(State {
            id,
            root: root.to_owned(),
            runtime: "unknown",
            pid: 0,
            start_time: None,
            bundle: None,
            cgroups: Vec::new(),
        });
    }
}

/// A create takes less until the state is written.
const YOUNG: Duration = Duration::from_secs(60);

/// Files of states are some ten kilobytes.
const LONGEST: u64 = 4 << 20;

fn ids(root: &Path) -> Vec<String> {
    let Ok(entries) = fs::read_dir(root) else {
        return Vec::new();
    };
    let directories = entries
        .flatten()
        .filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir()));
    let names = directories.filter_map(|entry| entry.file_name().into_string().ok());
    let mut names: Vec<_> = names.filter(|name| !name.starts_with('.')).collect();
    names.sort();
    names
}

fn age(path: &Path) -> Option<Duration> {
    fs::metadata(path).ok()?.modified().ok()?.elapsed().ok()
}

/// `state.json` of runc.
#[derive(Deserialize)]
struct Runc {
    init_process_pid: u32,
    init_process_start: u64,
    #[serde(default)]
    cgroup_paths: BTreeMap<String, PathBuf>,
    #[serde(default)]
    config: RuncConfig,
}

#[derive(Default, Deserialize)]
struct RuncConfig {
    #[serde(default)]
    labels: Option<Vec<String>>,
}

/// `status` of crun.
#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
struct Crun {
    pid: u32,
    #[serde(default)]
    process_start_time: Option<u64>,
    #[serde(default)]
    cgroup_path: Option<PathBuf>,
    #[serde(default)]
    bundle: Option<PathBuf>,
}

/// `state.json` of youki.
#[derive(Deserialize)]
struct Youki {
    #[serde(default)]
    pid: Option<u32>,
    #[serde(default)]
    bundle: Option<PathBuf>,
}

fn read(root: &Path, id: &str, hierarchies: &Hierarchies) -> io::Result<State> {
    let directory = root.join(id);
    let mut state = State {
        id: id.to_owned(),
        root: root.to_owned(),
        runtime: "crun",
        pid: 0,
        start_time: None,
        bundle: None,
        cgroups: Vec::new(),
    };
    match content(&directory.join("status")) {
        Ok(text) => {
            let crun: Crun = serde_json::from_slice(&text)?;
            state.pid = crun.pid;
            state.start_time = crun.process_start_time.filter(|&at| at != 0);
            state.bundle = crun.bundle;
            state.cgroups = match crun.cgroup_path.filter(|path| !path.as_os_str().is_empty()) {
                Some(path) => hierarchies.directories(&Path::new("/").join(path)),
                None => Vec::new(),
            };
            return Ok(state);
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => return Err(error),
    }
    let text = content(&directory.join("state.json"))?;
    if let Ok(runc) = serde_json::from_slice::<Runc>(&text) {
        state.runtime = "runc";
        state.pid = runc.init_process_pid;
        state.start_time = Some(runc.init_process_start);
        state.cgroups = runc.cgroup_paths.into_values().collect();
        let labels = runc.config.labels.unwrap_or_default();
        state.bundle = labels
            .iter()
            .find_map(|label| label.strip_prefix("bundle="))
            .map(PathBuf::from);
    } else {
        let youki: Youki = serde_json::from_slice(&text)?;
        state.runtime = "youki";
        state.pid = youki.pid.unwrap_or(0);
        state.bundle = youki.bundle;
    }
    Ok(state)
}

fn content(path: &Path) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    fs::File::open(path)?.take(LONGEST).read_to_end(&mut bytes)?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn root_with(file: &str, text: &str) -> (tempfile::TempDir, io::Result<State>) {
        let root = tempfile::tempdir().unwrap();
        fs::create_dir(root.path().join("c1")).unwrap();
        fs::write(root.path().join("c1").join(file), text).unwrap();
        let state = read(root.path(), "c1", &Hierarchies::mounted().unwrap());
        (root, state)
    }

    #[test]
    fn reads_what_each_runtime_writes() {
        let (_root, runc) = root_with(
            "state.json",
            r#"{"id":"c1","init_process_pid":12,"init_process_start":345,"created":"2024-01-01T00:00:00Z",
               "config":{"labels":["bundle=/b","io=x"]},"cgroup_paths":{"memory":"/cg/m","pids":"/cg/p"}}"#,
        );
        let runc = runc.unwrap();
        assert_eq!((runc.runtime, runc.pid, runc.start_time), ("runc", 12, Some(345)));
        assert_eq!(runc.bundle.as_deref(), Some(Path::new("/b")));
        assert_eq!(runc.cgroups.len(), 2);
        let (_root, crun) = root_with(
            "status",
            r#"{"pid":7,"process-start-time":9,"cgroup-path":"/x/c1","bundle":"/b"}"#,
        );
        let crun = crun.unwrap();
        assert_eq!((crun.runtime, crun.pid, crun.start_time), ("crun", 7, Some(9)));
        let (_root, youki) = root_with(
            "state.json",
            r#"{"ociVersion":"v1.0.2","id":"c1","status":"running","pid":5,"bundle":"/b"}"#,
        );
        let youki = youki.unwrap();
        assert_eq!((youki.runtime, youki.pid, youki.start_time), ("youki", 5, None));
        assert!(root_with("state.json", "[").1.is_err());
        assert!(root_with("other", "").1.is_err());
    }
}
