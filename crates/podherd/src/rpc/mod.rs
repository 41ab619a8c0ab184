//! The RPC layer: translates between the schema and what [`crate::container`] offers, and nothing
//! else. The bootstrap capability of each connection is one [`Service`], which answers both interfaces.
//!
//! - `conmon`: the interface that conmon-rs's clients speak.
//! - `podherd`: ours.
//! - `read`: from messages to checked types. `write`: from states to messages.

mod conmon;
mod podherd;
mod read;
mod write;

use std::rc::Rc;

use crate::container::Pod;
use crate::error::Error;

/// Answers the calls of one connection.
#[derive(Clone)]
pub struct Service {
    pod: Rc<Pod>,
}

impl Service {
    /// The bootstrap capability for a new connection.
    pub fn bootstrap(pod: Rc<Pod>) -> capnp::capability::Client {
        let client: podherd_schema::podherd_capnp::podherd::Client = capnp_rpc::new_client(Self { pod });
        client.client
    }
}

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
