//! What carries the messages of one connection, between its socket and the RPC system: capnp-rpc's own
//! network believes what a header claims, waits for ever for the rest of a message, and keeps any number of
//! answers that nobody reads.
//!
//! - `table`: the head of a message, checked before anything is made of it.
//! - `inbox`: from bytes to messages. Memory grows with the bytes that came.
//! - `outbox`: answers on their way out, and what is done about a client that doesn't take them.
//! - `network`: both, as capnp-rpc wants them.

mod inbox;
mod network;
mod outbox;
mod questions;
mod table;

use std::time::Duration;

pub use network::Transport;
pub use outbox::Outbox;

/// The bounds of one connection.
#[derive(Clone, Copy, Debug)]
pub struct Bounds {
    /// Bytes of a message, with its head.
    pub message_bytes: usize,
    /// How long the rest of a message may stay away.
    pub message_timeout: Duration,
    /// Bytes of answers that wait to be sent; past it nothing more is read.
    pub unread_bytes: usize,
    /// How long a client may take none of the bytes that wait for it.
    pub unread_timeout: Duration,
    /// Calls of which the client has not said that it has its answer.
    pub open_questions: usize,
}
