//! Control groups of containers: where they are, in version 1, version 2 and both at once; what they count,
//! and when it changes; and taking away those that a failed call left. Who is killed in one is the reaper's
//! business. See cgroups(7).

mod container;
mod exec;
mod hierarchy;
mod kernel_file;
mod oom;
mod stats;
mod tree;

pub use container::ContainerCgroup;
pub use exec::ExecCgroup;
pub use hierarchy::Hierarchies;
pub(crate) use hierarchy::unescape;
pub use oom::OomEvents;
pub use stats::{CgroupStats, CpuStats, IoStats, MemoryStats, PidStats, Pressure, Stalled, Version};
pub use tree::remove_tree;
