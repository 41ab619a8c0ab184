//! Filesystems that refuse.

use std::fs;
use std::path::Path;

use super::super::{ContainerLog, LogErrorKind, Stream};
use super::{LABEL, Random, Record, model, open, output, records, target};
use crate::disk::Disk;
use crate::disk::scratch::{Filesystem, directory, on_event_loop};

const NOTICE: &str = "podherd: ";

/// The bytes that the log itself says are missing, and the log without these records.
fn told(path: &Path) -> (u64, Vec<Record>) {
    let is_notice = |record: &Record| record.content.starts_with(NOTICE.as_bytes());
    let (notices, rest): (Vec<_>, Vec<_>) = records(path).into_iter().partition(is_notice);
    let count = |notice: &Record| {
        assert_eq!((&*notice.stream, &*notice.tag), ("stderr", "F"));
        let text = String::from_utf8(notice.content.clone()).expect("text");
        let count = text
            .strip_prefix(NOTICE)
            .and_then(|text| text.strip_suffix(" bytes of output were not logged: No space left on device"))
            .expect("the notice's words");
        count.parse::<u64>().expect("a number")
    };
    (notices.iter().map(count).sum(), rest)
}

// conmon-rs stops logging for good; conmon goes on, glued to the torn line.
#[test]
fn a_full_disk_drops_whole_records_and_says_so_when_there_is_space_again() {
    on_event_loop(async {
        for seed in 0..8 {
            let mut random = Random(seed);
            let full = Filesystem::tmpfs("size=512k");
            let (path, filler) = (full.path().join("log"), full.path().join("filler"));
            fs::write(&filler, vec![0; 300_000]).expect("a filler");
            let log = open(&path).await;
            let mut written = 0;
            let mut write = async |count: usize| {
                for number in 0..count {
                    let line = format!("{number} {}\n", "x".repeat(random.below(3_000)));
                    log.write(Stream::Stdout, line.as_bytes()).await;
                    written += line.len() as u64;
                    if random.below(20) == 0 {
                        log.flush().await;
                    }
                }
            };
            write(600).await;
            let outcome = log.flush().await;
            assert!(outcome.dropped_bytes > 100_000, "seed {seed}");
            let error = outcome.last_error.expect("an error");
            assert_eq!(error.kind, LogErrorKind::Full);
            assert!(error.to_string().starts_with("no space is left for the log: "));
            fs::remove_file(&filler).expect("space again");
            write(40).await;
            assert_eq!(log.flush().await.dropped_bytes, outcome.dropped_bytes);
            let (told, rest) = told(&path);
            assert_eq!(told, outcome.dropped_bytes, "seed {seed}");
            let logged = output(&rest, "stdout");
            assert_eq!(logged.len() as u64 + told, written, "seed {seed}");
            let last = rest.last().expect("a last record");
            assert!(last.content.starts_with(b"39 "), "what came after is there");
        }
    });
}

#[test]
fn a_loss_is_said_at_the_end_too() {
    on_event_loop(async {
        let full = Filesystem::tmpfs("size=64k");
        let (path, filler) = (full.path().join("log"), full.path().join("filler"));
        let log = open(&path).await;
        log.write(Stream::Stdout, b"logged\n").await;
        log.flush().await;
        // The log's own page has room still: only a longer line is refused.
        assert!(fs::write(&filler, vec![0; 65_536]).is_err());
        let line = [vec![b'x'; 10_000], b"\n".to_vec()].concat();
        log.write(Stream::Stdout, &line).await;
        assert_eq!(log.flush().await.dropped_bytes, 10_001);
        fs::remove_file(&filler).expect("space again");
        assert_eq!(log.flush().await.dropped_bytes, 10_001);
        let (told, rest) = told(&path);
        assert_eq!(told, 10_001);
        assert_eq!(rest, model("stdout", b"logged\n"));
    });
}

