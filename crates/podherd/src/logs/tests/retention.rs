//! Of the older files of a log only some are kept.

use std::fs;
use std::num::NonZeroU32;
use std::path::{Path, PathBuf};

use super::super::{ContainerLog, LogFileTarget, LogFormat, LogTarget, Stream};
use super::{LABEL, model, records};
use crate::disk::Disk;
use crate::disk::scratch::{Filesystem, directory, on_event_loop, run};

async fn open(path: &Path, max_files: u32) -> ContainerLog {
    let LogTarget::File(target) = super::file(path, LogFormat::Cri, 100) else {
        unreachable!("it is a file");
    };
    let target = LogFileTarget {
        max_files: NonZeroU32::new(max_files),
        ..target
    };
    let opened = ContainerLog::open(&Disk::new(), LABEL, vec![LogTarget::File(target)]).await;
    opened.expect("a log")
}

/// One line fills a file.
fn line(number: usize) -> String {
    format!("{number:060}\n")
}

async fn write(log: &ContainerLog, lines: std::ops::Range<usize>) {
    for number in lines {
        log.write(Stream::Stdout, line(number).as_bytes()).await;
    }
    assert_eq!(log.flush().await.dropped_bytes, 0);
}

/// The names in the log's directory, the log's own not among them.
fn beside(path: &Path) -> Vec<String> {
    let entries = fs::read_dir(path.parent().expect("a directory")).expect("a directory");
    let names = entries.map(|entry| entry.expect("an entry").file_name().into_string().expect("text"));
    let own = path.file_name().expect("a name").to_str().expect("text");
    let mut names: Vec<_> = names.filter(|name| name != own).collect();
    names.sort();
    names
}

/// What is in the files of the log, the oldest first.
fn content(path: &Path) -> String {
    let beside = beside(path);
    let older = beside.iter().filter(|name| name.len() == "0.log".len() + 26);
    let mut files: Vec<PathBuf> = older.map(|name| path.with_file_name(name)).collect();
    files.push(path.to_owned());
    files
        .iter()
        .flat_map(|file| records(file))
        .map(|record| String::from_utf8(record.content).expect("text") + "\n")
        .collect()
}

#[test]
fn the_oldest_go_and_the_newest_stay() {
    on_event_loop(async {
        for (max_files, kept) in [(1, 1), (3, 3), (0, 19)] {
            let directory = directory();
            let path = directory.path().join("0.log");
            let log = open(&path, max_files).await;
            write(&log, 0..20).await;
            assert_eq!(beside(&path).len(), kept, "of {max_files}");
            let newest: String = (19 - kept..20).map(line).collect();
            assert_eq!(content(&path), newest);
        }
    });
}

#[test]
fn those_of_an_earlier_life_count_and_what_only_looks_similar_does_not() {
    on_event_loop(async {
        let directory = directory();
        let path = directory.path().join("0.log");
        let ours: Vec<_> = (1..=3)
            .map(|day| format!("0.log.2020010{day}-000000.000000000"))
            .collect();
        let others = [
            "0.log.20200101-000000",
            "0.log.20200101-000000.000000000.gz",
            "0.log.20200101-000000.gz",
            "0.log.old",
            "1.log.20200101-000000.000000000",
            "xx.log.20200101-000000.00000000",
        ];
        for name in ours.iter().map(String::as_str).chain(others) {
            fs::write(directory.path().join(name), "").expect("a file");
        }
        // Names of ours that are no files of ours.
        let odd = [
            "0.log.20190101-000000.000000000",
            "0.log.20190102-000000.000000000",
        ];
        fs::create_dir(directory.path().join(odd[0])).expect("a directory");
        std::os::unix::fs::symlink("1.log", directory.path().join(odd[1])).expect("a link");

        let log = open(&path, 3).await;
        assert_eq!(beside(&path).len(), 11, "nothing is written yet");
        write(&log, 0..2).await;
        let left = beside(&path);
        assert!(!left.contains(&ours[0]), "the oldest: {left:?}");
        assert!(left.contains(&ours[1]) && left.contains(&ours[2]), "{left:?}");
        write(&log, 2..9).await;
        let left = beside(&path);
        assert!(ours.iter().all(|name| !left.contains(name)), "{left:?}");
        for name in others.iter().chain(&odd) {
            assert!(left.contains(&(*name).to_owned()), "{name} of {left:?}");
        }
        assert_eq!(left.len(), others.len() + odd.len() + 3);
    });
}

#[test]
fn one_that_cannot_be_removed_stays_and_the_log_goes_on() {
    on_event_loop(async {
        let disk = Filesystem::ext4();
        let path = disk.path().join("0.log");
        let stuck = disk.path().join("0.log.20200101-000000.000000000");
        fs::write(&stuck, "").expect("a file");
        let stuck = stuck.to_str().expect("text");
        assert!(run("chattr", &["+i", stuck]).is_ok_and(|output| output.status.success()));
        let log = open(&path, 1).await;
        write(&log, 0..6).await;
        assert_eq!(records(&path), model("stdout", line(5).as_bytes()));
        let left = |path: &Path| {
            let mut left = beside(path);
            left.retain(|name| name.starts_with("0.log."));
            left
        };
        assert_eq!(left(&path).len(), 2, "{:?}", left(&path));
        assert!(run("chattr", &["-i", stuck]).is_ok_and(|output| output.status.success()));
        write(&log, 6..7).await;
        assert_eq!(left(&path).len(), 1, "it is tried again");
    });
}

#[test]
fn two_containers_with_one_path_remove_each_others() {
    on_event_loop(async {
        let directory = directory();
        let path = directory.path().join("0.log");
        let logs = [open(&path, 2).await, open(&path, 2).await];
        for number in 0..40 {
            write(&logs[number % 2], number..number + 1).await;
        }
        assert_eq!(beside(&path).len(), 2);
    });
}
