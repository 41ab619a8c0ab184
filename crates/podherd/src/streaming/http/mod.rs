//! The HTTP part of a session: one request head, read within bounds, that either becomes a WebSocket or is
//! refused. There is no second request on a connection.
//!
//! - `head` reads and parses. `upgrade` checks what was read. `refusal` is the answer to what is not accepted.

mod head;
mod refusal;
mod upgrade;

pub use head::Head;
pub use refusal::Refusal;
pub use upgrade::Upgrade;
