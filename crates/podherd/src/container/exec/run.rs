//! One run of a command in a container, whoever gets its output: from the runtime's `exec` to the end of the
//! command and of its output.

use std::io;
use std::os::fd::OwnedFd;
use std::rc::Rc;
use std::time::Duration;

use podherd_reaper::{Exit, FileId, Process, Program, cgroup};
use tokio::sync::watch;

use super::ExecSpec;
use crate::cgroup::ExecCgroup;
use crate::container::launch::Launch;
use crate::container::{Container, Pod};
use crate::error::{Code, Error, Result};
use crate::logs::Stream;
use crate::runtime::{Identity, RuntimeCall};
use crate::stdio::{self, OutputReader, Terminal};

/// Who gets the output of a command.
pub(super) trait Output {
    /// Takes a chunk; the command waits for as long as this does.
    async fn take(&self, stream: Stream, chunk: &[u8]);

    /// What there is of standard error, with its `rest`: the runtime's words, when it has failed.
    fn words(&self, rest: Vec<u8>) -> Vec<u8>;
}

/// What an exec makes and may have to end.
#[derive(Default)]
pub(super) struct Made {
    cgroup: Option<ExecCgroup>,
    launch: Option<Launch>,
    process: Option<Process>,
}

/// Runs a command to its end, and hands its output on. `made` is what there is to end when this fails or
/// is dropped. `started` is told once the runtime has started the command.
pub(super) async fn steps(
    pod: &Rc<Pod>,
    container: &Container,
    spec: &ExecSpec,
    made: &mut Made,
    stdin: OwnedFd,
    output: &impl Output,
    started: impl FnOnce(Option<Terminal>),
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
    let launch = Launch::prepare(pod, spec.terminal)?;
    let (out_reader, out_end) = output_pipe().map_err(exhausted)?;
    let (err_reader, err_end) = output_pipe().map_err(exhausted)?;
    let traces = vec![
        FileId::of(&out_end).map_err(exhausted)?,
        FileId::of(&err_end).map_err(exhausted)?,
    ];
    let log = RuntimeCall::log().map_err(|failure| failure.into_error(&what))?;
    let program = command(pod, identity, spec, &launch, made.cgroup.as_ref(), &log)
        .stdin(stdin)
        .stdout(out_end)
        .stderr(err_end);

    let owner = watch::Sender::new(None);
    let screen = watch::Sender::new(None);
    let hand_on = |reader, stream| hand_on(pod, reader, stream, owner.subscribe(), output);
    let words = || output.words(rest_of(&err_reader));
    let process = async {
        let launch = made.launch.insert(launch);
        let launched = launch.run(pod, program, log, traces, &what, words).await?;
        made.launch = None;
        let process = made.process.insert(launched.process);
        screen.send_replace(launched.terminal.as_ref().map(Terminal::reader));
        started(launched.terminal);
        owner.send_replace(Some(process.clone()));
        Ok::<_, Error>(ended_with_container(process, &parts.init).await)
    };
    let outputs = async {
        let pipes = async {
            tokio::join!(
                hand_on(out_reader.clone(), Stream::Stdout),
                hand_on(err_reader.clone(), Stream::Stderr)
            )
        };
        let screen = async {
            let mut screen = screen.subscribe();
            let reader = screen.wait_for(Option::is_some).await;
            if let Some(reader) = reader.ok().and_then(|reader| reader.clone()) {
                hand_on(reader, Stream::Stdout).await;
            }
        };
        if spec.terminal {
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
    spec: &ExecSpec,
    launch: &Launch,
    sub_cgroup: Option<&ExecCgroup>,
    log: &OwnedFd,
) -> Program {
    let mut program = pod
        .runtime
        .command(identity, spec.cgroup_manager, &spec.env, log)
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
    program.arg(pid_file).arg(spec.id.as_str()).args(&spec.command)
}

fn output_pipe() -> io::Result<(OutputReader, OwnedFd)> {
    let (read, write) = stdio::pipe()?;
    Ok((OutputReader::new(read)?, write))
}

/// Reads a stream of the command to its end.
async fn hand_on(pod: &Pod, reader: OutputReader, stream: Stream, owner: stdio::Owner, output: &impl Output) {
    let limit = pod.limits.drain_timeout;
    let take = async |chunk: &[u8]| output.take(stream, chunk).await;
    stdio::drain(&reader, owner, limit, &pod.buffers, take).await;
}

/// What is in the pipe now: the runtime's words, when it has failed.
fn rest_of(reader: &OutputReader) -> Vec<u8> {
    let mut rest = Vec::new();
    let mut buffer = [0; 4096];
    while let Ok(count @ 1..) = reader.read_now(&mut buffer) {
        rest.extend_from_slice(&buffer[..count]);
    }
    rest
}

/// Ends everything that an exec made: its cgroup as a whole, its process with its descendants, and
/// what the runtime left.
pub(super) async fn end(made: Made) {
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
