//! Sockets in another network namespace. A socket belongs for good to the namespace in which it was made
//! (network_namespaces(7)), and setns(2) moves one thread: so a thread of its own makes the sockets and ends,
//! and the event loop does the rest.

use std::fmt;
use std::io;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::os::fd::{AsFd, OwnedFd};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use rustix::fs::{Mode, OFlags};
use rustix::net::{AddressFamily, SocketFlags, SocketType, socket_with};
use rustix::thread::{LinkNameSpaceType, move_into_link_name_space};
use tokio::net::{TcpSocket, TcpStream};
use tokio::sync::oneshot;

use crate::error::{Code, Error, Result};

/// Address space for the thread's stack; it makes a few calls.
const STACK_BYTES: usize = 64 << 10;

/// How long the thread may take: a path on a disk that doesn't answer must not keep a caller for ever.
const THREAD_TIMEOUT: Duration = Duration::from_secs(10);

/// How long a connection may take. Within a namespace there is an answer at once, unless packets are dropped.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(30);

/// A network namespace, held open.
#[derive(Clone, Debug)]
pub struct Namespace {
    namespace: Arc<OwnedFd>,
}

/// Nobody has answered at a port.
#[derive(Debug)]
pub struct Refused {
    port: u16,
    v4: io::Error,
    v6: io::Error,
}

/// One socket for each family, the second one unless the kernel has no IPv6.
type Sockets = (OwnedFd, io::Result<OwnedFd>);

impl Namespace {
    /// Opens the namespace at this path, and makes sure that it is one and can be entered.
    pub async fn open(path: &Path) -> Result<Self> {
        let error = |error| {
            let what = format!("the network namespace {}", path.display());
            Error::from_io(Code::InvalidArgument, what, &error)
        };
        let to_open = PathBuf::from(path);
        let opened = on_a_thread(move || {
            // Without blocking: whatever is at the path may be a pipe.
            let flags = OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NONBLOCK | OFlags::NOCTTY;
            let namespace = rustix::fs::open(&to_open, flags, Mode::empty())?;
            enter(&namespace)?;
            Ok(namespace)
        });
        let namespace = Arc::new(opened.await.map_err(error)?);
        Ok(Self { namespace })
    }

    /// Connects to a port of the namespace's loopback addresses, that of IPv4 first.
    pub async fn connect(&self, port: u16) -> std::result::Result<TcpStream, Refused> {
        let namespace = self.namespace.clone();
        let sockets = on_a_thread(move || {
            enter(&namespace)?;
            Ok((tcp_socket(AddressFamily::INET)?, tcp_socket(AddressFamily::INET6)))
        });
        let (v4, v6): Sockets = sockets.await.map_err(|error| {
            let same = io::Error::new(error.kind(), error.to_string());
            Refused {
                port,
                v4: error,
                v6: same,
            }
        })?;
        let v4 = match connect(v4, (Ipv4Addr::LOCALHOST, port).into()).await {
            Ok(stream) => return Ok(stream),
            Err(error) => error,
        };
        let v6 = async { connect(v6?, (Ipv6Addr::LOCALHOST, port).into()).await };
        v6.await.map_err(|v6| Refused { port, v4, v6 })
    }
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { port, v4, v6 } = self;
        write!(
            f,
            "port {port} of the pod can't be reached: 127.0.0.1: {v4}; [::1]: {v6}"
        )
    }
}

/// Runs some calls on a thread that ends after them. Nobody joins it.
async fn on_a_thread<T: Send + 'static>(
    calls: impl FnOnce() -> io::Result<T> + Send + 'static,
) -> io::Result<T> {
    let (tell, told) = oneshot::channel();
    std::thread::Builder::new()
        .name("podherd-netns".into())
        .stack_size(STACK_BYTES)
        .spawn(move || tell.send(calls()))?;
    match tokio::time::timeout(THREAD_TIMEOUT, told).await {
        Ok(Ok(result)) => result,
        Ok(Err(_)) => Err(io::Error::other("the thread for it has failed")),
        Err(_) => Err(io::ErrorKind::TimedOut.into()),
    }
}

fn enter(namespace: &OwnedFd) -> io::Result<()> {
    move_into_link_name_space(namespace.as_fd(), Some(LinkNameSpaceType::Network)).map_err(
        |error| match error {
            rustix::io::Errno::INVAL => io::Error::other("is not a network namespace"),
            other => other.into(),
        },
    )
}

fn tcp_socket(family: AddressFamily) -> io::Result<OwnedFd> {
    let flags = SocketFlags::NONBLOCK | SocketFlags::CLOEXEC;
    let socket = socket_with(family, SocketType::STREAM, flags, None)?;
    rustix::net::sockopt::set_tcp_nodelay(&socket, true)?;
    Ok(socket)
}

async fn connect(socket: OwnedFd, address: SocketAddr) -> io::Result<TcpStream> {
    let connecting = TcpSocket::from_std_stream(socket.into()).connect(address);
    match tokio::time::timeout(CONNECT_TIMEOUT, connecting).await {
        Ok(result) => result,
        Err(_) => Err(io::ErrorKind::TimedOut.into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(flavor = "current_thread")]
    async fn what_is_no_network_namespace_is_an_error() {
        for path in ["/proc/self/ns/uts", "/etc/passwd", "/nowhere", "/dev/null"] {
            let error = Namespace::open(Path::new(path)).await.unwrap_err();
            assert_eq!(error.code, Code::InvalidArgument, "{path}");
            assert!(error.message.contains(path), "{}", error.message);
        }
    }
}
