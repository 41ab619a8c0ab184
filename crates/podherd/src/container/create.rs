//! Creating a container: everything is checked and made in order, and undone as a whole when a step
//! fails, the caller vanishes or the server ends.

mod before;
mod early;
mod request;
mod streams;
mod undo;

use std::os::fd::OwnedFd;
use std::rc::Rc;
use std::time::UNIX_EPOCH;

use podherd_reaper::{Exit, Program, Status};
use tokio::sync::oneshot;
use tokio_util::sync::CancellationToken;

use before::Before;
use early::Early;
pub use request::{CreateRequest, FdSlots, Preflight};
use streams::{ChildEnds, Streams};
use undo::Undo;

use super::delete::end_and_remove;
use super::launch::{Launch, Launched};
use super::output::{Output, rate_limiter};
use super::store::NewContainer;
use super::supervise::supervise;
use super::{Container, Parts, Phase, Pod, log_unavailable};
use crate::cgroup::ContainerCgroup;
use crate::error::{Code, Error, Result};
use crate::journal::{CreatedEntry, ExitedEntry};
use crate::logs::{ContainerLog, Stream};
use crate::preflight::{self, Finding, Severity};
use crate::runtime::{Identity, RuntimeCall};
use crate::stdio::{Hub, Stdin, Stdio};

/// A container that was created.
#[derive(Debug)]
pub struct Created {
    /// Pid of its init.
    pub pid: u32,
    /// What the preflight has found, where one was asked for.
    pub findings: Vec<Finding>,
}

/// Creates a container. It is watched from then on.
pub async fn create(pod: &Rc<Pod>, request: CreateRequest) -> Result<Created> {
    let shared = pod.clone();
    pod.call(move |cancelled| run(shared, request, cancelled)).await
}

async fn run(pod: Rc<Pod>, request: CreateRequest, cancelled: CancellationToken) -> Result<Created> {
    let container = pod.containers.reserve(NewContainer {
        id: request.id.clone(),
        bundle: request.bundle.clone(),
        terminal: request.terminal,
        log_paths: request
            .logs
            .iter()
            .filter_map(|target| Some(target.path()?.to_owned()))
            .collect(),
        settings: request.settings.clone(),
    })?;
    let mut undo = Undo::new(container.clone());
    let made = async {
        // Boxed one after the other, since neither is there while the other runs.
        let findings = pod
            .guard(&cancelled, Box::pin(checked(&pod, &request, &cancelled)))
            .await?;
        let made = pod
            .guard(&cancelled, Box::pin(steps(&pod, &request, &mut undo)))
            .await?;
        Ok::<_, Error>((made, findings))
    };
    match made.await {
        Ok((made, findings)) => {
            let id = request.id.clone();
            let pid = commit(&pod, container.clone(), request, made);
            // The steps may have ended in the very moment in which the caller vanished or the server began to
            // end; nobody would know of the container then.
            if cancelled.is_cancelled() {
                drop(undo);
                end_and_remove(&pod, &container).await?;
                return Err(pod.cancelled());
            }
            container.is_created(&pod, pid);
            // What can wait until the caller has its answer: a line in the log, the call's files.
            pod.tasks.spawn_local(async move {
                tokio::task::yield_now().await;
                tracing::info!(container = %id, pid, "created");
                drop(undo);
            });
            Ok(Created { pid, findings })
        }
        Err(error) => {
            undo.run(&pod).await;
            tracing::warn!(container = %request.id, code = %error.code, "create failed: {}", error.message);
            Err(error)
        }
    }
}

/// What the preflight finds. With [`Preflight::Enforce`] an error among it is an error of the create.
async fn checked(
    pod: &Rc<Pod>,
    request: &CreateRequest,
    cancelled: &CancellationToken,
) -> Result<Vec<Finding>> {
    if request.preflight == Preflight::Off {
        return Ok(Vec::new());
    }
    let findings = preflight::preflight(pod, &request.bundle, request.terminal, cancelled).await?;
    let errors: Vec<_> = findings
        .iter()
        .filter(|finding| finding.severity == Severity::Error)
        .map(|finding| format!("{} {}: {}", finding.code.as_str(), finding.place, finding.message))
        .collect();
    if errors.is_empty() || request.preflight == Preflight::Warn {
        return Ok(findings);
    }
    Err(Error::new(
        Code::PreflightFailed,
        format!(
            "the bundle {} can't run: {}",
            request.bundle.display(),
            errors.join("; ")
        ),
    ))
}

/// What the steps made, to be handed to the container.
struct Made {
    launched: Launched,
    cgroup: ContainerCgroup,
    log: ContainerLog,
    streams: Streams,
    early: Early,
    leaked: Vec<OwnedFd>,
}

