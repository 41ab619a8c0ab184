//! Rotation at a size: every record is in one file, once.

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};

use super::super::{ContainerLog, LINE_BYTES, LogFormat, Stream};
use super::{LABEL, Random, Record, file, json, model, output, parse, records};
use crate::disk::Disk;
use crate::disk::scratch::{Filesystem, directory, on_event_loop};

async fn open(path: &Path, format: LogFormat, max_size: u64) -> ContainerLog {
    let opened = ContainerLog::open(&Disk::new(), LABEL, vec![file(path, format, max_size)]).await;
    opened.expect("a log")
}

/// The log's files, the oldest first, as the kubelet finds them: by their names.
fn files(path: &Path) -> Vec<PathBuf> {
    let prefix = format!("{}.", path.file_name().expect("a name").to_str().expect("text"));
    let entries = fs::read_dir(path.parent().expect("a directory")).expect("a directory");
    let mut all: Vec<_> = entries
        .map(|entry| entry.expect("an entry").path())
        .filter(|file| {
            file.file_name()
                .is_some_and(|name| name.to_str().expect("text").starts_with(&prefix))
        })
        .collect();
    all.sort();
    all.push(path.to_owned());
    all
}

fn read(path: &Path, format: LogFormat) -> Vec<Record> {
    match format {
        LogFormat::Cri => records(path),
        LogFormat::Json => json::records(&fs::read(path).expect("a log")),
    }
}

fn size(path: &Path) -> u64 {
    fs::metadata(path).expect("a log").len()
}

#[test]
fn every_record_is_once_in_the_files_and_none_is_too_large() {
    const MAX: u64 = 100_000;
    on_event_loop(async {
        for format in [LogFormat::Cri, LogFormat::Json] {
            let (directory, mut random) = (directory(), Random(7));
            let path = directory.path().join("0.log");
            let log = open(&path, format, MAX).await;
            let mut expected = String::new();
            for number in 0..8_000 {
                let line = format!("{number} {}\n", "x".repeat(random.below(300)));
                log.write(Stream::Stdout, line.as_bytes()).await;
                expected += &line;
                if random.below(300) == 0 {
                    log.flush().await;
                }
            }
            assert_eq!(log.flush().await.dropped_bytes, 0);
            let files = files(&path);
            assert!(files.len() > 10, "{}", files.len());
            for file in &files {
                // The next record would have fitted, but for the newest file.
                let full = MAX - 500..=MAX;
                assert!(size(file) <= MAX && (*file == path || full.contains(&size(file))));
                assert_eq!(fs::metadata(file).expect("a log").mode() & 0o777, 0o600);
            }
            let all: Vec<_> = files.iter().flat_map(|file| read(file, format)).collect();
            assert!(output(&all, "stdout") == expected.as_bytes());
        }
    });
}

#[test]
fn older_files_are_named_by_their_time_as_the_kubelet_names_them() {
    on_event_loop(async {
        let directory = directory();
        let path = directory.path().join("0.log");
        let log = open(&path, LogFormat::Cri, 1).await;
        log.write(Stream::Stdout, b"one\ntwo\nthree\n").await;
        log.flush().await;
        let names: Vec<_> = files(&path)
            .iter()
            .map(|file| {
                file.file_name()
                    .expect("a name")
                    .to_str()
                    .expect("text")
                    .to_owned()
            })
            .collect();
        assert_eq!(names.len(), 3);
        for name in &names[..2] {
            let shape: String = name
                .chars()
                .map(|c| if c.is_ascii_digit() { '0' } else { c })
                .collect();
            assert_eq!(shape, "0.log.00000000-000000.000000000");
        }
    });
}

