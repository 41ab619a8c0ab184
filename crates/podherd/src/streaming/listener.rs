//! The listening socket, and what becomes of a connection.

use std::io;
use std::net::Ipv4Addr;
use std::panic::AssertUnwindSafe;
use std::rc::Rc;
use std::time::Duration;

use futures::FutureExt;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tungstenite::protocol::frame::coding::CloseCode;

use super::channel::Codec;
use super::client::Client;
use super::http::{Head, Refusal, Upgrade};
use super::port_forward::{self, Namespace};
use super::protocol::Protocol;
use super::request::Request;
use super::silent::{Silent, SilentConnections};
use super::socket::{self, PeerEnd};
use super::streams;
use super::tokens::{Slot, Tokens};
use crate::container::Pod;
use crate::error::Code;

/// How long the head of a request may take.
const HEAD_TIMEOUT: Duration = Duration::from_secs(10);

/// How long a client may take for the answer to its head.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(5);

/// How long to wait before accepting again when there are no descriptors left: a connection that waits keeps the
/// socket readable, so there is no event to wait for.
const AFTER_EXHAUSTION: Duration = Duration::from_millis(100);

/// How long sessions may take for their ends once the server ends: output that still comes of containers being
/// ended, and the goodbyes.
const ENDING: Duration = Duration::from_secs(3);

/// Listens as long as there are tokens that somebody might come with, and says on which port. When the time of the
/// last one has come, or the server ends, the socket is closed: an idle server has no port open.
pub fn start(pod: &Rc<Pod>, tokens: &Tokens) -> io::Result<u16> {
    let listener = std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    listener.set_nonblocking(true)?;
    let listener = TcpListener::from_std(listener)?;
    let port = listener.local_addr()?.port();
    let door = Door {
        pod: pod.clone(),
        port,
        tokens: tokens.clone(),
        silent: SilentConnections::default(),
    };
    pod.tasks.spawn_local(async move {
        tokio::select! {
            () = door.accept(listener) => {}
            () = door.tokens.all_expired() => {}
            () = door.pod.ending.cancelled() => {}
        }
        door.pod.streaming.listens_no_more();
        tracing::info!(port, "no longer listening for streaming clients");
    });
    tracing::info!(port, "listening for streaming clients");
    Ok(port)
}

/// What each connection gets.
#[derive(Clone)]
struct Door {
    pod: Rc<Pod>,
    port: u16,
    tokens: Tokens,
    silent: SilentConnections,
}

impl Door {
    /// Never ends: a failed accept is that connection's loss alone.
    async fn accept(&self, listener: TcpListener) {
        loop {
            match listener.accept().await {
                Ok((stream, _)) => self.admit(stream),
                Err(error) => {
                    tracing::warn!(%error, "a streaming connection could not be accepted");
                    tokio::time::sleep(AFTER_EXHAUSTION).await;
                }
            }
        }
    }

    fn admit(&self, stream: TcpStream) {
        let silent = self.silent.admit();
        let door = self.clone();
        self.pod.tasks.spawn_local(async move {
            let served = AssertUnwindSafe(Box::pin(door.serve(stream, silent))).catch_unwind();
            if served.await.is_err() {
                tracing::error!(code = %Code::Internal, "a streaming session panicked");
            }
        });
    }

    /// Serves one connection to its end, or to the server's.
    async fn serve(&self, mut stream: TcpStream, silent: Silent) {
        let head = tokio::select! {
            head = tokio::time::timeout(HEAD_TIMEOUT, Head::read(&mut stream)) => head,
            () = silent.evicted() => return,
            () = self.pod.ending.cancelled() => return,
        };
        drop(silent);
        let upgrade = match head {
            Ok(Ok(Ok(Some(head)))) => Upgrade::check(&head, self.port).map(|upgrade| (upgrade, head.rest)),
            Ok(Ok(Ok(None)) | Err(_)) => return,
            Ok(Ok(Err(refusal))) => Err(refusal),
            Err(_) => Err(Refusal::timeout()),
        };
        let session = async {
            match upgrade {
                Ok((upgrade, rest)) => match self.redeem(&upgrade).await {
                    Ok(redeemed) => self.open(stream, rest, &upgrade, redeemed).await,
                    Err(refusal) => refuse(stream, &refusal).await,
                },
                Err(refusal) => refuse(stream, &refusal).await,
            }
        };
        let ending = async {
            self.pod.ending.cancelled().await;
            tokio::time::sleep(ENDING).await;
        };
        tokio::select! {
            () = session => {}
            () = ending => {}
        }
    }

