//! What create and exec have in common: one runtime call that leaves a process behind, whose pid it
//! writes to a file, and whose terminal it may hand over.

use std::fs;
use std::io::{self, Read};
use std::os::unix::fs::DirBuilderExt;
use std::path::PathBuf;
use std::time::{Duration, Instant, SystemTime};

use podherd_reaper::{Claim, ClaimError, FileId, Process, Program};

use super::Pod;
use crate::error::{Code, Error, Result};
use crate::runtime::{CallFailure, RuntimeCall};
use crate::stdio::{ConsoleSocket, Terminal};

/// A runtime call with everything that it needs and leaves. Its files go when it is dropped, which after
/// a success can wait until the caller has its answer; its processes are ended by [`Launch::undo`].
#[derive(Debug)]
pub struct Launch {
    directory: CallDirectory,
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
        let directory = CallDirectory::make(pod)?;
        let console = terminal
            .then(|| ConsoleSocket::listen(directory.path.clone()))
            .transpose()?;
        Ok(Self {
            directory,
            console,
            claim: None,
            call: None,
            traces: Vec::new(),
        })
    }

    /// Where the runtime is to write the pid.
    pub fn pid_file(&self) -> PathBuf {
        self.directory.pid_file()
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
        let began = Instant::now();
        let limits = &pod.limits;
        let terminal = match &self.console {
            None => None,
            Some(console) => Some(hand_over(pod, console, call.process()).await),
        };
        // A runtime that fails to hand the terminal over mostly says why and ends. It gets no more time
        // than it had for the terminal.
        let timeout = match &terminal {
            Some(Err(_)) => limits
                .console_timeout
                .min(limits.runtime_timeout)
                .saturating_sub(began.elapsed()),
            _ => limits.runtime_timeout,
        };
        let finished = call.finish(timeout, stderr).await;
        let terminal = match (finished, terminal) {
            // Of two failures the runtime's own words come first.
            (Err(CallFailure::Timeout(_)), Some(Err(no_terminal))) => return Err(no_terminal),
            (Err(failure), _) => return Err(failure.into_error(what)),
            (Ok(()), terminal) => terminal.transpose()?,
        };
        let (pid, named_at) = self.directory.read_pid(what)?;
        let process = claim.resolve(pid, named_at).map_err(|error| {
            let code = match error {
                ClaimError::ResourcesExhausted => Code::ResourcesExhausted,
                _ => Code::PidFileInvalid,
            };
            Error::new(
                code,
                format!("{what}: the runtime's pid file names {pid}: {error}"),
            )
        })?;
        self.claim = None;
        self.call = None;
        self.console = None;
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
    // One future throughout: it may hold a connection already when the runtime ends.
    let mut terminal = std::pin::pin!(console.receive(for_console.min(for_runtime)));
    let received = tokio::select! {
        biased;
        terminal = &mut terminal => terminal,
        // What the runtime had sent is in the socket, or never will be.
        _ = runtime.wait() => tokio::time::timeout(AFTER_END, terminal).await.unwrap_or_else(|_| {
            Err(Error::new(Code::ConsoleFailed, "the runtime ended without handing over the terminal"))
        }),
    };
    match received {
        Err(_) if for_runtime < for_console && began.elapsed() >= for_runtime => {
            Err(CallFailure::Timeout(for_runtime).into_error("handing over the terminal"))
        }
        received => received,
    }
}

/// How long to look for a terminal that the ended runtime may have sent.
const AFTER_END: Duration = Duration::from_millis(200);

/// How long what a failed call left may take to be gone.
const UNDO_TIMEOUT: Duration = Duration::from_secs(2);

/// A directory of one call's own: for its pid file and console socket, and for what the runtime writes
/// beside them (a half-written pid file under another name, when the disk is full). Removed as a whole.
#[derive(Debug)]
struct CallDirectory {
    path: PathBuf,
}

impl CallDirectory {
    fn make(pod: &Pod) -> Result<Self> {
        let path = pod.runtime_dir.path().join(format!("call-{}", pod.unique()));
        let what = || format!("making {} for the runtime's files", path.display());
        let unusable = |error| Error::from_io(Code::RuntimeDirUnusable, what(), &error);
        match fs::DirBuilder::new().mode(0o700).create(&path) {
            // What a killed server left; nobody else writes here, since the directory's lock is ours.
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                let cleared =
                    fs::remove_dir_all(&path).and_then(|()| fs::DirBuilder::new().mode(0o700).create(&path));
                cleared.map_err(unusable)?;
            }
            made => made.map_err(unusable)?,
        }
        Ok(Self { path })
    }

    fn pid_file(&self) -> PathBuf {
        self.path.join(PID_FILE)
    }

    /// The pid that the runtime has written, and when.
    fn read_pid(&self, what: &str) -> Result<(u32, SystemTime)> {
        let invalid = |why: String| {
            Error::new(
                Code::PidFileInvalid,
                format!("{what}: the runtime succeeded, but its pid file {why}"),
            )
        };
        let read = || -> io::Result<_> {
            let mut file = fs::File::open(self.pid_file())?;
            let mut text = String::new();
            file.read_to_string(&mut text)?;
            Ok((text, file.metadata()?.modified()?))
        };
        let (text, written_at) = read().map_err(|error| match error.kind() {
            io::ErrorKind::NotFound => invalid("is missing".into()),
            _ => Error::from_io(
                Code::PidFileInvalid,
                format!("{what}: reading the runtime's pid file"),
                &error,
            ),
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

const PID_FILE: &str = "pid";
/// What runc leaves when it can't finish the pid file.
const UNFINISHED_PID_FILE: &str = ".pid";

impl Drop for CallDirectory {
    /// Known names first, since they can be removed without a descriptor, of which there may be none left.
    fn drop(&mut self) {
        for name in [PID_FILE, UNFINISHED_PID_FILE, ConsoleSocket::NAME] {
            let _ = fs::remove_file(self.path.join(name));
        }
        if fs::remove_dir(&self.path).is_err() {
            let _ = fs::remove_dir_all(&self.path);
        }
    }
}
