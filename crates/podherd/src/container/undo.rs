//! Undoing a create that failed: everything that it made, and nothing else.

use std::ffi::OsStr;
use std::future::Future;
use std::panic::AssertUnwindSafe;
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::time::Duration;

use futures::FutureExt;
use serde::Deserialize;
use tokio_util::sync::CancellationToken;

use super::create::CreateRequest;
use super::launch::Launch;
use super::{Container, ContainerId, Pod};
use crate::bundle::Bundle;
use crate::cgroup::remove_tree;
use crate::error::{Code, Error, Result};
use crate::logs::ContainerLog;
use crate::runtime::{CgroupManager, Identity};

/// Runs the steps of a call until they end, the caller has gone, the server ends, or they panic.
pub async fn guarded<T>(
    pod: &Pod,
    cancelled: &CancellationToken,
    steps: impl Future<Output = Result<T>>,
) -> Result<T> {
    tokio::select! {
        biased;
        result = AssertUnwindSafe(steps).catch_unwind() => result.unwrap_or_else(|_| {
            tracing::error!(code = %Code::Internal, "a step of a call panicked; the call is undone");
            Err(Error::new(Code::Internal, "a fault of the server ended this call; its log has more"))
        }),
        () = cancelled.cancelled() => Err(pod.cancelled()),
    }
}

/// What a create has made so far.
pub struct Undo {
    container: Rc<Container>,
    /// How things stood before the runtime was called.
    pub before: Option<Before>,
    /// The opened log.
    pub log: Option<ContainerLog>,
    /// The runtime call.
    pub launch: Option<Launch>,
}

impl Undo {
    /// The reservation of the id is all that there is yet.
    pub fn new(container: Rc<Container>) -> Self {
        Self {
            container,
            before: None,
            log: None,
            launch: None,
        }
    }

    /// Undoes it all, the id last: it can be used again when this returns.
    pub async fn run(mut self, pod: &Pod) {
        if let Some(launch) = self.launch.take() {
            let has_run = launch.has_run();
            launch.undo().await;
            if let Some(before) = self.before.take().filter(|_| has_run) {
                before.restore(pod, &self.container.id).await;
            }
        }
        if let Some(log) = self.log.take() {
            log.remove_if_created().await;
        }
        pod.containers.forget(&self.container);
    }
}

/// How things stood before the runtime was called. What was there then is not ours to remove.
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
            let absent_above = |directory: &PathBuf| {
                let above = directory.ancestors().skip(1).take_while(|above| !above.exists());
                above.map(Path::to_owned).collect::<Vec<_>>()
            };
            let absent_parents = absent_cgroups.iter().flat_map(absent_above).collect();
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
            None => state_of(pod, id).await.is_ok(),
        };
        match foreign {
            false => Ok(()),
            true => Err(Error::new(
                Code::IdInUse,
                format!(
                    "container {id} exists already under this runtime's root, made by somebody else; it is left as it is"
                ),
            )),
        }
    }

    /// Removes the runtime's state and the cgroup that the failed call left. The id was absent
    /// before; still, a state that names another bundle is somebody else's, made since.
    async fn restore(self, pod: &Pod, id: &ContainerId) {
        if self.state_dir.as_deref().is_none_or(Path::exists) {
            let state = state_of(pod, id).await;
            let ours = match &state {
                Ok(state) => same_directory(&state.bundle, &self.bundle.path),
                // Half-made: the runtime knows nothing of it but the directory.
                Err(_) => self.state_dir.is_some(),
            };
            if ours {
                let args = [OsStr::new("--force"), OsStr::new(id.as_str())];
                if let Err(error) = pod.runtime.run(&pod.reaper, "delete", &args).await {
                    tracing::warn!(container = %id, code = %error.code, "undoing a create: {}", error.message);
                }
            }
        }
        for directory in self.absent_cgroups.iter().filter(|directory| directory.exists()) {
            if let Err(error) = podherd_reaper::cgroup::kill_all(directory, KILL_TIMEOUT).await {
                tracing::warn!(container = %id, %error, cgroup = %directory.display(), "undoing a create");
            }
            remove_tree(directory);
        }
        // Those above them that were absent too; others may use them by now, and then they stay.
        for directory in &self.absent_parents {
            let _ = std::fs::remove_dir(directory);
        }
    }
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
