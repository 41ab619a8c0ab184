//! The protocol `SPDY/3.1+portforward.k8s.io`: the client opens two streams for each connection, one for its data
//! and one for what went wrong, with the headers `streamtype`, `port` and `requestid`.

use std::collections::{HashMap, VecDeque};
use std::rc::Rc;
use std::time::Duration;

use futures::future::join_all;
use tokio::task::JoinSet;
use tokio::time::Instant;
use tungstenite::Message;
use tungstenite::protocol::frame::coding::CloseCode;

use super::Namespace;
use super::inlet::Inlet;
use super::pair::{Pair, StreamKind, StreamRequest};
use crate::streaming::client::Client;
use crate::streaming::socket::{CLOSE_TIMEOUT, PeerEnd, Presence, Writer};
use crate::streaming::spdy::{
    Decoder, Frame, HeaderWriter, Headers, ResetStatus, go_away, ping, reset_stream,
};

/// Open streams of one session, at most; each connection has two.
const MAX_STREAMS: usize = 1_024;

/// How long the second stream of a pair may take.
const PAIR_TIMEOUT: Duration = Duration::from_secs(30);

/// Serves streams until the client has closed the session. Which end it came to; none when it said that it opens
/// no more and all have ended.
pub async fn tunnel(namespace: &Namespace, client: &mut Client) -> Option<PeerEnd> {
    let mut tunnel = Tunnel {
        namespace,
        writer: client.writer.clone(),
        presence: &client.presence,
        replies: HeaderWriter::default(),
        last: 0,
        leaving: false,
        streams: HashMap::new(),
        halves: HashMap::new(),
        waiting: VecDeque::new(),
        pairs: JoinSet::new(),
    };
    let mut decoder = Decoder::new();
    let end = loop {
        let expiry = tunnel.waiting.front().map(|(until, ..)| *until);
        let step = tokio::select! {
            message = client.reader.next() => match message {
                Ok(bytes) => {
                    decoder.push(bytes);
                    tunnel.take_all(&mut decoder).await
                }
                Err(end) => Err(end),
            },
            Some(ended) = tunnel.pairs.join_next() => {
                tunnel.forget(ended.ok());
                Ok(())
            }
            () = tokio::time::sleep_until(expiry.unwrap_or_else(Instant::now)), if expiry.is_some() => {
                tunnel.expire().await
            }
        };
        match step {
            Err(end) => break end,
            Ok(()) if tunnel.leaving && tunnel.streams.is_empty() => return None,
            Ok(()) => {}
        }
    };
    if let PeerEnd::Fault(..) = end {
        let _ = tunnel.send(&go_away(tunnel.last)).await;
    }
    tunnel.deliver_the_rest().await;
    Some(end)
}

/// One session.
struct Tunnel<'a> {
    namespace: &'a Namespace,
    writer: Writer,
    presence: &'a Presence,
    replies: HeaderWriter,
    /// The last stream that was opened; they are numbered upwards.
    last: u32,
    /// The client opens no more.
    leaving: bool,
    streams: HashMap<u32, Stream>,
    /// First streams of pairs, by the pair's name.
    halves: HashMap<String, StreamRequest>,
    /// The same in the order in which they came, and until when they may wait.
    waiting: VecDeque<(Instant, String, u32)>,
    /// Those that are complete. Dropped, all of them end.
    pairs: JoinSet<[u32; 2]>,
}

/// What is known of an open stream.
enum Stream {
    /// Data of it goes here.
    Data(Rc<Inlet>),
    /// Clients send nothing on it.
    Error,
}

