//! The cgroups of one container: found once, from its init.

use std::io;
use std::path::Path;
use std::rc::Rc;

use super::hierarchy::{Hierarchies, Place};
use super::kernel_file;
use super::oom::OomKills;
use super::stats::CgroupStats;
use super::tree::remove_tree;

/// A container's cgroups, without those that it shares with the server.
#[derive(Clone, Debug, Default)]
pub struct ContainerCgroup {
    places: Vec<Place>,
    /// Shared by all who look at it.
    oom_kills: Rc<OomKills>,
}

impl ContainerCgroup {
    /// The cgroups of `pid`, the init of `container`. One that is the server's own, or above it, is not the
    /// container's: a kill there would be the server's end. `is_new` says which directories were not there
    /// before the container's creation.
    pub fn of(
        hierarchies: &Hierarchies,
        pid: u32,
        container: &str,
        is_new: impl Fn(&Path) -> bool,
    ) -> io::Result<Self> {
        let own = hierarchies.places_of(std::process::id())?;
        let mut places = hierarchies.places_of(pid)?;
        places.retain(|place| !own.iter().any(|own| own.directory.starts_with(&place.directory)));
        let oom_kills = Rc::new(OomKills::of(container, &places, is_new));
        Ok(Self { places, oom_kills })
    }

    /// The directory that holds all processes of the container and in which they can be stopped
    /// together: version 2, else the freezer, else any. None: the container has no cgroup of its own.
    pub fn kill_directory(&self) -> Option<&Path> {
        let by = |wanted: &dyn Fn(&Place) -> bool| self.places.iter().find(|place| wanted(place));
        by(&|place| place.controllers.is_empty())
            .or_else(|| by(&|place| place.has("freezer")))
            .or_else(|| self.places.first())
            .map(|place| place.directory.as_path())
    }

    /// Where an exec can have a sub-cgroup. Empty: nowhere.
    pub(super) fn exec_parents(&self) -> ExecParents<'_> {
        // Where version 2 stands beside version 1 (systemd's "hybrid" layout), runtimes go by version 1.
        if let Some(freezer) = self.places.iter().find(|place| place.has("freezer")) {
            return ExecParents::Split {
                freezer,
                all: &self.places,
            };
        }
        let Some(place) = self.places.iter().find(|place| place.controllers.is_empty()) else {
            return ExecParents::None;
        };
        // Version 2 forbids processes beside a sub-cgroup that has controllers (cgroups(7), "no
        // internal processes"): a container that delegates its own cgroup is left alone.
        match kernel_file::read(place.directory.join("cgroup.subtree_control")) {
            Ok(text) if text.trim().is_empty() => ExecParents::Unified(place),
            _ => ExecParents::None,
        }
    }

    /// What the kernel has killed in it for memory since the container was created. The last look has to be
    /// while the cgroup is there.
    pub fn oom_kills(&self) -> &Rc<OomKills> {
        &self.oom_kills
    }

    /// Whether the kernel killed a process of the container for memory since it was created.
    pub fn was_oom_killed(&self) -> bool {
        self.oom_kills.count() > 0
    }

    /// What they count now. None: they have gone.
    pub fn stats(&self) -> Option<CgroupStats> {
        let stats = CgroupStats::read(&self.places);
        self.places
            .iter()
            .all(|place| place.directory.exists())
            .then_some(stats)
    }

    /// Removes the directories, sub-cgroups first. What still holds processes stays.
    pub fn remove(&self) {
        for place in &self.places {
            remove_tree(&place.directory);
        }
    }
}

/// Where an exec's sub-cgroup goes.
pub(super) enum ExecParents<'a> {
    /// Version 2.
    Unified(&'a Place),
    /// Version 1: the hierarchy in which processes are stopped together, and all of them.
    Split { freezer: &'a Place, all: &'a [Place] },
    /// It can't be had.
    None,
}

impl Place {
    pub(super) fn has(&self, controller: &str) -> bool {
        self.controllers.iter().any(|name| name == controller)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_exec_goes_by_version_1_where_both_are_mounted() {
        let directory = tempfile::tempdir().unwrap();
        std::fs::write(directory.path().join("cgroup.subtree_control"), "").unwrap();
        let place = |controllers: &[&str]| Place {
            controllers: controllers.iter().map(|&name| name.to_owned()).collect(),
            directory: directory.path().to_owned(),
            counts_locally: false,
        };
        let parents = |places: Vec<Place>| {
            let cgroup = ContainerCgroup {
                places,
                ..ContainerCgroup::default()
            };
            match cgroup.exec_parents() {
                ExecParents::Unified(_) => "unified",
                ExecParents::Split { .. } => "split",
                ExecParents::None => "none",
            }
        };
        assert_eq!(
            parents(vec![place(&[]), place(&["memory"]), place(&["freezer"])]),
            "split"
        );
        assert_eq!(parents(vec![place(&[])]), "unified");
        assert_eq!(parents(vec![place(&["memory"])]), "none");
    }
}
