//! What a client that watches a directory sees.

use std::fs;
use std::io::ErrorKind;
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, OwnedFd};
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use rustix::fs::inotify::{self, CreateFlags, ReadFlags, Reader, WatchFlags};
use rustix::fs::{Mode, OFlags, open};
use rustix::io::Errno;

use super::publish::{by_rename, publish};
use super::{write_exit_files, write_oom_files};
use crate::disk::Disk;
use crate::disk::scratch::{Filesystem, directory, on_event_loop};

/// The directories' events in their order: which directory, what, and the name.
struct Watch {
    inotify: OwnedFd,
    watches: Vec<i32>,
}

impl Watch {
    fn new(directories: &[&Path]) -> Self {
        let inotify = inotify::init(CreateFlags::NONBLOCK | CreateFlags::CLOEXEC).expect("inotify");
        let flags = WatchFlags::CREATE | WatchFlags::MOVED_TO | WatchFlags::MOVED_FROM | WatchFlags::DELETE;
        let add = |directory: &&Path| inotify::add_watch(&inotify, *directory, flags);
        let watches = directories.iter().map(add).map(|watch| watch.expect("a watch"));
        let watches = watches.collect();
        Self { inotify, watches }
    }

    fn events(&self) -> Vec<(usize, ReadFlags, String)> {
        let mut buffer = [MaybeUninit::uninit(); 4_096];
        let mut reader = Reader::new(&self.inotify, &mut buffer);
        let mut events = Vec::new();
        loop {
            match reader.next() {
                Ok(event) => {
                    let name = event.file_name().map(|name| name.to_string_lossy().into_owned());
                    let at = self.watches.iter().position(|&watch| watch == event.wd());
                    events.push((at.expect("a watch"), event.events(), name.unwrap_or_default()));
                }
                Err(Errno::AGAIN) => return events,
                Err(error) => panic!("{error}"),
            }
        }
    }
}

// cri-o 6973, 8937, 9846: empty and temporary exit files seen by inotify.
#[test]
fn the_watched_directory_sees_one_name_after_the_others_are_complete() {
    on_event_loop(async {
        let (disk, watched, bundle) = (Disk::new(), directory(), Filesystem::tmpfs("size=64k"));
        let watch = Watch::new(&[watched.path(), bundle.path()]);
        for code in [0, 7, 137, 255] {
            let id = format!("id{code}");
            let paths = vec![watched.path().join(&id), bundle.path().join(&id)];
            let failed = write_exit_files(&disk, code, paths.clone()).await;
            assert!(failed.is_empty(), "{failed:?}");
            let expected = [(1, ReadFlags::CREATE, id.clone()), (0, ReadFlags::CREATE, id)];
            assert_eq!(watch.events(), expected);
            for path in paths {
                assert_eq!(fs::read_to_string(path).expect("the file"), code.to_string());
            }
        }
    });
}

#[test]
fn a_reader_that_sees_the_first_file_finds_all_complete() {
    let (watched, bundle) = (directory(), directory());
    let ended = AtomicBool::new(false);
    let paths = |number: usize| {
        let name = number.to_string();
        vec![watched.path().join(&name), bundle.path().join(&name)]
    };
    thread::scope(|scope| {
        let read = scope.spawn(|| {
            let mut number = 0;
            while number < 300 {
                assert!(!ended.load(Ordering::Relaxed) || fs::exists(&paths(number)[0]).expect("a look"));
                if fs::exists(&paths(number)[0]).expect("a look") {
                    for path in paths(number) {
                        assert_eq!(fs::read_to_string(path).expect("a file"), number.to_string());
                    }
                    number += 1;
                }
            }
        });
        on_event_loop(async {
            let disk = Disk::new();
            for number in 0..300 {
                let code = i32::try_from(number).expect("small");
                assert!(write_exit_files(&disk, code, paths(number)).await.is_empty());
            }
        });
        ended.store(true, Ordering::Relaxed);
        read.join().expect("a reader that saw no half file");
    });
}

