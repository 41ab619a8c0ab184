//! What a server starts with, and whom it tells that it listens.

use std::fs;
use std::io::Write;
use std::os::fd::OwnedFd;

use podherd_reaper::ChildDefaults;

use super::logging;
use crate::cli::{Cli, LogDriver};
use crate::container::RuntimeDir;
use crate::runtime::Runtime;

/// Everything that a server starts with.
#[derive(Debug)]
pub struct Start {
    /// The command line.
    pub cli: Cli,
    /// The OCI runtime.
    pub runtime: Runtime,
    /// The runtime directory, locked for this server.
    pub runtime_dir: RuntimeDir,
    /// What spawned programs get back.
    pub children: ChildDefaults,
    /// Tells the starter that the server listens.
    pub ready: Ready,
    /// Read end of the starter's lease.
    pub lease: Option<OwnedFd>,
}

/// The word that says that the server listens.
pub const READY: &str = "ready\n";

/// Who waits for the server to listen.
#[derive(Debug)]
pub struct Ready {
    /// Where the word is written.
    pub channels: Vec<OwnedFd>,
    /// Set when the server runs in the background; what remains of its standard streams depends on
    /// where its log goes.
    pub background: Option<LogDriver>,
}

impl Ready {
    /// Whether the server runs in the background.
    pub fn in_background(&self) -> bool {
        self.background.is_some()
    }

    /// Says that the server listens, and lets go of the starter's standard streams.
    pub fn announce(self) {
        for channel in self.channels {
            // A starter that has gone doesn't need to know.
            let _ = fs::File::from(channel).write_all(READY.as_bytes());
        }
        if let Some(driver) = self.background
            && let Ok(null) = crate::stdio::null()
        {
            let _ = rustix::stdio::dup2_stdin(&null);
            if driver != LogDriver::Stdout {
                let _ = rustix::stdio::dup2_stdout(&null);
            }
            if !logging::uses_stderr() {
                let _ = rustix::stdio::dup2_stderr(&null);
            }
        }
    }
}
