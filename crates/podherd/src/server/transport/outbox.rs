//! Answers on their way out.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::io::{self, IoSlice};
use std::rc::Rc;

use capnp::message::{Builder, HeapAllocator};
use futures::channel::oneshot;
use tokio::net::unix::OwnedWriteHalf;
use tokio::sync::{Notify, Semaphore, SemaphorePermit};

use super::Bounds;
use super::table::head_of;
use crate::error::{Code, Error, Result};

/// A message as capnp-rpc makes it; it keeps a share until the call is forgotten.
pub type Message = Rc<Builder<HeapAllocator>>;

/// The writing side of a connection. Messages are queued here by the RPC system, which never waits, and
/// written by [`Outbox::drive`].
#[derive(Debug)]
pub struct Outbox {
    bounds: Bounds,
    queue: RefCell<VecDeque<Item>>,
    /// Of the messages in the queue.
    bytes: Cell<usize>,
    /// Told when there is something to write.
    filled: Notify,
    /// Told when there is room again.
    drained: Notify,
    /// One large answer after the other.
    turn: Semaphore,
    /// Set when nothing is written any more.
    ended: Cell<bool>,
}

enum Item {
    Message(Message, usize, oneshot::Sender<()>),
    /// Everything before it is to be written, nothing comes after it.
    Last(oneshot::Sender<()>),
}

impl Outbox {
    /// Empty.
    pub fn new(bounds: Bounds) -> Self {
        Self {
            bounds,
            queue: RefCell::default(),
            bytes: Cell::new(0),
            filled: Notify::new(),
            drained: Notify::new(),
            turn: Semaphore::new(1),
            ended: Cell::new(false),
        }
    }

    /// Queues a message. What is returned resolves when the kernel has it.
    pub fn push(&self, message: Message) -> oneshot::Receiver<()> {
        let segments = message.get_segments_for_output();
        let bytes = segments.iter().map(|segment| segment.len()).sum();
        drop(segments);
        let (written, when_written) = oneshot::channel();
        if !self.ended.get() {
            self.bytes.set(self.bytes.get() + bytes);
            self.queue
                .borrow_mut()
                .push_back(Item::Message(message, bytes, written));
            self.filled.notify_one();
        }
        when_written
    }

    /// Ends the writing when all that is queued was written; what is returned resolves then.
    pub fn finish(&self) -> oneshot::Receiver<()> {
        let (written, when_written) = oneshot::channel();
        if !self.ended.get() {
            self.queue.borrow_mut().push_back(Item::Last(written));
            self.filled.notify_one();
        }
        when_written
    }

    /// Waits until so little is queued that more may be.
    pub async fn room(&self) {
        while self.bytes.get() > self.bounds.unread_bytes && !self.ended.get() {
            self.drained.notified().await;
        }
    }

    /// The turn to make a large answer, when there is room for one. It is queued when the turn is over, so that
    /// only one at a time is more than the room.
    pub async fn turn(&self) -> Option<SemaphorePermit<'_>> {
        let turn = self.turn.acquire().await;
        self.room().await;
        // The semaphore is never closed.
        turn.ok()
    }

    /// Writes what is queued, until the last of it is written or the client doesn't take it.
    pub async fn drive(&self, socket: OwnedWriteHalf) -> Result<()> {
        let _ended = Ended(self);
        loop {
            let Some(item) = self.queue.borrow_mut().pop_front() else {
                self.filled.notified().await;
                continue;
            };
            match item {
                Item::Message(message, bytes, written) => {
                    self.write(&socket, &message).await?;
                    drop(message);
                    self.bytes.set(self.bytes.get() - bytes);
                    if self.bytes.get() <= self.bounds.unread_bytes {
                        self.drained.notify_waiters();
                    }
                    let _ = written.send(());
                }
                Item::Last(written) => {
                    let _ = written.send(());
                    return Ok(());
                }
            }
        }
    }

    async fn write(&self, socket: &OwnedWriteHalf, message: &Message) -> Result<()> {
        let segments = message.get_segments_for_output();
        let head = head_of(&segments);
        let mut slices: Vec<_> = std::iter::once(&head[..])
            .chain(segments.iter().copied())
            .map(IoSlice::new)
            .collect();
        let mut slices = &mut slices[..];
        while !slices.is_empty() {
            match socket.try_write_vectored(slices) {
                Ok(count) => IoSlice::advance_slices(&mut slices, count),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => self.writable(socket).await?,
                Err(error) => return Err(lost(&error)),
            }
        }
        Ok(())
    }

    /// Waits until the client takes something.
    async fn writable(&self, socket: &OwnedWriteHalf) -> Result<()> {
        let most = self.most();
        let patience = self.bounds.unread_timeout;
        tokio::select! {
            writable = tokio::time::timeout(patience, socket.writable()) => match writable {
                Ok(writable) => writable.map_err(|error| lost(&error)),
                Err(_) => Err(Error::new(
                    Code::Overloaded,
                    format!("the client has taken nothing of its answers for {} s", patience.as_secs_f64()),
                )),
            },
            () = self.more_than(most) => Err(Error::new(
                Code::Overloaded,
                format!("more than {most} bytes of answers wait for the client"),
            )),
        }
    }

    /// Nothing large is queued without its turn; what is more than two messages of the largest size comes of
    /// many small calls whose answers nobody reads.
    fn most(&self) -> usize {
        self.bounds
            .unread_bytes
            .saturating_add(2 * self.bounds.message_bytes)
    }

    async fn more_than(&self, most: usize) {
        while self.bytes.get() <= most {
            self.filled.notified().await;
        }
    }
}

