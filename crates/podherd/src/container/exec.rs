//! Running a command in a container and answering when it ended, with its output.

use std::cell::RefCell;
use std::io;
use std::os::fd::OwnedFd;
use std::rc::Rc;
use std::time::Duration;

use podherd_reaper::{Exit, FileId, Process, Program, cgroup};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use super::launch::Launch;
use super::{Container, ContainerId, Pod};
use crate::cgroup::ExecCgroup;
use crate::error::{Code, Error, Result};
use crate::runtime::{CgroupManager, Identity, RuntimeCall};
use crate::stdio::{self, Captured, OutputReader};

/// What a caller asks for.
#[derive(Debug)]
pub struct ExecRequest {
    /// The container.
    pub id: ContainerId,
    /// Program and arguments.
    pub command: Vec<String>,
    /// After this time the command is killed with its descendants. None: no limit.
    pub timeout: Option<Duration>,
    /// A terminal instead of pipes.
    pub terminal: bool,
    /// Environment of the runtime call.
    pub env: Vec<(String, String)>,
    /// Who made the container's cgroup.
    pub cgroup_manager: CgroupManager,
}

/// How a command ended.
#[derive(Debug)]
pub struct ExecResult {
    /// Its end. None: it ran out of time.
    pub exit: Option<Exit>,
    /// Its standard output; with a terminal, all of its output.
    pub stdout: Captured,
    /// Its standard error.
    pub stderr: Captured,
}

/// Runs a command to its end. An error for which [`could_not_start`] says so means that the runtime
/// was called and the command did not run. When the caller vanishes, the command is killed with its
/// descendants.
pub async fn exec(pod: &Rc<Pod>, request: ExecRequest) -> Result<ExecResult> {
    let container = pod.containers.get(&request.id)?;
    container.living()?;
    if pod.exec_output.is_spent() {
        return Err(Error::new(
            Code::Overloaded,
            "the output of execs has used up its memory; wait for some to end",
        ));
    }
    let shared = pod.clone();
    pod.call(move |cancelled| async move {
        // Init's end is published after this exec's.
        let _running = container.execs.token();
        container.living()?;
        run(&shared, &container, request, cancelled).await
    })
    .await
}

/// Whether this is an exec's failure to start its command, as opposed to one of the request.
pub fn could_not_start(error: &Error) -> bool {
    use Code::*;
    matches!(
        error.code,
        CommandNotFound
            | CommandNotExecutable
            | RuntimeFailed
            | RuntimeKilled
            | RuntimeTimeout
            | RuntimeUnavailable
            | PidFileInvalid
            | ConsoleFailed
    )
}

/// What an exec makes and may have to end.
#[derive(Default)]
struct Made {
    cgroup: Option<ExecCgroup>,
    launch: Option<Launch>,
    process: Option<Process>,
}

async fn run(
    pod: &Rc<Pod>,
    container: &Container,
    request: ExecRequest,
    cancelled: CancellationToken,
) -> Result<ExecResult> {
    let stdout = RefCell::new(Captured::new(&pod.exec_output));
    let stderr = RefCell::new(Captured::new(&pod.exec_output));
    let mut made = Made::default();
    let timeout = request.timeout;
    let steps = Box::pin(steps(pod, container, &request, &mut made, &stdout, &stderr));
    let in_time = async {
        match timeout {
            None => steps.await.map(Some),
            Some(timeout) => tokio::time::timeout(timeout, steps)
                .await
                .map_or(Ok(None), |result| result.map(Some)),
        }
    };
    let ended = pod.guard(&cancelled, in_time).await;
    if !matches!(ended, Ok(Some(_))) {
        end(made).await;
    }
    match ended {
        Ok(exit) => Ok(ExecResult {
            exit,
            stdout: stdout.into_inner(),
            stderr: stderr.into_inner(),
        }),
        Err(error) => {
            tracing::info!(container = %container.id, code = %error.code, "exec failed: {}", error.message);
            Err(error)
        }
    }
}

