//! What has to be right before a token is looked at, so that a mistake does not use it up.

use data_encoding::BASE64;
use tungstenite::handshake::derive_accept_key;

use super::super::protocol::{Choice, Protocol};
use super::super::request::Kind;
use super::{Head, Refusal};

/// Ports of one session, at most: the protocols number their channels in one byte, or one digit.
const MAX_PORTS: usize = 32;

/// A request that may become a session, if its token is good.
#[derive(Debug)]
pub struct Upgrade {
    /// Which kind of session.
    pub kind: Kind,
    /// The last part of the path.
    pub token: String,
    /// How messages will be understood.
    pub protocol: Protocol,
    /// The ports that are asked for in the query. Empty in a tunnel, which asks for them one by one, and for
    /// other kinds.
    pub ports: Vec<u16>,
    response: String,
}

impl Upgrade {
    /// Checks everything but the token. `port` is the server's own, for the origin.
    pub fn check(head: &Head, port: u16) -> Result<Self, Refusal> {
        let (kind, token) = session(&head.path).ok_or_else(Refusal::not_found)?;
        if !matches!(head.method.as_str(), "GET" | "POST") {
            return Err(Refusal::method());
        }
        if let Some(origin) = head.field("origin").filter(|origin| !is_own(origin, port)) {
            return Err(Refusal::origin(origin));
        }
        let accept = websocket(head)?;
        let choice = Protocol::negotiate(kind, head.list("sec-websocket-protocol"))
            .ok_or_else(|| Refusal::protocol(kind))?;
        let ports = match (kind, choice.protocol) {
            (Kind::Exec | Kind::Attach, _) | (_, Protocol::SpdyTunnel) => Vec::new(),
            _ => ports(&head.query)?,
        };
        Ok(Self {
            kind,
            token: token.to_owned(),
            protocol: choice.protocol,
            ports,
            response: response(&accept, choice),
        })
    }

    /// The head that makes a WebSocket of the connection.
    pub fn response(&self) -> &[u8] {
        self.response.as_bytes()
    }
}

/// Kind and token of a path.
fn session(path: &str) -> Option<(Kind, &str)> {
    let (name, token) = path.strip_prefix('/')?.split_once('/')?;
    let kind = Kind::ALL.into_iter().find(|kind| kind.name() == name)?;
    (!token.is_empty() && !token.contains('/')).then_some((kind, token))
}

/// Whether a page of this origin is one of ours. There are none, but some clients name the server they speak
/// to. The `Host` header is no measure: a page whose name was pointed at this machine chooses it.
fn is_own(origin: &str, port: u16) -> bool {
    ["127.0.0.1", "localhost", "[::1]"]
        .iter()
        .any(|host| origin.eq_ignore_ascii_case(&format!("http://{host}:{port}")))
}

/// Checks that a WebSocket is asked for (RFC 6455, section 4.2.1), and gives the answer to its key.
fn websocket(head: &Head) -> Result<String, Refusal> {
    let names =
        |list: &'static str, name: &str| head.list(list).any(|member| member.eq_ignore_ascii_case(name));
    if !names("upgrade", "websocket") {
        return Err(Refusal::upgrade(match head.field("upgrade") {
            Some(other) => format!("the server speaks WebSocket here, and not {other}"),
            None => "the server speaks WebSocket here: an Upgrade header is needed".into(),
        }));
    }
    if !names("connection", "upgrade") {
        return Err(Refusal::bad_request(
            "the Connection header does not name Upgrade",
        ));
    }
    if head.field("sec-websocket-version") != Some("13") {
        return Err(Refusal::upgrade("the server speaks version 13 of WebSocket"));
    }
    let length = head.field("content-length").unwrap_or("0");
    if length != "0" || head.field("transfer-encoding").is_some() {
        return Err(Refusal::bad_request("a request for a WebSocket has no body"));
    }
    let key = head.field("sec-websocket-key").unwrap_or_default();
    if BASE64.decode(key.as_bytes()).map_or(0, |key| key.len()) != 16 {
        return Err(Refusal::bad_request(
            "Sec-WebSocket-Key is not the base64 of 16 bytes",
        ));
    }
    Ok(derive_accept_key(key.as_bytes()))
}

/// The ports of a query: `port` may be there several times, and be a list.
fn ports(query: &str) -> Result<Vec<u16>, Refusal> {
    let mut ports = Vec::new();
    let values = query.split('&').filter_map(|pair| pair.strip_prefix("port="));
    for value in values {
        for text in value.replace("%2C", ",").replace("%2c", ",").split(',') {
            match text.parse() {
                Ok(port @ 1..) => ports.push(port),
                _ => return Err(Refusal::bad_request(format!("{text:?} is not a port"))),
            }
        }
    }
    match ports.len() {
        0 => Err(Refusal::bad_request("the query has no port: ?port=80")),
        1..=MAX_PORTS => Ok(ports),
        _ => Err(Refusal::bad_request(format!(
            "a session may have {MAX_PORTS} ports"
        ))),
    }
}

