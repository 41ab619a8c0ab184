//! The runtime of this pod and how its command lines read.

use std::cell::RefCell;
use std::ffi::{OsStr, OsString};
use std::os::fd::AsFd;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::time::Duration;

use podherd_reaper::{Program, Reaper};

use super::{Identity, RuntimeCall};
use crate::error::{Code, Error, Result};

/// Who makes a container's cgroup.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CgroupManager {
    /// systemd, asked by the runtime (`--systemd-cgroup`).
    Systemd,
    /// The runtime itself.
    Cgroupfs,
}

/// The runtime that this server uses for all its containers.
#[derive(Debug)]
pub struct Runtime {
    path: PathBuf,
    root: Option<PathBuf>,
    timeout: Duration,
    /// What it has said of itself.
    known: RefCell<Option<Known>>,
}

/// What a runtime has said of itself, and the file that it was asked of: a replaced binary is asked again.
#[derive(Debug)]
struct Known {
    stamp: FileStamp,
    identity: Identity,
    /// Its name and its version in its own words.
    words: (String, String),
}

/// Tells a replaced file from the one that was there before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct FileStamp {
    device: u64,
    inode: u64,
    size: u64,
    changed: (i64, i64),
}

impl Runtime {
    /// `path` is checked at every call, not here: it may be replaced while the server lives.
    pub fn new(path: PathBuf, root: Option<PathBuf>, timeout: Duration) -> Self {
        Self {
            path,
            root,
            timeout,
            known: RefCell::new(None),
        }
    }

    /// The runtime's binary.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The root that was asked for; None where the runtime's default holds.
    pub fn root(&self) -> Option<&Path> {
        self.root.as_deref()
    }

    /// How long one run may take.
    pub fn timeout(&self) -> Duration {
        self.timeout
    }

    /// An error that says why the runtime can't be run, or nothing.
    pub fn check(&self) -> Result<()> {
        self.stamp().map(drop)
    }

    fn stamp(&self) -> Result<FileStamp> {
        let unavailable = |why: String| {
            Error::new(
                Code::RuntimeUnavailable,
                format!("runtime {}: {why}", self.path.display()),
            )
        };
        let metadata = std::fs::metadata(&self.path).map_err(|error| unavailable(error.to_string()))?;
        if !metadata.is_file() {
            return Err(unavailable("is not a file".into()));
        }
        if metadata.permissions().mode() & 0o111 == 0 {
            return Err(unavailable("is not executable".into()));
        }
        Ok(FileStamp {
            device: metadata.dev(),
            inode: metadata.ino(),
            size: metadata.size(),
            changed: (metadata.ctime(), metadata.ctime_nsec()),
        })
    }

    /// Which runtime this is, asked once per binary (`--version`). A runtime that doesn't answer is
    /// one of which nothing is assumed.
    pub async fn identity(&self, reaper: &Reaper) -> Result<Identity> {
        let stamp = self.stamp()?;
        if let Some(known) = &*self.known.borrow()
            && known.stamp == stamp
        {
            return Ok(known.identity);
        }
        let program = self.program().arg("--version");
        let output = match RuntimeCall::output(reaper, program, self.timeout.min(VERSION_TIMEOUT)).await {
            Ok(stdout) => String::from_utf8_lossy(&stdout).into_owned(),
            Err(failure) if failure.is_answer() => String::new(),
            Err(failure) => return Err(failure.into_error("asking the runtime's version")),
        };
        let identity = Identity::parse(&output);
        let words = Identity::words(&output);
        self.known.replace(Some(Known {
            stamp,
            identity,
            words,
        }));
        Ok(identity)
    }

    /// What the runtime calls itself, and its version: empty where it did not say, or was not needed yet.
    pub fn words(&self) -> (String, String) {
        let known = self.known.borrow();
        known
            .as_ref()
            .map(|known| known.words.clone())
            .unwrap_or_default()
    }

    /// The directory in which the runtime keeps the state of `id`. None: its layout is not known.
    pub fn state_dir(&self, identity: Identity, id: &str) -> Option<PathBuf> {
        let default = identity.default_root()?;
        Some(self.root.clone().unwrap_or(default).join(id))
    }

    /// The start of every command line: the binary, a clean environment with PATH and `env`, the
    /// root and, where the runtime has them, the options that send its errors to `log`.
    pub fn command(
        &self,
        identity: Identity,
        manager: CgroupManager,
        env: &[(String, String)],
        log: impl AsFd,
    ) -> Program {
        let mut program = self.program();
        for (name, value) in env {
            program = program.env(name, value);
        }
        if identity.has_json_log() {
            program = program
                .arg("--log")
                .arg(crate::stdio::path_of(log))
                .args(["--log-format", "json"]);
        }
        if manager == CgroupManager::Systemd {
            program = program.arg("--systemd-cgroup");
        }
        program
    }

    fn program(&self) -> Program {
        let path = std::env::var_os("PATH").unwrap_or_else(|| OsString::from(DEFAULT_PATH));
        let program = Program::new(&self.path).env_clear().env("PATH", path);
        match &self.root {
            Some(root) => {
                let mut argument = OsString::from("--root=");
                argument.push(root);
                program.arg(argument)
            }
            None => program,
        }
    }

    /// Runs `SUBCOMMAND ARGS… ID` to its end with no streams of a container, and returns its
    /// standard output. The error has the runtime's own message.
    pub async fn run(&self, reaper: &Reaper, subcommand: &str, args: &[&OsStr]) -> Result<Vec<u8>> {
        let identity = self.identity(reaper).await?;
        let what = format!("runtime {subcommand}");
        let log = RuntimeCall::log().map_err(|failure| failure.into_error(&what))?;
        // `start`, `state` and `delete` find the manager in the runtime's own state.
        let program = self
            .command(identity, CgroupManager::Cgroupfs, &[], &log)
            .arg(subcommand)
            .args(args);
        RuntimeCall::output_with_log(reaper, program, log, self.timeout)
            .await
            .map_err(|failure| failure.into_error(&what))
    }
}

/// What a shell of root has where no PATH is set; runtimes look up helpers there.
const DEFAULT_PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// A version is told at once or not at all.
const VERSION_TIMEOUT: Duration = Duration::from_secs(10);
