//! How a command ends.

use std::io;
use std::process::ExitCode;

/// Nothing went wrong.
pub const FINE: u8 = 0;
/// The command failed: no server, or its error. `doctor`: problems were found.
pub const FAILED: u8 = 1;
/// The command line is wrong; clap's own code for it.
pub const USAGE: u8 = 2;
/// `status`: the container has ended. `doctor`: it could not look.
pub const ENDED: u8 = 3;
/// `status`, `logs`: no such container.
pub const UNKNOWN: u8 = 4;

/// Why a command could not do what it was asked for.
#[derive(Debug)]
pub enum Failure {
    /// Who read the output has gone: nothing is left to do, and nothing is wrong.
    ReaderGone,
    /// What to tell, and the exit code.
    Told(u8, String),
}

impl Failure {
    /// The command failed.
    pub fn failed(message: impl Into<String>) -> Self {
        Self::Told(FAILED, message.into())
    }

    /// The command line is wrong.
    pub fn usage(message: impl Into<String>) -> Self {
        Self::Told(USAGE, message.into())
    }

    /// No container of this id is known.
    pub fn is_unknown_container(&self) -> bool {
        matches!(self, Self::Told(UNKNOWN, _))
    }
}

/// Of writing the output.
impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::BrokenPipe => Self::ReaderGone,
            _ => Self::failed(format!("the output can't be written: {error}")),
        }
    }
}

/// Of a call. The server's reason reads `CODE: message`.
impl From<capnp::Error> for Failure {
    fn from(error: capnp::Error) -> Self {
        let code = if error.extra.contains("CONTAINER_NOT_FOUND: ") {
            UNKNOWN
        } else {
            FAILED
        };
        match error.kind {
            capnp::ErrorKind::Disconnected => Self::failed("the server has ended the connection"),
            capnp::ErrorKind::Unimplemented => {
                Self::failed("this server can't tell: it is not one of podherd, or an older one")
            }
            // The library puts its own words before those of the server.
            _ => Self::Told(
                code,
                error.extra.trim_start_matches("remote exception: ").to_owned(),
            ),
        }
    }
}

/// Tells what went wrong, and gives the exit code.
pub fn end(result: Result<u8, Failure>) -> ExitCode {
    match result {
        Ok(code) => ExitCode::from(code),
        Err(Failure::ReaderGone) => ExitCode::SUCCESS,
        Err(Failure::Told(code, message)) => {
            eprintln!("podherd: {message}");
            ExitCode::from(code)
        }
    }
}
