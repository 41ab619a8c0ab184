//! The answer to a request that does not become a session.

use super::super::protocol::Protocol;
use super::super::request::Kind;
use super::super::status::Status;

/// An HTTP error (RFC 9110, section 15) with a `metav1.Status` as its body, which the clients of Kubernetes
/// show to their users.
#[derive(Debug)]
pub struct Refusal {
    code: u16,
    /// What RFC 9110 calls the code.
    phrase: &'static str,
    /// What the Kubernetes API calls it.
    reason: &'static str,
    message: String,
    /// Header fields that the code asks for.
    fields: &'static str,
}

impl Refusal {
    fn new(code: u16, phrase: &'static str, reason: &'static str, message: impl Into<String>) -> Self {
        Self {
            code,
            phrase,
            reason,
            message: message.into(),
            fields: "",
        }
    }

    /// The request is none, or lacks something.
    pub fn bad_request(message: impl Into<String>) -> Self {
        Self::new(400, "Bad Request", "BadRequest", message)
    }

    /// None of the client's subprotocols is known.
    pub fn protocol(kind: Kind) -> Self {
        Self::bad_request(format!(
            "none of the protocols in Sec-WebSocket-Protocol is known; {} has {}",
            kind.name(),
            Protocol::names(kind)
        ))
    }

    /// A page of another origin asks, in somebody's browser.
    pub fn origin(origin: &str) -> Self {
        let message = format!("pages of the origin {origin:?} may not open sessions");
        Self::new(403, "Forbidden", "Forbidden", message)
    }

    /// Nothing is at this path, or no longer. It doesn't say which: a guess is to learn nothing.
    pub fn not_found() -> Self {
        let message = "no session can be had here: the token is unknown, was used, or has expired";
        Self::new(404, "Not Found", "NotFound", message)
    }

    /// Only GET and POST are taken.
    pub fn method() -> Self {
        Self {
            fields: "Allow: GET, POST\r\n",
            ..Self::new(
                405,
                "Method Not Allowed",
                "MethodNotAllowed",
                "a session is opened with GET or POST",
            )
        }
    }

    /// The head did not come in time.
    pub fn timeout() -> Self {
        let message = "the request did not come in time";
        Self::new(408, "Request Timeout", "Timeout", message)
    }

    /// The request wants no WebSocket, or one of another version.
    pub fn upgrade(message: impl Into<String>) -> Self {
        Self {
            fields: "Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\n",
            ..Self::new(426, "Upgrade Required", "BadRequest", message)
        }
    }

    /// The head is too large.
    pub fn head_too_large(message: impl Into<String>) -> Self {
        Self::new(431, "Request Header Fields Too Large", "BadRequest", message)
    }

    /// The session can't be had, for a reason that is not the request's.
    pub fn failed(message: impl Into<String>) -> Self {
        Self::new(500, "Internal Server Error", "InternalError", message)
    }

    /// Another version of HTTP than 1.1.
    pub fn http_version() -> Self {
        let message = "HTTP/1.1 is needed for the upgrade to WebSocket";
        Self::new(505, "HTTP Version Not Supported", "BadRequest", message)
    }

    /// The HTTP status code.
    pub fn code(&self) -> u16 {
        self.code
    }

    /// What is wrong, for people.
    pub fn message(&self) -> &str {
        &self.message
    }

    /// The whole response.
    pub fn to_response(&self) -> Vec<u8> {
        let body = Status::refused(self.code, self.reason, &*self.message).to_json();
        let connection = if self.code == 426 {
            "close, Upgrade"
        } else {
            "close"
        };
        let head = format!(
            "HTTP/1.1 {} {}\r\n{}Connection: {connection}\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n",
            self.code,
            self.phrase,
            self.fields,
            body.len(),
        );
        [head.as_bytes(), &body].concat()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_response_closes_the_connection_and_says_how_long_it_is() {
        let response = String::from_utf8(Refusal::method().to_response()).unwrap();
        let (head, body) = response.split_once("\r\n\r\n").unwrap();
        assert!(head.starts_with("HTTP/1.1 405 Method Not Allowed\r\nAllow: GET, POST\r\n"));
        assert!(head.contains("\r\nConnection: close\r\n"));
        assert!(head.ends_with(&format!("Content-Length: {}", body.len())));
        let body: serde_json::Value = serde_json::from_str(body).unwrap();
        assert_eq!(
            (body["kind"].as_str(), body["code"].as_u64()),
            (Some("Status"), Some(405))
        );
    }
}