async fn steps(pod: &Rc<Pod>, request: &CreateRequest, undo: &mut Undo) -> Result<Made> {
    // Before the first wait: the connection that has sent them may be closed in the meantime.
    let descriptors = request.slots.take(&pod.fd_socket)?;
    let identity = pod.runtime.identity(&pod.reaper).await?;
    let what = format!("creating container {}", request.id);
    let exhausted = |error: std::io::Error| Error::from_io(Code::ResourcesExhausted, &what, &error);
    // The writer threads look and open while the rest is made here. A log that is opened for an id that turns
    // out to be somebody else's is only appended to, or removed again.
    let opening = ContainerLog::open(&pod.disk, request.id.as_str(), request.logs.clone());
    let prepare = async { (Launch::prepare(pod, request.terminal), Streams::open(request)) };
    let (before, log, (launch, streams)) =
        tokio::join!(Before::look(pod, identity, request), opening, prepare);
    undo.log = log.as_ref().ok().cloned();
    let before = undo.before.insert(before?);
    before.refuse_foreign(pod, &request.id).await?;
    let log = log.map_err(|error| log_unavailable(&error))?;
    let launch = undo.launch.insert(launch?);
    let (streams, ends) = streams.map_err(exhausted)?;
    let traces = ends.traces().map_err(exhausted)?;
    let runtime_log = RuntimeCall::log().map_err(|failure| failure.into_error(&what))?;
    let mut program = command(pod, identity, request, launch, &runtime_log, ends);
    for descriptor in descriptors.additional {
        program = program.pass_fd(descriptor);
    }

    let mut early = Early::default();
    let launched = {
        let early = std::cell::RefCell::new(&mut early);
        let words = || early.borrow_mut().words(&streams);
        let run = launch.run(pod, program, runtime_log, traces, &what, words);
        tokio::select! {
            biased;
            launched = run => launched?,
            () = Early::collect(&early, &streams, pod) => return Err(Error::new(Code::Internal, "collecting early output ended")),
        }
    };
    early.rest(&streams);
    if !early.stderr.is_empty() {
        tracing::warn!(container = %request.id, "the runtime said: {}", String::from_utf8_lossy(&early.stderr).trim());
    }
    let pid = launched.process.pid();
    let cgroup = ContainerCgroup::of(&pod.hierarchies, pid, request.id.as_str(), |directory| {
        before.made_cgroup(directory)
    });
    let cgroup = cgroup.unwrap_or_default();
    Ok(Made {
        launched,
        cgroup,
        log,
        streams,
        early,
        leaked: descriptors.leaked,
    })
}

fn command(
    pod: &Pod,
    identity: Identity,
    request: &CreateRequest,
    launch: &Launch,
    log: &OwnedFd,
    ends: ChildEnds,
) -> Program {
    let mut program = pod
        .runtime
        .command(identity, request.cgroup_manager, &request.env, log)
        .args(&request.global_args)
        .arg("create")
        .arg("--bundle")
        .arg(&request.bundle)
        .arg("--pid-file")
        .arg(launch.pid_file())
        .args(&request.command_args);
    if let Some(console) = launch.console_path() {
        let mut argument = std::ffi::OsString::from("--console-socket=");
        argument.push(console);
        program = program.arg(argument);
    }
    program
        .arg(request.id.as_str())
        .stdin(ends.stdin)
        .stdout(ends.stdout)
        .stderr(ends.stderr)
}

/// From here on the container is watched, and ends by itself or by a caller's wish.
fn commit(pod: &Rc<Pod>, container: Rc<Container>, request: CreateRequest, made: Made) -> u32 {
    let init = made.launched.process;
    let pid = init.pid();
    pod.journal.created(CreatedEntry {
        id: container.id.as_str().to_owned(),
        pid: pid.cast_signed(),
        start_time: init.start_time(),
        bundle: container.bundle.clone(),
    });
    let record = record_of_end(pod, &container, &made.cgroup);
    match init.exit() {
        None => init.record_before_reap(Box::new(record)),
        Some(exit) => drop(record(&exit)),
    }
    let limiter = rate_limiter(pod, &container);
    let mut outputs = Vec::new();
    match made.launched.terminal.as_ref() {
        Some(terminal) => outputs.push(Output {
            reader: terminal.reader().limited_by(limiter),
            stream: Stream::Stdout,
            early: Vec::new(),
        }),
        None => {
            let readers = [
                (made.streams.stdout, Stream::Stdout, made.early.stdout),
                (made.streams.stderr, Stream::Stderr, Vec::new()),
            ];
            for (reader, stream, early) in readers {
                outputs.extend(reader.map(|reader| Output {
                    reader: reader.limited_by(limiter.clone()),
                    stream,
                    early,
                }));
            }
        }
    }
    let parts = Parts {
        init,
        log: made.log,
        stdio: Stdio::new(
            Hub::new(pod.limits.attach_behind_bytes),
            made.streams.stdin.map(Stdin::pipe),
            made.launched.terminal,
        ),
        _leaked: made.leaked,
    };
    // Its id was reserved for this call alone, so it gets these once.
    let _ = container.cgroup.set(made.cgroup);
    container.parts.replace(Some(Rc::new(parts)));
    container.state.send_modify(|state| state.phase = Phase::Created);
    pod.tasks.spawn_local(Box::pin(supervise(
        pod.clone(),
        container,
        request.ending,
        request.env,
        outputs,
    )));
    pid
}

/// What the journal gets when init has ended, before its status is collected.
fn record_of_end(
    pod: &Pod,
    container: &Container,
    cgroup: &ContainerCgroup,
) -> impl FnOnce(&Exit) -> oneshot::Receiver<()> + 'static {
    let (journal, id, cgroup) = (
        pod.journal.clone(),
        container.id.as_str().to_owned(),
        cgroup.clone(),
    );
    move |exit| {
        let (code, signal) = match exit.status {
            Status::Exited(code) => (Some(code), None),
            Status::Signaled { signal, .. } => (None, Some(signal)),
        };
        let since = exit.at.duration_since(UNIX_EPOCH).unwrap_or_default();
        let exited_at = u64::try_from(since.as_nanos()).unwrap_or(u64::MAX);
        journal.exited(
            &id,
            ExitedEntry {
                code,
                signal,
                oom_killed: cgroup.was_oom_killed(),
                exited_at,
            },
        )
    }
}
