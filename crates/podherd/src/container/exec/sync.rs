//! Running a command and answering when it has ended, with its output.

use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;

use podherd_reaper::Exit;
use tokio_util::sync::CancellationToken;

use super::ExecSpec;
use super::run::{Made, Output, steps};
use super::told::Told;
use crate::container::{Container, Pod};
use crate::error::{Code, Error, Result};
use crate::logs::Stream;
use crate::stdio::{self, Captured};

/// What a caller asks for.
#[derive(Debug)]
pub struct ExecRequest {
    /// The command.
    pub spec: ExecSpec,
    /// After this time the command is killed with its descendants. None: no limit.
    pub timeout: Option<Duration>,
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

/// Runs a command to its end. An error for which [`could_not_start`](super::could_not_start) says so means
/// that the runtime was called and the command did not run. When the caller vanishes, the command is killed
/// with its descendants.
pub async fn exec(pod: &Rc<Pod>, request: ExecRequest) -> Result<ExecResult> {
    let container = pod.containers.get(&request.spec.id)?;
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

/// The output of a command, kept in memory.
struct Kept {
    stdout: RefCell<Captured>,
    stderr: RefCell<Captured>,
}

impl Output for Kept {
    async fn take(&self, stream: Stream, chunk: &[u8]) {
        let kept = match stream {
            Stream::Stdout => &self.stdout,
            Stream::Stderr => &self.stderr,
        };
        kept.borrow_mut().push(chunk);
    }

    fn words(&self, rest: Vec<u8>) -> Vec<u8> {
        let mut stderr = self.stderr.borrow_mut();
        stderr.push(&rest);
        stderr.bytes().to_vec()
    }
}

async fn run(
    pod: &Rc<Pod>,
    container: &Container,
    request: ExecRequest,
    cancelled: CancellationToken,
) -> Result<ExecResult> {
    let kept = Kept {
        stdout: RefCell::new(Captured::new(&pod.exec_output)),
        stderr: RefCell::new(Captured::new(&pod.exec_output)),
    };
    let mut made = Made::new(Told::new(pod, &container.id));
    let timeout = request.timeout;
    let steps = Box::pin(async {
        let null = stdio::null().map_err(|error| {
            Error::from_io(Code::ResourcesExhausted, "opening /dev/null for an exec", &error)
        })?;
        steps(pod, container, &request.spec, &mut made, null, &kept, |_, _| {}).await
    });
    let in_time = async {
        match timeout {
            None => steps.await.map(Some),
            Some(timeout) => tokio::time::timeout(timeout, steps)
                .await
                .map_or(Ok(None), |result| result.map(Some)),
        }
    };
    let ended = pod.guard(&cancelled, in_time).await;
    match &ended {
        Ok(Some(_)) => made.ended(),
        Ok(None) => made.undo(&late()).await,
        Err(error) => made.undo(error).await,
    }
    match ended {
        Ok(exit) => Ok(ExecResult {
            exit,
            stdout: kept.stdout.into_inner(),
            stderr: kept.stderr.into_inner(),
        }),
        Err(error) => {
            tracing::info!(container = %container.id, code = %error.code, "exec failed: {}", error.message);
            Err(error)
        }
    }
}

/// What keeps a command from running when its time is over before the runtime has started it.
fn late() -> Error {
    Error::new(
        Code::RuntimeTimeout,
        "the exec's time was over before its command ran",
    )
}
