//! The protocols `v4.channel.k8s.io` and `v4.base64.channel.k8s.io` for ports: the nth port has channel 2n for its
//! data and 2n + 1 for what went wrong. The first message on each is the port, in two bytes, the low one first.

use std::rc::Rc;
use std::time::Duration;

use futures::StreamExt;
use futures::future::join_all;
use futures::stream::FuturesUnordered;
use tungstenite::Message;

use super::Namespace;
use super::forward::{End, Outlet, forward};
use super::inlet::Inlet;
use crate::streaming::channel::Codec;
use crate::streaming::client::Client;
use crate::streaming::socket::{CLOSE_TIMEOUT, PeerEnd, Presence, Reader, Writer};

/// One port of the session.
struct Port {
    number: u16,
    /// Its first channel.
    channel: u8,
    codec: Codec,
    inlet: Rc<Inlet>,
}

/// Connects to each port once, and carries bytes until all connections have ended. Which end the session came
/// to, if it was the client's.
pub async fn channels(namespace: &Namespace, ports: &[u16], client: &mut Client) -> Option<PeerEnd> {
    // As a cast: there are at most 32 of them.
    let port = |(index, number): (usize, &u16)| Port {
        number: *number,
        channel: 2 * index as u8,
        codec: client.codec,
        inlet: Rc::default(),
    };
    let ports: Vec<Port> = ports.iter().enumerate().map(port).collect();
    for port in &ports {
        for channel in [port.channel, port.channel + 1] {
            let message = port.codec.encode(channel, &port.number.to_le_bytes());
            if client.writer.send(message).await.is_err() {
                return Some(PeerEnd::Gone);
            }
        }
    }
    let mut connections: FuturesUnordered<_> = ports
        .iter()
        .map(|port| port.serve(namespace, &client.writer))
        .collect();
    let all_ended = async { while connections.next().await.is_some() {} };
    let mut all_ended = std::pin::pin!(all_ended);
    let end = tokio::select! {
        () = &mut all_ended => return None,
        end = distribute(&ports, &mut client.reader, &client.presence) => end,
    };
    // What the client had sent before it went is delivered.
    let drained = join_all(ports.iter().map(|port| port.inlet.drained()));
    tokio::select! {
        _ = drained => {}
        () = all_ended => {}
        () = tokio::time::sleep(CLOSE_TIMEOUT) => {}
    }
    Some(end)
}

/// Hands the client's messages to the connections.
async fn distribute(ports: &[Port], reader: &mut Reader, presence: &Presence) -> PeerEnd {
    loop {
        let message = match reader.next().await {
            Ok(message) => message,
            Err(end) => return end,
        };
        let decoded = ports.first().and_then(|port| port.codec.decode(message));
        let Some((channel, data)) = decoded else {
            continue;
        };
        let Some(port) = ports.iter().find(|port| port.channel == channel) else {
            continue;
        };
        port.inlet.push(data);
        tokio::select! {
            biased;
            () = port.inlet.room() => {}
            () = presence.gone() => return PeerEnd::Gone,
        }
    }
}

impl Port {
    async fn serve(&self, namespace: &Namespace, writer: &Writer) {
        let error = match namespace.connect(self.number).await {
            Ok(target) => match forward(target, &self.inlet, self, writer).await {
                End::Reset => Some(format!(
                    "port {} of the pod has reset its connection",
                    self.number
                )),
                End::Complete | End::Aborted | End::ClientGone => None,
            },
            Err(refused) => Some(refused.to_string()),
        };
        self.inlet.close();
        if let Some(text) = error {
            let message = self.codec.encode(self.channel + 1, text.as_bytes());
            let _ = writer.send(message).await;
        }
    }
}

impl Outlet for Port {
    const HEADER: usize = 1;
    const AFTER_OUTPUT: Option<Duration> = Some(Duration::from_secs(1));

    fn seal(&self, mut message: Vec<u8>) -> Message {
        match self.codec {
            Codec::Binary => {
                message[0] = self.channel;
                Message::binary(message)
            }
            Codec::Base64 => self.codec.encode(self.channel, &message[Self::HEADER..]),
        }
    }

    fn end(&self) -> Option<Message> {
        None
    }
}
