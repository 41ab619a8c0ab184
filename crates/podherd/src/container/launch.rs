//! What create and exec have in common: one runtime call that leaves a process behind, whose pid it
//! writes to a file, and whose terminal it may hand over.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant, SystemTime};

use podherd_reaper::{Claim, FileId, Process, Program};

use super::Pod;
use crate::error::{Code, Error, Result};
use crate::runtime::{CallFailure, RuntimeCall};
use crate::stdio::{ConsoleSocket, Terminal};

/// A runtime call with everything that it needs and leaves. Its files go when it has succeeded or is
/// dropped; its processes are ended by [`Launch::undo`].
#[derive(Debug)]
pub struct Launch {
    pid_file: PidFile,
    console: Option<ConsoleSocket>,
    /// Opened before the runtime is spawned, so that no exit after that is missed; given up as soon as
    /// the process is found, since exits are kept for as long as a claim is open.
    claim: Option<Claim>,
    call: Option<RuntimeCall>,
    /// By which leftovers of this call are told from other orphans.
    traces: Vec<FileId>,
}

/// What a successful launch gives.
#[derive(Debug)]
pub struct Launched {
    /// The process that the runtime left; it may have ended already.
    pub process: Process,
    /// Its terminal, if there was a console socket.
    pub terminal: Option<Terminal>,
}

impl Launch {
    /// Makes the files of the call: `terminal` asks for a console socket.
    pub fn prepare(pod: &Pod, terminal: bool) -> Result<Self> {
        let number = pod.unique();
        let console = terminal
            .then(|| {
                ConsoleSocket::listen(
                    std::os::fd::AsFd::as_fd(&pod.runtime_dir),
                    format!("console-{number}.sock"),
                )
            })
            .transpose()?;
        let pid_file = PidFile(pod.runtime_dir.path().join(format!("pid-{number}")));
        Ok(Self {
            pid_file,
            console,
            claim: None,
            call: None,
            traces: Vec::new(),
        })
    }

    /// Where the runtime is to write the pid.
    pub fn pid_file(&self) -> &Path {
        &self.pid_file.0
    }

    /// The console socket's path, if there is one.
    pub fn console_path(&self) -> Option<PathBuf> {
        self.console.as_ref().map(ConsoleSocket::path)
    }

    /// Whether the runtime was started and has not succeeded, so that there may be something to undo.
    pub fn has_run(&self) -> bool {
        self.call.is_some()
    }

    /// Runs `program` and finds the process that it left. `traces` are files that only descendants
    /// of this call hold open; `log` is where its log options point; `stderr` is asked for its words
    /// when there are none in the log. `what` names the step in errors.
    pub async fn run(
        &mut self,
        pod: &Pod,
        program: Program,
        log: std::os::fd::OwnedFd,
        traces: Vec<FileId>,
        what: &str,
        stderr: impl FnOnce() -> Vec<u8>,
    ) -> Result<Launched> {
        self.traces = traces;
        let claim = self.claim.insert(pod.reaper.claim());
        let call =
            RuntimeCall::spawn(&pod.reaper, program, log).map_err(|failure| failure.into_error(what))?;
        let call = self.call.insert(call);
        let timeout = pod.limits.runtime_timeout;
        let terminal = match &self.console {
            None => None,
            Some(console) => Some(hand_over(pod, console, call.process()).await),
        };
        // A runtime that did not hand the terminal over, though it had the time, gets no more of it.
        let timeout = match &terminal {
            Some(Err(_)) => AFTER_CONSOLE.min(timeout),
            _ => timeout,
        };
        let finished = call.finish(timeout, stderr).await;
        let terminal = match (finished, terminal) {
            // Of two failures the runtime's own words come first.
            (Err(CallFailure::Timeout(_)), Some(Err(no_terminal))) => return Err(no_terminal),
            (Err(failure), _) => return Err(failure.into_error(what)),
            (Ok(()), terminal) => terminal.transpose()?,
        };
        let (pid, named_at) = self.pid_file.read(what)?;
        let process = claim.resolve(pid, named_at).map_err(|error| {
            Error::new(
                Code::PidFileInvalid,
                format!("{what}: the runtime's pid file names {pid}: {error}"),
            )
        })?;
        self.claim = None;
        self.call = None;
        self.console = None;
        self.pid_file.remove();
        Ok(Launched { process, terminal })
    }

    /// Ends everything that the call made: the runtime if it still runs, and what it left.
    pub async fn undo(mut self) {
        if let Some(call) = self.call.take() {
            if call.process().exit().is_none() {
                let _ = call.process().kill_tree(UNDO_TIMEOUT).await;
            }
            if let Some(claim) = self.claim.take() {
                let left = claim
                    .kill_leftovers(Some(call.process()), &self.traces, UNDO_TIMEOUT)
                    .await;
                if left.survived > 0 {
                    tracing::error!(code = %Code::Internal, survived = left.survived, "processes of a failed call could not be ended in time");
                }
                if left.spared > 0 {
                    tracing::warn!(
                        spared = left.spared,
                        "orphans that may be another call's are left alone"
                    );
                }
            }
        }
    }
}

/// Receives the terminal, before the console's deadline, the runtime's, and its end.
async fn hand_over(pod: &Pod, console: &ConsoleSocket, runtime: &Process) -> Result<Terminal> {
    let (for_console, for_runtime) = (pod.limits.console_timeout, pod.limits.runtime_timeout);
    let began = Instant::now();
    tokio::select! {
        biased;
        terminal = console.receive(for_console.min(for_runtime)) => match terminal {
            Err(_) if for_runtime < for_console && began.elapsed() >= for_runtime => {
                Err(CallFailure::Timeout(for_runtime).into_error("handing over the terminal"))
            }
            terminal => terminal,
        },
        // The runtime has ended: what it had sent is in the socket, or never will be.
        _ = runtime.wait() => console.receive(AFTER_CONSOLE).await,
    }
}

/// What is left of a step once its outcome can't change any more.
const AFTER_CONSOLE: Duration = Duration::from_millis(200);

/// How long what a failed call left may take to be gone.
const UNDO_TIMEOUT: Duration = Duration::from_secs(2);

/// The file to which the runtime writes a pid. Removed when dropped.
#[derive(Debug)]
struct PidFile(PathBuf);

impl PidFile {
    fn remove(&self) {
        let _ = fs::remove_file(&self.0);
    }

    /// The pid, and when it was written.
    fn read(&self, what: &str) -> Result<(u32, SystemTime)> {
        let invalid = |why: String| {
            Error::new(
                Code::PidFileInvalid,
                format!("{what}: the runtime succeeded, but its pid file {why}"),
            )
        };
        let read =
            || -> io::Result<_> { Ok((fs::read_to_string(&self.0)?, fs::metadata(&self.0)?.modified()?)) };
        let (text, written_at) = read().map_err(|error| match error.kind() {
            io::ErrorKind::NotFound => invalid("is missing".into()),
            _ => invalid(format!("can't be read: {error}")),
        })?;
        let pid = text.trim().parse().ok().filter(|pid| *pid > 1);
        match pid {
            Some(pid) => Ok((pid, written_at)),
            None if text.trim().is_empty() => Err(invalid("is empty".into())),
            None => Err(invalid(format!(
                "holds {:?}",
                text.chars().take(40).collect::<String>()
            ))),
        }
    }
}

impl Drop for PidFile {
    fn drop(&mut self) {
        self.remove();
    }
}
