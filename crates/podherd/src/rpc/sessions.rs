//! Sessions on the wire: the requests that begin one, the capabilities that it hands out, and the caller's sinks.

use std::rc::Rc;
use std::time::Duration;

use capnp::capability::FromClientHook;
use capnp::traits::HasTypeId;
use podherd_schema::podherd_capnp::podherd as schema;
use schema::{byte_sink, session};

use super::{read, write};
use crate::container::{ExecSpec, ProcessOptions, Size, User};
use crate::error::{Code, Error, Result};
use crate::server::Outbox;
use crate::sessions::{self, AttachRequest, ExecRequest, Input, Session, Sinks};

/// What `exec` asks for.
pub fn exec_request(request: schema::exec_request::Reader<'_>) -> Result<ExecRequest> {
    let process = ProcessOptions {
        environment: environment(request.get_environment())?,
        working_directory: match read::text("workingDirectory", request.get_working_directory())? {
            empty if empty.is_empty() => None,
            relative if !relative.starts_with('/') => {
                let why = format!("{relative:?} is not an absolute path");
                return Err(read::invalid("workingDirectory", why));
            }
            absolute => Some(absolute),
        },
        user: match read::text("user", request.get_user())? {
            empty if empty.is_empty() => None,
            text => Some(user(&text)?),
        },
        size: size(request)?,
    };
    let session_id = read::text("sessionId", request.get_session_id())?;
    Ok(ExecRequest {
        spec: ExecSpec {
            id: read::id(request.get_id())?,
            command: read::command(request.get_command())?,
            terminal: request.get_terminal(),
            env: Vec::new(),
            cgroup_manager: read::cgroup_manager(request.get_cgroup_manager())?,
            process: Some(process),
        },
        stdin: request.get_stdin(),
        timeout: match request.get_timeout_millis() {
            0 => None,
            millis => Some(Duration::from_millis(millis)),
        },
        session_id: (!session_id.is_empty()).then_some(session_id),
    })
}

/// What `attach` asks for.
pub fn attach_request(request: schema::attach_request::Reader<'_>) -> Result<AttachRequest> {
    let exec_session = read::text("execSessionId", request.get_exec_session_id())?;
    Ok(AttachRequest {
        id: read::id(request.get_id())?,
        exec_session: (!exec_session.is_empty()).then_some(exec_session),
        stdin: request.get_stdin(),
    })
}

fn environment(value: capnp::Result<capnp::text_list::Reader<'_>>) -> Result<Vec<(String, String)>> {
    let entry = |text: String| match text.split_once('=') {
        Some((name, value)) if !name.is_empty() => Ok((name.to_owned(), value.to_owned())),
        _ => Err(read::invalid("environment", format!("{text:?} is not KEY=value"))),
    };
    read::texts("environment", value)?
        .into_iter()
        .map(entry)
        .collect()
}

fn user(text: &str) -> Result<User> {
    let number = |part: &str| {
        // `+1` is a number to Rust, and none to a runtime.
        let digits = !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
        let number = digits.then(|| part.parse().ok()).flatten();
        number.ok_or_else(|| read::invalid("user", format!("{text:?} is not UID or UID:GID")))
    };
    Ok(match text.split_once(':') {
        None => User {
            uid: number(text)?,
            gid: None,
        },
        Some((uid, gid)) => User {
            uid: number(uid)?,
            gid: Some(number(gid)?),
        },
    })
}

fn size(request: schema::exec_request::Reader<'_>) -> Result<Option<Size>> {
    match (request.get_columns(), request.get_rows()) {
        (0, 0) => Ok(None),
        (0, _) | (_, 0) => Err(read::invalid("columns", "a size has columns and rows")),
        _ if !request.get_terminal() => Err(read::invalid("columns", "a size needs a terminal")),
        (columns, rows) => Ok(Some(Size { columns, rows })),
    }
}

/// The caller's sinks; None for a null one.
pub fn sinks(
    stdout: Option<byte_sink::Client>,
    stderr: Option<byte_sink::Client>,
    outbox: &Rc<Outbox>,
) -> Sinks<CallerSink> {
    let sink = |name, client: Option<byte_sink::Client>| {
        client.map(|client| CallerSink {
            client,
            name,
            outbox: outbox.clone(),
        })
    };
    Sinks {
        stdout: sink("stdout", stdout),
        stderr: sink("stderr", stderr),
    }
}

/// A caller's capability that takes bytes.
#[derive(Clone)]
pub struct CallerSink {
    client: byte_sink::Client,
    name: &'static str,
    /// Where the calls go: they wait until the caller has read others.
    outbox: Rc<Outbox>,
}

