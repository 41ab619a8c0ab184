//! Entries for journald, received by a socket that stands for it. The regression suite has the real one.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{IoSliceMut, Read};
use std::mem::MaybeUninit;
use std::os::unix::net::UnixDatagram;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use rustix::net::{RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, recvmsg};

use super::super::Stream;
use super::super::error::LogErrorKind;
use super::super::journald::JournaldLog;
use super::super::lines::Lines;
use super::super::records::entry::{ENTRY_BYTES, Entry};
use super::super::timestamp::Timestamp;
use super::{LABEL, Random};
use crate::disk::scratch::directory;
use crate::journald::Journald;

type Fields = BTreeMap<String, Vec<u8>>;

/// Longer than the work of a test takes by far, and the patience of those that don't wait for its end.
const LONG: Duration = Duration::from_secs(60);

fn log_to(path: &Path, patience: Duration) -> JournaldLog {
    let journald = Box::leak(Box::new(Journald::at(path, patience)));
    JournaldLog::open(journald, LABEL.into()).expect("a journald")
}

/// Batches of a stream's output, as a sink makes them.
fn batches(stream: Stream, output: &[u8]) -> Vec<Vec<u8>> {
    let (mut lines, mut all) = (Lines::<Entry>::default(), Vec::new());
    let mut rest = output;
    while !rest.is_empty() {
        let mut batch = Vec::new();
        let done = lines.encode(stream, Timestamp::now(), rest, &mut batch);
        rest = &rest[done..];
        all.push(batch);
    }
    let mut last = Vec::new();
    lines.end(stream, Timestamp::now(), &mut last);
    all.push(last);
    all
}

fn send(log: &mut JournaldLog, stream: Stream, output: &[u8]) {
    batches(stream, output).iter().for_each(|batch| log.append(batch));
}

/// The next entry, of a datagram or of the file that came with it.
fn receive(journald: &UnixDatagram) -> (Fields, bool) {
    let mut bytes = vec![0; 300_000];
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
    let mut ancillary = RecvAncillaryBuffer::new(&mut space);
    let mut slices = [IoSliceMut::new(&mut bytes)];
    let received = recvmsg(journald, &mut slices, &mut ancillary, RecvFlags::DONTWAIT);
    let count = received.expect("a datagram").bytes;
    bytes.truncate(count);
    let file = ancillary.drain().find_map(|message| match message {
        RecvAncillaryMessage::ScmRights(mut files) => files.next(),
        _ => None,
    });
    let in_file = file.is_some();
    if let Some(file) = file {
        assert_eq!(count, 0, "both a file and a message");
        let seals = rustix::fs::fcntl_get_seals(&file).expect("seals");
        use rustix::fs::SealFlags;
        // What journald asks for before it maps it.
        assert!(seals.contains(SealFlags::SHRINK | SealFlags::GROW | SealFlags::WRITE | SealFlags::SEAL));
        let mut file = File::from(file);
        std::io::Seek::rewind(&mut file).expect("the start");
        file.read_to_end(&mut bytes).expect("the entry");
    }
    (parse(&bytes), in_file)
}

/// The protocol, by its description: `NAME=VALUE\n`, or `NAME\n`, eight bytes of length, VALUE, `\n`.
fn parse(mut entry: &[u8]) -> Fields {
    let mut fields = Fields::new();
    while !entry.is_empty() {
        let end = entry
            .iter()
            .position(|byte| b"=\n".contains(byte))
            .expect("a name");
        let name = str::from_utf8(&entry[..end]).expect("text").to_owned();
        let rest = &entry[end + 1..];
        let (value, rest) = if entry[end] == b'=' {
            rest.split_at(rest.iter().position(|&byte| byte == b'\n').expect("an end"))
        } else {
            let (length, rest) = rest.split_first_chunk::<8>().expect("a length");
            rest.split_at(u64::from_le_bytes(*length) as usize)
        };
        assert!(fields.insert(name, value.to_vec()).is_none());
        entry = rest.strip_prefix(b"\n").expect("a newline");
    }
    fields
}

fn field<'a>(fields: &'a Fields, name: &str) -> Option<&'a str> {
    fields.get(name).map(|value| str::from_utf8(value).expect("text"))
}

#[test]
fn an_entry_says_whose_line_it_is() {
    let directory = directory();
    let path = directory.path().join("journal");
    let journald = UnixDatagram::bind(&path).expect("a journald");
    let mut log = log_to(&path, LONG);
    send(&mut log, Stream::Stdout, b"out = \0\xff \n");
    send(&mut log, Stream::Stderr, b"err");
    let (out, _) = receive(&journald);
    assert_eq!(out["MESSAGE"], b"out = \0\xff ");
    let of = |fields: &Fields, name: &str| field(fields, name).map(str::to_owned);
    let values = |fields: &Fields| {
        [
            "CONTAINER_ID",
            "CONTAINER_STREAM",
            "PRIORITY",
            "SYSLOG_IDENTIFIER",
        ]
        .map(|name| of(fields, name))
    };
    let some = |values: [&str; 4]| values.map(|value| Some(value.to_owned()));
    assert_eq!(values(&out), some([LABEL, "stdout", "6", LABEL]));
    assert_eq!(out.len(), 5, "{out:?}");
    let (err, _) = receive(&journald);
    assert_eq!(field(&err, "MESSAGE"), Some("err"));
    assert_eq!(values(&err), some([LABEL, "stderr", "3", LABEL]));

    let long_id = "0123456789abcdef".repeat(4);
    let journald_of = Box::leak(Box::new(Journald::at(&path, LONG)));
    let mut log = JournaldLog::open(journald_of, Arc::from(&*long_id)).expect("a journald");
    send(&mut log, Stream::Stdout, b"\n");
    let (entry, _) = receive(&journald);
    assert_eq!(field(&entry, "CONTAINER_ID"), Some(&*long_id));
    assert_eq!(field(&entry, "SYSLOG_IDENTIFIER"), Some("0123456789ab"));
    assert_eq!(field(&entry, "MESSAGE"), Some(""));
}

