//! A command whose caller has its streams while it runs.

use std::cell::{Cell, RefCell};
use std::os::fd::OwnedFd;
use std::pin::Pin;
use std::rc::Rc;
use std::time::Duration;

use podherd_reaper::{Exit, Process};
use tokio::sync::oneshot;
use tokio_util::sync::{CancellationToken, DropGuard};

use super::ExecSpec;
use super::run::{Command, Made, Output, steps};
use super::told::Told;
use crate::container::{Container, Pod};
use crate::error::{Code, Error, Result};
use crate::logs::Stream;
use crate::stdio::{self, Hub, Stdin, Stdio};

/// What a caller asks for.
#[derive(Debug)]
pub struct ExecSessionRequest {
    /// The command.
    pub spec: ExecSpec,
    /// Whether it has an input; else it reads an end of file at once, or from a terminal nothing.
    pub stdin: bool,
    /// By which attach clients find it (`execSessionId`) while it runs. None: they don't.
    pub session_id: Option<String>,
    /// After this time, from the call on, the command is killed with its descendants. None: no limit.
    pub timeout: Option<Duration>,
    /// Where its output goes; followed by the caller before there is any.
    pub hub: Hub,
}

/// A command that runs. Dropping this kills it with its descendants.
#[derive(Debug)]
pub struct ExecSession {
    /// Its number among the execs of this server.
    pub exec_id: u64,
    /// Its process, which may have ended already.
    pub process: Process,
    /// Its streams. The command waits for a follower of [`Pace::Held`](crate::stdio::Pace) who doesn't take.
    pub stdio: Stdio,
    ended: oneshot::Receiver<Result<Exit>>,
    _killed_with_its_caller: DropGuard,
}

impl ExecSession {
    /// Waits for the end of the command and of its output, which somebody has to take meanwhile.
    pub async fn exit(&mut self) -> Result<Exit> {
        (&mut self.ended).await.unwrap_or_else(|_| Err(fault()))
    }
}

/// A running exec as those find it who know its session id.
#[derive(Clone, Debug)]
pub struct NamedExec {
    /// Its process.
    pub process: Process,
    /// Its streams.
    pub stdio: Stdio,
}

/// Starts a command. An error means that it does not run; see [`could_not_start`](super::could_not_start).
pub async fn exec_session(pod: &Rc<Pod>, request: ExecSessionRequest) -> Result<ExecSession> {
    let container = pod.containers.get(&request.spec.id)?;
    let init = container.living()?.init.clone();
    pod.asked.notify_one();
    if pod.ending.is_cancelled() {
        return Err(pod.cancelled());
    }
    let name = match &request.session_id {
        Some(id) => Some(Name::reserve(&container, id)?),
        None => None,
    };
    let told = Told::new(pod, &container.id);
    let exec_id = told.exec_id;
    let cancelled = pod.ending.child_token();
    let guard = cancelled.clone().drop_guard();
    let (tell_started, started) = oneshot::channel();
    let (tell_ended, ended) = oneshot::channel();
    let live = Live {
        hub: request.hub.clone(),
        init,
        limit: pod.limits.drain_timeout,
        early: RefCell::default(),
        started: Cell::new(false),
    };
    let shared = pod.clone();
    pod.tasks.spawn_local(async move {
        // Init's end is published after this exec's.
        let _running = container.execs.token();
        let run = Box::pin(run(
            &shared,
            &container,
            &request,
            told,
            &live,
            cancelled,
            |running: NamedExec| {
                if let Some(name) = &name {
                    name.is_of(running.clone());
                }
                // A caller who has gone is noticed by the token.
                let _ = tell_started.send(running);
            },
        ));
        let result = run.await;
        drop(name);
        live.hub.end();
        shared.attach.end(&live.hub);
        if let Err(error) = &result {
            tracing::info!(container = %container.id, code = %error.code, "exec failed: {}", error.message);
        }
        let _ = tell_ended.send(result);
    });
    match started.await {
        Ok(running) => Ok(ExecSession {
            exec_id,
            process: running.process,
            stdio: running.stdio,
            ended,
            _killed_with_its_caller: guard,
        }),
        Err(_) => Err(ended
            .await
            .map_or_else(|_| fault(), |result| result.err().unwrap_or_else(fault))),
    }
}

