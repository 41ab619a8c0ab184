//! Sessions: the streams of an exec, or of a container, for a caller of our own interface.
//!
//! - `exec` and `attach` begin one; a task of its own carries it from then on.
//! - `output` hands the output to the caller's sinks, one for each stream, each at its own pace.
//! - `input` takes what the caller writes, in order, and hands it to the process.
//! - `session` is the caller's hold: it resizes, signals, waits, and its drop ends the session.
//!
//! What one session keeps in memory is bounded, whatever its caller does: see [`output`] and [`input`]; and so is
//! the number of sessions (`--sessions`).

mod attach;
mod exec;
mod input;
mod output;
mod session;

use std::cell::Cell;
use std::rc::Rc;

use crate::error::{Code, Error, Result};

pub use attach::{AttachRequest, Attachment, attach};
pub use exec::{Exec, ExecRequest, exec};
pub use input::Input;
pub use output::{Sink, Sinks};
pub use session::{End, Ended, Session};

/// How many sessions there are.
#[derive(Debug)]
pub struct Sessions {
    open: Rc<Cell<usize>>,
    most: usize,
}

/// One of them, until it is dropped.
#[derive(Debug)]
struct Place(Rc<Cell<usize>>);

impl Sessions {
    /// None yet, and at most `most` at once.
    pub fn new(most: usize) -> Self {
        Self {
            open: Rc::default(),
            most,
        }
    }

    fn enter(&self) -> Result<Place> {
        if self.open.get() >= self.most {
            return Err(Error::new(
                Code::Overloaded,
                format!("{} sessions are open (--sessions)", self.most),
            ));
        }
        self.open.set(self.open.get() + 1);
        Ok(Place(self.open.clone()))
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.0.set(self.0.get() - 1);
    }
}
