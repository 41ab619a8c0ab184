//! Opening, reopening, undoing: what is in a file stays in it.

use std::fs;
use std::future::Future;
use std::os::unix::fs::{MetadataExt, symlink};
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Waker};
use std::time::Duration;

use super::super::{ContainerLog, LogErrorKind, Stream};
use super::{LABEL, model, open, output, parse, records, target};
use crate::disk::scratch::{Filesystem, directory, on_event_loop, run};
use crate::disk::{BATCH_BYTES, Disk, STALL};
use crate::logs::BATCHES_IN_FLIGHT;

// conmon-rs: a second create with a log's path drops its old lines.
#[test]
fn an_existing_log_is_continued() {
    on_event_loop(async {
        let directory = directory();
        let path = directory.path().join("log");
        for line in ["first\n", "second\n"] {
            let log = open(&path).await;
            log.write(Stream::Stdout, line.as_bytes()).await;
            log.flush().await;
        }
        assert_eq!(records(&path), model("stdout", b"first\nsecond\n"));
        assert_eq!(fs::metadata(&path).expect("log").mode() & 0o7777, 0o600);
    });
}

#[test]
fn a_torn_line_of_an_earlier_life_ends_before_the_next_record() {
    on_event_loop(async {
        let directory = directory();
        let path = directory.path().join("log");
        fs::write(&path, "2026-01-01T00:00:00.0").expect("a torn log");
        let log = open(&path).await;
        log.write(Stream::Stdout, b"whole\n").await;
        log.write(Stream::Stdout, b"whole too\n").await;
        log.flush().await;
        let log = fs::read(&path).expect("log");
        let rest = log
            .strip_prefix(b"2026-01-01T00:00:00.0\n")
            .expect("the torn line, ended");
        assert_eq!(parse(rest), model("stdout", b"whole\nwhole too\n"));
    });
}

#[test]
fn undo_removes_only_what_the_open_made() {
    on_event_loop(async {
        let directory = directory();
        let (old, new) = (directory.path().join("old"), directory.path().join("new"));
        fs::write(&old, "kept\n").expect("an old log");
        open(&old).await.remove_if_created().await;
        open(&new).await.remove_if_created().await;
        assert_eq!(fs::read(&old).expect("the old log"), b"kept\n");
        assert!(!new.exists());

        // Somebody else's file has the name by now.
        let log = open(&new).await;
        fs::rename(&new, directory.path().join("moved")).expect("a rename");
        fs::write(&new, "theirs").expect("their file");
        log.remove_if_created().await;
        assert_eq!(fs::read(&new).expect("their file"), b"theirs");
    });
}

#[test]
fn a_failed_open_leaves_nothing() {
    on_event_loop(async {
        let (disk, directory) = (Disk::new(), directory());
        let made = directory.path().join("made");
        let missing = directory.path().join("missing/log");
        let targets = [target(&made), target(&missing)].concat();
        let error = ContainerLog::open(&disk, LABEL, targets)
            .await
            .err()
            .expect("an error");
        assert_eq!(error.kind, LogErrorKind::MissingDirectory);
        assert_eq!(error.path, missing);
        assert!(!made.exists());
    });
}

#[test]
fn an_abandoned_open_leaves_nothing() {
    on_event_loop(async {
        let (disk, directory) = (Disk::new(), directory());
        let path = directory.path().join("log");
        let mut context = Context::from_waker(Waker::noop());
        {
            let mut opening = pin!(ContainerLog::open(&disk, LABEL, target(&path)));
            assert!(opening.as_mut().poll(&mut context).is_pending());
        }
        // The file is made and removed by the time when the threads have ended.
        let hands = Arc::clone(disk.hands());
        drop(disk);
        while hands.threads() > 0 {
            tokio::task::yield_now().await;
        }
        assert!(!fs::exists(&path).expect("a look"));
        let log = open(&path).await;
        log.write(Stream::Stdout, b"later\n").await;
        log.flush().await;
        assert_eq!(records(&path), model("stdout", b"later\n"));
    });
}

