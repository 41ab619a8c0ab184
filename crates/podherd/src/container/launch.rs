//! What create and exec have in common: one runtime call that leaves a process behind, whose pid it
//! writes to a file, and whose terminal it may hand over.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use podherd_reaper::{Claim, FileId, Process, Program};

use super::Pod;
use crate::error::{Code, Error, Result};
use crate::runtime::{CallFailure, RuntimeCall};
use crate::stdio::{ConsoleSocket, Terminal};

/// A runtime call with everything that it needs and leaves. Its files go when it is dropped; its
/// processes are ended by [`Launch::undo`].
#[derive(Debug)]
pub struct Launch {
    pid_file: PidFile,
    console: Option<ConsoleSocket>,
    /// Opened before the runtime is spawned, so that no exit after that is missed.
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

    /// Whether the runtime was started, so that there may be something to undo.
    pub fn has_run(&self) -> bool {
        self.claim.is_some()
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
            None => {
                call.finish(timeout, stderr)
                    .await
                    .map_err(|failure| failure.into_error(what))?;
                None
            }
            Some(console) => {
                let runtime = call.process().clone();
                tokio::select! {
                    biased;
                    terminal = console.receive(pod.limits.console_timeout) => {
                        let terminal = terminal?;
                        call.finish(timeout, stderr).await.map_err(|failure| failure.into_error(what))?;
                        Some(terminal)
                    }
                    // The runtime has ended first: its own words come before ours, and what it had
                    // sent is in the socket.
                    _ = runtime.wait() => {
                        call.finish(timeout, stderr).await.map_err(|failure| failure.into_error(what))?;
                        Some(console.receive(AFTER_END).await?)
                    }
                }
            }
        };
        let (pid, named_at) = self.pid_file.read(what)?;
        let process = claim.resolve(pid, named_at).map_err(|error| {
            Error::new(
                Code::PidFileInvalid,
                format!("{what}: the runtime's pid file names {pid}: {error}"),
            )
        })?;
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

/// How long to look for a terminal that the ended runtime had sent: it is there, or never will be.
const AFTER_END: Duration = Duration::from_millis(100);

/// How long what a failed call left may take to be gone.
const UNDO_TIMEOUT: Duration = Duration::from_secs(2);

/// The file to which the runtime writes a pid. Removed when dropped.
#[derive(Debug)]
struct PidFile(PathBuf);

impl PidFile {
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
        let _ = fs::remove_file(&self.0);
    }
}

/// Names a failure to start for the caller.
impl From<CallFailure> for Error {
    fn from(failure: CallFailure) -> Self {
        failure.into_error("runtime")
    }
}
