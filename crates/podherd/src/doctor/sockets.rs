//! Which unix sockets are bound, and to which files: asked of the kernel (sock_diag(7)), so that nothing has to be
//! connected to. The path that a socket was bound with tells little: a server binds long ones through
//! `/proc/self/fd`.

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::sync::mpsc;

use rustix::fs::{Mode, OFlags};
use rustix::net::{AddressFamily, RecvFlags, SendFlags, SocketFlags, SocketType};
use rustix::thread::{LinkNameSpaceType, move_into_link_name_space};

use super::processes::Processes;

/// One socket that is bound to a path.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Bound {
    connected: bool,
    name: Vec<u8>,
    /// Low half of the inode's number, and device, as the kernel writes it.
    file: Option<(u32, u32)>,
}

/// The bound sockets of all network namespaces in which a process lives.
#[derive(Debug, Default)]
pub struct Sockets {
    bound: Vec<Bound>,
    /// Why they are not all known.
    pub missing: Option<String>,
}

impl Sockets {
    /// Asks for those there are.
    pub fn look(processes: &Processes) -> Self {
        let mut all = Self::default();
        match dump() {
            Ok(bound) => all.bound = bound,
            Err(error) => {
                all.missing = Some(error.to_string());
                return all;
            }
        }
        for namespace in other_namespaces(processes) {
            match dump_in(namespace) {
                Ok(bound) => all.bound.extend(bound),
                Err(error) => all.missing = Some(format!("in another network namespace: {error}")),
            }
        }
        all
    }

    /// Whether no socket is bound to this file: nobody can be reached there ever again. Where that can't be
    /// known for certain, somebody is.
    pub fn is_stale(&self, path: &Path) -> bool {
        let Ok(metadata) = fs::symlink_metadata(path) else {
            return false;
        };
        self.missing.is_none()
            && !on_layers(path)
            && !self.of(&metadata).any(|_| true)
            && !self
                .bound
                .iter()
                .any(|socket| socket.name == path.as_os_str().as_encoded_bytes())
    }

    /// How many clients are connected to the socket at this path.
    pub fn clients(&self, path: &Path) -> usize {
        fs::symlink_metadata(path).map_or(0, |metadata| {
            self.of(&metadata).filter(|socket| socket.connected).count()
        })
    }

    fn of(&self, file: &fs::Metadata) -> impl Iterator<Item = &Bound> {
        let inode = file.ino() as u32;
        let device = rustix::fs::major(file.dev()) << 20 | rustix::fs::minor(file.dev());
        self.bound
            .iter()
            .filter(move |socket| socket.file == Some((inode, device)))
    }
}

/// On overlayfs a file's numbers are not those that the kernel's own list of sockets has.
fn on_layers(path: &Path) -> bool {
    const OVERLAYFS_MAGIC: rustix::fs::FsWord = 0x794c_7630;
    let directory = path.parent().unwrap_or(path);
    rustix::fs::statfs(directory).is_ok_and(|stat| stat.f_type == OVERLAYFS_MAGIC)
}

/// One process's network namespace for each that is not ours, open.
fn other_namespaces(processes: &Processes) -> Vec<OwnedFd> {
    let mut seen: BTreeSet<_> = fs::read_link("/proc/self/ns/net").into_iter().collect();
    let mut open = Vec::new();
    for process in processes.iter().filter(|process| !process.has_ended()) {
        let path = format!("/proc/{}/ns/net", process.pid);
        if let Ok(name) = fs::read_link(&path)
            && seen.insert(name)
            && let Ok(namespace) = rustix::fs::open(&path, OFlags::RDONLY | OFlags::CLOEXEC, Mode::empty())
        {
            open.push(namespace);
        }
    }
    open
}

/// The kernel answers for the namespace of the thread that asks: one of its own, which ends afterwards.
fn dump_in(namespace: OwnedFd) -> io::Result<Vec<Bound>> {
    let (tell, told) = mpsc::channel();
    std::thread::Builder::new().spawn(move || {
        let asked = move_into_link_name_space(
            std::os::fd::AsFd::as_fd(&namespace),
            Some(LinkNameSpaceType::Network),
        );
        let _ = tell.send(asked.map_err(io::Error::from).and_then(|()| dump()));
    })?;
    told.recv()
        .map_err(|_| io::Error::other("the thread for it has failed"))?
}

// linux/netlink.h, linux/sock_diag.h, linux/unix_diag.h
const SOCK_DIAG_BY_FAMILY: u16 = 20;
const NLM_F_REQUEST_DUMP: u16 = 1 | 0x300;
const NLMSG_ERROR: u16 = 2;
const NLMSG_DONE: u16 = 3;
const UDIAG_SHOW_NAME_VFS: u32 = 1 | 2;
const UNIX_DIAG_NAME: u16 = 0;
const UNIX_DIAG_VFS: u16 = 1;
const TCP_ESTABLISHED: u8 = 1;
const HEADER_BYTES: usize = 16;
const MESSAGE_BYTES: usize = 16;