#[test]
fn a_torn_line_of_an_earlier_life_is_ended_also_after_failed_writes() {
    on_event_loop(async {
        let full = Filesystem::tmpfs("size=64k");
        let (path, filler) = (full.path().join("log"), full.path().join("filler"));
        let torn = [b'-'; 4_090];
        fs::write(&path, torn).expect("a torn log, its page full");
        assert!(fs::write(&filler, vec![0; 65_536]).is_err());
        let log = open(&path).await;
        for _ in 0..3 {
            log.write(Stream::Stdout, b"lost\n").await;
            log.flush().await;
            assert_eq!(fs::read(&path).expect("log"), torn);
        }
        fs::remove_file(&filler).expect("space again");
        log.write(Stream::Stdout, b"logged\n").await;
        assert_eq!(log.flush().await.dropped_bytes, 15);
        let whole = fs::read(&path).expect("log").split_off(torn.len());
        assert_eq!(whole.first(), Some(&b'\n'));
        fs::write(&path, &whole[1..]).expect("the log without the torn line");
        assert_eq!(told(&path), (15, model("stdout", b"logged\n")));
    });
}

#[test]
fn a_write_error_fails_no_call_and_every_byte_is_counted() {
    on_event_loop(async {
        // Refuses each write with ENOSPC, and can't be cut back.
        let log = open(Path::new("/dev/full")).await;
        for _ in 0..100 {
            log.write(Stream::Stdout, &[b'x'; 10_000]).await;
        }
        log.write(Stream::Stderr, b"\n").await;
        log.write(Stream::Stdout, b"\n").await;
        let outcome = log.flush().await;
        assert_eq!(outcome.dropped_bytes, 1_000_002);
        assert_eq!(log.dropped_bytes(), 1_000_002);
        log.clone().reopen().await.expect("reopened");
        log.remove_if_created().await;
        assert!(Path::new("/dev/full").exists());
    });
}

#[test]
fn no_inode_and_a_read_only_filesystem_are_told_apart() {
    on_event_loop(async {
        let disk = Disk::new();
        let kind = async |path: &Path| {
            let opened = ContainerLog::open(&disk, LABEL, target(path)).await;
            opened.err().expect("an error").kind
        };
        let full = Filesystem::tmpfs("nr_inodes=1");
        assert_eq!(kind(&full.path().join("log")).await, LogErrorKind::Full);
        let read_only = Filesystem::tmpfs("size=64k");
        let old = read_only.path().join("old");
        fs::write(&old, "old\n").expect("a log");
        read_only.remount("ro");
        let new = read_only.path().join("new");
        assert_eq!(kind(&old).await, LogErrorKind::ReadOnly);
        assert_eq!(kind(&new).await, LogErrorKind::ReadOnly);
    });
}

#[test]
fn a_filesystem_that_turned_read_only_refuses_the_reopen_and_keeps_the_old_file() {
    on_event_loop(async {
        let (filesystem, elsewhere) = (Filesystem::tmpfs("size=64k"), directory());
        let path = elsewhere.path().join("log");
        let log = open(&path).await;
        log.write(Stream::Stdout, b"before\n").await;
        log.flush().await;
        let moved = elsewhere.path().join("moved");
        fs::rename(&path, &moved).expect("a rename");
        filesystem.remount("ro");
        // The log's directory is the read-only filesystem from now on.
        let bound = Bound::new(filesystem.path(), elsewhere.path());
        let error = log.reopen().await.expect_err("read-only");
        assert_eq!(error.kind, LogErrorKind::ReadOnly);
        log.write(Stream::Stdout, b"after\n").await;
        assert_eq!(log.flush().await.dropped_bytes, 0);
        drop(bound);
        assert_eq!(records(&moved), model("stdout", b"before\nafter\n"));
    });
}

/// A bind mount that is undone at the end.
struct Bound(String);

impl Bound {
    fn new(from: &Path, to: &Path) -> Self {
        let [from, to] = [from, to].map(|path| path.to_str().expect("text").to_owned());
        let mounted = crate::disk::scratch::run("mount", &["--bind", &from, &to]);
        assert!(mounted.expect("mount").status.success());
        Self(to)
    }
}

impl Drop for Bound {
    fn drop(&mut self) {
        let _ = crate::disk::scratch::run("umount", &[&self.0]);
    }
}