impl Tunnel<'_> {
    /// Takes all frames that are there.
    async fn take_all(&mut self, decoder: &mut Decoder) -> Result<(), PeerEnd> {
        let fault =
            |error: super::super::spdy::ProtocolError| PeerEnd::Fault(CloseCode::Protocol, error.to_string());
        while let Some(frame) = decoder.next().map_err(fault)? {
            self.take(frame).await?;
        }
        Ok(())
    }

    async fn take(&mut self, frame: Frame) -> Result<(), PeerEnd> {
        match frame {
            Frame::Open {
                stream,
                finished,
                unidirectional,
                headers,
            } => {
                self.open(stream, finished, unidirectional, &headers).await?;
            }
            Frame::Data {
                stream,
                bytes,
                finished,
            } => {
                // A stream that has ended already is no fault of the client's.
                if let Some(Stream::Data(inlet)) = self.streams.get(&stream) {
                    inlet.push(bytes);
                    if finished {
                        inlet.finish();
                    }
                    tokio::select! {
                        biased;
                        () = inlet.room() => {}
                        () = self.presence.gone() => return Err(PeerEnd::Gone),
                    }
                }
            }
            Frame::Finished { stream } => {
                if let Some(Stream::Data(inlet)) = self.streams.get(&stream) {
                    inlet.finish();
                }
            }
            Frame::Reset { stream } => self.reset(stream),
            Frame::Ping { id } => self.send(&ping(id)).await?,
            Frame::GoAway => self.leaving = true,
        }
        Ok(())
    }

    async fn open(
        &mut self,
        stream: u32,
        finished: bool,
        unidirectional: bool,
        headers: &Headers,
    ) -> Result<(), PeerEnd> {
        // A client's streams are odd, and each higher than the one before (section 2.3.2).
        if stream.is_multiple_of(2) || stream <= self.last {
            return self.send(&reset_stream(stream, ResetStatus::ProtocolError)).await;
        }
        self.last = stream;
        let request = StreamRequest::read(stream, headers).filter(|request| {
            let full = self.streams.len() >= MAX_STREAMS;
            let taken = self
                .halves
                .get(&request.pair)
                .is_some_and(|half| half.kind == request.kind);
            !(unidirectional || self.leaving || full || taken)
        });
        let Some(request) = request else {
            return self.send(&reset_stream(stream, ResetStatus::RefusedStream)).await;
        };
        let reply = self.replies.syn_reply(stream);
        self.send(&reply).await?;
        let known = match request.kind {
            StreamKind::Error => Stream::Error,
            StreamKind::Data => Stream::Data(request.inlet.clone()),
        };
        if finished {
            request.inlet.finish();
        }
        self.streams.insert(stream, known);
        match self.halves.remove(&request.pair) {
            Some(half) => {
                let pair = Pair::new(half, request, self.namespace.clone(), self.writer.clone());
                self.pairs.spawn_local(pair.serve());
            }
            None => {
                let until = Instant::now() + PAIR_TIMEOUT;
                self.waiting.push_back((until, request.pair.clone(), stream));
                self.halves.insert(request.pair.clone(), request);
            }
        }
        Ok(())
    }

    /// The client wants no more of a stream. Of a connection that ends with it, the task tells the rest.
    fn reset(&mut self, stream: u32) {
        let Some(known) = self.streams.remove(&stream) else {
            return;
        };
        if let Stream::Data(inlet) = known {
            inlet.abort();
        }
        self.halves.retain(|_, half| half.stream != stream);
    }

    /// A pair has ended. None: by a panic, after which its streams stay as they are.
    fn forget(&mut self, ended: Option<[u32; 2]>) {
        for stream in ended.into_iter().flatten() {
            self.streams.remove(&stream);
        }
    }

    /// Gives up the oldest stream that has waited for its other half; most have found it long ago.
    async fn expire(&mut self) -> Result<(), PeerEnd> {
        let Some((_, pair, stream)) = self.waiting.pop_front() else {
            return Ok(());
        };
        if self.halves.get(&pair).is_none_or(|half| half.stream != stream) {
            return Ok(());
        }
        self.reset(stream);
        self.send(&reset_stream(stream, ResetStatus::Cancel)).await
    }

    /// Delivers what the client had sent before it went, within bounded time.
    async fn deliver_the_rest(&mut self) {
        let inlets = self.streams.values().filter_map(|stream| match stream {
            Stream::Data(inlet) => Some(inlet),
            Stream::Error => None,
        });
        let halves: Vec<u32> = self.halves.values().map(|half| half.stream).collect();
        let inlets: Vec<_> = inlets.cloned().collect();
        for stream in halves {
            self.reset(stream);
        }
        let drained = join_all(inlets.iter().map(|inlet| inlet.drained()));
        let _ = tokio::time::timeout(CLOSE_TIMEOUT, drained).await;
    }

    async fn send(&self, frame: &[u8]) -> Result<(), PeerEnd> {
        tokio::select! {
            biased;
            sent = self.writer.send(Message::binary(frame.to_vec())) => sent.map_err(|_| PeerEnd::Gone),
            () = self.presence.gone() => Err(PeerEnd::Gone),
        }
    }
}
