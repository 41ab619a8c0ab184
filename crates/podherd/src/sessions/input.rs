//! From a caller to the input of a process.
//!
//! Writes are queued when they arrive, so that their order is that of their arrival whatever becomes of a single
//! call, and handed on one after the other; each is answered when the kernel has it. A caller that sends without
//! minding the answers is refused past [`QUEUED`] bytes; what comes after a write that was refused is refused too,
//! since the process would miss the middle.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::rc::Rc;

use tokio::sync::{Notify, oneshot};

use crate::error::{Code, Error, Result};
use crate::stdio::{Follower, Stdin};

/// A caller's way in, open at first. Clones are the same way.
#[derive(Clone, Debug, Default)]
pub struct Input {
    shared: Rc<Shared>,
}

#[derive(Debug, Default)]
struct Shared {
    queue: RefCell<VecDeque<Item>>,
    /// Bytes in the queue.
    queued: Cell<usize>,
    /// Why nothing is taken any more.
    closed: RefCell<Option<Error>>,
    /// Told when there is something in the queue.
    filled: Notify,
}

#[derive(Debug)]
struct Item {
    what: What,
    /// Told when it is done. Whoever waited may have gone.
    done: oneshot::Sender<Result<()>>,
}

#[derive(Debug)]
enum What {
    Bytes(Vec<u8>),
    End,
}

impl Input {
    /// Takes bytes for the process. What is returned resolves when they are in its pipe (or terminal).
    pub fn write(&self, bytes: &[u8]) -> impl Future<Output = Result<()>> + use<> {
        let queued = self.shared.queued.get();
        // One write is taken whatever its size: it is in memory already.
        if queued > 0 && queued + bytes.len() > QUEUED || self.shared.queue.borrow().len() >= WRITES {
            let refused = Error::new(
                Code::Overloaded,
                format!(
                    "more than {QUEUED} bytes of input, or {WRITES} writes, wait; what comes next is refused too: wait for answers"
                ),
            );
            self.shared.close(refused);
        }
        self.push(What::Bytes(bytes.to_vec()), bytes.len())
    }

    /// Ends the process's input after all that was written. What is returned resolves when that is done.
    pub fn end(&self) -> impl Future<Output = Result<()>> + use<> {
        let ended = self.push(What::End, 0);
        self.shared.close(Error::new(
            Code::StdinClosed,
            "the input was ended; nothing can be written any more",
        ));
        ended
    }

    /// Refuses what comes from now on, since something before it was refused elsewhere.
    pub fn refuse(&self, why: &Error) {
        self.shared.close(why.clone());
    }

    /// Hands on what comes, for as long as it is polled. A caller that is `behind` its own output waits. Never ends.
    pub async fn drive(&self, stdin: Option<Stdin>, behind: &[Rc<Follower>]) {
        let Some(stdin) = stdin else {
            return std::future::pending().await;
        };
        loop {
            let item = self.shared.queue.borrow_mut().pop_front();
            let Some(item) = item else {
                self.shared.filled.notified().await;
                continue;
            };
            for output in behind {
                output.caught_up().await;
            }
            let done = match &item.what {
                What::Bytes(bytes) => {
                    let written = stdin.write(bytes).await.map_err(closed_by_process);
                    self.shared.queued.set(self.shared.queued.get() - bytes.len());
                    written
                }
                What::End => stdin.end().await.map_err(closed_by_process),
            };
            if let Err(error) = &done {
                self.shared.close(error.clone());
            }
            let _ = item.done.send(done);
        }
    }

    fn push(&self, what: What, bytes: usize) -> impl Future<Output = Result<()>> + use<> {
        let refused = self.shared.closed.borrow().clone();
        let (done, when_done) = oneshot::channel();
        match refused {
            Some(error) => drop(done.send(Err(error))),
            None => {
                self.shared.queued.set(self.shared.queued.get() + bytes);
                self.shared.queue.borrow_mut().push_back(Item { what, done });
                self.shared.filled.notify_one();
            }
        }
        async move { when_done.await.unwrap_or_else(|_| Err(session_over())) }
    }
}

impl Shared {
    /// The first reason counts.
    fn close(&self, why: Error) {
        self.closed.borrow_mut().get_or_insert(why);
    }
}

/// The session is over: what is queued is dropped, and whoever waits is told.
#[derive(Debug)]
pub struct Driven(pub Input);

impl Drop for Driven {
    fn drop(&mut self) {
        self.0.shared.close(session_over());
        self.0.shared.queue.take();
        self.0.shared.queued.set(0);
    }
}

fn session_over() -> Error {
    Error::new(Code::StdinClosed, "the session is over")
}

fn closed_by_process(error: std::io::Error) -> Error {
    match error.kind() {
        std::io::ErrorKind::BrokenPipe => Error::new(
            Code::StdinClosed,
            "the input is closed, by the process or by another client",
        ),
        _ => Error::from_io(Code::StdinClosed, "writing to the process's input", &error),
    }
}

/// Bytes that one session's input keeps: more than any client sends that minds the answers.
const QUEUED: usize = 1 << 20;

/// Writes that it keeps.
const WRITES: usize = 1024;
