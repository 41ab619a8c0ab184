//! A connection as capnp-rpc wants it: the two-party network, over an inbox and an outbox.

use std::cell::RefCell;
use std::rc::Rc;

use capnp::any_pointer;
use capnp::capability::Promise;
use capnp::message::{Builder, HeapAllocator, Reader, ReaderOptions};
use capnp_rpc::rpc_twoparty_capnp::Side;
use capnp_rpc::{Connection, IncomingMessage, OutgoingMessage, VatNetwork};
use futures::FutureExt;
use futures::future::Shared;
use tokio::net::UnixStream;
use tokio::sync::Notify;

use super::Bounds;
use super::inbox::{Inbox, Segments};
use super::outbox::Outbox;
use super::questions::Questions;
use crate::error::{Code, Error};

/// The network of one connection, to be given to an `RpcSystem`.
pub struct Transport {
    wire: Wire,
    accepted: bool,
    /// Resolves when nothing is written any more.
    written: Shared<Promise<(), capnp::Error>>,
    failed: Rc<Notify>,
}

/// The connection itself.
#[derive(Clone)]
struct Wire {
    /// None while a message is awaited.
    inbox: Rc<RefCell<Option<Inbox>>>,
    outbox: Rc<Outbox>,
    questions: Rc<RefCell<Questions>>,
    bounds: Bounds,
    heard: Rc<dyn Fn()>,
    /// Told when the RPC system has ended all calls.
    shut: Rc<Notify>,
}

impl Transport {
    /// Over a connected socket. `heard` is called when a whole message has come.
    pub fn new(socket: UnixStream, bounds: Bounds, heard: impl Fn() + 'static) -> Self {
        let (reader, writer) = socket.into_split();
        let outbox = Rc::new(Outbox::new(bounds));
        let (failed, shut) = (Rc::new(Notify::new()), Rc::new(Notify::new()));
        let wire = Wire {
            inbox: Rc::new(RefCell::new(Some(Inbox::new(reader, bounds)))),
            outbox: outbox.clone(),
            questions: Rc::new(RefCell::new(Questions::new(bounds.open_questions))),
            bounds,
            heard: Rc::new(heard),
            shut: shut.clone(),
        };
        let failing = failed.clone();
        let written = async move {
            if let Err(error) = outbox.drive(writer).await {
                say(&error);
                // The RPC system ends with this future, and has to end the calls before.
                failing.notify_one();
                shut.notified().await;
            }
            Ok(())
        };
        Self {
            wire,
            accepted: false,
            written: Promise::from_future(written).shared(),
            failed,
        }
    }

    /// Answers on their way out.
    pub fn outbox(&self) -> Rc<Outbox> {
        self.wire.outbox.clone()
    }

    /// Told when the client takes no answers any more: the connection is to be closed.
    pub fn failed(&self) -> Rc<Notify> {
        self.failed.clone()
    }
}

impl VatNetwork<Side> for Transport {
    fn connect(&mut self, host: Side) -> Option<Box<dyn Connection<Side>>> {
        (host == Side::Client).then(|| Box::new(self.wire.clone()) as _)
    }

    fn accept(&mut self) -> Promise<Box<dyn Connection<Side>>, capnp::Error> {
        match std::mem::replace(&mut self.accepted, true) {
            false => Promise::ok(Box::new(self.wire.clone())),
            true => Promise::from_future(std::future::pending()),
        }
    }

    fn drive_until_shutdown(&mut self) -> Promise<(), capnp::Error> {
        Promise::from_future(self.written.clone())
    }
}

impl Connection<Side> for Wire {
    fn get_peer_vat_id(&self) -> Side {
        Side::Client
    }

    fn new_outgoing_message(&mut self, first_segment_words: u32) -> Box<dyn OutgoingMessage> {
        let allocator = HeapAllocator::new().first_segment_words(first_segment_words);
        Box::new(Outgoing {
            message: Builder::new(allocator),
            outbox: self.outbox.clone(),
        })
    }

    fn receive_incoming_message(&mut self) -> Promise<Option<Box<dyn IncomingMessage>>, capnp::Error> {
        let wire = self.clone();
        Promise::from_future(async move {
            // A client that doesn't read its answers is not read either.
            wire.outbox.room().await;
            let taken = wire.inbox.borrow_mut().take();
            let Some(mut inbox) = taken else {
                return Err(capnp::Error::disconnected("a message has failed before".into()));
            };
            let next = inbox.next().await.inspect_err(say)?;
            *wire.inbox.borrow_mut() = Some(inbox);
            let Some(segments) = next else {
                return Ok(None);
            };
            let message = Reader::new(segments, wire.bounds.reader_options());
            let counted = wire.questions.borrow_mut().count(message.get_root());
            counted.inspect_err(say)?;
            (wire.heard)();
            Ok(Some(Box::new(Incoming { message }) as _))
        })
    }

    fn shutdown(&mut self, _: capnp::Result<()>) -> Promise<(), capnp::Error> {
        self.shut.notify_one();
        let written = self.outbox.finish();
        Promise::from_future(async move {
            written
                .await
                .map_err(|_| capnp::Error::disconnected("nothing is written any more".into()))
        })
    }
}

struct Incoming {
    message: Reader<Segments>,
}

impl IncomingMessage for Incoming {
    fn get_body(&self) -> capnp::Result<any_pointer::Reader<'_>> {
        self.message.get_root()
    }
}

struct Outgoing {
    message: Builder<HeapAllocator>,
    outbox: Rc<Outbox>,
}

impl OutgoingMessage for Outgoing {
    fn get_body(&mut self) -> capnp::Result<any_pointer::Builder<'_>> {
        self.message.get_root()
    }

    fn get_body_as_reader(&self) -> capnp::Result<any_pointer::Reader<'_>> {
        self.message.get_root_as_reader()
    }

    fn send(self: Box<Self>) -> (Promise<(), capnp::Error>, Rc<Builder<HeapAllocator>>) {
        let message = Rc::new(self.message);
        let written = self.outbox.push(message.clone());
        let written = async move {
            written
                .await
                .map_err(|_| capnp::Error::disconnected("nothing is written any more".into()))
        };
        (Promise::from_future(written), message)
    }

    fn take(self: Box<Self>) -> Builder<HeapAllocator> {
        self.message
    }

    fn size_in_words(&self) -> usize {
        self.message.size_in_words()
    }
}

impl Bounds {
    /// What is read of a message while it is understood: each part of it about once.
    fn reader_options(&self) -> ReaderOptions {
        let mut options = ReaderOptions::new();
        let default = options.traversal_limit_in_words.unwrap_or_default();
        options.traversal_limit_in_words(Some(default.max(self.message_bytes / 8)));
        options
    }
}

/// Why a connection is closed. That a client has gone is no news.
fn say(error: &Error) {
    match error.code {
        Code::Cancelled => tracing::debug!("a connection ended: {}", error.message),
        code => tracing::warn!(%code, "a connection is closed: {}", error.message),
    }
}