#[test]
fn any_output_is_in_the_entries_byte_for_byte_long_lines_by_file_in_marked_pieces() {
    let directory = directory();
    let path = directory.path().join("journal");
    let journald = UnixDatagram::bind(&path).expect("a journald");
    let mut log = log_to(&path, LONG);
    let (mut files, mut pieces) = (0, 0);
    for seed in 0..6 {
        let mut random = Random(seed);
        let mut output = random.output();
        // Longer than a datagram may be, and longer than an entry.
        output.extend(vec![b'l'; random.below(3 * ENTRY_BYTES)]);
        output.push(b'\n');
        output.extend("🦀".repeat(random.below(ENTRY_BYTES)).as_bytes());
        output.push(b'\n');
        let mut received = Vec::new();
        for batch in batches(Stream::Stdout, &output) {
            // One entry a time: the socket holds only a few.
            for entry in super::super::records::entry::parse(&batch) {
                let mut one = Vec::new();
                let tag = u8::from(entry.partial) << 1 | entry.stream as u8;
                one.push(tag);
                one.extend((entry.content.len() as u32).to_le_bytes());
                one.extend(entry.content);
                log.append(&one);
                let (fields, in_file) = receive(&journald);
                files += usize::from(in_file);
                received.extend(&fields["MESSAGE"]);
                match field(&fields, "CONTAINER_PARTIAL_MESSAGE") {
                    None => received.push(b'\n'),
                    Some(partial) => {
                        assert_eq!(partial, "true");
                        assert!(ENTRY_BYTES - fields["MESSAGE"].len() < 4);
                        pieces += 1;
                    }
                }
            }
        }
        assert!(received == output, "seed {seed}");
        assert_eq!(log.losses().total(), 0);
    }
    assert!(files > 2 && pieces > 2, "{files} {pieces}");
}

#[test]
fn without_a_journal_a_log_is_refused_and_one_that_came_back_is_told_what_it_missed() {
    let directory = directory();
    let path = directory.path().join("journal");
    let journald_of: &'static Journald = Box::leak(Box::new(Journald::at(&path, LONG)));
    let refused = || {
        JournaldLog::open(journald_of, LABEL.into())
            .err()
            .expect("an error")
    };
    assert_eq!(refused().kind, LogErrorKind::NoJournald);
    drop(UnixDatagram::bind(&path).expect("a journald that has gone"));
    assert_eq!(refused().kind, LogErrorKind::NoJournald);
    assert!(
        refused()
            .to_string()
            .starts_with("journald does not listen at its socket: ")
    );
    std::fs::remove_file(&path).expect("its socket");

    let journald = UnixDatagram::bind(&path).expect("a journald");
    let mut log = log_to(&path, LONG);
    send(&mut log, Stream::Stdout, b"before\n");
    assert_eq!(field(&receive(&journald).0, "MESSAGE"), Some("before"));
    drop(journald);
    send(&mut log, Stream::Stdout, b"lost\nlost too\n");
    assert_eq!(log.losses().total(), 14);
    assert_eq!(log.last_error().expect("an error").kind, LogErrorKind::NoJournald);
    std::fs::remove_file(&path).expect("its socket");
    let journald = UnixDatagram::bind(&path).expect("another journald");
    send(&mut log, Stream::Stdout, b"after\n");
    let (notice, _) = receive(&journald);
    assert_eq!(
        field(&notice, "MESSAGE"),
        Some("podherd: 14 bytes of output were not logged: Connection refused")
    );
    assert_eq!(field(&notice, "PRIORITY"), Some("3"));
    assert_eq!(field(&receive(&journald).0, "MESSAGE"), Some("after"));
    assert_eq!(log.losses().total(), 14);
}

#[test]
fn a_journal_that_hangs_is_waited_for_once_and_heard_of_again() {
    const PATIENCE: Duration = Duration::from_millis(300);
    let directory = directory();
    let path = directory.path().join("journal");
    let journald = UnixDatagram::bind(&path).expect("a journald");
    let mut log = log_to(&path, PATIENCE);
    let began = Instant::now();
    // More than its socket holds.
    const LINES: usize = 5_000;
    let lines: String = (0..LINES).map(|number| format!("{number:04}\n")).collect();
    send(&mut log, Stream::Stdout, lines.as_bytes());
    let lost = log.losses().total();
    assert!(began.elapsed() >= PATIENCE && lost > 0);
    // Each of the lost lines waiting would take minutes.
    assert!(began.elapsed() < 20 * PATIENCE, "{:?}", began.elapsed());
    let mut taken = 0;
    while taken * 5 + (lost as usize) < LINES * 5 {
        let (entry, _) = receive(&journald);
        assert_eq!(field(&entry, "MESSAGE"), Some(&*format!("{taken:04}")));
        taken += 1;
    }
    send(&mut log, Stream::Stdout, b"after\n");
    let (notice, _) = receive(&journald);
    let text = field(&notice, "MESSAGE").expect("a message");
    assert!(
        text.starts_with(&format!("podherd: {lost} bytes of output were not logged")),
        "{text}"
    );
    assert_eq!(field(&receive(&journald).0, "MESSAGE"), Some("after"));
}
