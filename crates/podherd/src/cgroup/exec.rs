//! The sub-cgroup of one exec: whatever the command starts stays in it, `setsid` or not, and ends
//! with it when the exec runs out of time.

use std::io;
use std::path::{Path, PathBuf};
use std::rc::Rc;

use super::ContainerCgroup;
use super::container::ExecParents;
use super::hierarchy::Place;
use super::oom::OomKills;
use super::tree::remove_tree;

/// A sub-cgroup, made before the runtime's `exec`. Removed when dropped; one that still holds
/// processes (a daemon that the command left on purpose) goes with the container's own.
#[derive(Debug)]
pub struct ExecCgroup {
    /// In which its processes are stopped together.
    directory: PathBuf,
    /// The others, in version 1.
    beside: Vec<PathBuf>,
    argument: String,
    /// The container's: version 1 counts in the sub-cgroup alone, and its count goes with it.
    oom_kills: Rc<OomKills>,
}

impl ExecCgroup {
    /// A sub-cgroup `name` of the container's; `in_all` asks for one in each hierarchy of version 1.
    /// None where it can't be had; the exec's processes are then found by walking the process tree,
    /// which a process that has left its parents escapes.
    pub fn make(container: &ContainerCgroup, name: &str, in_all: bool) -> Option<Self> {
        let parents = container.exec_parents();
        let (parent, others, argument) = match &parents {
            ExecParents::None => return None,
            ExecParents::Unified(place) => (*place, [].as_slice(), name.to_owned()),
            ExecParents::Split { freezer, all } if in_all => (*freezer, *all, name.to_owned()),
            ExecParents::Split { freezer, .. } => (*freezer, [].as_slice(), format!("freezer:{name}")),
        };
        let mut made = Self {
            directory: parent.directory.join(name),
            beside: Vec::new(),
            argument,
            oom_kills: container.oom_kills().clone(),
        };
        let result = make_sub_cgroup(parent, name).and_then(|_| {
            others
                .iter()
                .filter(|place| *place != parent)
                .try_for_each(|place| {
                    made.beside.push(make_sub_cgroup(place, name)?);
                    Ok(())
                })
        });
        if let Err(error) = result {
            tracing::debug!(%error, cgroup = %made.directory.display(), "an exec gets no cgroup of its own");
            return None;
        }
        Some(made)
    }

    /// The directory in which its processes are killed.
    pub fn directory(&self) -> &Path {
        &self.directory
    }

    /// The value of the runtime's `exec --cgroup`.
    pub fn argument(&self) -> &str {
        &self.argument
    }
}

impl Drop for ExecCgroup {
    fn drop(&mut self) {
        self.oom_kills.count();
        self.beside.iter().for_each(|directory| remove_tree(directory));
        remove_tree(&self.directory);
    }
}

fn make_sub_cgroup(parent: &Place, name: &str) -> io::Result<PathBuf> {
    let directory = parent.directory.join(name);
    std::fs::create_dir(&directory)?;
    if parent.has("cpuset")
        && let Err(error) = inherit_cpuset(parent, &directory)
    {
        remove_tree(&directory);
        return Err(error);
    }
    Ok(directory)
}

/// A new cpuset is empty, and takes no process before it has processors and memory (cpuset(7)).
fn inherit_cpuset(parent: &Place, directory: &Path) -> io::Result<()> {
    ["cpuset.cpus", "cpuset.mems"].iter().try_for_each(|file| {
        std::fs::write(directory.join(file), std::fs::read(parent.directory.join(file))?)
    })
}
