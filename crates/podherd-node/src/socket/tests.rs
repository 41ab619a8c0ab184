use std::fs::File;
use std::io::{IoSliceMut, Read, Write};
use std::os::fd::AsFd;
use std::path::PathBuf;

use rustix::net::{RecvAncillaryBuffer, RecvAncillaryMessage};
use tempfile::TempDir;

use super::*;

/// A listener, and the folder that its socket is in.
struct Listener {
    _folder: TempDir,
    path: PathBuf,
    fd: OwnedFd,
}

impl Listener {
    fn new(name: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        let flags = SocketFlags::CLOEXEC;
        let fd = rustix::net::socket_with(AddressFamily::UNIX, SocketType::SEQPACKET, flags, None).unwrap();
        rustix::net::bind(&fd, &address::of(&path).unwrap().unix).unwrap();
        rustix::net::listen(&fd, 1).unwrap();
        Self {
            _folder: folder,
            path,
            fd,
        }
    }

    fn connect(&self) -> (PacketSocket, OwnedFd) {
        let socket = PacketSocket::connect(&self.path).unwrap();
        (socket, rustix::net::accept(&self.fd).unwrap())
    }
}

async fn receive(socket: &PacketSocket) -> Vec<u8> {
    let mut bytes = vec![0; 16 * 1024];
    loop {
        match socket.try_receive(&mut bytes) {
            Ok(length) => return bytes[..length].to_vec(),
            Err(error) => assert_eq!(error, Errno::AGAIN),
        }
        socket.readable().await.unwrap();
    }
}

async fn send(socket: &PacketSocket, packet: &[u8], descriptors: &[BorrowedFd<'_>]) {
    while let Err(error) = socket.try_send(packet, descriptors) {
        assert_eq!(error, Errno::AGAIN);
        socket.writable().await.unwrap();
    }
}

#[tokio::test]
async fn packets_keep_their_boundaries_at_any_length_of_the_path() {
    for name in ["short".to_owned(), format!("{}/socket", "d".repeat(200))] {
        let (socket, peer) = Listener::new(&name).connect();
        for packet in [b"a".as_slice(), b"bc", &[7; 8192]] {
            rustix::net::send(&peer, packet, SendFlags::empty()).unwrap();
        }
        assert_eq!(receive(&socket).await, b"a");
        assert_eq!(receive(&socket).await, b"bc");
        assert_eq!(receive(&socket).await, [7; 8192]);
        drop(peer);
        assert_eq!(receive(&socket).await, b"");
    }
}

#[tokio::test]
async fn a_packet_larger_than_its_buffer_is_an_error_and_the_next_one_is_whole() {
    let (socket, peer) = Listener::new("socket").connect();
    rustix::net::send(&peer, &[1; 9], SendFlags::empty()).unwrap();
    rustix::net::send(&peer, b"next", SendFlags::empty()).unwrap();
    socket.readable().await.unwrap();
    assert_eq!(socket.try_receive(&mut [0; 8]), Err(Errno::MSGSIZE));
    assert_eq!(receive(&socket).await, b"next");
}

#[tokio::test]
async fn a_full_peer_is_waited_for() {
    let (socket, peer) = Listener::new("socket").connect();
    let mut sent = 0;
    send(&socket, &[2; 8192], &[]).await;
    while socket.try_send(&[2; 8192], &[]).is_ok() {
        sent += 1;
    }
    assert!(sent > 0);
    let reader = std::thread::spawn(move || {
        let mut length = 0;
        let mut bytes = [0; 8192];
        while let Ok((_, more @ 1..)) = rustix::net::recv(&peer, &mut bytes, RecvFlags::empty()) {
            length += more;
        }
        length
    });
    for _ in 0..1_000 {
        send(&socket, &[2; 8192], &[]).await;
    }
    socket.shutdown_write().unwrap();
    assert_eq!(socket.try_send(b"more", &[]), Err(Errno::PIPE));
    assert_eq!(reader.join().unwrap(), (sent + 1_001) * 8192);
}

#[tokio::test]
async fn descriptors_arrive_as_copies() {
    let (socket, peer) = Listener::new("socket").connect();
    let (mut reader, writer) = std::io::pipe().unwrap();
    send(&socket, b"take", &[writer.as_fd(), writer.as_fd()]).await;
    drop(writer);

    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(2))];
    let mut control = RecvAncillaryBuffer::new(&mut space);
    let mut bytes = [0; 8];
    let flags = RecvFlags::CMSG_CLOEXEC;
    let received =
        rustix::net::recvmsg(&peer, &mut [IoSliceMut::new(&mut bytes)], &mut control, flags).unwrap();
    assert_eq!(&bytes[..received.bytes], b"take");
    let mut writers: Vec<File> = control
        .drain()
        .flat_map(|message| match message {
            RecvAncillaryMessage::ScmRights(descriptors) => descriptors.map(File::from).collect(),
            _ => Vec::new(),
        })
        .collect();
    assert_eq!(writers.len(), 2);
    writers[1].write_all(b"through").unwrap();
    drop(writers);
    // It ends: the sender holds none of them.
    let mut text = String::new();
    reader.read_to_string(&mut text).unwrap();
    assert_eq!(text, "through");
}

#[tokio::test]
async fn what_cannot_be_sent_is_refused() {
    let (socket, peer) = Listener::new("socket").connect();
    assert_eq!(socket.try_send(b"", &[]), Err(Errno::INVAL));
    assert_eq!(
        socket.try_send(b"x", &vec![peer.as_fd(); MAX_DESCRIPTORS + 1]),
        Err(Errno::INVAL)
    );
    send(&socket, b"x", &vec![peer.as_fd(); MAX_DESCRIPTORS]).await;
}

#[tokio::test]
async fn failures_to_connect_say_why() {
    let listener = Listener::new("socket");
    let absent = listener.path.with_file_name("absent");
    assert_eq!(PacketSocket::connect(&absent).err(), Some(Errno::NOENT));
    let mut waiting = Vec::new();
    let error = loop {
        match PacketSocket::connect(&listener.path) {
            Ok(socket) => waiting.push(socket),
            Err(error) => break error,
        }
    };
    assert_eq!(error, Errno::AGAIN);
    let Listener { _folder, path, fd } = listener;
    drop(fd);
    assert_eq!(PacketSocket::connect(&path).err(), Some(Errno::CONNREFUSED));
}
