//! What a caller asks for when it creates a container.

use std::path::PathBuf;

use crate::container::ContainerId;
use crate::container::supervise::Ending;
use crate::logs::LogTarget;
use crate::runtime::CgroupManager;

/// A container to be created.
#[derive(Debug)]
pub struct CreateRequest {
    /// The container's id.
    pub id: ContainerId,
    /// Its bundle; absolute.
    pub bundle: PathBuf,
    /// A terminal instead of pipes.
    pub terminal: bool,
    /// Keep its standard input open for attach clients.
    pub stdin: bool,
    /// Its sinks.
    pub logs: Vec<LogTarget>,
    /// What is done when it has ended.
    pub ending: Ending,
    /// Options of the runtime before `create`.
    pub global_args: Vec<String>,
    /// Options of `create`.
    pub command_args: Vec<String>,
    /// Environment of the runtime and of the cleanup command.
    pub env: Vec<(String, String)>,
    /// Who makes its cgroup.
    pub cgroup_manager: CgroupManager,
}
