//! A connection to a server, as any client of the protocol makes it.

use std::io;
use std::os::fd::AsRawFd;
use std::path::{Path, PathBuf};
use std::time::Duration;

use capnp_rpc::rpc_twoparty_capnp::Side;
use capnp_rpc::twoparty::VatNetwork;
use capnp_rpc::{Disconnector, RpcSystem};
use podherd_schema::podherd_capnp::podherd;
use rustix::fs::{Mode, OFlags};
use tokio::net::UnixStream;
use tokio_util::compat::{TokioAsyncReadCompatExt, TokioAsyncWriteCompatExt};

use super::failure::Failure;

/// Name of a server's socket in its runtime directory.
pub const SOCKET: &str = "conmon.sock";

/// Which server a command talks to.
#[derive(Clone, Debug, clap::Args)]
pub struct Target {
    /// Runtime directory of the server
    #[arg(long, env = "PODHERD_RUNTIME_DIR", value_name = "DIR")]
    pub runtime_dir: Option<PathBuf>,

    /// The server's socket, where it isn't conmon.sock in its runtime directory
    #[arg(long, value_name = "PATH")]
    pub socket: Option<PathBuf>,

    /// Seconds that the server may take to answer
    #[arg(long, value_name = "SECONDS", value_parser = super::seconds, default_value = "10")]
    pub timeout: Duration,
}

/// A connection. Dropped, it ends.
pub struct Connection {
    /// The interface of ours, which the compatible one is part of.
    pub podherd: podherd::Client,
    /// Pid of the process that listens.
    pub peer: Option<u32>,
    disconnect: Option<Disconnector<Side>>,
}

impl Target {
    /// Connects to it. `fallback`: the runtime directory, where none is named.
    pub async fn connect(&self, fallback: Option<&Path>) -> Result<Connection, Failure> {
        let path = self.path(fallback)?;
        let connecting = tokio::time::timeout(self.timeout, Connection::open(&path));
        match connecting.await {
            Ok(Ok(connection)) => Ok(connection),
            Ok(Err(error)) => Err(Failure::failed(nobody(&path, &error))),
            Err(_) => Err(self.late()),
        }
    }

    /// The answer to a call, within the time that it may take.
    pub async fn answer<T>(&self, call: impl Future<Output = capnp::Result<T>>) -> Result<T, Failure> {
        match tokio::time::timeout(self.timeout, call).await {
            Ok(answer) => Ok(answer?),
            Err(_) => Err(self.late()),
        }
    }

    fn late(&self) -> Failure {
        Failure::failed(format!(
            "the server has not answered in {} s",
            self.timeout.as_secs_f64()
        ))
    }

    fn path(&self, fallback: Option<&Path>) -> Result<PathBuf, Failure> {
        if let Some(socket) = &self.socket {
            return Ok(socket.clone());
        }
        let directory = self.runtime_dir.as_deref().or(fallback);
        let directory = directory.ok_or_else(|| {
            Failure::usage("which server? Give --runtime-dir DIR (or PODHERD_RUNTIME_DIR), or --socket PATH")
        })?;
        Ok(directory.join(SOCKET))
    }
}

fn nobody(path: &Path, error: &io::Error) -> String {
    let path = path.display();
    match error.kind() {
        io::ErrorKind::NotFound => format!("no server: {path} does not exist"),
        io::ErrorKind::ConnectionRefused => {
            format!("no server listens at {path}: the one that made it has ended")
        }
        _ => format!("no connection to {path}: {error}"),
    }
}

impl Connection {
    /// Connects to the socket at a path of any length. Has to be called inside a `LocalSet`.
    pub async fn open(path: &Path) -> io::Result<Self> {
        let name = path.file_name().ok_or(io::ErrorKind::InvalidInput)?;
        let directory = path.parent().filter(|parent| !parent.as_os_str().is_empty());
        let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let directory = rustix::fs::open(directory.unwrap_or(Path::new(".")), flags, Mode::empty())?;
        let short = PathBuf::from(format!("/proc/self/fd/{}", directory.as_raw_fd())).join(name);
        let stream = UnixStream::connect(short).await?;
        let peer = stream
            .peer_cred()
            .ok()
            .and_then(|peer| u32::try_from(peer.pid()?).ok());
        let (read, write) = stream.into_split();
        let network = VatNetwork::new(
            futures::io::BufReader::new(read.compat()),
            write.compat_write(),
            Side::Client,
            capnp::message::ReaderOptions::default(),
        );
        let mut system = RpcSystem::new(Box::new(network), None);
        let podherd = system.bootstrap(Side::Server);
        let disconnect = Some(system.get_disconnector());
        tokio::task::spawn_local(system);
        Ok(Self {
            podherd,
            peer,
            disconnect,
        })
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        if let Some(disconnect) = self.disconnect.take() {
            tokio::task::spawn_local(disconnect);
        }
    }
}
