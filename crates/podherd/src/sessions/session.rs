//! A caller's hold on a session.

use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;

use podherd_reaper::{Process, SignalError};
use tokio::sync::watch;
use tokio_util::sync::{CancellationToken, DropGuard};

use crate::container::{self, Container, ExitState, KillTarget, LONGEST_WAIT, Pod};
use crate::error::{Code, Error, Result};
use crate::stdio::Terminal;

/// Dropping it ends the session. Its calls may outlive it: they hold the [`Hold`] alone.
#[derive(Debug)]
pub struct Session {
    hold: Rc<Hold>,
    _released: DropGuard,
}

/// What the calls of a session share with the task that carries it.
pub struct Hold {
    pod: Rc<Pod>,
    container: Rc<Container>,
    /// Whether they are an exec's, and not the container's.
    of_exec: bool,
    has_terminal: bool,
    /// What needs descriptors; none once the session has ended, however long its caller keeps it.
    parts: RefCell<Parts>,
    /// Set once.
    end: watch::Sender<Option<Result<Ended>>>,
    /// Cancelled when the caller has let go.
    released: CancellationToken,
}

/// Whose streams they are.
#[derive(Debug, Default)]
pub struct Parts {
    /// The exec's process. None: they are the container's.
    pub exec: Option<Process>,
    /// The terminal, if there is one.
    pub terminal: Option<Terminal>,
}

/// How a session ended.
#[derive(Clone, Debug)]
pub struct Ended {
    /// Whether the caller got everything.
    pub end: End,
    /// How the process ended, if it has.
    pub exit: Option<ExitState>,
}

/// Whether a session has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// The process has ended, and all output was taken.
    Exited,
    /// Not yet.
    Running,
    /// The caller took its output too slowly, and does not get the rest.
    Behind,
}

impl Session {
    /// A hold, for the caller, and what is shared with the session's task.
    pub(super) fn new(pod: &Rc<Pod>, container: &Rc<Container>, parts: Parts) -> (Self, Rc<Hold>) {
        let released = CancellationToken::new();
        let hold = Rc::new(Hold {
            pod: pod.clone(),
            container: container.clone(),
            of_exec: parts.exec.is_some(),
            has_terminal: parts.terminal.is_some(),
            parts: RefCell::new(parts),
            end: watch::Sender::new(None),
            released: released.clone(),
        });
        let session = Self {
            hold: hold.clone(),
            _released: released.drop_guard(),
        };
        (session, hold)
    }

    /// What its calls go to. Who holds this does not hold the session.
    pub fn hold(&self) -> Rc<Hold> {
        self.hold.clone()
    }
}

impl Hold {
    /// Sets the size of the terminal.
    pub fn resize(&self, columns: u16, rows: u16) -> Result<()> {
        if !self.has_terminal {
            return Err(Error::new(
                Code::NoTerminal,
                format!("{} has no terminal", self.name()),
            ));
        }
        let parts = self.parts.borrow();
        let terminal = parts.terminal.as_ref().filter(|_| self.is_alive(&parts));
        let terminal = terminal.ok_or_else(|| self.ended())?;
        terminal.resize(columns, rows).map_err(|error| {
            let what = format!("resizing the terminal of {}", self.name());
            Error::from_io(Code::Internal, what, &error)
        })
    }

    /// Sends a signal (1 to 64) to the exec's process, or to the container's init.
    pub async fn signal(&self, signal: i32) -> Result<()> {
        container::check_signal(signal)?;
        if !self.of_exec {
            // By now the id may be another's.
            let known = self.pod.containers.get(&self.container.id)?;
            return match Rc::ptr_eq(&known, &self.container) {
                true => container::kill(&self.pod, &known.id, signal, KillTarget::Init).await,
                false => Err(self.ended()),
            };
        }
        let parts = self.parts.borrow();
        let process = parts.exec.as_ref().ok_or_else(|| self.ended())?;
        process.signal(signal).map_err(|error| match error {
            SignalError::Ended => self.ended(),
            error => Error::new(
                Code::Internal,
                format!("signal {signal} to {}: {error}", self.name()),
            ),
        })
    }

    /// Waits until the process has ended and its output was taken, or `timeout` (10 minutes at most) is over.
    ///
    /// # Errors
    /// A sink of the caller's has failed; the server is ending; an exec could not be accompanied to its end.
    pub async fn wait(&self, timeout: Duration) -> Result<Ended> {
        let mut end = self.end.subscribe();
        let ended = tokio::time::timeout(timeout.min(LONGEST_WAIT), end.wait_for(Option::is_some)).await;
        match ended {
            Ok(Ok(end)) => end.clone().unwrap_or_else(|| Err(self.ended())),
            Ok(Err(_)) | Err(_) => Ok(Ended {
                end: End::Running,
                exit: None,
            }),
        }
    }

    /// Waits until the caller has let go.
    pub(super) async fn released(&self) {
        self.released.cancelled().await;
    }

    /// Tells everybody who waits, now or later, and lets go of what it holds.
    pub(super) fn has_ended(&self, end: Result<Ended>) {
        self.parts.take();
        self.end.send_replace(Some(end));
    }

    fn is_alive(&self, parts: &Parts) -> bool {
        match &parts.exec {
            Some(process) => process.exit().is_none(),
            None => self.container.pid().is_some(),
        }
    }

    /// The error of what needs a living process.
    fn ended(&self) -> Error {
        let code = match self.of_exec {
            true => Code::ExecEnded,
            false => Code::ContainerNotRunning,
        };
        Error::new(code, format!("{} has ended", self.name()))
    }

    fn name(&self) -> String {
        match self.of_exec {
            true => format!("the exec in container {}", self.container.id),
            false => format!("container {}", self.container.id),
        }
    }
}

impl std::fmt::Debug for Hold {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("Hold")
            .field("of", &self.name())
            .field("end", &*self.end.borrow())
            .finish_non_exhaustive()
    }
}