// conmon-rs: a missing exit directory is skipped without a word.
#[test]
fn a_missing_directory_is_reported_and_the_other_paths_are_written() {
    on_event_loop(async {
        let (disk, directory) = (Disk::new(), directory());
        let at = |name: &str| directory.path().join(name);
        fs::write(at("file"), "").expect("a file");
        let paths = vec![at("first"), at("missing/exit"), at("file/exit"), at("last")];
        let failed = write_exit_files(&disk, 1, paths).await;
        let kinds: Vec<_> = failed
            .iter()
            .map(|(path, error)| (path.clone(), error.kind()))
            .collect();
        let expected = [
            (at("file/exit"), ErrorKind::NotADirectory),
            (at("missing/exit"), ErrorKind::NotFound),
        ];
        assert_eq!(kinds, expected);
        assert_eq!(fs::read(at("first")).expect("a file"), b"1");
        assert_eq!(fs::read(at("last")).expect("a file"), b"1");
    });
}

#[test]
fn an_older_file_of_the_name_is_replaced_and_is_never_empty() {
    on_event_loop(async {
        let (disk, directory) = (Disk::new(), directory());
        let path = directory.path().join("exit");
        fs::write(&path, "137 of an earlier container").expect("an old file");
        let watch = Watch::new(&[directory.path()]);
        assert!(write_exit_files(&disk, 0, vec![path.clone()]).await.is_empty());
        let name = "exit".to_owned();
        let expected = [(0, ReadFlags::DELETE, name.clone()), (0, ReadFlags::CREATE, name)];
        assert_eq!(watch.events(), expected);
        assert_eq!(fs::read(&path).expect("the file"), b"0");
    });
}

#[test]
fn an_oom_file_is_empty() {
    on_event_loop(async {
        let (disk, directory) = (Disk::new(), directory());
        let paths = vec![directory.path().join("oom"), directory.path().join("none/oom")];
        let failed = write_oom_files(&disk, paths).await;
        assert_eq!(failed.len(), 1);
        assert_eq!(failed[0].1.kind(), ErrorKind::NotFound);
        assert_eq!(fs::read(directory.path().join("oom")).expect("the file"), b"");
    });
}

#[test]
fn a_full_disk_leaves_no_file_at_all() {
    let full = Filesystem::tmpfs("size=16k");
    assert!(fs::write(full.path().join("filler"), [0; 65_536]).is_err());
    let path = full.path().join("exit");
    let error = publish(&path, b"0").expect_err("no space");
    assert_eq!(error.kind(), ErrorKind::StorageFull);
    let names: Vec<_> = fs::read_dir(full.path()).expect("names").collect();
    assert_eq!(names.len(), 1, "{names:?}");
}

#[test]
fn a_name_that_is_a_directory_is_an_error() {
    let directory = directory();
    let path = directory.path().join("exit");
    fs::create_dir(&path).expect("a directory");
    let error = publish(&path, b"0").expect_err("a directory");
    assert_eq!(error.kind(), ErrorKind::AlreadyExists);
    assert!(publish(Path::new("/"), b"0").is_err());
}

#[test]
fn without_o_tmpfile_a_rename_makes_the_file_whole_and_replaces() {
    let directory = directory();
    let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let opened = open(directory.path(), flags, Mode::empty()).expect("the directory");
    // As an earlier server left it.
    fs::write(directory.path().join(".exit.podherd"), "12345").expect("a hidden file");
    for code in ["1", "22"] {
        by_rename(opened.as_fd(), "exit".as_ref(), code.as_bytes()).expect("renamed");
        assert_eq!(
            fs::read_to_string(directory.path().join("exit")).expect("exit"),
            code
        );
    }
    let names = fs::read_dir(directory.path()).expect("names").count();
    assert_eq!(names, 1, "the hidden name is gone");
}
