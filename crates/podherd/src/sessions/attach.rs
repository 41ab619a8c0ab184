//! Taking part in the streams of a container, or of one of its execs.

use std::cell::Cell;
use std::rc::Rc;

use podherd_reaper::Process;

use super::Place;
use super::input::{Driven, Input};
use super::output::{Given, Outputs, Sink, Sinks, server_has_ended};
use super::session::{End, Ended, Hold, Parts, Session};
use crate::container::{Container, ContainerId, ExitState, Pod};
use crate::error::{Code, Error, Result};
use crate::events::{Attached, Detach};
use crate::stdio::{Pace, Stdio};

/// What a caller asks for.
#[derive(Debug)]
pub struct AttachRequest {
    /// The container.
    pub id: ContainerId,
    /// An exec's session in place of the container's own streams.
    pub exec_session: Option<String>,
    /// Whether input will be sent.
    pub stdin: bool,
}

/// A caller's part in the streams.
#[derive(Debug)]
pub struct Attachment {
    /// Dropping it ends the part; the process goes on.
    pub session: Session,
    /// The input, if there is one and it was asked for.
    pub stdin: Option<Input>,
}

/// Takes part from now on. A caller that takes its output too slowly is cut off.
pub fn attach<S: Sink>(pod: &Rc<Pod>, request: AttachRequest, sinks: Sinks<S>) -> Result<Attachment> {
    pod.asked.notify_one();
    if pod.ending.is_cancelled() {
        return Err(pod.cancelled());
    }
    let place = pod.sessions.enter()?;
    let container = pod.containers.get(&request.id)?;
    let (stdio, exec) = match &request.exec_session {
        None => (container.stdio(None)?, None),
        Some(id) => {
            let exec = container.exec_session(id)?;
            (exec.stdio, Some(exec.process))
        }
    };
    let outputs = Outputs::follow(&stdio.hub, sinks, Pace::Free).ok_or_else(|| match exec {
        None => Error::new(
            Code::ContainerNotRunning,
            format!("container {} has ended", container.id),
        ),
        Some(_) => Error::new(Code::ExecEnded, "the exec has ended"),
    })?;
    let parts = Parts {
        exec: exec.clone(),
        terminal: stdio.terminal.clone(),
    };
    let (session, hold) = Session::new(pod, &container, parts);
    let input = (request.stdin && stdio.stdin.is_some()).then(Input::default);
    let answer = Attachment {
        session,
        stdin: input.clone(),
    };
    let attached = pod
        .events
        .attached(&container.id, pod.unique(), request.exec_session);
    let part = Part {
        pod: pod.clone(),
        container,
        exec,
        stdio,
        input,
    };
    pod.tasks
        .spawn_local(Box::pin(part.carry(outputs, hold, attached, place)));
    Ok(answer)
}

struct Part {
    pod: Rc<Pod>,
    container: Rc<Container>,
    /// Of the exec whose streams they are.
    exec: Option<Process>,
    stdio: Stdio,
    input: Option<Input>,
}

impl Part {
    async fn carry<S: Sink>(
        mut self,
        outputs: Outputs<S>,
        hold: Rc<Hold>,
        attached: Attached,
        _place: Place,
    ) {
        let input = Driven(self.input.take().unwrap_or_default());
        let behind = outputs.followers();
        let attached = Cell::new(Some(attached));
        let end = tokio::select! {
            biased;
            () = hold.released() => Err(Error::new(Code::Cancelled, "the session was released")),
            ended = self.given(outputs, &attached) => ended,
            error = server_has_ended(&self.pod) => {
                leave(&attached, Detach::Shutdown);
                Err(error)
            }
            () = input.0.drive(self.stdio.stdin.clone(), &behind) => Err(Error::new(Code::Internal, "an input has ended by itself")),
        };
        drop(input);
        leave(&attached, Detach::Left);
        hold.has_ended(end);
    }

    async fn given<S: Sink>(&self, outputs: Outputs<S>, attached: &Cell<Option<Attached>>) -> Result<Ended> {
        if outputs.give().await? == Given::Behind {
            leave(attached, Detach::Behind);
            let bound = self.pod.limits.attach_behind_bytes;
            tracing::warn!(container = %self.container.id, code = %Code::AttachClientBehind, bound, "an attach session did not take its output and is given up");
            return Ok(Ended {
                end: End::Behind,
                exit: None,
            });
        }
        // Without a sink nobody has waited for it yet.
        self.stdio.hub.ended().await;
        let reason = match self.pod.ending.is_cancelled() {
            true => Detach::Shutdown,
            false => Detach::Ended,
        };
        leave(attached, reason);
        Ok(Ended {
            end: End::Exited,
            exit: self.exit().await,
        })
    }

    /// How the process ended: an exec before its output did, a container when its end is published.
    async fn exit(&self) -> Option<ExitState> {
        match &self.exec {
            Some(process) => Some(ExitState::known(&process.wait().await, false, true, 0)),
            None => self.container.exit_state().await,
        }
    }
}

/// Says, once, that the caller takes part no more.
fn leave(attached: &Cell<Option<Attached>>, reason: Detach) {
    if let Some(attached) = attached.take() {
        attached.goes_because(reason);
    }
}
