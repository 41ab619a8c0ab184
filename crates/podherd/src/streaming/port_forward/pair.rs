//! The two streams of one connection in a tunnel.

use std::rc::Rc;
use std::time::Duration;

use tungstenite::Message;

use super::Namespace;
use super::forward::{End, Outlet, forward};
use super::inlet::Inlet;
use crate::streaming::socket::Writer;
use crate::streaming::spdy::{DATA_HEADER, Headers, ResetStatus, data_header, reset_stream};

/// What a stream is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StreamKind {
    /// The connection's bytes.
    Data,
    /// Text of what went wrong; empty if nothing did.
    Error,
}

/// A stream that a client has opened.
#[derive(Debug)]
pub struct StreamRequest {
    /// Its number.
    pub stream: u32,
    /// What it is for.
    pub kind: StreamKind,
    /// By which it finds its other half.
    pub pair: String,
    /// What the client sends on it.
    pub inlet: Rc<Inlet>,
    port: u16,
}

impl StreamRequest {
    /// From the headers of a stream. None: they lack something.
    pub fn read(stream: u32, headers: &Headers) -> Option<Self> {
        let kind = match headers.get("streamtype")? {
            "data" => StreamKind::Data,
            "error" => StreamKind::Error,
            _ => return None,
        };
        let port: u16 = headers.get("port")?.parse().ok().filter(|port| *port != 0)?;
        // Old clients send no id, and open the stream of errors just before that of the data.
        let pair = match headers.get("requestid").filter(|id| !id.is_empty()) {
            Some(id) => id.to_owned(),
            None => match kind {
                StreamKind::Error => format!("stream {stream}"),
                StreamKind::Data => format!("stream {}", stream.checked_sub(2)?),
            },
        };
        let inlet = Rc::default();
        Some(Self {
            stream,
            kind,
            pair,
            inlet,
            port,
        })
    }
}

/// A connection with its streams.
pub struct Pair {
    data: StreamRequest,
    error: u32,
    namespace: Namespace,
    writer: Writer,
}

impl Pair {
    /// Of two streams of different kinds.
    pub fn new(first: StreamRequest, second: StreamRequest, namespace: Namespace, writer: Writer) -> Self {
        let (data, error) = match first.kind {
            StreamKind::Data => (first, second.stream),
            StreamKind::Error => (second, first.stream),
        };
        Self {
            data,
            error,
            namespace,
            writer,
        }
    }

    /// Connects, carries bytes until the connection has ended, and gives the numbers of its streams. Only these
    /// two end with it.
    pub async fn serve(self) -> [u32; 2] {
        let data = Data {
            stream: self.data.stream,
        };
        let connecting = self.namespace.connect(self.data.port);
        let connected = tokio::select! {
            connected = connecting => Some(connected),
            () = self.data.inlet.aborted() => None,
        };
        match connected {
            Some(Ok(target)) => {
                let end = forward(target, &self.data.inlet, &data, &self.writer).await;
                // Not told as an error: clients end the whole session for one.
                if end == End::Reset {
                    self.send(&reset_stream(data.stream, ResetStatus::Cancel)).await;
                }
            }
            Some(Err(refused)) => {
                let text = refused.to_string();
                let header = data_header(self.error, text.len(), false);
                self.send(&[&header[..], text.as_bytes()].concat()).await;
                self.send(&data_header(data.stream, 0, true)).await;
            }
            None => {}
        }
        self.data.inlet.close();
        self.send(&data_header(self.error, 0, true)).await;
        [data.stream, self.error]
    }

    async fn send(&self, frame: &[u8]) {
        // When the client has gone, the session sees it too.
        let _ = self.writer.send(Message::binary(frame.to_vec())).await;
    }
}

/// The stream that a connection's output goes to.
struct Data {
    stream: u32,
}

impl Outlet for Data {
    const HEADER: usize = DATA_HEADER;
    const AFTER_OUTPUT: Option<Duration> = None;

    fn seal(&self, mut message: Vec<u8>) -> Message {
        let length = message.len() - DATA_HEADER;
        message[..DATA_HEADER].copy_from_slice(&data_header(self.stream, length, false));
        Message::binary(message)
    }

    fn end(&self) -> Option<Message> {
        Some(Message::binary(data_header(self.stream, 0, true).to_vec()))
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::spdy::Headers;
    use super::*;

    fn read(stream: u32, fields: &[(&str, &str)]) -> Option<(StreamKind, String, u16)> {
        let request = StreamRequest::read(stream, &Headers::of(fields))?;
        Some((request.kind, request.pair, request.port))
    }

    #[test]
    fn reads_what_clients_of_kubernetes_send() {
        let fields = [("streamtype", "data"), ("port", "8080"), ("requestid", "7")];
        assert_eq!(read(3, &fields), Some((StreamKind::Data, "7".into(), 8080)));
        let error = read(1, &[("streamtype", "error"), ("port", "80")]);
        let data = read(3, &[("streamtype", "data"), ("port", "80")]);
        assert_eq!(error.map(|half| half.1), data.map(|half| half.1));
    }

    #[test]
    fn refuses_what_lacks_something() {
        assert_eq!(read(1, &[("port", "80")]), None);
        assert_eq!(read(1, &[("streamtype", "stdin"), ("port", "80")]), None);
        assert_eq!(read(1, &[("streamtype", "data")]), None);
        for port in ["", "0", "65536", "-1", "http"] {
            assert_eq!(read(1, &[("streamtype", "data"), ("port", port)]), None, "{port}");
        }
        assert_eq!(read(1, &[("streamtype", "data"), ("port", "80")]), None);
    }
}
