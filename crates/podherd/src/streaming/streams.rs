//! Sessions that carry standard streams: of a new process (exec), or of a container's init (attach).

use std::rc::Rc;
use std::time::Duration;

use serde::Deserialize;
use tungstenite::protocol::frame::coding::CloseCode;

use super::channel::{CHUNK, CLOSE, Codec, RESIZE, STDERR, STDIN, STDOUT};
use super::client::Client;
use super::protocol::Protocol;
use super::request::{AttachStreams, ExecStreams, Streams};
use super::socket::{PeerEnd, Presence, Reader, Writer};
use super::status::Status;
use crate::container::{self, ExecSessionRequest, ExecSpec, Pod, shell_code};
use crate::error::{Code, Error};
use crate::events::Detach;
use crate::logs::Stream;
use crate::stdio::{Followed, Follower, Hub, Pace, Session, Stdin, Terminal};

/// How long a client may take for a message once the output has ended. Before that an exec waits for its
/// client, and an attach client is held to the bound on what it may be behind.
const PATIENCE: Duration = Duration::from_secs(10);

/// Runs a command with its streams at the client, and tells how it ended. It is killed with its descendants when
/// the client goes.
pub async fn exec(pod: &Rc<Pod>, request: ExecStreams, token: String, mut client: Client) {
    let (hub, output) = Hub::followed(pod.limits.attach_behind_bytes, Pace::Held);
    let exec = ExecSessionRequest {
        spec: ExecSpec {
            id: request.id,
            command: request.command,
            terminal: request.terminal,
            env: Vec::new(),
            cgroup_manager: request.cgroup_manager,
            process: None,
        },
        stdin: request.streams.stdin,
        session_id: Some(token),
        timeout: None,
        hub,
    };
    let started = tokio::select! {
        started = container::exec_session(pod, exec) => started,
        () = client.presence.gone() => return,
    };
    let mut exec = match started {
        Ok(exec) => exec,
        Err(error) => return client.finish(&Status::internal_error(error.to_string())).await,
    };
    let session = exec.stdio.part(output);
    let input = Input::of(&session, request.streams, &client, None);
    let output = Output::new(pod, request.streams, &client);
    let end = tokio::select! {
        end = input.take(&mut client.reader) => Err(end),
        status = async {
            match output.give(&session.output).await {
                Ok(()) => match exec.exit().await {
                    Ok(exit) => Ok(Status::exit_code(shell_code(exit.status))),
                    Err(error) => Ok(Status::internal_error(error.to_string())),
                },
                Err(end) => end.status(pod),
            }
        } => status,
    };
    // A command whose client has gone is killed before the goodbyes.
    drop(exec);
    finish(client, end).await;
}

/// Gives the client a container's streams, from now on, until the container ends or the client goes.
pub async fn attach(pod: &Rc<Pod>, request: AttachStreams, mut client: Client) {
    let session = match container::attach(pod, &request.id) {
        Ok(session) => session,
        Err(error) => return client.finish(&Status::internal_error(error.to_string())).await,
    };
    let attached = pod.events.attached(&request.id, pod.unique(), None);
    let input = Input::of(&session, request.streams, &client, Some(&session.output));
    let output = Output::new(pod, request.streams, &client);
    let end = tokio::select! {
        end = input.take(&mut client.reader) => Err(end),
        given = output.give(&session.output) => {
            attached.goes_because(match &given {
                Ok(()) if pod.ending.is_cancelled() => Detach::Shutdown,
                Ok(()) => Detach::Ended,
                Err(Cut::Behind) => Detach::Behind,
                Err(Cut::Gone) => Detach::Left,
            });
            match given {
                Ok(()) => Ok(Status::success()),
                Err(end) => end.status(pod),
            }
        }
    };
    drop(attached);
    drop(session);
    finish(client, end).await;
}

async fn finish(client: Client, end: Result<Status, PeerEnd>) {
    match end {
        Ok(status) => client.finish(&status).await,
        Err(end) => client.leave(end).await,
    }
}

/// What the client sends to the process.
struct Input<'a> {
    stdin: Option<Stdin>,
    terminal: Option<Terminal>,
    codec: Codec,
    /// Whether the client can close channels.
    closes: bool,
    presence: Presence,
    /// The output that the client has to keep up with, if it is cut off otherwise.
    output: Option<&'a Follower>,
}

