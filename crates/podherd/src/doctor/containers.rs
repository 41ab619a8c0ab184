//! Containers of the runtimes: those that live without a monitor, and the state of those that are dead.

use std::path::{Path, PathBuf};

use super::finding::{Code, Details, Finding};
use super::fix::Fix;
use super::look::Look;
use super::monitors::Kind;
use super::processes::Process;
use super::states::State;

/// What is wrong with containers.
pub fn find(look: &Look<'_>) -> Vec<Finding> {
    let read = look.states.read.iter().filter(|state| state.runtime != "unknown");
    let states = read.filter_map(|state| match state.init(&look.processes) {
        Some(init) => unwatched(look, state, init),
        None => left(look, state),
    });
    let unreadable = look.states.unreadable.iter().map(|state| {
        let path = state.root.join(&state.id);
        Finding::note(
            Code::UnreadableState,
            path.display().to_string(),
            format!("container {} of {}", state.id, state.root.display()),
        )
        .says(format!("its state can't be read: {}", state.why))
        .advises(format!(
            "a create may have been killed half-way: RUNTIME --root {} delete --force {}",
            state.root.display(),
            state.id
        ))
        .with(Details {
            container_id: Some(state.id.clone()),
            runtime_root: Some(state.root.clone()),
            path: Some(path),
            ..Details::default()
        })
    });
    states.chain(unreadable).collect()
}

fn subject(state: &State) -> String {
    format!("container {}", state.id)
}

fn details(state: &State) -> Details {
    Details {
        container_id: Some(state.id.clone()),
        runtime_root: Some(state.root.clone()),
        bundle: state.bundle.clone(),
        name: Some(state.runtime.to_owned()),
        ..Details::default()
    }
}

/// A living container whose init is no child of a monitor: nobody will know how it ends.
fn unwatched(look: &Look<'_>, state: &State, init: &Process) -> Option<Finding> {
    if !look.is_in_scope(init) || init.parent == 0 {
        return None;
    }
    let parent = look.processes.get(init.parent)?;
    if look.kind_of(parent).is_some() {
        return None;
    }
    let (id, root) = (&state.id, state.root.display());
    Some(
        Finding::problem(Code::ContainerWithoutMonitor, state.identity(), subject(state))
            .says(format!(
                "lives ({}), and its parent, {}, is no monitor that is known: its monitor was killed, or it never had one. Its end will be noticed by nobody",
                init.tell(),
                parent.tell()
            ))
            .advises(format!(
                "end it and have it started anew: {} --root {root} delete --force {id} (a monitor of another name: --monitor {})",
                state.runtime, parent.name
            ))
            .with(Details {
                pid: Some(init.pid),
                parent_pid: Some(parent.pid),
                parent_name: Some(parent.name.clone()),
                cgroup: look.cgroup_of(init),
                ..details(state)
            }),
    )
}

/// State whose init is dead. Whoever made it may be about to delete it.
fn left(look: &Look<'_>, state: &State) -> Option<Finding> {
    // In a pid namespace of its own, or with a process that outlived init.
    if state.lives(&look.processes) {
        return None;
    }
    let scoped = look.scope.below.is_none()
        || look
            .scope
            .runtime_roots
            .iter()
            .any(|root| same(root, &state.root));
    if !scoped {
        return None;
    }
    let by_hand = format!(
        "{} --root {} delete {}",
        state.runtime,
        state.root.display(),
        state.id
    );
    let init = match state.pid {
        0 => "it has no process".to_owned(),
        pid => format!("its init, process {pid}, has ended"),
    };
    match owner(look, state) {
        Owner::Known => None,
        Owner::Possible(who) => Some(
            Finding::note(Code::LeftoverState, state.identity(), subject(state))
                .says(format!(
                    "{init}, and its state is kept in {}; {who} may still know it",
                    state.root.display()
                ))
                .advises(format!("nothing, if that deletes it in time; else: {by_hand}"))
                .with(details(state)),
        ),
        Owner::None => Some(
            Finding::problem(Code::LeftoverState, state.identity(), subject(state))
                .says(format!(
                    "{init}, its state is left in {}, and nothing lives that would delete it",
                    state.root.display()
                ))
                .advises(format!("{by_hand}; --fix does"))
                .with(details(state))
                .fixed_by(Fix::DeleteState(state.clone())),
        ),
    }
}

enum Owner {
    /// A server that answers has it in its list: all is in order.
    Known,
    /// It can't be ruled out that this will delete it.
    Possible(String),
    None,
}

fn owner(look: &Look<'_>, state: &State) -> Owner {
    for server in &look.servers {
        let root = server
            .runtime_root
            .clone()
            .unwrap_or_else(|| default_root(state.runtime));
        if !same(&root, &state.root) {
            continue;
        }
        match &server.containers {
            Some(ids) if ids.contains(&state.id) => return Owner::Known,
            Some(_) => {}
            None => return Owner::Possible(look.processes.tell(server.pid)),
        }
    }
    let of_it = |process: &&Process| match look.kind_of(process) {
        Some(Kind::Conmon) => [process.flag("-c"), process.flag("--cid")].contains(&Some(&state.id)),
        Some(Kind::Shim) => process.flag("-id") == Some(&state.id),
        // A runtime that is at work on this very container.
        Some(Kind::Runtime) => {
            let root = process.flag("--root").map(PathBuf::from);
            let root = root.unwrap_or_else(|| default_root(state.runtime));
            process.words.contains(&state.id) && same(&root, &state.root)
        }
        _ => false,
    };
    if let Some(process) = look.processes.iter().find(of_it) {
        return Owner::Possible(process.tell());
    }
    // What engines keep of their containers outlives their processes: they come back to it.
    let kept = state.bundle.as_deref().filter(|bundle| bundle.is_dir());
    let engine = kept.map(|bundle| bundle.to_string_lossy()).and_then(|bundle| {
        ENGINES
            .iter()
            .find(|(part, _)| bundle.contains(part))
            .map(|(_, name)| *name)
    });
    match engine {
        Some(name) => Owner::Possible(name.to_owned()),
        None => Owner::None,
    }
}

/// Parts of the paths of bundles, and whose they are.
const ENGINES: [(&str, &str); 3] = [
    ("/overlay-containers/", "CRI-O or podman"),
    ("/containerd/", "containerd"),
    ("/buildkit/", "buildkit"),
];

fn default_root(runtime: &str) -> PathBuf {
    Path::new("/run").join(runtime)
}

fn same(one: &Path, other: &Path) -> bool {
    one == other || one.canonicalize().is_ok_and(|one| one == other)
}