fn response(accept: &str, choice: Choice) -> String {
    let protocol = if choice.offered {
        format!("Sec-WebSocket-Protocol: {}\r\n", choice.protocol.name())
    } else {
        String::new()
    };
    format!(
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
         Sec-WebSocket-Accept: {accept}\r\n{protocol}\r\n"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    const HANDSHAKE: &str = "Upgrade: WebSocket\r\nConnection: keep-alive, Upgrade\r\nSec-WebSocket-Version: 13\r\n\
                             Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";

    async fn check(line: &str, fields: &str) -> Result<Upgrade, Refusal> {
        let text = format!("{line} HTTP/1.1\r\n{fields}\r\n");
        let head = Head::read(&mut text.as_bytes()).await.unwrap().unwrap().unwrap();
        Upgrade::check(&head, 8080)
    }

    async fn refused(line: &str, fields: &str) -> u16 {
        check(line, fields).await.unwrap_err().code()
    }

    #[tokio::test(flavor = "current_thread")]
    async fn answers_the_key_of_the_specification() {
        let fields = format!("{HANDSHAKE}Sec-WebSocket-Protocol: v5.channel.k8s.io\r\n");
        for method in ["GET", "POST"] {
            let upgrade = check(&format!("{method} /exec/abc"), &fields).await.unwrap();
            assert_eq!((upgrade.kind, upgrade.token.as_str()), (Kind::Exec, "abc"));
            assert_eq!(upgrade.protocol, Protocol::ChannelV5);
            assert!(
                upgrade
                    .response
                    .contains("Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n")
            );
            assert!(
                upgrade
                    .response
                    .ends_with("Sec-WebSocket-Protocol: v5.channel.k8s.io\r\n\r\n")
            );
        }
    }

    #[tokio::test(flavor = "current_thread")]
    async fn names_no_protocol_that_was_not_offered() {
        let upgrade = check("GET /attach/abc", HANDSHAKE).await.unwrap();
        assert!(!upgrade.response.contains("Protocol:"));
    }

    #[tokio::test(flavor = "current_thread")]
    async fn each_mistake_has_its_code() {
        for path in ["/", "/exec", "/exec/", "/exec/a/b", "/other/a", "exec/a", "*"] {
            assert_eq!(refused(&format!("GET {path}"), HANDSHAKE).await, 404, "{path}");
        }
        assert_eq!(refused("PUT /exec/a", HANDSHAKE).await, 405);
        assert_eq!(refused("GET /exec/a", "").await, 426);
        let without = |field: &str| -> String {
            let kept = HANDSHAKE
                .split_inclusive("\r\n")
                .filter(|line| !line.starts_with(field));
            kept.collect()
        };
        assert_eq!(refused("GET /exec/a", &without("Connection")).await, 400);
        assert_eq!(
            refused("GET /exec/a", &without("Sec-WebSocket-Version")).await,
            426
        );
        assert_eq!(refused("GET /exec/a", &without("Sec-WebSocket-Key")).await, 400);
        let with = |field: &str| format!("{HANDSHAKE}{field}\r\n");
        assert_eq!(
            refused("GET /exec/a", &with("Sec-WebSocket-Protocol: v1, v2")).await,
            400
        );
        assert_eq!(refused("POST /exec/a", &with("Content-Length: 3")).await, 400);
        assert_eq!(
            refused("POST /exec/a", "Upgrade: SPDY/3.1\r\nConnection: Upgrade\r\n").await,
            426
        );
    }

    #[tokio::test(flavor = "current_thread")]
    async fn takes_no_origin_but_its_own() {
        let with = |origin: &str| format!("{HANDSHAKE}Origin: {origin}\r\n");
        for foreign in [
            "http://evil.example",
            "null",
            "http://127.0.0.1:9",
            "https://127.0.0.1:8080",
            "http://127.0.0.1:8080.evil",
        ] {
            assert_eq!(refused("GET /exec/a", &with(foreign)).await, 403, "{foreign}");
        }
        let rebound = format!("Host: evil.example:8080\r\n{}", with("http://evil.example:8080"));
        assert_eq!(refused("GET /exec/a", &rebound).await, 403);
        assert!(check("GET /exec/a", &with("http://localhost:8080")).await.is_ok());
    }

    #[tokio::test(flavor = "current_thread")]
    async fn ports_are_in_the_query_but_for_a_tunnel() {
        let upgrade = check("GET /port-forward/a?port=80&port=1,2%2C3", HANDSHAKE)
            .await
            .unwrap();
        assert_eq!(upgrade.ports, [80, 1, 2, 3]);
        for query in ["", "?port=", "?port=0", "?port=65536", "?port=80,x"] {
            assert_eq!(
                refused(&format!("GET /port-forward/a{query}"), HANDSHAKE).await,
                400,
                "{query}"
            );
        }
        let many = format!("GET /port-forward/a?port=1{}", ",1".repeat(MAX_PORTS));
        assert_eq!(refused(&many, HANDSHAKE).await, 400);
        let tunnel = format!("{HANDSHAKE}Sec-WebSocket-Protocol: SPDY/3.1+portforward.k8s.io\r\n");
        assert!(
            check("GET /port-forward/a", &tunnel)
                .await
                .unwrap()
                .ports
                .is_empty()
        );
    }
}