#[test]
fn a_record_that_is_longer_than_a_file_has_one_of_its_own_and_is_not_cut() {
    on_event_loop(async {
        let directory = directory();
        let path = directory.path().join("log");
        let log = open(&path, LogFormat::Cri, 1_000).await;
        let long = "x".repeat(LINE_BYTES);
        let output = format!("before\n{long}\nafter\n{long}{long}\n");
        log.write(Stream::Stdout, output.as_bytes()).await;
        log.flush().await;
        let files = files(&path);
        assert_eq!(
            files.iter().map(|file| records(file).len()).collect::<Vec<_>>(),
            [1; 5]
        );
        let all: Vec<_> = files.iter().flat_map(|file| records(file)).collect();
        assert!(all == model("stdout", output.as_bytes()));
    });
}

#[test]
fn a_log_that_is_full_when_it_is_opened_is_set_aside_with_what_it_holds() {
    on_event_loop(async {
        let directory = directory();
        let path = directory.path().join("log");
        fs::write(&path, "x".repeat(2_000) + "\ntorn").expect("an old log");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).expect("a mode");
        let log = open(&path, LogFormat::Cri, 1_000).await;
        assert_eq!(files(&path).len(), 1, "nothing is written yet");
        log.write(Stream::Stdout, b"new\n").await;
        log.flush().await;
        let files = files(&path);
        assert_eq!(size(&files[0]), 2_005);
        assert_eq!(records(&path), model("stdout", b"new\n"));
        // Who could read the old file can read the new one.
        assert_eq!(fs::metadata(&path).expect("a log").mode() & 0o777, 0o640);
        // What a container wrote is no trace of a failed create any more.
        log.remove_if_created().await;
        assert!(path.exists());
    });
}

#[test]
fn without_a_name_or_an_inode_for_another_file_the_old_one_goes_on() {
    on_event_loop(async {
        // The longest name: a suffix has no room.
        let directory = directory();
        let long = directory.path().join("l".repeat(255));
        let log = open(&long, LogFormat::Cri, 100).await;
        // The root directory and the log are all the inodes that there are.
        let full = Filesystem::tmpfs("nr_inodes=2");
        let alone = full.path().join("log");
        let other = open(&alone, LogFormat::Cri, 100).await;
        let lines: String = (0..50).map(|number| format!("line {number}\n")).collect();
        for (log, path) in [(log, long), (other, alone)] {
            for line in lines.split_inclusive('\n') {
                log.write(Stream::Stdout, line.as_bytes()).await;
                log.flush().await;
            }
            assert_eq!(log.flush().await.dropped_bytes, 0);
            assert_eq!(
                fs::read_dir(path.parent().expect("a parent"))
                    .expect("a directory")
                    .count(),
                1
            );
            assert_eq!(records(&path), model("stdout", lines.as_bytes()));
        }
    });
}

#[test]
fn renaming_and_reopening_under_load_meets_rotation_without_a_loss() {
    const LINES: usize = 60_000;
    on_event_loop(async {
        for format in [LogFormat::Cri, LogFormat::Json] {
            let directory = directory();
            let path = directory.path().join("log");
            let log = open(&path, format, 64 * 1024).await;
            let expected: String = (0..LINES).map(|n| format!("line {n}\n")).collect();
            let write = async {
                for chunk in expected.as_bytes().chunks(4_001) {
                    log.write(Stream::Stdout, chunk).await;
                    tokio::task::yield_now().await;
                }
                log.end(Stream::Stdout).await;
            };
            let rotate = async {
                for number in 0..40 {
                    let moved = directory.path().join(format!("moved.{number}"));
                    // The path may be between two names just now.
                    if fs::rename(&path, &moved).is_ok() {
                        log.reopen().await.expect("a new file");
                    }
                    tokio::task::yield_now().await;
                }
            };
            tokio::join!(write, rotate);
            assert_eq!(log.flush().await.dropped_bytes, 0);
            // Their order is that of their first lines.
            let mut all: Vec<_> = fs::read_dir(directory.path())
                .expect("a directory")
                .map(|entry| read(&entry.expect("an entry").path(), format))
                .filter(|records| !records.is_empty())
                .collect();
            let number = |record: &Record| -> usize {
                let text = str::from_utf8(&record.content[5..]).expect("text");
                text.parse().expect("a number")
            };
            all.sort_by_key(|records| number(&records[0]));
            assert!(all.len() > 20, "{}", all.len());
            assert!(output(&all.concat(), "stdout") == expected.as_bytes());
        }
    });
}

