//! Who watches over containers: the monitors there are, told by what they run.

use super::finding::{Code, Details, Finding};
use super::look::Look;
use super::processes::Process;

/// A kind of monitor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Ours, one a pod.
    Podherd,
    /// conmon-rs, one a pod.
    ConmonRs,
    /// conmon in C, one a container.
    Conmon,
    /// A shim of containerd, for one container or for those of a pod.
    Shim,
    /// A runtime in the foreground, which waits for the container that it runs.
    Runtime,
    /// One that was named on the command line.
    Other,
}

impl Kind {
    /// What it is called.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Podherd => "podherd",
            Self::ConmonRs => "conmon-rs",
            Self::Conmon => "conmon",
            Self::Shim => "containerd-shim",
            Self::Runtime => "runtime",
            Self::Other => "other",
        }
    }

    /// Which kind a process is, if it is a monitor. `others`: programs that are ones too.
    pub fn of(process: &Process, others: &[String]) -> Option<Self> {
        if process.has_ended() {
            return None;
        }
        let name = process.program_name();
        let serves = || {
            !process
                .words
                .iter()
                .skip(1)
                .any(|word| SUBCOMMANDS.contains(&word.as_str()))
        };
        match name {
            "podherd" if serves() => Some(Self::Podherd),
            "conmonrs" if serves() => Some(Self::ConmonRs),
            "conmon" => Some(Self::Conmon),
            "runc" | "crun" | "youki" => Some(Self::Runtime),
            _ if name.starts_with("containerd-shim") => Some(Self::Shim),
            _ if others.iter().any(|other| other == name || *other == process.name) => Some(Self::Other),
            _ => None,
        }
    }
}

/// What a monitor's binary is besides a monitor.
const SUBCOMMANDS: [&str; 7] = ["pause", "ps", "status", "logs", "validate", "doctor", "help"];

/// Younger ones may be about to start their container.
const YOUNG_MS: u64 = 10_000;

/// A pod's monitor waits for containers longer.
const YOUNG_POD_MS: u64 = 60_000;

/// Monitors that monitor nothing.
pub fn without_container(look: &Look<'_>) -> Vec<Finding> {
    let monitors = look.processes.iter().filter(|process| look.is_in_scope(process));
    monitors.filter_map(|process| finding(look, process)).collect()
}

fn finding(look: &Look<'_>, process: &Process) -> Option<Finding> {
    let kind = look.kind_of(process)?;
    let age_ms = u64::try_from(look.processes.age(process).as_millis()).unwrap_or(u64::MAX);
    let mut children = look
        .processes
        .children(process.pid)
        .filter(|child| !child.has_ended());
    let details = Details {
        pid: Some(process.pid),
        name: Some(process.name.clone()),
        age_ms: Some(age_ms),
        ..Details::default()
    };
    match kind {
        Kind::Conmon | Kind::Shim if age_ms >= YOUNG_MS && children.next().is_none() => {
            let id = process.flag("-c").or_else(|| process.flag("--cid"));
            let id = id.or_else(|| process.flag("-id")).map(str::to_owned);
            let of = id.as_ref().map(|id| format!(" of {id}")).unwrap_or_default();
            let who = kind.as_str();
            Some(
                Finding::problem(Code::MonitorWithoutContainer, process.identity(), process.tell())
                    .says(format!(
                        "this {who}{of} has no process left to monitor, and has not ended"
                    ))
                    .advises(format!(
                        "see whether its manager still knows the container; if not, end it: kill {}",
                        process.pid
                    ))
                    .with(Details {
                        container_id: id,
                        ..details
                    }),
            )
        }
        Kind::Podherd | Kind::ConmonRs if age_ms >= YOUNG_POD_MS => {
            let server = look.servers.iter().find(|server| server.pid == process.pid)?;
            // The process that holds a pod's namespaces is no container.
            let pauses = |child: &Process| child.words.get(1).is_some_and(|word| word == "pause");
            if server.clients > 0 || children.any(|child| !pauses(child)) {
                return None;
            }
            Some(
                Finding::note(Code::MonitorWithoutContainer, process.identity(), process.tell())
                    .says("this server has no container, and no client is connected to it")
                    .advises(format!(
                        "nothing, if its pod is still to be used; else end it: kill -INT {} (or start servers with --idle-exit)",
                        process.pid
                    ))
                    .with(Details {
                        runtime_dir: server.runtime_dir.clone(),
                        ..details
                    }),
            )
        }
        _ => None,
    }
}
