//! A command with its streams at the caller.

use std::rc::Rc;
use std::time::Duration;

use super::Place;
use super::input::{Driven, Input};
use super::output::{Given, Outputs, Sink, Sinks, server_has_ended};
use super::session::{End, Ended, Hold, Parts, Session};
use crate::container::{self, ExecSession, ExecSessionRequest, ExecSpec, ExitState, Pod};
use crate::error::{Code, Error, Result};
use crate::stdio::{Hub, Pace};

/// What a caller asks for.
#[derive(Debug)]
pub struct ExecRequest {
    /// The command.
    pub spec: ExecSpec,
    /// Whether it has an input.
    pub stdin: bool,
    /// After this the command is killed. None: no limit.
    pub timeout: Option<Duration>,
    /// By which attach clients find it while it runs.
    pub session_id: Option<String>,
}

/// A command that runs.
#[derive(Debug)]
pub struct Exec {
    /// Dropping it kills the command with its descendants.
    pub session: Session,
    /// Its input, if it has one.
    pub stdin: Option<Input>,
    /// Its number among the execs of this server.
    pub exec_id: u64,
    /// Of its process.
    pub pid: u32,
}

/// Starts a command and hands its output to `sinks`; it waits for a sink that doesn't take.
pub async fn exec<S: Sink>(pod: &Rc<Pod>, request: ExecRequest, sinks: Sinks<S>) -> Result<Exec> {
    let place = pod.sessions.enter()?;
    let container = pod.containers.get(&request.spec.id)?;
    let hub = Hub::new(pod.limits.attach_behind_bytes);
    let outputs = Outputs::follow(&hub, sinks, Pace::Held);
    let exec = container::exec_session(
        pod,
        ExecSessionRequest {
            spec: request.spec,
            stdin: request.stdin,
            session_id: request.session_id,
            timeout: request.timeout,
            hub,
        },
    )
    .await?;
    let parts = Parts {
        exec: Some(exec.process.clone()),
        terminal: exec.stdio.terminal.clone(),
    };
    let (session, hold) = Session::new(pod, &container, parts);
    let input = exec.stdio.stdin.is_some().then(Input::default);
    let answer = Exec {
        session,
        stdin: input.clone(),
        exec_id: exec.exec_id,
        pid: exec.process.pid(),
    };
    let carried = carry(pod.clone(), exec, outputs, input, hold, place);
    pod.tasks.spawn_local(Box::pin(carried));
    Ok(answer)
}

/// Accompanies a command until its caller has everything, or lets go.
async fn carry<S: Sink>(
    pod: Rc<Pod>,
    mut exec: ExecSession,
    outputs: Option<Outputs<S>>,
    input: Option<Input>,
    hold: Rc<Hold>,
    _place: Place,
) {
    let input = Driven(input.unwrap_or_default());
    let stdin = exec.stdio.stdin.take();
    let end = {
        let given = async {
            let given = match outputs {
                Some(outputs) => outputs.give().await?,
                None => Given::All,
            };
            Ok((given, exec.exit().await?))
        };
        tokio::select! {
            biased;
            () = hold.released() => Err(Error::new(Code::Cancelled, "the session was released")),
            ended = given => ended,
            error = server_has_ended(&pod) => Err(error),
            () = input.0.drive(stdin, &[]) => Err(Error::new(Code::Internal, "an input has ended by itself")),
        }
    };
    // Before the caller is told: what has not ended is killed.
    drop(exec);
    hold.has_ended(end.map(|(given, exit)| Ended {
        end: match given {
            Given::All => End::Exited,
            Given::Behind => End::Behind,
        },
        exit: Some(ExitState::known(&exit, false, given == Given::All, 0)),
    }));
}
