//! One attach client.

use std::io;
use std::os::fd::OwnedFd;
use std::rc::Rc;
use std::time::Duration;

use tokio::sync::watch;

use super::packet::{DONE, packets};
use super::seqpacket::SeqPacket;
use crate::container::Pod;
use crate::error::Code;
use crate::events::{Attached, Detach};
use crate::stdio::{Followed, Follower, Session, Stdin};

/// How long a client may take for a packet once the output has ended.
const PATIENCE: Duration = Duration::from_secs(10);

/// Serves a client until it hangs up, has the whole output, or is cut off. Without a session it came when the
/// output had ended.
pub async fn serve(
    pod: Rc<Pod>,
    socket: OwnedFd,
    part: Option<(Session, Attached)>,
    stop_after_stdin_eof: bool,
) {
    let socket = match SeqPacket::new(socket) {
        Ok(socket) => socket,
        Err(error) => return tracing::warn!(%error, "an attach client could not be served"),
    };
    let client = Client { pod, socket };
    let Some((session, attached)) = part else {
        client.send(&DONE, None).await;
        return;
    };
    let Session { output, stdin, .. } = session;
    let input_ended = watch::Sender::new(false);
    let outgoing = client.outgoing(&output, input_ended.subscribe());
    let mut incoming = std::pin::pin!(client.incoming(&output, stdin, stop_after_stdin_eof, &input_ended));
    tokio::select! {
        end = outgoing => match end {
            Outgoing::Finished => attached.goes_because(client.why_ended()),
            Outgoing::Behind => attached.goes_because(Detach::Behind),
            Outgoing::ClientGone => {
                // What it wrote before it went is the process's all the same.
                output.leave();
                incoming.await;
            }
        },
        () = &mut incoming => {}
    }
}

/// How sending the output ended.
#[derive(Debug, PartialEq, Eq)]
enum Outgoing {
    /// The client has all that it will get.
    Finished,
    /// It was too slow.
    Behind,
    ClientGone,
}

struct Client {
    pod: Rc<Pod>,
    socket: SeqPacket,
}

impl Client {
    /// Sends the output. When the client's input has ended and that ends its session, it goes on for as long
    /// as output comes: a filter's last words follow its input.
    async fn outgoing(&self, output: &Follower, mut input_ended: watch::Receiver<bool>) -> Outgoing {
        loop {
            let quiet = async {
                if input_ended.wait_for(|ended| *ended).await.is_err() {
                    std::future::pending::<()>().await;
                }
                tokio::time::sleep(self.pod.limits.drain_timeout).await;
            };
            let followed = tokio::select! {
                biased;
                followed = output.next() => followed,
                () = quiet => Followed::Ended,
            };
            match followed {
                Followed::Output(stream, chunk) => {
                    for packet in packets(stream, &chunk) {
                        match self.send(&packet, Some(output)).await {
                            Sent::Taken => {}
                            Sent::ClientGone => return Outgoing::ClientGone,
                            Sent::NotTaken => return self.disconnect(),
                        }
                    }
                }
                Followed::Ended => {
                    self.send(&DONE, None).await;
                    return Outgoing::Finished;
                }
                Followed::Behind => return self.disconnect(),
            }
        }
    }

    fn disconnect(&self) -> Outgoing {
        let bound = self.pod.limits.attach_behind_bytes;
        tracing::warn!(code = %Code::AttachClientBehind, bound, "an attach client did not take its output and is disconnected");
        Outgoing::Behind
    }

    /// What the end of the output comes of.
    fn why_ended(&self) -> Detach {
        match self.pod.ending.is_cancelled() {
            true => Detach::Shutdown,
            false => Detach::Ended,
        }
    }

    /// Hands the client's input to the process, while the client takes its output. Returns when it hangs up.
    async fn incoming(
        &self,
        output: &Follower,
        stdin: Option<Stdin>,
        stop_after_stdin_eof: bool,
        input_ended: &watch::Sender<bool>,
    ) {
        let mut stdin = stdin;
        loop {
            output.caught_up().await;
            match self.socket.receive().await {
                Ok(packet) if packet.is_empty() => break,
                Ok(packet) => {
                    // What the process does not read any more is dropped: the client is told by its end.
                    if let Some(open) = &stdin
                        && open.write(&packet).await.is_err()
                    {
                        stdin = None;
                    }
                }
                // Reported once when the client has closed with output unread; what it had sent is still there.
                Err(error) if error.kind() == io::ErrorKind::ConnectionReset => {}
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return tracing::debug!(%error, "an attach client ended"),
            }
        }
        if stop_after_stdin_eof {
            if let Some(stdin) = &stdin {
                stdin.close();
            }
            input_ended.send_replace(true);
        }
        if let Err(error) = self.socket.hung_up().await {
            tracing::warn!(%error, "the hang-up of an attach client can't be watched");
            std::future::pending::<()>().await;
        }
    }

    /// Sends a packet, for as long as the client may take for it.
    async fn send(&self, packet: &[u8], output: Option<&Follower>) -> Sent {
        tokio::select! {
            biased;
            sent = self.socket.send(packet) => if sent.is_ok() { Sent::Taken } else { Sent::ClientGone },
            () = self.out_of_patience(output) => Sent::NotTaken,
        }
    }

    /// While the output goes on, the bound on what a client may be behind decides alone.
    async fn out_of_patience(&self, output: Option<&Follower>) {
        let cut_off = match output {
            Some(output) => output.over().await,
            None => false,
        };
        if !cut_off {
            self.pod.patience(PATIENCE).await;
        }
    }
}

/// What became of a packet.
enum Sent {
    Taken,
    /// It has closed.
    ClientGone,
    /// It was cut off, or took too long over the last packets.
    NotTaken,
}