impl<'a> Input<'a> {
    fn of(session: &Session, streams: Streams, client: &Client, output: Option<&'a Follower>) -> Self {
        Self {
            stdin: session.stdin.clone().filter(|_| streams.stdin),
            terminal: session.terminal().cloned(),
            codec: client.codec,
            closes: client.protocol == Protocol::ChannelV5,
            presence: client.presence.clone(),
            output,
        }
    }

    /// Hands on what the client sends, until it goes.
    async fn take(mut self, reader: &mut Reader) -> PeerEnd {
        loop {
            if let Some(output) = self.output {
                tokio::select! {
                    () = output.caught_up() => {}
                    () = self.presence.gone() => return PeerEnd::Gone,
                }
            }
            let message = match reader.next().await {
                Ok(message) => message,
                Err(end) => return end,
            };
            match self.codec.decode(message) {
                Some((STDIN, data)) => {
                    let taken = tokio::select! {
                        biased;
                        taken = self.write(&data) => taken,
                        () = self.presence.gone() => return PeerEnd::Gone,
                    };
                    if !taken {
                        self.stdin = None;
                    }
                }
                Some((RESIZE, size)) => self.resize(&size),
                Some((CLOSE, channel)) if self.closes && *channel == [STDIN] => {
                    if let Some(stdin) = self.stdin.take() {
                        stdin.close();
                    }
                }
                // What is of no channel from the client is ignored, as the kubelet does.
                Some(_) | None => {}
            }
        }
    }

    /// False: the process does not read any more. It may still write.
    async fn write(&self, data: &[u8]) -> bool {
        let Some(stdin) = &self.stdin else {
            return true;
        };
        let written = stdin.write(data).await;
        if let Err(error) = &written {
            tracing::debug!(%error, "a streaming client's input is dropped");
        }
        written.is_ok()
    }

    fn resize(&self, size: &[u8]) {
        let Some(terminal) = &self.terminal else {
            return;
        };
        let resized = match serde_json::from_slice::<Size>(size) {
            Ok(size) => terminal
                .resize(size.width, size.height)
                .map_err(|error| error.to_string()),
            Err(error) => Err(error.to_string()),
        };
        if let Err(error) = resized {
            tracing::debug!(error, "a terminal keeps its size");
        }
    }
}

/// Of a terminal, in characters.
#[derive(Deserialize)]
struct Size {
    #[serde(rename = "Width", alias = "width")]
    width: u16,
    #[serde(rename = "Height", alias = "height")]
    height: u16,
}

/// What the process sends to the client.
struct Output {
    pod: Rc<Pod>,
    writer: Writer,
    codec: Codec,
    streams: Streams,
}

/// Why the client does not get all of the output.
enum Cut {
    /// It is too far behind, or does not take the rest.
    Behind,
    Gone,
}

impl Cut {
    fn status(self, pod: &Pod) -> Result<Status, PeerEnd> {
        match self {
            Self::Gone => Err(PeerEnd::Gone),
            Self::Behind => {
                let bound = pod.limits.attach_behind_bytes;
                let error = Error::new(
                    Code::AttachClientBehind,
                    format!("the client did not take its output; it may be {bound} bytes behind"),
                );
                tracing::warn!(code = %error.code, bound, "a streaming client did not take its output and is disconnected");
                Err(PeerEnd::Fault(CloseCode::Policy, error.to_string()))
            }
        }
    }
}

impl Output {
    fn new(pod: &Rc<Pod>, streams: Streams, client: &Client) -> Self {
        Self {
            pod: pod.clone(),
            writer: client.writer.clone(),
            codec: client.codec,
            streams,
        }
    }

    /// Sends the output until it ends.
    async fn give(&self, output: &Follower) -> Result<(), Cut> {
        loop {
            let (stream, chunk) = match output.next().await {
                Followed::Output(stream, chunk) => (stream, chunk),
                Followed::Ended => return Ok(()),
                Followed::Behind => return Err(Cut::Behind),
            };
            let (channel, wanted) = match stream {
                Stream::Stdout => (STDOUT, self.streams.stdout),
                Stream::Stderr => (STDERR, self.streams.stderr),
            };
            for data in chunk.chunks(CHUNK).filter(|_| wanted) {
                tokio::select! {
                    biased;
                    sent = self.writer.send(self.codec.encode(channel, data)) => sent.map_err(|_| Cut::Gone)?,
                    () = self.out_of_patience(output) => return Err(Cut::Behind),
                }
            }
        }
    }

    /// When a client has had its time for a message.
    async fn out_of_patience(&self, output: &Follower) {
        if output.over().await {
            return;
        }
        self.pod.patience(PATIENCE).await;
    }
}
