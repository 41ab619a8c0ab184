//! What a caller asks for.

use std::path::{Path, PathBuf};

use podherd_reaper::NewNamespaces;

use super::{IdMap, Kind, PodId};

/// A pod's namespaces. Two requests that are equal get the same answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NamespacesRequest {
    /// The pod. It becomes the name of files.
    pub pod_id: PodId,
    /// The directory below which they are found.
    pub base: PathBuf,
    /// Those that are made; of the others the pod has the server's.
    pub kinds: NewNamespaces,
    /// Of the user namespace: there if and only if it is in `kinds`.
    pub ids: Option<IdMaps>,
}

/// The maps of a user namespace.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IdMaps {
    /// Of user ids.
    pub users: IdMap,
    /// Of group ids.
    pub groups: IdMap,
}

impl NamespacesRequest {
    /// Where the base is if the caller names none: where clients of conmon-rs have it.
    pub const DEFAULT_BASE: &str = "/var/run";

    /// Where a namespace is found.
    pub fn path(&self, kind: Kind) -> PathBuf {
        path(&self.base, &self.pod_id, kind)
    }

    /// Where the pid of the process that holds them is found.
    pub fn pid_file(&self) -> PathBuf {
        pid_file(&self.base, &self.pod_id)
    }
}

pub(super) fn path(base: &Path, pod: &PodId, kind: Kind) -> PathBuf {
    base.join(format!("{}ns", kind.name())).join(pod.as_str())
}

pub(super) fn pid_file(base: &Path, pod: &PodId) -> PathBuf {
    base.join("conmonrs").join(format!("{pod}.pid"))
}