impl sessions::Sink for CallerSink {
    /// An ordinary call, whose answer says that the bytes are taken. A streaming call of capnp-rpc is answered when
    /// its own window (64 KiB and the largest message) has room.
    fn write(&self, pieces: &[Rc<[u8]>]) -> impl Future<Output = Result<()>> + 'static {
        let bytes: usize = pieces.iter().map(|piece| piece.len()).sum();
        let mut request = self
            .client
            .as_client_hook()
            .new_call(byte_sink::Client::TYPE_ID, WRITE, None);
        let mut params: byte_sink::write_params::Builder<'_> = request.get().init_as();
        let mut data = params.reborrow().init_data(bytes as u32);
        for piece in pieces {
            let (to, rest) = std::mem::take(&mut data).split_at_mut(piece.len());
            to.copy_from_slice(piece);
            data = rest;
        }
        let taken = request.send().promise;
        let failed = self.failed();
        async move { taken.await.map(|_| ()).map_err(failed) }
    }

    fn end(&self) -> impl Future<Output = Result<()>> + 'static {
        let heard = self.client.end_request().send().promise;
        let failed = self.failed();
        async move { heard.await.map(|_| ()).map_err(failed) }
    }

    async fn room(&self) {
        self.outbox.room().await;
    }
}

impl CallerSink {
    fn failed(&self) -> impl FnOnce(capnp::Error) -> Error + use<> {
        let name = self.name;
        move |error| match error.kind {
            capnp::ErrorKind::Disconnected => Error::new(Code::Cancelled, "the caller has gone"),
            _ => Error::new(
                Code::SinkFailed,
                format!("the caller's sink for {name} has failed: {}", error.extra),
            ),
        }
    }
}

/// The ordinal of `ByteSink.write`.
const WRITE: u16 = 0;

/// A caller's session. Its calls hold what is behind it, so that releasing it ends it whatever is in flight.
pub struct SessionObject(pub Session);

impl session::Server for SessionObject {
    fn resize(
        self: Rc<Self>,
        params: session::ResizeParams,
        _: session::ResizeResults,
    ) -> impl Future<Output = capnp::Result<()>> + 'static {
        let hold = self.0.hold();
        async move {
            let params = params.get()?;
            Ok(hold.resize(params.get_columns(), params.get_rows())?)
        }
    }

    fn signal(
        self: Rc<Self>,
        params: session::SignalParams,
        _: session::SignalResults,
    ) -> impl Future<Output = capnp::Result<()>> + 'static {
        let hold = self.0.hold();
        async move {
            let signal = read::signal("signal", params.get()?.get_signal())?;
            Ok(hold.signal(signal).await?)
        }
    }

    fn wait(
        self: Rc<Self>,
        params: session::WaitParams,
        mut results: session::WaitResults,
    ) -> impl Future<Output = capnp::Result<()>> + 'static {
        let hold = self.0.hold();
        async move {
            let timeout = Duration::from_millis(params.get()?.get_timeout_millis());
            drop(params);
            let ended = hold.wait(timeout).await?;
            let mut results = results.get();
            results.set_end(match ended.end {
                sessions::End::Exited => schema::SessionEnd::Exited,
                sessions::End::Running => schema::SessionEnd::Running,
                sessions::End::Behind => schema::SessionEnd::Behind,
            });
            if let Some(exit) = &ended.exit {
                write::exit(exit, results.init_exit());
            }
            Ok(())
        }
    }
}

/// The input of a process, for a caller.
pub struct StdinObject {
    input: Input,
    /// Whether the input is this caller's alone, and ends with this object.
    ends_when_released: bool,
}

impl StdinObject {
    /// The input of an exec: nobody else's, so that it ends with this object. On a terminal nothing is typed then.
    pub fn of_exec(input: Input, terminal: bool) -> Self {
        Self {
            input,
            ends_when_released: !terminal,
        }
    }

    /// A write (or the end) was refused before it came here: what comes after it is refused too.
    pub fn refused(&self, error: &Error) {
        self.input.refuse(error);
    }

    /// An input that others share.
    pub fn shared(input: Input) -> Self {
        Self {
            input,
            ends_when_released: false,
        }
    }
}

impl byte_sink::Server for StdinObject {
    /// The bytes are queued here and now: calls are dispatched in the order of their arrival.
    fn write(
        self: Rc<Self>,
        params: byte_sink::WriteParams,
    ) -> impl Future<Output = capnp::Result<()>> + 'static {
        let written = params
            .get()
            .and_then(|params| params.get_data())
            .map(|data| self.input.write(data));
        drop(params);
        async move { Ok(written?.await?) }
    }

    fn end(
        self: Rc<Self>,
        _: byte_sink::EndParams,
        _: byte_sink::EndResults,
    ) -> impl Future<Output = capnp::Result<()>> + 'static {
        let ended = self.input.end();
        async move { Ok(ended.await?) }
    }
}

impl Drop for StdinObject {
    fn drop(&mut self) {
        if self.ends_when_released {
            drop(self.input.end());
        }
    }
}
