//! One run of the runtime: spawned, bounded in time, its words kept for the case that it fails.

use std::fs::File;
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::fs::FileExt;
use std::time::Duration;

use podherd_reaper::{KillGuard, Process, Program, Reaper, SpawnErrorKind, Status};
use rustix::fs::{MemfdFlags, SealFlags};

use super::message;
use crate::error::{Code, Error};

/// A runtime process that was spawned. Dropped before its end, it is killed with its descendants.
#[derive(Debug)]
pub struct RuntimeCall {
    process: Process,
    guard: Option<KillGuard>,
    log: OwnedFd,
}

/// How a run of the runtime failed.
#[derive(Debug)]
pub enum CallFailure {
    /// It could not be started.
    Spawn(Code, String),
    /// It ended with this code and said this.
    Exited(i32, Option<String>),
    /// It was ended by this signal and had said this.
    Killed(i32, Option<String>),
    /// It was killed after this time.
    Timeout(Duration),
}

impl RuntimeCall {
    /// An anonymous file for the runtime's log: it needs no space on a disk and is gone on every
    /// path with the descriptor.
    pub fn log() -> Result<OwnedFd, CallFailure> {
        anonymous_file("podherd-runtime-log")
    }

    /// Starts `program`, whose log options point at `log`.
    pub fn spawn(reaper: &Reaper, program: Program, log: OwnedFd) -> Result<Self, CallFailure> {
        let process = reaper.spawn(program).map_err(|error| {
            let code = match error.kind() {
                SpawnErrorKind::NotFound | SpawnErrorKind::NotExecutable => Code::RuntimeUnavailable,
                SpawnErrorKind::ResourcesExhausted => Code::ResourcesExhausted,
                SpawnErrorKind::Other => Code::RuntimeUnavailable,
            };
            CallFailure::Spawn(code, error.to_string())
        })?;
        let guard = Some(process.clone().kill_on_drop());
        Ok(Self { process, guard, log })
    }

    /// The runtime's process.
    pub fn process(&self) -> &Process {
        &self.process
    }

    /// Waits for the end, at most `timeout`; past it the runtime is killed with its tree. `stderr`
    /// is asked for what the runtime wrote there, when its log has no message.
    pub async fn finish(
        &mut self,
        timeout: Duration,
        stderr: impl FnOnce() -> Vec<u8>,
    ) -> Result<(), CallFailure> {
        let Ok(exit) = tokio::time::timeout(timeout, self.process.wait()).await else {
            // The guard stays armed: what the bounded kill misses, the drop tries again.
            let _ = self.process.kill_tree(KILL_TIMEOUT).await;
            return Err(CallFailure::Timeout(timeout));
        };
        if let Some(guard) = self.guard.take() {
            guard.disarm();
        }
        let said = || message::from_output(&content(&self.log), &stderr());
        match exit.status {
            Status::Exited(0) => Ok(()),
            Status::Exited(code) => Err(CallFailure::Exited(code, said())),
            Status::Signaled { signal, .. } => Err(CallFailure::Killed(signal, said())),
        }
    }

    /// Runs `program` to its end without a log, and returns its standard output.
    pub async fn output(
        reaper: &Reaper,
        program: Program,
        timeout: Duration,
    ) -> Result<Vec<u8>, CallFailure> {
        Self::output_with_log(reaper, program, Self::log()?, timeout).await
    }

    /// Runs `program`, whose log options point at `log`, and returns its standard output.
    pub async fn output_with_log(
        reaper: &Reaper,
        program: Program,
        log: OwnedFd,
        timeout: Duration,
    ) -> Result<Vec<u8>, CallFailure> {
        let stdout = bounded_file("podherd-runtime-stdout")?;
        let stderr = bounded_file("podherd-runtime-stderr")?;
        let program = program.stdout(duplicate(&stdout)?).stderr(duplicate(&stderr)?);
        let mut call = Self::spawn(reaper, program, log)?;
        call.finish(timeout, || content(&stderr)).await?;
        Ok(content(&stdout))
    }
}

impl CallFailure {
    /// Whether the runtime ran and answered, so that trying again would give the same.
    pub fn is_answer(&self) -> bool {
        matches!(self, Self::Exited(..))
    }

    /// The error for the caller; `what` names the step.
    pub fn into_error(self, what: &str) -> Error {
        match self {
            Self::Spawn(code, text) => Error::new(code, format!("{what}: {text}")),
            Self::Exited(code, said) => {
                let said =
                    said.unwrap_or_else(|| format!("the runtime ended with code {code} and said nothing"));
                Error::new(message::classify(&said), format!("{what}: {said}"))
            }
            Self::Killed(signal, said) => {
                let said = said
                    .map(|text| format!("; it had said: {text}"))
                    .unwrap_or_default();
                Error::new(
                    Code::RuntimeKilled,
                    format!("{what}: the runtime was ended by signal {signal}{said}"),
                )
            }
            Self::Timeout(after) => Error::new(
                Code::RuntimeTimeout,
                format!(
                    "{what}: the runtime did not end within {} s and was killed",
                    after.as_secs_f64()
                ),
            ),
        }
    }
}

/// Enough for what `state` and `--version` print.
const LONGEST_OUTPUT: u64 = 256 << 10;

/// How long a killed runtime and its descendants may take to be gone.
const KILL_TIMEOUT: Duration = Duration::from_secs(2);

fn anonymous_file(name: &str) -> Result<OwnedFd, CallFailure> {
    rustix::fs::memfd_create(name, MemfdFlags::CLOEXEC | MemfdFlags::ALLOW_SEALING).map_err(exhausted)
}

/// A file instead of a pipe: nobody has to read along, and a survivor that holds it open delays
/// nobody. The seal keeps a runtime that floods it from taking the machine's memory.
fn bounded_file(name: &str) -> Result<OwnedFd, CallFailure> {
    let file = anonymous_file(name)?;
    rustix::fs::ftruncate(&file, LONGEST_OUTPUT).map_err(exhausted)?;
    rustix::fs::fcntl_add_seals(&file, SealFlags::GROW | SealFlags::SHRINK).map_err(exhausted)?;
    Ok(file)
}

fn duplicate(file: &OwnedFd) -> Result<OwnedFd, CallFailure> {
    file.try_clone()
        .map_err(|error| CallFailure::Spawn(Code::ResourcesExhausted, error.to_string()))
}

fn exhausted(error: rustix::io::Errno) -> CallFailure {
    CallFailure::Spawn(Code::ResourcesExhausted, io::Error::from(error).to_string())
}

/// What was written to an anonymous file, without the zeros that fill a bounded one.
fn content(file: &OwnedFd) -> Vec<u8> {
    let Ok(file) = file.try_clone().map(File::from) else {
        return Vec::new();
    };
    let mut bytes = Vec::new();
    let mut chunk = [0; 4096];
    while let Ok(count @ 1..) = file.read_at(&mut chunk, bytes.len() as u64) {
        bytes.extend_from_slice(&chunk[..count]);
        if chunk[count - 1] == 0 {
            break;
        }
    }
    bytes.truncate(
        bytes
            .iter()
            .rposition(|byte| *byte != 0)
            .map_or(0, |last| last + 1),
    );
    bytes
}