#[test]
fn a_log_opened_right_after_an_undone_one_of_the_same_path_stays() {
    on_event_loop(async {
        let (disk, directory) = (Disk::new(), directory());
        for number in 0..200 {
            let path = directory.path().join(number.to_string());
            let undone = ContainerLog::open(&disk, LABEL, target(&path));
            if number % 2 == 0 {
                // Given up at its first wait, with the file to be made, made, or on its way.
                tokio::select! {
                    biased;
                    log = undone => drop(log.expect("a log").remove_if_created()),
                    () = give_up(number) => {}
                }
            } else {
                drop(undone.await.expect("a log").remove_if_created());
            }
            let opened = ContainerLog::open(&disk, LABEL, target(&path)).await;
            let log = opened.expect("a log");
            log.write(Stream::Stdout, b"here\n").await;
            log.flush().await;
            // A removal that came too late has come by now.
            log.reopen().await.expect("reopened");
            assert_eq!(records(&path), model("stdout", b"here\n"), "{number}");
        }
    });
}

async fn give_up(after: usize) {
    for _ in 0..after % 8 {
        tokio::task::yield_now().await;
    }
}

#[test]
fn what_is_not_a_log_file_is_refused() {
    on_event_loop(async {
        let (disk, directory) = (Disk::new(), directory());
        let at = |name: &str| directory.path().join(name);
        fs::write(at("victim"), "").expect("a file");
        fs::create_dir(at("directory")).expect("a directory");
        symlink(at("victim"), at("link")).expect("a link");
        symlink(at("nowhere"), at("dangling")).expect("a link");
        let fifo = at("fifo");
        run("mkfifo", &[fifo.to_str().expect("text")]).expect("a FIFO");
        let kind = async |name: &str| {
            let opened = ContainerLog::open(&disk, LABEL, target(&at(name))).await;
            opened.err().expect("an error").kind
        };
        for name in ["directory", "link", "dangling", "fifo"] {
            assert_eq!(kind(name).await, LogErrorKind::NotAFile, "{name}");
        }
        assert_eq!(kind("no/log").await, LogErrorKind::MissingDirectory);
        assert_eq!(kind("victim/log").await, LogErrorKind::NotADirectory);
        assert!(!fs::exists(at("nowhere")).expect("a look"));
    });
}

// conmon 570: a log garbled by rotation under load.
#[test]
fn reopening_under_load_loses_and_repeats_nothing() {
    const LINES: usize = 60_000;
    on_event_loop(async {
        let directory = directory();
        let path = directory.path().join("log");
        let log = open(&path).await;
        let write = async |stream| {
            // Chunks that end in mid-line.
            let all: String = (0..LINES).map(|n| format!("line {n}\n")).collect();
            for chunk in all.as_bytes().chunks(4_001) {
                log.write(stream, chunk).await;
                tokio::task::yield_now().await;
            }
            log.end(stream).await;
        };
        let mut files = Vec::new();
        let rotate = async {
            for number in 0..25 {
                let moved = directory.path().join(format!("log.{number}"));
                fs::rename(&path, &moved).expect("a rename");
                log.reopen().await.expect("a new file");
                files.push(moved);
                tokio::task::yield_now().await;
            }
        };
        tokio::join!(write(Stream::Stdout), write(Stream::Stderr), rotate);
        assert_eq!(log.flush().await.dropped_bytes, 0);
        files.push(path.clone());
        let all: Vec<_> = files.iter().flat_map(|file| records(file)).collect();
        let expected: String = (0..LINES).map(|n| format!("line {n}\n")).collect();
        for stream in ["stdout", "stderr"] {
            assert!(output(&all, stream) == expected.as_bytes(), "{stream}");
        }
        let used = files.iter().filter(|file| !records(file).is_empty()).count();
        assert!(used > 2, "the load was over before the rotation: {used}");
    });
}

#[test]
fn reopening_is_in_order_with_writes_that_are_not_waited_for() {
    on_event_loop(async {
        let directory = directory();
        let (path, moved) = (directory.path().join("log"), directory.path().join("moved"));
        let log = open(&path).await;
        log.write(Stream::Stdout, b"before\nunfinished").await;
        log.flush().await;
        fs::rename(&path, &moved).expect("a rename");
        log.write(Stream::Stdout, b" line\nstill before\n").await;
        let reopened = log.reopen();
        let mut reopened = pin!(reopened);
        // Asked for, not awaited.
        let mut context = Context::from_waker(Waker::noop());
        let _ = reopened.as_mut().poll(&mut context);
        log.write(Stream::Stdout, b"after\n").await;
        log.flush().await;
        let before = b"before\nunfinished line\nstill before\n";
        assert_eq!(records(&moved), model("stdout", before));
        assert_eq!(records(&path), model("stdout", b"after\n"));
    });
}