#[test]
fn a_log_that_somebody_emptied_is_not_full() {
    on_event_loop(async {
        let directory = directory();
        let path = directory.path().join("log");
        let log = open(&path, LogFormat::Cri, 1_000).await;
        for round in 0..4 {
            for _ in 0..18 {
                log.write(Stream::Stdout, b"0123\n").await;
            }
            log.flush().await;
            assert_eq!(records(&path).len(), 18, "round {round}");
            // logrotate's copytruncate.
            fs::write(&path, "").expect("an empty log");
        }
        assert_eq!(files(&path).len(), 1);
    });
}

#[test]
fn two_containers_with_one_path_follow_each_others_rotations() {
    on_event_loop(async {
        let directory = directory();
        let path = directory.path().join("log");
        let logs = [
            open(&path, LogFormat::Cri, 2_000).await,
            open(&path, LogFormat::Cri, 2_000).await,
        ];
        for number in 0..400 {
            let line = format!("{number}\n");
            logs[number % 2].write(Stream::Stdout, line.as_bytes()).await;
            logs[number % 2].flush().await;
        }
        // Each counts what it wrote itself: two of them fill a file to twice its size.
        assert!(files(&path).len() <= 6, "files that hold little");
        let mut all: Vec<_> = files(&path).iter().flat_map(|file| records(file)).collect();
        all.sort_by_key(|record| str::from_utf8(&record.content).expect("text").parse::<u32>().ok());
        let expected: String = (0..400).map(|number| format!("{number}\n")).collect();
        assert!(all == model("stdout", expected.as_bytes()));
    });
}

#[test]
fn what_was_lost_on_a_full_disk_is_said_in_the_file_that_goes_on() {
    on_event_loop(async {
        for format in [LogFormat::Cri, LogFormat::Json] {
            let full = Filesystem::tmpfs("size=512k");
            let (path, filler) = (full.path().join("log"), full.path().join("filler"));
            fs::write(&filler, vec![0; 300_000]).expect("a filler");
            let log = open(&path, format, 60_000).await;
            let line = "x".repeat(999) + "\n";
            let mut written = 0;
            let mut write = async |lines: usize| {
                for _ in 0..lines {
                    log.write(Stream::Stdout, line.as_bytes()).await;
                    written += line.len() as u64;
                }
                log.flush().await.dropped_bytes
            };
            let dropped = write(400).await;
            assert!(dropped > 100_000, "{dropped}");
            fs::remove_file(&filler).expect("space again");
            assert_eq!(write(100).await, dropped);
            let files = files(&path);
            let all: Vec<_> = files.iter().flat_map(|file| read(file, format)).collect();
            let (notices, rest): (Vec<_>, Vec<_>) =
                all.into_iter().partition(|record| record.stream == "stderr");
            assert_eq!(notices.len(), 1);
            let text = str::from_utf8(&notices[0].content).expect("text");
            let reason = "No space left on device";
            assert_eq!(
                text,
                format!("podherd: {dropped} bytes of output were not logged: {reason}")
            );
            assert_eq!(output(&rest, "stdout").len() as u64 + dropped, written);
            assert!(files.iter().all(|file| size(file) <= 60_000));
        }
    });
}

#[test]
fn a_device_is_not_rotated() {
    on_event_loop(async {
        let log = open(Path::new("/dev/null"), LogFormat::Cri, 10).await;
        log.write(Stream::Stdout, b"one\ntwo\n").await;
        assert_eq!(log.flush().await.dropped_bytes, 0);
        assert_eq!(parse(&fs::read("/dev/null").expect("a read")), []);
        assert_eq!(files(Path::new("/dev/null")).len(), 1);
    });
}
