//! The WebSocket of a session (RFC 6455), parted into the side that is read and the side that is written.

use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::rc::Rc;
use std::time::Duration;

use bytes::Bytes;
use futures::stream::{SplitSink, SplitStream};
use futures::{SinkExt, StreamExt};
use tokio::io::unix::AsyncFd;
use tokio::io::{AsyncWriteExt, Interest};
use tokio::net::TcpStream;
use tokio::sync::{Mutex, MutexGuard};
use tokio_tungstenite::WebSocketStream;
use tungstenite::protocol::frame::coding::CloseCode;
use tungstenite::protocol::{CloseFrame, Role, WebSocketConfig};
use tungstenite::{Error as WsError, Message};

/// Bytes that are read at a time. Each open session holds a buffer of this size.
const READ_BUFFER: usize = 32 << 10;

/// A client's message is at most this long. What its header claims costs nothing before it arrives.
const MAX_MESSAGE: usize = 16 << 20;

/// How long a client may take to answer the close of a session, and to take what was sent before it.
pub const CLOSE_TIMEOUT: Duration = Duration::from_secs(5);

/// How often a client is pinged while nothing is read from it.
const PING_INTERVAL: Duration = Duration::from_secs(2);

/// The side that is read.
pub struct Reader {
    stream: SplitStream<WebSocketStream<TcpStream>>,
}

/// The side that is written. Clones write to the same socket, one message at a time.
#[derive(Clone)]
pub struct Writer {
    sink: Rc<Mutex<Sink>>,
}

type Sink = SplitSink<WebSocketStream<TcpStream>, Message>;

/// The right to send the next message.
pub struct Turn<'a> {
    sink: MutexGuard<'a, Sink>,
}

/// Sees the client go while nothing is read from it. Clones are for more who want to know.
#[derive(Clone)]
pub struct Presence {
    /// A copy: the event loop keeps what is readable for each descriptor by itself.
    socket: Rc<AsyncFd<OwnedFd>>,
    writer: Writer,
}

/// Why a session's socket gives no more messages.
#[derive(Debug)]
pub enum PeerEnd {
    /// The client has closed it, or has gone.
    Gone,
    /// It has to be closed, with this code and reason: mostly since the client has broken the protocol.
    Fault(CloseCode, String),
}

/// Answers a handshake with this head; `first` is what the client has sent after its own.
pub async fn open(
    mut stream: TcpStream,
    answer: &[u8],
    first: Vec<u8>,
) -> io::Result<(Reader, Writer, Presence)> {
    stream.set_nodelay(true)?;
    let copy = stream.as_fd().try_clone_to_owned()?;
    let copy = Rc::new(crate::readiness::register(copy, Interest::READABLE)?);
    stream.write_all(answer).await?;
    let config = WebSocketConfig::default()
        .read_buffer_size(READ_BUFFER)
        .write_buffer_size(0)
        .max_message_size(Some(MAX_MESSAGE))
        .max_frame_size(Some(MAX_MESSAGE));
    let socket = WebSocketStream::from_partially_read(stream, first, Role::Server, Some(config)).await;
    let (sink, stream) = socket.split();
    let writer = Writer {
        sink: Rc::new(Mutex::new(sink)),
    };
    let presence = Presence {
        socket: copy,
        writer: writer.clone(),
    };
    Ok((Reader { stream }, writer, presence))
}

impl Reader {
    /// The next message with data. Pings are answered meanwhile.
    pub async fn next(&mut self) -> Result<Bytes, PeerEnd> {
        loop {
            match self.stream.next().await {
                Some(Ok(Message::Binary(data))) => return Ok(data),
                Some(Ok(Message::Text(text))) => return Ok(text.into()),
                Some(Ok(Message::Ping(_) | Message::Pong(_) | Message::Frame(_))) => {}
                Some(Ok(Message::Close(_))) => {
                    // Reading on sends the answer, which the client may be waiting for.
                    let answered = async { while let Some(Ok(_)) = self.stream.next().await {} };
                    let _ = tokio::time::timeout(CLOSE_TIMEOUT, answered).await;
                    return Err(PeerEnd::Gone);
                }
                None => return Err(PeerEnd::Gone),
                Some(Err(error)) => return Err(PeerEnd::of(error)),
            }
        }
    }

    /// Ends the session: says why, then reads and drops what still comes until the client has answered. A
    /// socket that is closed with something unread is reset, which would take from the client what it has
    /// not read yet.
    pub async fn close(mut self, writer: &Writer, code: CloseCode, reason: &str) {
        let frame = CloseFrame {
            code,
            reason: reason.into(),
        };
        let close = async {
            if writer
                .turn()
                .await
                .send(Message::Close(Some(frame)))
                .await
                .is_ok()
            {
                while let Some(Ok(_)) = self.stream.next().await {}
            }
        };
        let _ = tokio::time::timeout(CLOSE_TIMEOUT, close).await;
    }
}

impl Writer {
    /// Waits for the right to send. Nobody else sends until it is dropped.
    pub async fn turn(&self) -> Turn<'_> {
        Turn {
            sink: self.sink.lock().await,
        }
    }

    /// Sends a message, and waits until the kernel has taken it.
    pub async fn send(&self, message: Message) -> io::Result<()> {
        self.turn().await.send(message).await
    }
}

impl Turn<'_> {
    /// Sends a message, and waits until the kernel has taken it.
    pub async fn send(&mut self, message: Message) -> io::Result<()> {
        self.sink.send(message).await.map_err(|error| match error {
            WsError::Io(error) => error,
            other => io::Error::other(other),
        })
    }
}

impl Presence {
    /// Waits until the client has gone. What it sends before that wakes this for nothing, once each time.
    ///
    /// A client that ends while more than the buffers hold is on its way to the server can't tell: its farewell
    /// waits behind that. It is pinged, which its kernel answers with a reset once nobody is there (RFC 1122,
    /// section 4.2.2.13).
    pub async fn gone(&self) {
        tokio::select! {
            () = self.closed() => {}
            () = self.ping() => {}
        }
    }

    async fn closed(&self) {
        while let Ok(mut guard) = self.socket.readable().await {
            if guard.ready().is_read_closed() {
                return;
            }
            guard.clear_ready();
        }
        std::future::pending().await
    }

    /// Pings until that fails.
    async fn ping(&self) {
        loop {
            tokio::time::sleep(PING_INTERVAL).await;
            if self.writer.send(Message::Ping(Bytes::new())).await.is_err() {
                return;
            }
        }
    }
}

impl PeerEnd {
    fn of(error: WsError) -> Self {
        match error {
            WsError::Capacity(error) => Self::Fault(CloseCode::Size, error.to_string()),
            WsError::Utf8(error) => Self::Fault(CloseCode::Invalid, error),
            WsError::Protocol(tungstenite::error::ProtocolError::ResetWithoutClosingHandshake) => Self::Gone,
            WsError::Protocol(error) => Self::Fault(CloseCode::Protocol, error.to_string()),
            _ => Self::Gone,
        }
    }
}
