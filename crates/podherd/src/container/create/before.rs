//! How things stood before the runtime was called, and bringing that back after a call that failed.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::Deserialize;

use super::CreateRequest;
use crate::bundle::Bundle;
use crate::cgroup::remove_tree;
use crate::container::{ContainerId, Pod};
use crate::error::{Code, Error, Result};
use crate::runtime::{CgroupManager, Identity};

/// How things stood. What was there then is not ours to remove.
#[derive(Debug)]
pub struct Before {
    bundle: Bundle,
    /// Where the runtime keeps the container's state. None: not known for this runtime.
    state_dir: Option<PathBuf>,
    state_dir_was_there: bool,
    /// The directories that the container's cgroup will have, and that were not there.
    absent_cgroups: Vec<PathBuf>,
    /// Those above them that were not there, the lowest first.
    absent_parents: Vec<PathBuf>,
}

/// The part of a runtime's `state` that says whose container it is.
#[derive(Deserialize)]
struct RuntimeState {
    bundle: PathBuf,
}

impl Before {
    /// Reads the bundle and looks, on a writer thread, since disks may hang.
    pub async fn look(pod: &Pod, identity: Identity, request: &CreateRequest) -> Result<Self> {
        let state_dir = pod.runtime.state_dir(identity, request.id.as_str());
        let hierarchies = pod.hierarchies.clone();
        let path = request.bundle.clone();
        let id = request.id.as_str().to_owned();
        let own_cgroup = request.cgroup_manager == CgroupManager::Cgroupfs;
        let lane = pod.disk.lane(&request.bundle);
        let look = move || {
            let bundle = Bundle::read(&path)?;
            let cgroup = bundle.cgroups_path.clone().unwrap_or_else(|| PathBuf::from(id));
            let mut absent_cgroups = if own_cgroup {
                hierarchies.directories(&cgroup)
            } else {
                Vec::new()
            };
            absent_cgroups.retain(|directory| !directory.exists());
            let absent_parents = absent_above(&absent_cgroups);
            let state_dir_was_there = state_dir.as_deref().is_some_and(Path::exists);
            Ok(Self {
                bundle,
                state_dir,
                state_dir_was_there,
                absent_cgroups,
                absent_parents,
            })
        };
        pod.disk.run(&lane, look).await.map_err(|error| {
            Error::new(
                Code::ResourcesExhausted,
                format!("reading the bundle {}: {error}", request.bundle.display()),
            )
        })?
    }

    /// An error if the runtime knows this id already: somebody else made it under the same root, and
    /// nothing of it is to be touched.
    pub async fn refuse_foreign(&self, pod: &Pod, id: &ContainerId) -> Result<()> {
        let foreign = match self.state_dir {
            Some(_) => self.state_dir_was_there,
            None => is_known(state_of(pod, id).await)?,
        };
        match foreign {
            false => Ok(()),
            true => Err(Error::new(
                Code::IdInUse,
                format!(
                    "container {id} exists already under this runtime's root, made by somebody else or by an earlier server; it is left as it is"
                ),
            )),
        }
    }

    /// Whether this cgroup was made by the call, as far as is known.
    pub fn made_cgroup(&self, directory: &Path) -> bool {
        self.absent_cgroups.iter().any(|absent| absent == directory)
    }

    /// Removes the runtime's state and the cgroup that the failed call left; an error means that it is
    /// to be tried again. The id was absent before; still, a state that names another bundle is somebody
    /// else's, made since.
    pub async fn restore(&self, pod: &Pod, id: &ContainerId) -> Result<()> {
        if self.state_dir.as_deref().is_none_or(Path::exists) && self.state_is_ours(pod, id).await? {
            pod.runtime
                .run(
                    &pod.reaper,
                    "delete",
                    &[OsStr::new("--force"), OsStr::new(id.as_str())],
                )
                .await?;
        }
        let mut result = Ok(());
        for directory in self.absent_cgroups.iter().filter(|directory| directory.exists()) {
            if let Err(error) = podherd_reaper::cgroup::kill_all(directory, KILL_TIMEOUT).await {
                result = Err(Error::from_io(
                    Code::Internal,
                    format!("cgroup {}", directory.display()),
                    &error,
                ));
            }
            remove_tree(directory);
        }
        // Those above them that were absent too; others may use them by now, and then they stay.
        for directory in &self.absent_parents {
            let _ = std::fs::remove_dir(directory);
        }
        result
    }

    async fn state_is_ours(&self, pod: &Pod, id: &ContainerId) -> Result<bool> {
        match state_of(pod, id).await {
            Ok(state) => Ok(same_directory(&state.bundle, &self.bundle.path)),
            // Half-made: the runtime knows nothing of it but the directory.
            Err(error) if is_answer(&error) => Ok(self.state_dir.is_some()),
            Err(error) => Err(error),
        }
    }
}

/// Whether a `state` call has found the id; an error when the runtime could not be asked.
fn is_known(state: Result<RuntimeState>) -> Result<bool> {
    match state {
        Ok(_) => Ok(true),
        Err(error) if is_answer(&error) => Ok(false),
        Err(error) => Err(error),
    }
}

/// Whether the runtime ran and said no.
fn is_answer(error: &Error) -> bool {
    matches!(
        error.code,
        Code::RuntimeFailed | Code::CommandNotFound | Code::CommandNotExecutable
    )
}

/// The directories above these that don't exist, the lowest first. Runtimes make the same path in every
/// hierarchy: where it has parents in one, it has them in all.
fn absent_above(directories: &[PathBuf]) -> Vec<PathBuf> {
    let has_parent = |directory: &PathBuf| directory.parent().is_some_and(Path::exists);
    if directories.first().is_none_or(has_parent) {
        return Vec::new();
    }
    let above = |directory: &PathBuf| {
        let above = directory.ancestors().skip(1).take_while(|above| !above.exists());
        above.map(Path::to_owned).collect::<Vec<_>>()
    };
    directories.iter().flat_map(above).collect()
}

/// How long the processes of a cgroup may take to be gone.
const KILL_TIMEOUT: Duration = Duration::from_secs(2);

async fn state_of(pod: &Pod, id: &ContainerId) -> Result<RuntimeState> {
    let output = pod
        .runtime
        .run(&pod.reaper, "state", &[OsStr::new(id.as_str())])
        .await?;
    serde_json::from_slice(&output).map_err(|error| {
        Error::new(
            Code::RuntimeFailed,
            format!("runtime state: the answer can't be read: {error}"),
        )
    })
}

fn same_directory(one: &Path, other: &Path) -> bool {
    match (one.canonicalize(), other.canonicalize()) {
        (Ok(one), Ok(other)) => one == other,
        _ => one == other,
    }
}
