//! One run of a command in a container, whoever gets its output: from the runtime's `exec` to the end of the
//! command and of its output.

use std::cell::OnceCell;
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::rc::Rc;
use std::time::Duration;

use podherd_reaper::{Exit, FileId, Process, Program, cgroup};
use tokio::sync::watch;

use super::ExecSpec;
use super::process::process_file;
use super::told::Told;
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
pub(super) struct Made {
    told: Told,
    launch: Option<Launch>,
    /// Shared with whoever has to end the command while it is accompanied.
    pub(super) command: Rc<Command>,
}

/// A command, as soon as there is something of it.
#[derive(Default)]
pub(super) struct Command {
    cgroup: OnceCell<ExecCgroup>,
    process: OnceCell<Process>,
}

impl Command {
    /// Its process, once the runtime has started it.
    pub(super) fn process(&self) -> Option<&Process> {
        self.process.get()
    }

    /// Kills it with all that came of it: its cgroup as a whole, its process with its descendants.
    pub(super) async fn kill(&self) {
        if let Some(cgroup) = self.cgroup.get()
            && let Err(error) = cgroup::kill_all(cgroup.directory(), KILL_TIMEOUT).await
        {
            tracing::warn!(%error, cgroup = %cgroup.directory().display(), "ending an exec");
        }
        if let Some(process) = self.process.get().filter(|process| process.exit().is_none()) {
            let _ = process.kill_tree(KILL_TIMEOUT).await;
        }
    }
}

/// Runs a command to its end, and hands its output on. `made` is what there is to end when this fails or
/// is dropped. Watchers of events and `started` are told once the runtime has started the command.
pub(super) async fn steps(
    pod: &Rc<Pod>,
    container: &Container,
    spec: &ExecSpec,
    made: &mut Made,
    stdin: OwnedFd,
    output: &impl Output,
    started: impl FnOnce(&Process, Option<Terminal>),
) -> Result<Exit> {
    let what = format!("exec in container {}", container.id);
    let exhausted = |error: io::Error| Error::from_io(Code::ResourcesExhausted, &what, &error);
    let identity = pod.runtime.identity(&pod.reaper).await?;
    let parts = container.living()?;
    made.told.tried();
    let running = made.command.clone();
    if let Some(cgroup) = container.cgroup.get().filter(|_| identity.has_exec_cgroup()) {
        let name = format!("podherd-exec-{}", made.told.exec_id);
        if let Some(sub_cgroup) = ExecCgroup::make(cgroup, &name, identity.exec_cgroup_is_in_all()) {
            running.cgroup.get_or_init(|| sub_cgroup);
        }
    }
    let process_file = match &spec.process {
        Some(options) => Some(process_file(pod, container, spec, options).await?),
        None => None,
    };
    let launch = Launch::prepare(pod, spec.terminal)?;
    let (out_reader, out_end) = output_pipe().map_err(exhausted)?;
    let (err_reader, err_end) = output_pipe().map_err(exhausted)?;
    let traces = vec![
        FileId::of(&out_end).map_err(exhausted)?,
        FileId::of(&err_end).map_err(exhausted)?,
    ];
    let log = RuntimeCall::log().map_err(|failure| failure.into_error(&what))?;
    let files = Files {
        launch: &launch,
        log: &log,
        process: process_file.as_ref(),
    };
    let program = command(pod, identity, spec, running.cgroup.get(), &files)
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
        // Only its runtime needs the file.
        drop(process_file);
        let process = running.process.get_or_init(|| launched.process);
        screen.send_replace(launched.terminal.as_ref().map(Terminal::reader));
        made.told.started(process.pid(), &spec.command);
        started(process, launched.terminal);
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

/// The files that a runtime call gets to know.
struct Files<'a> {
    launch: &'a Launch,
    log: &'a OwnedFd,
    process: Option<&'a OwnedFd>,
}

fn command(
    pod: &Pod,
    identity: Identity,
    spec: &ExecSpec,
    sub_cgroup: Option<&ExecCgroup>,
    files: &Files<'_>,
) -> Program {
    let mut program = pod
        .runtime
        .command(identity, spec.cgroup_manager, &spec.env, files.log)
        .arg("exec")
        .arg("-d");
    if let Some(sub_cgroup) = sub_cgroup {
        program = program.arg("--cgroup").arg(sub_cgroup.argument());
    }
    let with_path = |option: &str, path: std::path::PathBuf| {
        let mut argument = std::ffi::OsString::from(option);
        argument.push(path);
        argument
    };
    if let Some(console) = files.launch.console_path() {
        program = program.arg(with_path("--console-socket=", console));
    }
    program = program.arg(with_path("--pid-file=", files.launch.pid_file()));
    match files.process {
        Some(file) => program
            .arg(with_path("--process=", stdio::path_of(file.as_fd())))
            .arg(spec.id.as_str()),
        None if spec.terminal => program.arg("--tty").arg(spec.id.as_str()).args(&spec.command),
        None => program.arg(spec.id.as_str()).args(&spec.command),
    }
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

impl Made {
    /// Nothing yet.
    pub(super) fn new(told: Told) -> Self {
        Self {
            told,
            launch: None,
            command: Rc::default(),
        }
    }

    /// The exec came to its end.
    pub(super) fn ended(self) {
        self.told.ended(self.command.process(), None);
    }

    /// Ends everything that the exec made, the command and what the runtime left, since it did not come to its
    /// end because of `error`.
    pub(super) async fn undo(self, error: &Error) {
        self.command.kill().await;
        if let Some(launch) = self.launch {
            launch.undo().await;
        }
        self.told.ended(self.command.process(), Some(error));
    }
}

/// How long the kernel may take to end a container's other processes after its init.
const AFTER_INIT: Duration = Duration::from_secs(1);

/// How long killed processes may take to be gone.
const KILL_TIMEOUT: Duration = Duration::from_secs(2);
