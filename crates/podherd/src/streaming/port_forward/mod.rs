//! Connections into a network namespace.
//!
//! - `namespace` makes sockets in the namespace and connects them.
//! - `forward` carries bytes both ways between one such connection and the client; `inlet` keeps, within a
//!   bound, what the connection has not taken yet.
//! - `channels` has a pair of channels for each port that was asked for; `tunnel` has streams of SPDY, as many
//!   as the client opens.

mod channels;
mod forward;
mod inlet;
mod namespace;
mod pair;
mod tunnel;

pub use channels::channels;
pub use namespace::Namespace;
pub use tunnel::tunnel;