/// Nothing is written any more: what is queued is dropped, and nobody waits for room.
struct Ended<'a>(&'a Outbox);

impl Drop for Ended<'_> {
    fn drop(&mut self) {
        self.0.ended.set(true);
        self.0.queue.take();
        self.0.bytes.set(0);
        self.0.drained.notify_waiters();
    }
}

impl std::fmt::Debug for Item {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Message(_, bytes, _) => write!(f, "Message({bytes} bytes)"),
            Self::Last(_) => f.write_str("Last"),
        }
    }
}

fn lost(error: &io::Error) -> Error {
    Error::from_io(Code::Cancelled, "the connection was lost", error)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Read;
    use std::os::unix::net::UnixStream;
    use std::time::Duration;

    use futures::FutureExt;

    const BOUNDS: Bounds = Bounds {
        message_bytes: 1 << 20,
        message_timeout: Duration::ZERO,
        unread_bytes: 1 << 20,
        unread_timeout: Duration::from_secs(20),
        open_questions: 0,
    };

    fn message(bytes: usize) -> Message {
        let mut message = Builder::new_default();
        let content = vec![7_u8; bytes];
        message
            .set_root::<capnp::data::Owned>(&content[..])
            .expect("it has room");
        Rc::new(message)
    }

    /// Runs `test` with the client's end of a connection and an outbox over the other.
    fn with_outbox<F: Future<Output = ()>>(
        bounds: Bounds,
        test: impl FnOnce(UnixStream, Outbox, OwnedWriteHalf) -> F,
    ) {
        let (client, server) = UnixStream::pair().expect("a pair");
        server.set_nonblocking(true).expect("non-blocking");
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .expect("a loop");
        runtime.block_on(async {
            let server = tokio::net::UnixStream::from_std(server).expect("registered");
            let (_reader, writer) = server.into_split();
            test(client, Outbox::new(bounds), writer).await;
        });
    }

    #[test]
    fn messages_are_written_whole_and_in_order() {
        with_outbox(BOUNDS, async |mut client, outbox, socket| {
            let reader = std::thread::spawn(move || {
                let mut bytes = Vec::new();
                client.read_to_end(&mut bytes).map(|_| bytes)
            });
            let sent = [1, 300_000, 8, 0, 70_000].map(message);
            let written = sent.clone().map(|message| outbox.push(message));
            let finished = outbox.finish();
            outbox.drive(socket).await.expect("the client reads");
            for written in written {
                written.await.expect("written");
            }
            finished.await.expect("finished");
            let expected: Vec<u8> = sent
                .iter()
                .flat_map(|message| capnp::serialize::write_message_to_words(&**message))
                .collect();
            assert!(reader.join().expect("no panic").expect("read") == expected);
            // What comes later is dropped, and nobody waits for it.
            assert!(outbox.push(message(1)).await.is_err());
            assert!(outbox.finish().await.is_err());
            outbox.room().await;
        });
    }

    #[test]
    fn there_is_room_again_when_the_client_reads() {
        with_outbox(BOUNDS, async |mut client, outbox, socket| {
            let all = (0..3).map(|_| outbox.push(message(900_000))).collect::<Vec<_>>();
            let mut driving = std::pin::pin!(outbox.drive(socket));
            assert!((&mut driving).now_or_never().is_none());
            assert!(outbox.room().now_or_never().is_none());
            assert!(outbox.turn().now_or_never().is_none());
            std::thread::spawn(move || std::io::copy(&mut client, &mut std::io::sink()));
            tokio::select! {
                _ = &mut driving => panic!("nothing has ended it"),
                () = outbox.room() => {}
            }
            assert!(outbox.bytes.get() <= BOUNDS.unread_bytes);
            drop(all);
        });
    }

    #[test]
    fn a_client_that_takes_nothing_is_given_up() {
        let bounds = Bounds {
            unread_timeout: Duration::from_millis(50),
            ..BOUNDS
        };
        with_outbox(bounds, async |client, outbox, socket| {
            let written = outbox.push(message(1 << 20));
            let error = outbox.drive(socket).await.expect_err("nobody reads");
            assert_eq!(error.code, Code::Overloaded);
            assert!(written.await.is_err());
            drop(client);
        });
    }

    #[test]
    fn more_than_can_ever_wait_ends_it_at_once() {
        with_outbox(BOUNDS, async |client, outbox, socket| {
            let all: Vec<_> = (0..5).map(|_| outbox.push(message(1 << 20))).collect();
            let error = outbox.drive(socket).await.expect_err("too many");
            assert_eq!(error.code, Code::Overloaded);
            assert!(error.message.contains("more than 3145728 bytes"), "{error}");
            drop((client, all));
        });
    }
}
