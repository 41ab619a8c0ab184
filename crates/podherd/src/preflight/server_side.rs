//! The server's side: the checks run in a child of the server, made of the same binary.

use std::path::{Path, PathBuf};
use std::rc::Rc;

use podherd_reaper::Program;
use tokio_util::sync::CancellationToken;

use super::Finding;
use super::validate::{Report, name_of};
use crate::container::Pod;
use crate::error::{Code, Error, Result};
use crate::runtime::{CallFailure, RuntimeCall};

/// Checks a bundle for a caller.
pub async fn validate_bundle(pod: &Rc<Pod>, bundle: PathBuf, terminal: bool) -> Result<Vec<Finding>> {
    let shared = pod.clone();
    pod.call(async move |cancelled| preflight(&shared, &bundle, terminal, &cancelled).await)
        .await
}

/// Checks a bundle, as create asks before it starts the runtime.
///
/// The child is killed with its tree when the time for a run of the runtime is over, when `cancelled` is, and
/// when this future is dropped; the reaper collects it on every path. What it may say is bounded.
///
/// # Errors
/// The checks could not be made ([`Code::PreflightIncomplete`], [`Code::ResourcesExhausted`]); what they found is
/// no error.
pub async fn preflight(
    pod: &Rc<Pod>,
    bundle: &Path,
    terminal: bool,
    cancelled: &CancellationToken,
) -> Result<Vec<Finding>> {
    tokio::select! {
        biased;
        () = cancelled.cancelled() => Err(pod.cancelled()),
        findings = run(pod, bundle, terminal) => findings,
    }
}

async fn run(pod: &Rc<Pod>, bundle: &Path, terminal: bool) -> Result<Vec<Finding>> {
    // By this path it is the server's own binary, also when that has been replaced.
    let mut program = Program::new("/proc/self/exe")
        .args(["validate", "--json", "--exit-zero"])
        .arg(format!("--terminal={terminal}"))
        .env_clear()
        .current_dir("/");
    // A runtime that can't be asked is for create to complain about.
    if let Ok(identity) = pod.runtime.identity(&pod.reaper).await {
        program = program.arg(format!("--for={}", name_of(identity.kind)));
    }
    let program = program.arg("--").arg(bundle);
    let output = RuntimeCall::output(&pod.reaper, program, pod.runtime.timeout()).await;
    let output = output.map_err(|failure| incomplete(bundle, failure))?;
    let report: Report = serde_json::from_slice(&output).map_err(|error| {
        Error::new(
            Code::Internal,
            format!(
                "checking the bundle {}: the report is no report: {error}",
                bundle.display()
            ),
        )
    })?;
    Ok(report.findings)
}

fn incomplete(bundle: &Path, failure: CallFailure) -> Error {
    let (code, why) = match failure {
        CallFailure::Spawn(Code::ResourcesExhausted, why) => (Code::ResourcesExhausted, why),
        CallFailure::Spawn(_, why) => (Code::PreflightIncomplete, why),
        CallFailure::Timeout(after) => (
            Code::PreflightIncomplete,
            format!(
                "it did not end within {} s and was killed; look at the disks that the bundle and its mounts are on",
                after.as_secs_f64()
            ),
        ),
        CallFailure::Killed(signal, _) => (Code::PreflightIncomplete, format!("signal {signal} ended it")),
        CallFailure::Exited(code, said) => (
            Code::PreflightIncomplete,
            format!("it ended with code {code}: {}", said.unwrap_or_default()),
        ),
    };
    Error::new(code, format!("checking the bundle {}: {why}", bundle.display()))
}
