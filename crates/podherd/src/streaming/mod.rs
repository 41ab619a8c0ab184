//! The streaming server: exec, attach and port-forward over WebSocket, for clients that the kubelet hands a URL.
//!
//! ```text
//! RPC → serve: a token for the request (tokens), a listener on the loopback address (listener), the URL
//!
//! client → silent → http (one request head, checked before the token is used up) → socket (the WebSocket)
//!            ├ streams        exec and attach, in messages with channels (channel, status)
//!            └ port_forward   connections into a network namespace, in channels or tunnelled SPDY (spdy)
//! ```
//!
//! Nothing is there before the first call, and no port is open once the last token has expired. A session ends with its client, with what it is about, or with the
//! server; [`Pod::tasks`](crate::container::Pod) counts them all.

mod channel;
mod client;
mod http;
mod listener;
mod port_forward;
mod protocol;
mod request;
mod silent;
mod socket;
mod spdy;
mod status;
mod streams;
mod tokens;

use std::cell::Cell;
use std::path::PathBuf;
use std::rc::Rc;

use crate::cli::Limits;
use crate::container::Pod;
use crate::error::{Code, Error, Result};
use port_forward::Namespace;
use request::Request;
pub use request::{AttachStreams, ExecStreams, Streams};
use tokens::Tokens;

/// The streaming server of a pod.
#[derive(Debug)]
pub struct Streaming {
    tokens: Tokens,
    /// The port, while it listens.
    port: Cell<Option<u16>>,
}

impl Streaming {
    /// Does not listen before the first call.
    pub fn new(limits: &Limits) -> Self {
        Self {
            tokens: Tokens::new(limits.streaming_tokens, limits.streaming_token_timeout),
            port: Cell::new(None),
        }
    }

    /// The listener has ended.
    fn listens_no_more(&self) {
        self.port.set(None);
    }
}

/// A URL, good for one use, that runs this command.
pub async fn serve_exec(pod: &Rc<Pod>, request: ExecStreams) -> Result<String> {
    pod.containers.get(&request.id)?.stdio(None)?;
    serve(pod, Request::Exec(request)).await
}

/// A URL, good for one use, that carries these streams.
pub async fn serve_attach(pod: &Rc<Pod>, request: AttachStreams) -> Result<String> {
    pod.containers.get(&request.id)?.stdio(None)?;
    serve(pod, Request::Attach(request)).await
}

/// A URL, good for one use, that forwards ports into the network namespace at this path.
pub async fn serve_port_forward(pod: &Rc<Pod>, namespace: PathBuf) -> Result<String> {
    let path = namespace.clone();
    pod.call(|_| async move { Namespace::open(&path).await.map(drop) })
        .await?;
    serve(pod, Request::PortForward(namespace)).await
}

async fn serve(pod: &Rc<Pod>, request: Request) -> Result<String> {
    pod.asked.notify_one();
    if pod.ending.is_cancelled() {
        return Err(pod.cancelled());
    }
    let streaming = &pod.streaming;
    let kind = request.kind().name();
    // First the token: a listener without any would end at once.
    let token = streaming.tokens.issue(request)?;
    let port = match streaming.port.get() {
        Some(port) => port,
        None => listener::start(pod, &streaming.tokens)
            .map_err(|error| Error::from_io(Code::Internal, "listening for streaming clients", &error))?,
    };
    streaming.port.set(Some(port));
    Ok(format!("http://127.0.0.1:{port}/{kind}/{token}"))
}