// conmon-rs truncates the log when it reopens one that was not renamed.
#[test]
fn reopening_without_a_rename_keeps_the_log() {
    on_event_loop(async {
        let directory = directory();
        let path = directory.path().join("log");
        let log = open(&path).await;
        log.write(Stream::Stdout, b"before\n").await;
        log.reopen().await.expect("reopened");
        log.write(Stream::Stdout, b"after\n").await;
        log.flush().await;
        assert_eq!(records(&path), model("stdout", b"before\nafter\n"));
    });
}

#[test]
fn a_reopen_that_fails_goes_on_with_the_old_file() {
    on_event_loop(async {
        let directory = directory();
        let (inside, moved) = (directory.path().join("in"), directory.path().join("moved"));
        fs::create_dir(&inside).expect("a directory");
        let log = open(&inside.join("log")).await;
        log.write(Stream::Stdout, b"before\n").await;
        fs::rename(&inside, &moved).expect("a rename");
        let error = log.reopen().await.expect_err("no directory");
        assert_eq!(error.kind, LogErrorKind::MissingDirectory);
        log.write(Stream::Stdout, b"after\n").await;
        assert_eq!(log.flush().await.dropped_bytes, 0);
        let all = records(&moved.join("log"));
        assert_eq!(all, model("stdout", b"before\nafter\n"));
    });
}

#[test]
fn a_frozen_disk_holds_its_own_container_only_and_loses_nothing() {
    on_event_loop(async {
        let (disk, mut frozen, directory) = (Disk::new(), Filesystem::ext4(), directory());
        let (stuck, free) = (frozen.path().join("log"), directory.path().join("log"));
        let open = async |path| {
            let opened = ContainerLog::open(&disk, LABEL, target(path)).await;
            opened.expect("a log")
        };
        let (held, other) = (open(&stuck).await, open(&free).await);
        frozen.freeze();
        let line = [vec![b'x'; 4_095], b"\n".to_vec()].concat();
        let much = (BATCHES_IN_FLIGHT + 2) * BATCH_BYTES / line.len();
        let fill = async {
            for _ in 0..much {
                held.write(Stream::Stdout, &line).await;
            }
        };
        let mut fill = pin!(fill);
        for _ in 0..50 {
            other.write(Stream::Stdout, &line).await;
            assert_eq!(other.flush().await.dropped_bytes, 0);
            let mut context = Context::from_waker(Waker::noop());
            assert!(fill.as_mut().poll(&mut context).is_pending(), "no bound");
        }
        assert_eq!(records(&free).len(), 50);
        frozen.thaw();
        fill.await;
        assert_eq!(held.flush().await.dropped_bytes, 0);
        assert_eq!(records(&stuck).len(), much);
    });
}

#[test]
fn a_sink_on_a_frozen_disk_keeps_nothing_from_the_others_of_its_container() {
    on_event_loop(async {
        let (disk, mut frozen, directory) = (Disk::new(), Filesystem::ext4(), directory());
        let (stuck, free) = (frozen.path().join("log"), directory.path().join("log"));
        let targets = [target(&stuck), target(&free)].concat();
        let log = ContainerLog::open(&disk, LABEL, targets).await.expect("a log");
        frozen.freeze();
        let line = [vec![b'x'; 4_095], b"\n".to_vec()].concat();
        let mut given = 0;
        let fill = async {
            for _ in 0..(BATCHES_IN_FLIGHT + 2) * BATCH_BYTES / line.len() {
                given += 1;
                log.write(Stream::Stdout, &line).await;
            }
        };
        let mut fill = Box::pin(fill);
        let mut context = Context::from_waker(Waker::noop());
        while fill.as_mut().poll(&mut context).is_pending() {
            // The other sink may have been what was waited for: it makes progress.
            tokio::time::sleep(STALL).await;
            if fill.as_mut().poll(&mut context).is_pending() {
                break;
            }
        }
        drop(fill);
        let written = async {
            while fs::read(&free).map_or(0, |log| log.len()) < given * (line.len() + 40) {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        tokio::time::timeout(Duration::from_secs(60), written)
            .await
            .expect("every line given");
        assert_eq!(records(&free).len(), given);
        frozen.thaw();
        log.flush().await;
    });
}
