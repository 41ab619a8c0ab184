//! The client of an open session, whatever the session is for.

use std::time::Duration;

use tungstenite::protocol::frame::coding::CloseCode;

use super::channel::{Codec, ERROR};
use super::protocol::Protocol;
use super::socket::{PeerEnd, Presence, Reader, Writer};
use super::status::Status;

/// How long a client may take for the status of its session.
const PATIENCE: Duration = Duration::from_secs(10);

/// The client's socket, and how its messages are to be understood.
pub struct Client {
    /// What it sends.
    pub reader: Reader,
    /// What it is sent.
    pub writer: Writer,
    /// Whether it is there, while nothing is read.
    pub presence: Presence,
    /// Of its protocol.
    pub codec: Codec,
    /// What was agreed on.
    pub protocol: Protocol,
}

impl Client {
    /// Tells how the session went, and ends it.
    pub async fn finish(self, status: &Status) {
        let message = self.codec.encode(ERROR, &status.to_json());
        let told = tokio::select! {
            sent = self.writer.send(message) => sent.is_ok(),
            () = self.presence.gone() => false,
            () = tokio::time::sleep(PATIENCE) => false,
        };
        if told {
            self.reader.close(&self.writer, CloseCode::Normal, "").await;
        }
    }

    /// Ends the session, with a reason unless the client has ended it.
    pub async fn leave(self, end: PeerEnd) {
        match end {
            PeerEnd::Gone => {}
            PeerEnd::Fault(code, reason) => {
                tracing::debug!(code = u16::from(code), reason, "closing a streaming session");
                self.reader.close(&self.writer, code, &short(reason)).await;
            }
        }
    }
}

/// The reason of a close frame has at most 123 bytes (RFC 6455, section 5.5).
pub fn short(mut reason: String) -> String {
    let end = (0..=123)
        .rev()
        .find(|end| reason.is_char_boundary(*end))
        .unwrap_or(0);
    reason.truncate(end);
    reason
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_reason_is_cut_between_characters() {
        assert_eq!(short("é".repeat(100)).len(), 122);
        assert_eq!(short("as it is".into()), "as it is");
    }
}
