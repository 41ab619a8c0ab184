//! The binary by itself, for a node without Node: small clients of a server's RPC, and the doctor.
//!
//! - `ps`, `status`, `logs`: what a server knows of its containers ([`connection`] finds it, [`view`] is what is
//!   told of a container).
//! - `doctor`: the whole machine, see [`crate::doctor`].
//! - `arguments`: their place on the command line. `failure`: how a command ends, and its exit codes; `table` is for people.
//!
//! A command is a process of its own: nothing of it is there in a server.

mod arguments;
mod connection;
mod doctor;
mod failure;
mod logs;
mod output;
mod ps;
mod signals;
mod status;
mod table;
mod time;
mod view;

use std::path::PathBuf;
use std::process::ExitCode;

use tokio::task::LocalSet;

pub use connection::{Connection, SOCKET, Target};
pub use doctor::DoctorCommand;
pub use failure::Failure;
pub use logs::Logs;
pub use ps::Ps;
pub use status::Status;
pub use time::rfc3339;

pub use crate::cli::seconds;

/// A command beside the server.
#[derive(Debug)]
pub enum ClientCommand {
    /// `podherd ps`.
    Ps(Ps),
    /// `podherd status`.
    Status(Status),
    /// `podherd logs`.
    Logs(Logs),
    /// `podherd doctor`.
    Doctor(DoctorCommand),
}

impl ClientCommand {
    /// Runs it. `runtime_dir`: the server's, where the command names none.
    pub fn run(self, runtime_dir: Option<PathBuf>) -> ExitCode {
        let event_loop = tokio::runtime::Builder::new_current_thread()
            .enable_io()
            .enable_time()
            .build();
        let result = match event_loop {
            Ok(event_loop) => LocalSet::new().block_on(&event_loop, self.execute(runtime_dir)),
            Err(error) => Err(Failure::failed(format!("no event loop: {error}"))),
        };
        failure::end(result)
    }

    async fn execute(self, runtime_dir: Option<PathBuf>) -> Result<u8, Failure> {
        let fallback = runtime_dir.as_deref();
        match self {
            Self::Ps(command) => command.run(fallback).await,
            Self::Status(command) => command.run(fallback).await,
            Self::Logs(command) => command.run(fallback).await,
            Self::Doctor(command) => command.run().await,
        }
    }
}
