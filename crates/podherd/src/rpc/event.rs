//! From events to messages.

use podherd_schema::podherd_capnp::podherd as schema;

use super::write;
use crate::events::{Detach, Event, What};

/// One event.
pub fn write(event: &Event, mut to: schema::event::Builder<'_>) {
    to.set_sequence(event.sequence);
    write::timestamp(Some(event.at), to.reborrow().init_at());
    to.set_container_id(event.container.as_str());
    match &event.what {
        What::Created { pid, labels } => {
            let mut to = to.init_created();
            to.set_pid(*pid);
            write::labels(labels, to.init_labels(labels.iter().len() as u32));
        }
        What::Started => to.set_started(()),
        What::Exited(exit) => write::exit(exit, to.init_exited()),
        What::OomKilled => to.set_oom_killed(()),
        What::ExecStarted {
            exec_id,
            pid,
            command,
        } => {
            let mut to = to.init_exec_started();
            to.set_exec_id(*exec_id);
            to.set_pid(*pid);
            let mut words = to.init_command(command.len() as u32);
            for (index, word) in command.iter().enumerate() {
                words.set(index as u32, word);
            }
        }
        What::ExecExited { exec_id, exit } => {
            let mut to = to.init_exec_exited();
            to.set_exec_id(*exec_id);
            write::exit(exit, to.init_exit());
        }
        What::ExecFailed { exec_id, failure } => {
            let mut to = to.init_exec_exited();
            to.set_exec_id(*exec_id);
            to.set_failure(failure);
        }
        What::LogDropped {
            dropped_bytes,
            reason,
        } => {
            let mut to = to.init_log_dropped();
            to.set_dropped_bytes(*dropped_bytes);
            to.set_reason(reason);
        }
        What::HeldBack { holding, total } => {
            let mut to = to.init_held_back();
            to.set_holding(*holding);
            to.set_total_nanos(u64::try_from(total.as_nanos()).unwrap_or(u64::MAX));
        }
        What::Attached {
            client_id,
            exec_session,
        } => {
            let mut to = to.init_attached();
            to.set_client_id(*client_id);
            to.set_exec_session_id(exec_session.as_deref().unwrap_or_default());
        }
        What::Detached { client_id, reason } => {
            let mut to = to.init_detached();
            to.set_client_id(*client_id);
            to.set_reason(match reason {
                Detach::Left => schema::DetachReason::Left,
                Detach::Ended => schema::DetachReason::Ended,
                Detach::Behind => schema::DetachReason::Behind,
                Detach::Shutdown => schema::DetachReason::Shutdown,
            });
        }
        What::Deleted => to.set_deleted(()),
    }
}
