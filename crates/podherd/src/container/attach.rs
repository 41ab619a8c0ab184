//! Taking part in the streams of a container or of one of its execs.

use super::{Container, ContainerId, NamedExec, Pod};
use crate::error::{Code, Error, Result};
use crate::stdio::{Pace, Session, Stdio};

/// Takes part in a container's streams, from now on. Who falls too far behind its output is cut off.
pub fn attach(pod: &Pod, id: &ContainerId) -> Result<Session> {
    let container = pod.containers.get(id)?;
    let stdio = container.stdio(None)?;
    stdio
        .attach(Pace::Free)
        .ok_or_else(|| container.not_running("has ended"))
}

impl Container {
    /// Its streams, or those of one of its execs by its session's id.
    pub fn stdio(&self, exec_session: Option<&str>) -> Result<Stdio> {
        let parts = self.living()?;
        match exec_session {
            None => Ok(parts.stdio.clone()),
            Some(id) => self.exec_session(id).map(|exec| exec.stdio),
        }
    }

    /// A running exec by its session's id.
    pub fn exec_session(&self, id: &str) -> Result<NamedExec> {
        let exec = self.exec_sessions.borrow().get(id).cloned().flatten();
        exec.ok_or_else(|| {
            Error::new(
                Code::ExecSessionNotFound,
                format!(
                    "container {} has no exec of this session id; it may have ended",
                    self.id
                ),
            )
        })
    }
}
