//! What spawned programs get back of the state that the process itself was started with.

use std::fs;
use std::io;

use rustix::process::{Resource, Rlimit, getrlimit};

/// What every spawned program gets, as this process was started with it: it may have changed its own
/// since. Restored as far as the kernel allows; a program is started in any case.
#[derive(Clone, Debug, Default)]
pub struct ChildDefaults {
    /// The OOM score adjustment (`proc_pid_oom_score_adj(5)`). None: a child has what this process has.
    pub oom_score_adj: Option<i32>,
    /// The limit of open descriptors (`RLIMIT_NOFILE`). None: a child has what this process has.
    pub nofile: Option<Rlimit>,
}

impl ChildDefaults {
    /// Reads the present values; to be called before any of them is changed.
    ///
    /// # Errors
    /// `/proc/self/oom_score_adj` can't be read.
    pub fn capture() -> io::Result<Self> {
        let score = fs::read_to_string("/proc/self/oom_score_adj")?;
        let score = score
            .trim()
            .parse()
            .map_err(|_| io::Error::from(io::ErrorKind::InvalidData))?;
        Ok(Self {
            oom_score_adj: Some(score),
            nofile: Some(getrlimit(Resource::Nofile)),
        })
    }
}
