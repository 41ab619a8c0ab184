//! The moments of a container's life at which its state changes and watchers of events hear of it. Each is one
//! stretch without a wait, so that a list and the events after it never contradict each other.

use std::rc::Rc;
use std::time::SystemTime;

use super::{Container, ExitState, Phase, Pod};
use crate::events::What;

impl Container {
    /// It is created. What was said of its life before is said now; from here on watchers hear of it. A create that
    /// is undone never comes here, and nobody hears of that container.
    pub(super) fn is_created(&self, pod: &Pod, pid: u32) {
        self.announced.set(true);
        let labels = self.settings.labels.clone();
        pod.events.emit(&self.id, What::Created { pid, labels });
        if let Some(cgroup) = self.cgroup.get() {
            let (events, id) = (pod.events.clone(), self.id.clone());
            let tell = move || events.emit(&id, What::OomKilled);
            cgroup.oom_kills().tell(Box::new(tell));
        }
    }

    /// Whether watchers have heard of it.
    pub fn is_announced(&self) -> bool {
        self.announced.get()
    }

    /// Its command runs, as far as it has not ended already. `at`: since when, if that is known.
    pub(super) fn is_running(&self, pod: &Pod, at: Option<SystemTime>) {
        let mut is_new = false;
        self.state.send_modify(|state| {
            // A short command may have ended before the runtime did.
            if let Some(at) = at {
                state.started_at = Some(state.exit.as_ref().map_or(at, |exit| exit.at.min(at)));
            }
            is_new = state.phase < Phase::Running;
            state.phase = state.phase.max(Phase::Running);
        });
        if is_new {
            self.tell(pod, What::Started);
        }
    }

    /// It has ended, and everything of it is where it belongs. Those that have to make way for it among the ended
    /// ones are forgotten.
    pub(super) fn has_exited(self: &Rc<Self>, pod: &Pod, exit: ExitState) {
        if let Some(cgroup) = self.cgroup.get() {
            cgroup.oom_kills().tell_no_more();
        }
        self.parts.take();
        self.state.send_modify(|state| {
            state.exit = Some(exit.clone());
            state.phase = state.phase.max(Phase::Exited);
        });
        self.tell(pod, What::Exited(exit));
        for forgotten in pod.containers.mark_ended(self) {
            pod.journal.deleted(forgotten.id.as_str());
            forgotten.tell(pod, What::Deleted);
        }
    }

    /// It is forgotten, and its id is free.
    pub(super) fn is_deleted(self: &Rc<Self>, pod: &Pod) {
        if pod.containers.forget(self) {
            pod.journal.deleted(self.id.as_str());
            self.tell(pod, What::Deleted);
        }
    }

    /// Something else has happened to it.
    pub(super) fn tell(&self, pod: &Pod, what: What) {
        if self.announced.get() {
            pod.events.emit(&self.id, what);
        }
    }
}