async fn steps(
    pod: &Rc<Pod>,
    container: &Container,
    request: &ExecRequest,
    made: &mut Made,
    stdout: &RefCell<Captured>,
    stderr: &RefCell<Captured>,
) -> Result<Exit> {
    let what = format!("exec in container {}", container.id);
    let exhausted = |error: io::Error| Error::from_io(Code::ResourcesExhausted, &what, &error);
    let identity = pod.runtime.identity(&pod.reaper).await?;
    let parts = container.living()?;
    if let Some(cgroup) = container.cgroup.get().filter(|_| identity.has_exec_cgroup()) {
        made.cgroup = ExecCgroup::make(
            cgroup,
            &format!("podherd-exec-{}", pod.unique()),
            identity.exec_cgroup_is_in_all(),
        );
    }
    let launch = Launch::prepare(pod, request.terminal)?;
    let (out_reader, out_end) = output_pipe().map_err(exhausted)?;
    let (err_reader, err_end) = output_pipe().map_err(exhausted)?;
    let traces = vec![
        FileId::of(&out_end).map_err(exhausted)?,
        FileId::of(&err_end).map_err(exhausted)?,
    ];
    let log = RuntimeCall::log().map_err(|failure| failure.into_error(&what))?;
    let program = command(pod, identity, request, &launch, made.cgroup.as_ref(), &log)
        .stdin(stdio::null().map_err(exhausted)?)
        .stdout(out_end)
        .stderr(err_end);

    let owner = watch::Sender::new(None);
    let terminal = watch::Sender::new(None);
    let keep = |reader, kept| keep(pod, reader, owner.subscribe(), kept);
    let words = || {
        take_rest(&err_reader, stderr);
        stderr.borrow().bytes().to_vec()
    };
    let process = async {
        let launch = made.launch.insert(launch);
        let launched = launch.run(pod, program, log, traces, &what, words).await?;
        made.launch = None;
        let process = made.process.insert(launched.process);
        terminal.send_replace(launched.terminal.map(|terminal| terminal.reader()));
        owner.send_replace(Some(process.clone()));
        Ok::<_, Error>(ended_with_container(process, &parts.init).await)
    };
    let outputs = async {
        let pipes =
            async { tokio::join!(keep(out_reader.clone(), stdout), keep(err_reader.clone(), stderr)) };
        let screen = async {
            let mut terminal = terminal.subscribe();
            let reader = terminal
                .wait_for(Option::is_some)
                .await
                .ok()
                .and_then(|reader| reader.clone());
            if let Some(reader) = reader {
                keep(reader, stdout).await;
            }
        };
        if request.terminal {
            tokio::join!(pipes, screen);
        } else {
            pipes.await;
        }
        Ok(())
    };
    let (exit, ()) = tokio::try_join!(process, outputs)?;
    Ok(exit)
}

/// A command ends at the latest with its container: without a pid namespace the kernel doesn't see
/// to that.
async fn ended_with_container(process: &Process, init: &Process) -> Exit {
    tokio::select! {
        biased;
        exit = process.wait() => return exit,
        _ = init.wait() => {}
    }
    if let Ok(exit) = tokio::time::timeout(AFTER_INIT, process.wait()).await {
        return exit;
    }
    let _ = process.kill_tree(KILL_TIMEOUT).await;
    process.wait().await
}

fn command(
    pod: &Pod,
    identity: Identity,
    request: &ExecRequest,
    launch: &Launch,
    sub_cgroup: Option<&ExecCgroup>,
    log: &OwnedFd,
) -> Program {
    let mut program = pod
        .runtime
        .command(identity, request.cgroup_manager, &request.env, log)
        .arg("exec")
        .arg("-d");
    if let Some(sub_cgroup) = sub_cgroup {
        program = program.arg("--cgroup").arg(sub_cgroup.argument());
    }
    if let Some(console) = launch.console_path() {
        let mut argument = std::ffi::OsString::from("--console-socket=");
        argument.push(console);
        program = program.arg(argument).arg("--tty");
    }
    let mut pid_file = std::ffi::OsString::from("--pid-file=");
    pid_file.push(launch.pid_file());
    program
        .arg(pid_file)
        .arg(request.id.as_str())
        .args(&request.command)
}

fn output_pipe() -> io::Result<(OutputReader, OwnedFd)> {
    let (read, write) = stdio::pipe()?;
    Ok((OutputReader::new(read)?, write))
}

/// Reads a stream of the command to its end.
async fn keep(pod: &Pod, reader: OutputReader, owner: stdio::Owner, kept: &RefCell<Captured>) {
    stdio::drain(
        &reader,
        owner,
        pod.limits.drain_timeout,
        &pod.buffers,
        async |chunk| {
            kept.borrow_mut().push(chunk);
        },
    )
    .await;
}

/// What is in the pipe now, for the case that the runtime has failed and its words are in there.
fn take_rest(reader: &OutputReader, kept: &RefCell<Captured>) {
    let mut buffer = [0; 4096];
    while let Ok(count @ 1..) = reader.read_now(&mut buffer) {
        kept.borrow_mut().push(&buffer[..count]);
    }
}

/// Ends everything that an exec made: its cgroup as a whole, its process with its descendants, and
/// what the runtime left.
async fn end(made: Made) {
    if let Some(cgroup) = &made.cgroup
        && let Err(error) = cgroup::kill_all(cgroup.directory(), KILL_TIMEOUT).await
    {
        tracing::warn!(%error, cgroup = %cgroup.directory().display(), "ending an exec");
    }
    if let Some(process) = made.process.filter(|process| process.exit().is_none()) {
        let _ = process.kill_tree(KILL_TIMEOUT).await;
    }
    if let Some(launch) = made.launch {
        launch.undo().await;
    }
}

/// How long the kernel may take to end a container's other processes after its init.
const AFTER_INIT: Duration = Duration::from_secs(1);

/// How long killed processes may take to be gone.
const KILL_TIMEOUT: Duration = Duration::from_secs(2);
