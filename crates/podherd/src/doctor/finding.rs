//! What is wrong with a machine, one thing at a time.

use std::fmt;
use std::path::PathBuf;

use serde::{Serialize, Serializer};

use super::fix::Fix;

/// The closed list of findings. A code never changes its meaning; `docs/doctor.md` says of each what it means
/// and what to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Code {
    /// A process has ended, and its parent does not collect it.
    Zombie,
    /// A monitor lives that monitors nothing.
    MonitorWithoutContainer,
    /// A container lives, and no monitor will know how it ends.
    ContainerWithoutMonitor,
    /// Processes in the cgroup of a container that no runtime knows.
    ProcessWithoutState,
    /// A server lives and does not answer.
    ServerNotAnswering,
    /// A server lives whose socket is gone, or another's.
    ServerUnreachable,
    /// A socket at which nobody listens any more.
    StaleSocket,
    /// A pid file of a process that has ended.
    StalePidFile,
    /// The journal of a server that was killed.
    StaleJournal,
    /// A runtime's state of a container that has ended, and that nobody is left to delete.
    LeftoverState,
    /// A container's directory in a runtime's root that can't be read.
    UnreadableState,
    /// An empty cgroup of a container that no runtime knows.
    LeftoverCgroup,
    /// A pod's namespace that stays mounted after the process that held it.
    LeftoverNamespace,
    /// A mount in the bundle of a container that is gone.
    LeftoverMount,
    /// Servers or runtimes of different versions.
    MixedVersions,
    /// A server's binary was replaced since it was started.
    BinaryReplaced,
}

impl Code {
    /// All of them, in the order in which findings are told.
    pub const ALL: [Self; 16] = [
        Self::Zombie,
        Self::ContainerWithoutMonitor,
        Self::ProcessWithoutState,
        Self::ServerNotAnswering,
        Self::ServerUnreachable,
        Self::MonitorWithoutContainer,
        Self::StaleSocket,
        Self::StalePidFile,
        Self::StaleJournal,
        Self::LeftoverState,
        Self::UnreadableState,
        Self::LeftoverCgroup,
        Self::LeftoverNamespace,
        Self::LeftoverMount,
        Self::MixedVersions,
        Self::BinaryReplaced,
    ];

    /// The code as it is printed.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Zombie => "ZOMBIE",
            Self::MonitorWithoutContainer => "MONITOR_WITHOUT_CONTAINER",
            Self::ContainerWithoutMonitor => "CONTAINER_WITHOUT_MONITOR",
            Self::ProcessWithoutState => "PROCESS_WITHOUT_STATE",
            Self::ServerNotAnswering => "SERVER_NOT_ANSWERING",
            Self::ServerUnreachable => "SERVER_UNREACHABLE",
            Self::StaleSocket => "STALE_SOCKET",
            Self::StalePidFile => "STALE_PID_FILE",
            Self::StaleJournal => "STALE_JOURNAL",
            Self::LeftoverState => "LEFTOVER_STATE",
            Self::UnreadableState => "UNREADABLE_STATE",
            Self::LeftoverCgroup => "LEFTOVER_CGROUP",
            Self::LeftoverNamespace => "LEFTOVER_NAMESPACE",
            Self::LeftoverMount => "LEFTOVER_MOUNT",
            Self::MixedVersions => "MIXED_VERSIONS",
            Self::BinaryReplaced => "BINARY_REPLACED",
        }
    }
}

impl Code {
    /// Its place among all.
    pub(super) fn order(self) -> usize {
        Self::ALL
            .iter()
            .position(|code| *code == self)
            .unwrap_or(usize::MAX)
    }

    /// Whether it may be something on its way, so that it has to be seen twice.
    pub(super) fn may_pass(self) -> bool {
        !matches!(self, Self::MixedVersions | Self::BinaryReplaced)
    }
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl Serialize for Code {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

/// Whether a finding makes a machine unhealthy.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Severity {
    /// Somebody has to do something.
    Problem,
    /// Worth to know; nothing is wrong for certain.
    Note,
}

/// One thing that was found.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Finding {
    /// What kind of thing it is.
    pub code: Code,
    /// Whether it makes the machine unhealthy.
    pub severity: Severity,
    /// What it is about, in a few words: `process 12 (runc)`, a path.
    pub subject: String,
    /// What is wrong, in a sentence.
    pub message: String,
    /// What to do.
    pub advice: String,
    /// Whether `--fix` cleans it.
    pub fixable: bool,
    /// The facts behind the message.
    pub details: Details,
    /// Tells it from others of its code, and stays the same from look to look.
    #[serde(skip)]
    pub identity: String,
    /// How it is cleaned.
    #[serde(skip)]
    pub fix: Option<Fix>,
}

/// Facts, as far as they apply.
#[derive(Clone, Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
#[allow(
    missing_docs,
    reason = "the names are those of docs/doctor.md, which describes each"
)]
pub struct Details {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pid: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Since the process began.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub age_ms: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub parent_pid: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub parent_name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tracer_pid: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub container_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pod_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cgroup: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub path: Option<PathBuf>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub runtime_dir: Option<PathBuf>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub runtime_root: Option<PathBuf>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bundle: Option<PathBuf>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub pids: Vec<u32>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub versions: Vec<String>,
}

impl Finding {
    /// A problem about `subject`. `identity` is what stays the same as long as it is the same thing.
    pub fn problem(code: Code, identity: impl Into<String>, subject: impl Into<String>) -> Self {
        Self {
            code,
            severity: Severity::Problem,
            subject: subject.into(),
            message: String::new(),
            advice: String::new(),
            fixable: false,
            details: Details::default(),
            identity: identity.into(),
            fix: None,
        }
    }

    /// The same as a note.
    pub fn note(code: Code, identity: impl Into<String>, subject: impl Into<String>) -> Self {
        Self {
            severity: Severity::Note,
            ..Self::problem(code, identity, subject)
        }
    }

    /// What is wrong.
    pub fn says(mut self, message: impl Into<String>) -> Self {
        self.message = message.into();
        self
    }

    /// What to do.
    pub fn advises(mut self, advice: impl Into<String>) -> Self {
        self.advice = advice.into();
        self
    }

    /// The facts.
    pub fn with(mut self, details: Details) -> Self {
        self.details = details;
        self
    }

    /// How it is cleaned.
    pub fn fixed_by(mut self, fix: Fix) -> Self {
        self.fixable = true;
        self.fix = Some(fix);
        self
    }

    /// Tells it from all others.
    pub fn key(&self) -> (Code, String) {
        (self.code, self.identity.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_on_the_doctor_tells_of_each_code() {
        let page = include_str!("../../../../docs/doctor.md");
        let told = page
            .lines()
            .filter_map(|line| line.strip_prefix("| `")?.split_once("` | "));
        let codes = told
            .map(|(code, _)| code)
            .filter(|code| code.bytes().all(|byte| byte == b'_' || byte.is_ascii_uppercase()));
        let told: Vec<_> = codes.collect();
        assert_eq!(
            told,
            Code::ALL.map(Code::as_str),
            "in docs/doctor.md, in this order"
        );
    }
}