fn dump() -> io::Result<Vec<Bound>> {
    let socket = rustix::net::socket_with(
        AddressFamily::NETLINK,
        SocketType::RAW,
        SocketFlags::CLOEXEC,
        Some(rustix::net::netlink::SOCK_DIAG),
    )?;
    rustix::net::send(&socket, &request(), SendFlags::empty())?;
    let mut found = Vec::new();
    let mut buffer = vec![0; 64 << 10];
    loop {
        let (length, _) = rustix::net::recv(&socket, &mut buffer[..], RecvFlags::empty())?;
        let mut rest = &buffer[..length.min(buffer.len())];
        if rest.is_empty() {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        while let Some((kind, body, after)) = message(rest) {
            match kind {
                NLMSG_DONE => return Ok(found),
                NLMSG_ERROR => {
                    let errno = body.first_chunk().map_or(0, |code| i32::from_ne_bytes(*code));
                    return Err(io::Error::from_raw_os_error(-errno));
                }
                SOCK_DIAG_BY_FAMILY => found.extend(bound(body)),
                _ => {}
            }
            rest = after;
        }
    }
}

/// All unix sockets, in whatever state, with names and files.
fn request() -> Vec<u8> {
    let mut bytes = Vec::with_capacity(40);
    bytes.extend(40_u32.to_ne_bytes());
    bytes.extend(SOCK_DIAG_BY_FAMILY.to_ne_bytes());
    bytes.extend(NLM_F_REQUEST_DUMP.to_ne_bytes());
    bytes.extend([0; 8]);
    bytes.extend([AddressFamily::UNIX.as_raw() as u8, 0, 0, 0]);
    bytes.extend(u32::MAX.to_ne_bytes());
    bytes.extend(0_u32.to_ne_bytes());
    bytes.extend(UDIAG_SHOW_NAME_VFS.to_ne_bytes());
    bytes.extend([0; 8]);
    bytes
}

/// Type and body of the first message, and what comes after it.
fn message(bytes: &[u8]) -> Option<(u16, &[u8], &[u8])> {
    let length = u32::from_ne_bytes(*bytes.first_chunk()?) as usize;
    let kind = u16::from_ne_bytes(*bytes.get(4..)?.first_chunk()?);
    let body = bytes.get(HEADER_BYTES..length)?;
    Some((
        kind,
        body,
        bytes.get(length.next_multiple_of(4)..).unwrap_or_default(),
    ))
}

/// One socket, if it is bound to a path.
fn bound(body: &[u8]) -> Option<Bound> {
    let connected = *body.get(2)? == TCP_ESTABLISHED;
    let mut socket = Bound {
        connected,
        name: Vec::new(),
        file: None,
    };
    let mut rest = body.get(MESSAGE_BYTES..)?;
    while let (Some(length), Some(kind)) = (rest.first_chunk::<2>(), rest.get(2..4)) {
        let length = usize::from(u16::from_ne_bytes(*length));
        let value = rest.get(4..length)?;
        match u16::from_ne_bytes(kind.try_into().ok()?) {
            UNIX_DIAG_NAME => {
                let end = value.iter().skip(1).position(|&byte| byte == 0);
                socket.name = value[..end.map_or(value.len(), |end| end + 1)].to_vec();
            }
            UNIX_DIAG_VFS => {
                let inode = u32::from_ne_bytes(*value.first_chunk()?);
                let device = u32::from_ne_bytes(*value.get(4..)?.first_chunk()?);
                socket.file = Some((inode, device));
            }
            _ => {}
        }
        rest = rest.get(length.next_multiple_of(4)..).unwrap_or_default();
    }
    // An abstract name begins with a zero byte, and is no file.
    (socket.file.is_some() || socket.name.first().is_some_and(|&byte| byte != 0)).then_some(socket)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::net::{UnixListener, UnixStream};

    #[test]
    fn a_socket_is_stale_once_nobody_has_it_open() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("socket");
        let listener = UnixListener::bind(&path).unwrap();
        let client = UnixStream::connect(&path).unwrap();
        let look = || Sockets {
            bound: dump().unwrap(),
            missing: None,
        };
        // The kernel lists a connection once it is accepted.
        let accepted = listener.accept().unwrap();
        assert!(!look().is_stale(&path));
        assert_eq!(look().clients(&path), 1);
        drop((listener, client, accepted));
        assert!(look().is_stale(&path));
        // What isn't known for certain is no finding.
        let mut unknown = look();
        unknown.missing = Some("no".into());
        assert!(!unknown.is_stale(&path));
        assert!(!look().is_stale(&directory.path().join("absent")));
    }

    #[test]
    fn one_that_was_bound_by_another_path_is_not_stale() {
        use std::os::fd::AsFd;
        let directory = tempfile::tempdir().unwrap();
        let open = fs::File::open(directory.path()).unwrap();
        let socket = crate::socket::bind(open.as_fd(), "there", SocketType::STREAM).unwrap();
        let look = || Sockets {
            bound: dump().unwrap(),
            missing: None,
        };
        let path = directory.path().join("there");
        assert!(!look().is_stale(&path));
        drop(socket);
        assert!(look().is_stale(&path));
    }
}
