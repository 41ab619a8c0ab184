//! One look at the whole machine: read once, then judged by each check.

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::path::PathBuf;

use super::cgroups::{self, Named};
use super::finding::Finding;
use super::monitors::{self, Kind};
use super::places;
use super::processes::{Process, Processes};
use super::scope::Scope;
use super::servers::{self, Server};
use super::sockets::Sockets;
use super::states::{State, States};
use super::{containers, mounts, namespaces, runtime_dirs, versions, zombies};
use crate::cgroup::Hierarchies;

/// What there is at one moment.
pub struct Look<'a> {
    /// What is to be looked at.
    pub scope: &'a Scope,
    /// All processes.
    pub processes: Processes,
    /// Bound unix sockets.
    pub sockets: Sockets,
    /// Servers, with their answers.
    pub servers: Vec<Server>,
    /// The mounted cgroup hierarchies.
    pub hierarchies: Hierarchies,
    /// Containers of the runtimes.
    pub states: States,
    /// Cgroups with names of containers.
    pub named: Named,
    /// Where runtimes keep their state.
    pub runtime_roots: BTreeSet<PathBuf>,
    /// Where servers work, or have.
    pub runtime_dirs: BTreeSet<PathBuf>,
    /// What is mounted in this mount namespace.
    pub mounts: Vec<mounts::Mount>,
    own_cgroups: String,
}

impl<'a> Look<'a> {
    /// Reads everything.
    pub async fn take(scope: &'a Scope) -> io::Result<Self> {
        let processes = Processes::look()?;
        let sockets = Sockets::look(&processes);
        let is_server = |process: &Process| {
            let inside = scope.below.is_none_or(|above| processes.comes_of(process, above));
            Kind::of(process, &scope.monitors).filter(|_| inside)
        };
        let servers = Server::look(&processes, is_server, &sockets, scope.timeout).await;
        let hierarchies = Hierarchies::mounted()?;
        let runtime_roots = places::runtime_roots(scope, &servers);
        let runtime_dirs = places::runtime_dirs(scope, &servers);
        let states = States::look(&runtime_roots, &hierarchies);
        let named = if scope.looks_at_cgroups() {
            Named::look(&hierarchies.points(), &scope.cgroups)
        } else {
            Named::default()
        };
        Ok(Self {
            scope,
            sockets,
            servers,
            states,
            named,
            hierarchies,
            runtime_roots,
            runtime_dirs,
            mounts: mounts::look()?,
            own_cgroups: fs::read_to_string("/proc/self/cgroup").unwrap_or_default(),
            processes,
        })
    }

    /// Everything that looks wrong at this moment. What is on its way looks wrong, too: only what stays is.
    pub fn findings(&self) -> Vec<Finding> {
        let mut all = zombies::find(self);
        all.extend(containers::find(self));
        all.extend(cgroups::strays(self));
        all.extend(servers::silent(self));
        all.extend(monitors::without_container(self));
        all.extend(runtime_dirs::find(self));
        all.extend(cgroups::leftovers(self));
        all.extend(namespaces::find(self));
        all.extend(mounts::leftovers(self));
        all.extend(versions::mixed(self));
        all
    }

    /// What could not be looked at.
    pub fn missing(&self) -> Vec<String> {
        let mut missing = Vec::new();
        if let Some(why) = &self.sockets.missing {
            missing.push(format!("which unix sockets are bound: {why}"));
        }
        if self.named.cut {
            missing.push("all cgroups: there are too many".into());
        }
        missing
    }

    /// Which kind of monitor a process is, if it is one.
    pub fn kind_of(&self, process: &Process) -> Option<Kind> {
        Kind::of(process, &self.scope.monitors)
    }

    /// Whether a process is to be looked at.
    pub fn is_in_scope(&self, process: &Process) -> bool {
        self.scope
            .below
            .is_none_or(|above| self.processes.comes_of(process, above))
    }

    /// The ids of all containers that runtimes know.
    pub fn known_ids(&self) -> impl Iterator<Item = &str> {
        let unreadable = self.states.unreadable.iter().map(|state| state.id.as_str());
        self.states
            .read
            .iter()
            .map(|state| state.id.as_str())
            .chain(unreadable)
    }

    /// The cgroup with a container's name that a process is in, with the container's id: not one that holds this
    /// process too.
    pub fn named_cgroup_of(&self, process: &Process) -> Option<(String, String)> {
        process.cgroups.lines().find_map(|line| {
            let path = line.splitn(3, ':').nth(2)?;
            let mut below = String::new();
            for name in path.split('/').filter(|name| !name.is_empty()) {
                below = format!("{below}/{name}");
                if let Some(id) = cgroups::container_id(name) {
                    return (!self.holds_us(&below)).then(|| (below, id.to_owned()));
                }
            }
            None
        })
    }

    /// The container that a zombie was in. Version 1 of cgroups moves what ends to the root, so that only the pid
    /// namespace still tells, or who its parent is.
    pub fn container_of_zombie(&self, zombie: &Process) -> Option<String> {
        let by_namespace = || {
            let own = pid_namespace(std::process::id());
            let its = pid_namespace(zombie.pid).filter(|its| Some(its) != own.as_ref())?;
            let inits = self.states.read.iter();
            let of_it = |state: &&State| {
                let init = state.init(&self.processes);
                init.is_some_and(|init| pid_namespace(init.pid).as_ref() == Some(&its))
            };
            inits.filter(of_it).map(|state| state.id.clone()).next()
        };
        let parent = || {
            self.processes
                .get(zombie.parent)
                .and_then(|parent| self.container_of(parent))
        };
        self.container_of(zombie).or_else(by_namespace).or_else(parent)
    }

    /// The container that a process belongs to, by its cgroup.
    pub fn container_of(&self, process: &Process) -> Option<String> {
        let places = self.hierarchies.places(&process.cgroups);
        let known = self.states.read.iter().find(|state| {
            state
                .cgroups
                .iter()
                .any(|cgroup| places.iter().any(|place| place.directory.starts_with(cgroup)))
        });
        match known {
            Some(state) => Some(state.id.clone()),
            None => self.named_cgroup_of(process).map(|(_, id)| id),
        }
    }

    /// The longest of a process's cgroups: the one that says most.
    pub fn cgroup_of(&self, process: &Process) -> Option<String> {
        let paths = process
            .cgroups
            .lines()
            .filter_map(|line| line.splitn(3, ':').nth(2));
        paths.max_by_key(|path| path.len()).map(str::to_owned)
    }

    fn holds_us(&self, cgroup: &str) -> bool {
        let mut own = self
            .own_cgroups
            .lines()
            .filter_map(|line| line.splitn(3, ':').nth(2));
        own.any(|path| {
            path.strip_prefix(cgroup)
                .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        })
    }
}

fn pid_namespace(pid: u32) -> Option<PathBuf> {
    fs::read_link(format!("/proc/{pid}/ns/pid")).ok()
}
