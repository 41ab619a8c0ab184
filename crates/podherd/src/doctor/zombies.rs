//! Processes that have ended and are not collected. A fresh one is normal: who calls this looks twice.

use super::finding::{Code, Details, Finding};
use super::look::Look;
use super::monitors::Kind;
use super::processes::Process;

/// All zombies there are now.
pub fn find(look: &Look<'_>) -> Vec<Finding> {
    let zombies = look.processes.iter().filter(|process| process.is_zombie());
    zombies
        .filter(|zombie| look.is_in_scope(zombie))
        .map(|zombie| finding(look, zombie))
        .collect()
}

fn finding(look: &Look<'_>, zombie: &Process) -> Finding {
    let container = look.container_of_zombie(zombie);
    let parent = look.processes.get(zombie.parent);
    let tracer = zombie.tracer();
    let inside = container
        .as_ref()
        .map(|id| format!(" in container {id}"))
        .unwrap_or_default();
    let who = look.processes.tell(zombie.parent);
    Finding::problem(Code::Zombie, zombie.identity(), zombie.tell())
        .says(format!(
            "has ended{inside}, and its parent, {who}, does not collect it"
        ))
        .advises(advice(look, zombie, tracer))
        .with(Details {
            pid: Some(zombie.pid),
            name: Some(zombie.name.clone()),
            age_ms: u64::try_from(look.processes.age(zombie).as_millis()).ok(),
            parent_pid: Some(zombie.parent),
            parent_name: parent.map(|parent| parent.name.clone()),
            tracer_pid: tracer,
            container_id: container,
            cgroup: look.cgroup_of(zombie),
            ..Details::default()
        })
}

/// Nobody else can collect it: so what can be done is about its parent.
fn advice(look: &Look<'_>, zombie: &Process, tracer: Option<u32>) -> String {
    if let Some(tracer) = tracer {
        let who = look.processes.tell(tracer);
        return format!("{who} traces it and has to see its end first: end the tracer");
    }
    let Some(parent) = look.processes.get(zombie.parent) else {
        return "its parent is outside of this pid namespace: look there".into();
    };
    let (pid, name) = (parent.pid, &parent.name);
    match look.kind_of(parent) {
        Some(Kind::Podherd) => format!(
            "this is a fault of the server: see whether it answers (podherd status), and report it; when process {pid} ends, the zombie goes"
        ),
        Some(Kind::Runtime) => format!("process {pid} ({name}) should end soon; if it hangs, kill {pid}: the zombie goes with it"),
        Some(kind) => format!(
            "this {} does not collect what its runtime left; it holds the pid namespace, so that its container may not end. Only the end of process {pid} frees it: kill {pid} (its containers lose their monitor)",
            kind.as_str()
        ),
        None if pid == 1 => "process 1 collects its children late or not at all: run a real init there (tini, catatonit, systemd; --init of docker and podman)".into(),
        None if look.container_of(parent).is_some() => format!(
            "the program in the container does not wait for its children: mend process {pid} ({name}), or give the container an init"
        ),
        None => format!("process {pid} ({name}) does not wait for its children: mend it, or restart it: the zombie goes with it"),
    }
}