    /// Uses the token up, and makes what has to be there before the client is told that the session is open.
    async fn redeem(&self, upgrade: &Upgrade) -> Result<Redeemed, Refusal> {
        let (request, slot) = self
            .tokens
            .redeem(upgrade.kind, &upgrade.token)
            .ok_or_else(Refusal::not_found)?;
        let namespace = match &request {
            Request::PortForward(path) => {
                let opened = Namespace::open(path).await;
                Some(opened.map_err(|error| Refusal::failed(error.to_string()))?)
            }
            Request::Exec(_) | Request::Attach(_) => None,
        };
        Ok(Redeemed {
            request,
            namespace,
            _slot: slot,
        })
    }

    /// Makes a WebSocket of the connection, and serves its session to the end.
    async fn open(&self, stream: TcpStream, rest: Vec<u8>, upgrade: &Upgrade, redeemed: Redeemed) {
        let answered = socket::open(stream, upgrade.response(), rest);
        let (reader, writer, presence) = match tokio::time::timeout(ANSWER_TIMEOUT, answered).await {
            Ok(Ok(socket)) => socket,
            Ok(Err(error)) => return tracing::warn!(%error, "a streaming session could not be opened"),
            Err(_) => return tracing::debug!("a streaming client does not take its answer"),
        };
        let mut client = Client {
            reader,
            writer,
            presence,
            codec: Codec::of(upgrade.protocol),
            protocol: upgrade.protocol,
        };
        let kind = upgrade.kind.name();
        tracing::debug!(
            kind,
            protocol = upgrade.protocol.name(),
            "a streaming session begins"
        );
        match (redeemed.request, redeemed.namespace) {
            (Request::Exec(request), _) => {
                streams::exec(&self.pod, request, upgrade.token.clone(), client).await;
            }
            (Request::Attach(request), _) => streams::attach(&self.pod, request, client).await,
            (Request::PortForward(_), Some(namespace)) => {
                let forwarded = async {
                    match upgrade.protocol {
                        Protocol::SpdyTunnel => port_forward::tunnel(&namespace, &mut client).await,
                        _ => port_forward::channels(&namespace, &upgrade.ports, &mut client).await,
                    }
                };
                let end = tokio::select! {
                    end = forwarded => end,
                    () = self.pod.ending.cancelled() => {
                        Some(PeerEnd::Fault(CloseCode::Away, "the server is ending".into()))
                    }
                };
                client
                    .leave(end.unwrap_or(PeerEnd::Fault(CloseCode::Normal, String::new())))
                    .await;
            }
            (Request::PortForward(_), None) => {}
        }
        tracing::debug!(kind, "a streaming session has ended");
    }
}

/// What a token was good for.
struct Redeemed {
    request: Request,
    /// For port-forward.
    namespace: Option<Namespace>,
    _slot: Slot,
}

/// Answers with an error. What the client still sends is read and dropped for a moment, since closing a socket
/// with something unread takes the answer back from who has not read it yet.
async fn refuse(mut stream: TcpStream, refusal: &Refusal) {
    tracing::info!(
        status = refusal.code(),
        "a streaming request is refused: {}",
        refusal.message()
    );
    let answer = async {
        stream.write_all(&refusal.to_response()).await?;
        stream.shutdown().await?;
        let mut dropped = [0; 1024];
        while stream.read(&mut dropped).await? > 0 {}
        io::Result::Ok(())
    };
    let _ = tokio::time::timeout(ANSWER_TIMEOUT, answer).await;
}
