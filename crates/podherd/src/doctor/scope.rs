//! What is to be looked at.

use std::path::PathBuf;
use std::time::Duration;

/// By default the whole machine.
#[derive(Clone, Debug, clap::Args)]
pub struct Scope {
    /// Look only at processes that come of this one
    #[arg(long, value_name = "PID")]
    pub below: Option<u32>,

    /// Look at this server's runtime directory too (repeatable)
    #[arg(long = "runtime-dir", env = "PODHERD_RUNTIME_DIR", value_name = "DIR")]
    pub runtime_dirs: Vec<PathBuf>,

    /// Look at this root directory of a runtime too (repeatable)
    #[arg(long = "runtime-root", value_name = "DIR")]
    pub runtime_roots: Vec<PathBuf>,

    /// Look for pods' namespaces mounted below this directory too (repeatable)
    #[arg(long = "namespaces", value_name = "DIR")]
    pub namespace_bases: Vec<PathBuf>,

    /// Look for cgroups only below this one, a path in the hierarchies (repeatable)
    #[arg(long = "cgroup", value_name = "PATH")]
    pub cgroups: Vec<PathBuf>,

    /// Look only at the places given, and those of the servers that run, not at the usual ones
    #[arg(long)]
    pub only_given: bool,

    /// Take programs of this name for monitors too (repeatable)
    #[arg(long = "monitor", value_name = "NAME")]
    pub monitors: Vec<String>,

    /// Seconds for which something has to look wrong before it is a finding
    #[arg(long, value_name = "SECONDS", value_parser = crate::commands::seconds, default_value = "1")]
    pub settle: Duration,

    /// Seconds that a server may take to answer
    #[arg(long, value_name = "SECONDS", value_parser = crate::commands::seconds, default_value = "5")]
    pub timeout: Duration,
}

impl Scope {
    /// Whether cgroups are looked at: not when only given places are, and none was given.
    pub fn looks_at_cgroups(&self) -> bool {
        !self.only_given || !self.cgroups.is_empty()
    }
}
