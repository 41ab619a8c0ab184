//! The RPC layer: translates between the schema and what [`crate::container`] offers, and nothing
//! else. The bootstrap capability of each connection is one [`Service`], which answers both interfaces.
//!
//! - `conmon`: the interface that conmon-rs's clients speak.
//! - `podherd`: ours.
//! - `create`: what both ask for when a container is created.
//! - `watch`: events, handed to a client's sink.
//! - `sessions`: the streams of execs and containers, as capabilities.
//! - `bounded`: how many calls a connection may have in flight.
//! - `read`: from messages to checked types. `write`, `stats`, `event`: from states, figures and events to messages.

mod bounded;
mod conmon;
mod create;
mod event;
mod podherd;
mod read;
mod sessions;
mod stats;
mod watch;
mod write;

use std::rc::Rc;

use crate::container::Pod;
use crate::error::Error;
use crate::server::Outbox;

use bounded::Calls;
use podherd_schema::podherd_capnp::podherd as schema;

/// Bytes of an answer past which it is not made before the client has read others.
const LARGE: usize = 64 << 10;

/// Answers the calls of one connection.
#[derive(Clone)]
pub struct Service {
    pod: Rc<Pod>,
    /// Of this connection, to whatever object: one that is handed out is made by [`Calls::client`].
    calls: Rc<Calls>,
    /// Where the answers go: a large one waits until there is room.
    outbox: Rc<Outbox>,
}

impl Service {
    /// The bootstrap capability for a new connection, whose answers go to `outbox`.
    pub fn bootstrap(pod: Rc<Pod>, outbox: Rc<Outbox>) -> capnp::capability::Client {
        let calls = Rc::new(Calls::new(pod.limits.calls_per_connection));
        let service = Self {
            pod,
            calls: calls.clone(),
            outbox,
        };
        calls.client::<schema::Client, _>(service).client
    }
}

/// Waits until the answers of calls that have ended by now are on their way to their connections' sockets.
pub async fn answers_are_sent() {
    for _ in 0..HOPS {
        tokio::task::yield_now().await;
    }
}

/// Tasks between the end of a method and the sending of its answer, with some to spare.
const HOPS: usize = 8;

/// An error on the wire: its reason reads `CODE: message`. What a caller may try again unchanged,
/// later, is of the kind "overloaded" (rpc.capnp, Exception.Type).
impl From<Error> for capnp::Error {
    fn from(error: Error) -> Self {
        use crate::error::Code::{Overloaded, ResourcesExhausted, Unimplemented};
        match error.code {
            Overloaded | ResourcesExhausted => Self::overloaded(error.to_string()),
            Unimplemented => Self::unimplemented(error.to_string()),
            _ => Self::failed(error.to_string()),
        }
    }
}
