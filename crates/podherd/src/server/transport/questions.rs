//! Calls of a client that are open: until it says that it has the answer, the RPC system keeps it.

use capnp_rpc::rpc_capnp::message;

use crate::error::{Code, Error, Result};

/// How many there are.
#[derive(Debug)]
pub struct Questions {
    open: usize,
    most: usize,
}

impl Questions {
    /// None yet, and never more than `most`.
    pub fn new(most: usize) -> Self {
        Self { open: 0, most }
    }

    /// Counts a message of the client's. What can't be read is left to the RPC system to complain of.
    pub fn count(&mut self, message: capnp::Result<message::Reader<'_>>) -> Result<()> {
        match message.map(|message| message.which()) {
            Ok(Ok(message::Which::Call(_) | message::Which::Bootstrap(_))) => self.open += 1,
            Ok(Ok(message::Which::Finish(_))) => self.open = self.open.saturating_sub(1),
            _ => {}
        }
        if self.open <= self.most {
            return Ok(());
        }
        Err(Error::new(
            Code::Overloaded,
            format!(
                "the client has {} calls open, {} are allowed: it never says that it has their answers",
                self.open, self.most
            ),
        ))
    }
}
