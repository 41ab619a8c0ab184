//! The server under test. It ends with this program, however that ends.

use std::fs::{self, File};
use std::os::fd::{AsRawFd, OwnedFd};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use rustix::io::FdFlags;
use rustix::process::Pid;

use crate::Result;
use crate::client::Client;
use crate::ground::Ground;
use crate::programs::Running;

/// How long the server may take to listen, and to end.
const PATIENCE: Duration = Duration::from_secs(10);

/// How often it is asked whether it has: nothing is measured meanwhile.
const LOOK_AGAIN: Duration = Duration::from_millis(5);

/// A server in the foreground, and a connection to it.
#[derive(Debug)]
pub struct Server {
    running: Running,
    /// The server ends when this is closed, so that it doesn't outlive a benchmark that was killed.
    _lease: OwnedFd,
    directory: PathBuf,
    /// The connection that all calls go through.
    pub client: Client,
}

impl Server {
    /// Starts it in a new directory `name`, and connects.
    pub async fn start(ground: &Ground, name: &str, server: &Path, runtime: &Path) -> Result<Self> {
        let directory = ground.state_folder(name)?;
        let (lease_end, lease) = std::io::pipe()?;
        rustix::io::fcntl_setfd(&lease_end, FdFlags::empty())?;
        let log = directory.join("server.log");
        let mut command = Command::new(server);
        command
            .args(["--skip-fork", "--log-driver", "stdout", "--lease-fd"])
            .arg(lease_end.as_raw_fd().to_string())
            .arg("--runtime")
            .arg(runtime)
            .arg("--runtime-dir")
            .arg(directory.join("run"))
            .arg("--runtime-root")
            .arg(directory.join("root"))
            .current_dir("/")
            .stdin(Stdio::null())
            .stdout(File::create(&log)?)
            .stderr(File::options().append(true).open(&log)?);
        fs::create_dir_all(directory.join("root"))?;
        let mut running = Running::start(&mut command)?;
        drop(lease_end);
        let client = connect(&mut running, &directory).await.map_err(|error| {
            format!(
                "{error}; the server said: {}",
                fs::read_to_string(&log).unwrap_or_default()
            )
        })?;
        Ok(Self {
            running,
            _lease: lease.into(),
            directory,
            client,
        })
    }

    /// Its pid.
    pub fn pid(&self) -> Pid {
        self.running.pid()
    }

    /// The root of its runtime.
    pub fn runtime_root(&self) -> PathBuf {
        self.directory.join("root")
    }

    /// A path in its directory that the server knows nothing of.
    pub fn path(&self, name: &str) -> PathBuf {
        self.directory.join(name)
    }

    /// Ends it in order: an error if it does not.
    pub async fn end(mut self) -> Result<()> {
        self.running.terminate();
        let started = Instant::now();
        while !self.running.has_ended() {
            if started.elapsed() > PATIENCE {
                return Err("the server did not end".into());
            }
            tokio::time::sleep(LOOK_AGAIN).await;
        }
        Ok(())
    }
}

async fn connect(running: &mut Running, directory: &Path) -> Result<Client> {
    let socket = directory.join("run/conmon.sock");
    let started = Instant::now();
    loop {
        match Client::connect(&socket).await {
            Ok(client) => return Ok(client),
            Err(error) if running.has_ended() || started.elapsed() > PATIENCE => {
                return Err(format!("the server can't be reached: {error}").into());
            }
            Err(_) => tokio::time::sleep(LOOK_AGAIN).await,
        }
    }
}
