//! The head of a request (RFC 9112).

use std::io;

use tokio::io::{AsyncRead, AsyncReadExt};

use super::Refusal;

/// Bytes of a head, at most. Proxies add headers of their own, credentials among them.
const MAX_BYTES: usize = 16 << 10;

/// Header fields of a head, at most.
const MAX_FIELDS: usize = 64;

/// What a client asks for, and what it has sent after it.
#[derive(Debug)]
pub struct Head {
    /// The method, as it was sent.
    pub method: String,
    /// The path, without scheme and authority.
    pub path: String,
    /// What follows the question mark; empty if there is none.
    pub query: String,
    /// What was read beyond the head.
    pub rest: Vec<u8>,
    fields: Vec<(String, String)>,
}

impl Head {
    /// Reads one head. `None`: the client has gone before it had sent one.
    pub async fn read(stream: &mut (impl AsyncRead + Unpin)) -> io::Result<Result<Option<Self>, Refusal>> {
        let mut received = Vec::with_capacity(1024);
        loop {
            if received.len() >= MAX_BYTES {
                return Ok(Err(Refusal::head_too_large(format!(
                    "the head of a request may have {MAX_BYTES} bytes"
                ))));
            }
            let room = (MAX_BYTES - received.len()) as u64;
            if (&mut *stream).take(room).read_buf(&mut received).await? == 0 {
                return Ok(Ok(None));
            }
            match Self::parse(&received) {
                Ok(None) => {}
                Ok(Some(head)) => return Ok(Ok(Some(head))),
                Err(refusal) => return Ok(Err(refusal)),
            }
        }
    }

    /// `None`: there is more to come.
    fn parse(received: &[u8]) -> Result<Option<Self>, Refusal> {
        let mut fields = [httparse::EMPTY_HEADER; MAX_FIELDS];
        let mut request = httparse::Request::new(&mut fields);
        let length = match request.parse(received) {
            Ok(httparse::Status::Partial) => return Ok(None),
            Ok(httparse::Status::Complete(length)) => length,
            Err(httparse::Error::TooManyHeaders) => {
                return Err(Refusal::head_too_large(format!(
                    "a request may have {MAX_FIELDS} header fields"
                )));
            }
            Err(httparse::Error::Version) => return Err(Refusal::http_version()),
            Err(error) => return Err(Refusal::bad_request(format!("this is no HTTP request: {error}"))),
        };
        if request.version != Some(1) {
            return Err(Refusal::http_version());
        }
        let (path, query) = split_target(request.path.unwrap_or_default());
        let fields = request.headers.iter().map(|field| {
            let value = std::str::from_utf8(field.value)
                .map_err(|_| Refusal::bad_request(format!("the header {} is not UTF-8", field.name)))?;
            Ok((field.name.to_ascii_lowercase(), value.trim().to_owned()))
        });
        Ok(Some(Self {
            method: request.method.unwrap_or_default().to_owned(),
            path: path.to_owned(),
            query: query.to_owned(),
            rest: received[length..].to_vec(),
            fields: fields.collect::<Result<_, _>>()?,
        }))
    }

    /// The value of a header field, which must be named in lower case; the first one if there are several.
    pub fn field(&self, name: &str) -> Option<&str> {
        self.values(name).next()
    }

    /// The members of a list that may be spread over several fields (RFC 9110, section 5.6.1).
    pub fn list<'a, 'b>(&'a self, name: &'b str) -> impl Iterator<Item = &'a str> + use<'a, 'b> {
        self.values(name)
            .flat_map(|value| value.split(','))
            .map(str::trim)
            .filter(|member| !member.is_empty())
    }

    fn values<'a, 'b>(&'a self, name: &'b str) -> impl Iterator<Item = &'a str> + use<'a, 'b> {
        let matching = move |field: &&(String, String)| field.0 == name;
        self.fields
            .iter()
            .filter(matching)
            .map(|(_, value)| value.as_str())
    }
}

/// Path and query of a request's target, which a proxy sends with scheme and authority.
fn split_target(target: &str) -> (&str, &str) {
    let path = match target.split_once("://") {
        Some((scheme, rest)) if !scheme.contains('/') => rest.find('/').map_or("/", |start| &rest[start..]),
        _ => target,
    };
    path.split_once('?').unwrap_or((path, ""))
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn read(mut bytes: &[u8]) -> Result<Option<Head>, Refusal> {
        Head::read(&mut bytes).await.unwrap()
    }

    async fn refused(bytes: &[u8]) -> u16 {
        read(bytes).await.unwrap_err().code()
    }

    #[tokio::test(flavor = "current_thread")]
    async fn reads_a_head_and_keeps_what_follows() {
        let head =
            read(b"GET /exec/abc?port=1 HTTP/1.1\r\nHost: x\r\nA-Field: b , c\r\na-field: d\r\n\r\nrest")
                .await
                .unwrap()
                .unwrap();
        assert_eq!((head.method.as_str(), head.path.as_str()), ("GET", "/exec/abc"));
        assert_eq!(
            (head.query.as_str(), head.rest.as_slice()),
            ("port=1", &b"rest"[..])
        );
        assert_eq!(head.list("a-field").collect::<Vec<_>>(), ["b", "c", "d"]);
        assert_eq!(head.field("other"), None);
    }

    #[tokio::test(flavor = "current_thread")]
    async fn takes_the_target_of_a_proxy() {
        let head = read(b"POST http://127.0.0.1:80/attach/t HTTP/1.1\r\n\r\n")
            .await
            .unwrap()
            .unwrap();
        assert_eq!(head.path, "/attach/t");
    }

    #[tokio::test(flavor = "current_thread")]
    async fn an_unfinished_head_is_nobodys_request() {
        assert!(read(b"").await.unwrap().is_none());
        assert!(read(b"GET / HTTP/1.1\r\nHost: ").await.unwrap().is_none());
    }

    #[tokio::test(flavor = "current_thread")]
    async fn refuses_what_is_no_head_or_too_much_of_one() {
        assert_eq!(refused(b"\x16\x03\x01\x02\0\x01\0\x01\xfc").await, 400);
        assert_eq!(refused(b"GET / HTTP/1.1\r\nBad Name: x\r\n\r\n").await, 400);
        assert_eq!(refused(b"GET / HTTP/1.1\r\nA: \xff\r\n\r\n").await, 400);
        assert_eq!(refused(b"GET / HTTP/1.0\r\n\r\n").await, 505);
        assert_eq!(refused(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n").await, 505);
        let long = format!("GET / HTTP/1.1\r\nA: {}\r\n\r\n", "a".repeat(MAX_BYTES));
        assert_eq!(refused(long.as_bytes()).await, 431);
        let many = format!("GET / HTTP/1.1\r\n{}\r\n", "A: b\r\n".repeat(MAX_FIELDS + 1));
        assert_eq!(refused(many.as_bytes()).await, 431);
    }
    #[tokio::test(flavor = "current_thread")]
    async fn random_bytes_are_refused_or_not_enough() {
        let mut state = 7_u64;
        for _ in 0..2_000 {
            let bytes: Vec<u8> = (0..120)
                .map(|_| {
                    state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                    (state >> 33) as u8
                })
                .collect();
            assert!(!matches!(read(&bytes).await, Ok(Some(_))));
            // The same after a plausible beginning, which gets further.
            let _ = read(&[b"GET /exec/t HTTP/1.1\r\nUpgrade: ", bytes.as_slice()].concat()).await;
        }
    }
}
