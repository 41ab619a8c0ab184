//! From states to messages.

use std::path::PathBuf;
use std::time::{SystemTime, UNIX_EPOCH};

use podherd_reaper::Status;
use podherd_schema::conmon_capnp::conmon;
use podherd_schema::podherd_capnp::podherd as schema;

use super::stats;
use crate::container::{Container, ExitState, Labels, Phase, Settings, Unknown};
use crate::namespaces::Kind;
use crate::preflight::{Finding, Severity};

/// All that is known of a container.
pub fn status(container: &Container, mut to: schema::container_status::Builder<'_>) {
    let state = container.state();
    to.set_id(container.id.as_str());
    to.set_state(phase(state.phase));
    to.set_pid(container.pid().unwrap_or(0));
    to.set_bundle_path(&*container.bundle.to_string_lossy());
    to.set_terminal(container.terminal);
    timestamp(Some(container.created_at), to.reborrow().init_created_at());
    timestamp(state.started_at, to.reborrow().init_started_at());
    to.set_dropped_log_bytes(container.dropped_log_bytes());
    to.set_execs(container.execs() as u32);
    to.set_held_back_nanos(stats::nanos(container.output.held_back()));
    settings(&container.settings, to.reborrow());
    let mut paths = to.reborrow().init_log_paths(container.log_paths.len() as u32);
    for (index, path) in container.log_paths.iter().enumerate() {
        paths.set(index as u32, &*path.to_string_lossy());
    }
    if let Some(state) = &state.exit {
        exit(state, to.init_exit());
    }
}

fn settings(settings: &Settings, mut to: schema::container_status::Builder<'_>) {
    to.set_stop_signal(settings.stopping.signal.unsigned_abs());
    let grace = settings.stopping.grace.as_millis();
    to.set_stop_grace_millis(grace.try_into().unwrap_or(u64::MAX));
    labels(
        &settings.labels,
        to.reborrow().init_labels(settings.labels.iter().len() as u32),
    );
    if let Some(limit) = settings.rate_limit {
        let mut to = to.init_rate_limit();
        to.set_bytes_per_second(limit.bytes_per_second);
        to.set_burst_bytes(limit.burst_bytes);
    }
}

/// Labels as a list.
pub fn labels(labels: &Labels, mut to: capnp::struct_list::Builder<'_, conmon::map_entry::Owned>) {
    for (index, (key, value)) in labels.iter().enumerate() {
        let mut entry = to.reborrow().get(index as u32);
        entry.set_key(key);
        entry.set_value(value);
    }
}

/// What is wrong with a bundle.
pub fn findings(found: &[Finding], mut to: capnp::struct_list::Builder<'_, schema::finding::Owned>) {
    for (index, finding) in found.iter().enumerate() {
        let mut entry = to.reborrow().get(index as u32);
        entry.set_severity(match finding.severity {
            Severity::Warning => schema::Severity::Warning,
            Severity::Error => schema::Severity::Error,
        });
        entry.set_code(finding.code.as_str());
        entry.set_place(&*finding.place);
        entry.set_message(&*finding.message);
    }
}

/// Where a pod's namespaces are.
pub fn namespaces(made: &[(Kind, PathBuf)], to: conmon::create_namespaces_response::Builder<'_>) {
    let mut list = to.init_namespaces(made.len() as u32);
    for (index, (kind, path)) in made.iter().enumerate() {
        let mut entry = list.reborrow().get(index as u32);
        entry.set_type(match kind {
            Kind::Ipc => conmon::Namespace::Ipc,
            Kind::Net => conmon::Namespace::Net,
            Kind::Pid => conmon::Namespace::Pid,
            Kind::User => conmon::Namespace::User,
            Kind::Uts => conmon::Namespace::Uts,
        });
        entry.set_path(&*path.to_string_lossy());
    }
}

/// How something has ended.
pub fn exit(state: &ExitState, mut to: schema::exit_state::Builder<'_>) {
    to.set_knowledge(match state.unknown {
        None => schema::ExitKnowledge::Known,
        Some(Unknown::EndedUnwatched) => schema::ExitKnowledge::EndedUnwatched,
        Some(Unknown::StatusUnavailable) => schema::ExitKnowledge::StatusUnavailable,
    });
    to.set_exit_code(-1);
    match state.status {
        Some(Status::Exited(code)) => to.set_exit_code(code),
        Some(Status::Signaled { signal, core_dumped }) => {
            to.set_signal(signal.unsigned_abs());
            to.set_core_dumped(core_dumped);
        }
        None => {}
    }
    to.set_oom_killed(state.oom_killed);
    to.set_log_complete(state.log_complete);
    to.set_journaled(state.journaled);
    timestamp(Some(state.at), to.init_exited_at());
}

fn phase(phase: Phase) -> schema::ContainerState {
    match phase {
        Phase::Creating => schema::ContainerState::Creating,
        Phase::Created => schema::ContainerState::Created,
        Phase::Running => schema::ContainerState::Running,
        Phase::Exited | Phase::Gone => schema::ContainerState::Exited,
    }
}

/// A moment; all zero where there is none.
pub fn timestamp(moment: Option<SystemTime>, mut to: schema::timestamp::Builder<'_>) {
    let since = moment
        .and_then(|moment| moment.duration_since(UNIX_EPOCH).ok())
        .unwrap_or_default();
    to.set_seconds(since.as_secs() as i64);
    to.set_nanoseconds(since.subsec_nanos());
}