async fn run(
    pod: &Rc<Pod>,
    container: &Rc<Container>,
    request: &ExecSessionRequest,
    told: Told,
    live: &Live,
    cancelled: CancellationToken,
    tell_started: impl FnOnce(NamedExec),
) -> Result<Exit> {
    let mut made = Made::new(told);
    let command = made.command.clone();
    let steps = Box::pin(async {
        container.living()?;
        let (stdin, child_end) = input(request)?;
        let started = |process: &Process, terminal| {
            let mut stdio = Stdio::new(live.hub.clone(), stdin, terminal);
            if !request.stdin {
                stdio.stdin = None;
            }
            live.started.set(true);
            live.early.take();
            let process = process.clone();
            tell_started(NamedExec { process, stdio });
        };
        steps(pod, container, &request.spec, &mut made, child_end, live, started).await
    });
    let ended = pod
        .guard(&cancelled, in_time(request.timeout, &command, steps))
        .await;
    match &ended {
        Ok(_) => made.ended(),
        Err(error) => made.undo(error).await,
    }
    ended
}

/// Accompanies a command, and kills it when its time is over: what it has written until then still comes.
async fn in_time(
    timeout: Option<Duration>,
    command: &Command,
    mut steps: Pin<Box<impl Future<Output = Result<Exit>>>>,
) -> Result<Exit> {
    let Some(timeout) = timeout else {
        return steps.await;
    };
    if let Ok(ended) = tokio::time::timeout(timeout, &mut steps).await {
        return ended;
    }
    if command.process().is_none() {
        return Err(Error::new(
            Code::RuntimeTimeout,
            format!(
                "the command was not started within its time, {} s",
                timeout.as_secs_f64()
            ),
        ));
    }
    tokio::join!(steps, command.kill()).0
}

/// The input of a command: the write end of its pipe, if it has one, and what the command gets.
fn input(request: &ExecSessionRequest) -> Result<(Option<Stdin>, OwnedFd)> {
    let made = match request.stdin && !request.spec.terminal {
        true => stdio::pipe().map(|(read, write)| (Some(Stdin::pipe(write)), read)),
        false => stdio::null().map(|null| (None, null)),
    };
    made.map_err(|error| Error::from_io(Code::ResourcesExhausted, "making an exec's input", &error))
}

/// The output of a command, handed on as it comes.
struct Live {
    hub: Hub,
    /// The container's: a command ends with it, and then its caller has a bounded time for the rest.
    init: Process,
    limit: Duration,
    /// Standard error until the command runs, in case that the runtime fails.
    early: RefCell<Vec<u8>>,
    started: Cell<bool>,
}

impl Output for Live {
    async fn take(&self, stream: Stream, chunk: &[u8]) {
        if stream == Stream::Stderr && !self.started.get() {
            let mut early = self.early.borrow_mut();
            let room = MOST_WORDS.saturating_sub(early.len()).min(chunk.len());
            early.extend_from_slice(&chunk[..room]);
        }
        let too_late = async {
            self.init.wait().await;
            tokio::time::sleep(self.limit).await;
        };
        tokio::select! {
            biased;
            () = self.hub.publish(stream, chunk) => {}
            () = too_late => self.hub.cut_off_held(),
        }
    }

    fn words(&self, rest: Vec<u8>) -> Vec<u8> {
        let mut words = self.early.take();
        words.extend_from_slice(&rest);
        words
    }
}

/// More than a runtime ever says.
const MOST_WORDS: usize = 64 << 10;

/// The name of an exec among its container's, taken before it runs.
struct Name {
    container: Rc<Container>,
    id: String,
}

impl Name {
    fn reserve(container: &Rc<Container>, id: &str) -> Result<Self> {
        let mut names = container.exec_sessions.borrow_mut();
        if names.contains_key(id) {
            return Err(Error::new(
                Code::IdInUse,
                format!("an exec of this session id runs in container {}", container.id),
            ));
        }
        names.insert(id.to_owned(), None);
        Ok(Self {
            container: container.clone(),
            id: id.to_owned(),
        })
    }

    fn is_of(&self, exec: NamedExec) {
        self.container
            .exec_sessions
            .borrow_mut()
            .insert(self.id.clone(), Some(exec));
    }
}

impl Drop for Name {
    fn drop(&mut self) {
        self.container.exec_sessions.borrow_mut().remove(&self.id);
    }
}

fn fault() -> Error {
    Error::new(
        Code::Internal,
        "a fault of the server ended this exec; its log has more",
    )
}
