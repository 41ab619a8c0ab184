//! What a later life of the server learns.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use super::{CreatedEntry, ExitedEntry, FILE_NAME, Journal, REWRITE_BYTES, Survivor};
use crate::disk::Disk;
use crate::disk::scratch::{Filesystem, directory, on_event_loop};

fn created(id: &str, pid: i32) -> CreatedEntry {
    CreatedEntry {
        id: id.into(),
        pid,
        start_time: 1_000 + u64::from(pid.unsigned_abs()),
        bundle: format!("/bundles/{id}").into(),
    }
}

fn exited(code: i32) -> ExitedEntry {
    ExitedEntry {
        code: Some(code),
        signal: None,
        oom_killed: false,
        exited_at: 1_700_000_000_123_456_789,
    }
}

fn survivor(id: &str, pid: i32, boot_id: &str) -> Survivor {
    let CreatedEntry {
        id,
        pid,
        start_time,
        bundle,
    } = created(id, pid);
    let boot_id = boot_id.into();
    Survivor {
        id,
        pid,
        start_time,
        boot_id,
        bundle,
    }
}

fn boot_id() -> String {
    let id = fs::read_to_string("/proc/sys/kernel/random/boot_id");
    id.expect("a boot id").trim_end().into()
}

/// One life of a server on the directory.
async fn open(directory: &Path) -> (Journal, Vec<Survivor>) {
    Journal::open(&Disk::new(), directory).await.expect("a journal")
}

/// Waits until all facts so far are written, by one that changes nothing.
async fn written(journal: &Journal) {
    journal.exited("nobody", exited(0)).await.expect("written");
}

#[test]
fn a_later_life_learns_who_was_created_and_has_not_ended() {
    on_event_loop(async {
        let directory = directory();
        let (journal, survivors) = open(directory.path()).await;
        assert_eq!(survivors, []);
        for (number, id) in ["a", "b", "c", "d"].into_iter().enumerate() {
            journal.created(created(id, 10 + number as i32));
        }
        journal.exited("a", exited(42)).await.expect("written");
        journal.deleted("b");
        journal.deleted("unknown");
        written(&journal).await;
        drop(journal);

        let boot = boot_id();
        let expected = [survivor("c", 12, &boot), survivor("d", 13, &boot)];
        let (second, survivors) = open(directory.path()).await;
        assert_eq!((&survivors[..], second.skipped_lines()), (&expected[..], 0));
        second.forget("c");
        written(&second).await;
        drop(second);

        // Carried over until forgotten.
        let (_, survivors) = open(directory.path()).await;
        assert_eq!(survivors, [survivor("d", 13, &boot)]);
        let file = fs::metadata(directory.path().join(FILE_NAME)).expect("the journal");
        assert_eq!(file.mode() & 0o7777, 0o600);
    });
}

#[test]
fn the_lines_are_json_that_others_can_read() {
    on_event_loop(async {
        let directory = directory();
        let (journal, _) = open(directory.path()).await;
        journal.created(created("a", 10));
        let signalled = ExitedEntry {
            code: None,
            signal: Some(9),
            oom_killed: true,
            ..exited(0)
        };
        journal.exited("a", signalled).await.expect("written");
        journal.deleted("a");
        written(&journal).await;
        let file = fs::read_to_string(directory.path().join(FILE_NAME)).expect("the journal");
        let lines: Vec<_> = file.lines().take(4).collect();
        let expected = [
            &*format!(r#"{{"fact":"boot","bootId":"{}"}}"#, boot_id()),
            r#"{"fact":"created","id":"a","pid":10,"startTime":1010,"bundle":"/bundles/a"}"#,
            r#"{"fact":"exited","id":"a","signal":9,"oomKilled":true,"exitedAt":1700000000123456789}"#,
            r#"{"fact":"deleted","id":"a"}"#,
        ];
        assert_eq!(lines, expected);
    });
}

#[test]
fn a_torn_last_line_and_lines_of_garbage_cost_only_themselves() {
    on_event_loop(async {
        let directory = directory();
        let lines = [
            r#"{"fact":"boot","bootId":"an earlier boot"}"#,
            r#"{"fact":"created","id":"a","pid":10,"startTime":1010,"bundle":"/bundles/a"}"#,
            "garbage",
            "",
            r#"{"fact":"of a later version","id":"a"}"#,
            "\u{0}\u{0}\u{0}",
            r#"{"fact":"created","id":"b","pid":11,"startTime":1011,"bundle":"/bundles/b","more":1}"#,
            r#"{"fact":"exited","id":"b","co"#,
        ];
        let path = directory.path().join(FILE_NAME);
        fs::write(&path, lines.join("\n")).expect("a journal");
        // What a server that was killed in mid-rewrite left.
        fs::write(directory.path().join("journal.new"), "half a ").expect("a file");
        let (journal, survivors) = open(directory.path()).await;
        let boot = "an earlier boot";
        assert_eq!(survivors, [survivor("a", 10, boot), survivor("b", 11, boot)]);
        assert_eq!(journal.skipped_lines(), 4);
        journal.created(created("c", 12));
        written(&journal).await;
        drop(journal);

        // Each keeps the boot that it is of, and the garbage is gone.
        let (journal, survivors) = open(directory.path()).await;
        let last = survivor("c", 12, &boot_id());
        assert_eq!(
            survivors,
            [survivor("a", 10, boot), survivor("b", 11, boot), last]
        );
        assert_eq!(journal.skipped_lines(), 0);
        assert!(!directory.path().join("journal.new").exists());
    });
}

#[test]
fn the_file_is_bounded_by_what_lives() {
    on_event_loop(async {
        let directory = directory();
        let path = directory.path().join(FILE_NAME);
        let (journal, _) = open(directory.path()).await;
        journal.created(created("lives", 1));
        let (mut largest, mut rewritten) = (0, false);
        for round in 0..3_000 {
            let id = format!("{round:0>60}");
            journal.created(created(&id, 2));
            let exit = journal.exited(&id, exited(0));
            journal.deleted(&id);
            if round % 50 == 0 {
                exit.await.expect("written");
                let size = fs::metadata(&path).expect("the journal").len();
                rewritten |= size < largest;
                largest = largest.max(size);
            }
        }
        assert!(rewritten && largest <= REWRITE_BYTES, "{largest}");
        written(&journal).await;
        drop(journal);
        let (_, survivors) = open(directory.path()).await;
        assert_eq!(survivors, [survivor("lives", 1, &boot_id())]);
    });
}

#[test]
fn a_full_disk_is_survived_in_memory_and_made_up_for() {
    on_event_loop(async {
        let full = Filesystem::tmpfs("size=64k");
        let (journal, _) = open(full.path()).await;
        journal.created(created("before", 1));
        written(&journal).await;
        let filler = full.path().join("filler");
        assert!(fs::write(&filler, [0; 65_536]).is_err());
        let mut failed = 0;
        for number in 0..100 {
            let id = format!("{number:0>40}");
            journal.created(created(&id, 100 + number));
            failed += usize::from(journal.exited(&id, exited(0)).await.is_err());
        }
        assert!(failed > 50, "{failed}");
        journal.created(created("during", 2));
        let full_still = journal.exited("nobody", exited(0)).await;
        assert!(full_still.is_err());
        fs::remove_file(&filler).expect("space again");
        written(&journal).await;
        drop(journal);
        let (journal, survivors) = open(full.path()).await;
        let boot = boot_id();
        assert_eq!(
            survivors,
            [survivor("before", 1, &boot), survivor("during", 2, &boot)]
        );
        assert_eq!(journal.skipped_lines(), 0);
    });
}

#[test]
fn an_unusable_directory_is_the_callers_error() {
    on_event_loop(async {
        let disk = Disk::new();
        let error = async |path: &Path| {
            let opened = Journal::open(&disk, path).await;
            opened.err().expect("an error").source.kind()
        };
        use std::io::ErrorKind;
        let (missing, read_only) = (directory(), Filesystem::tmpfs("size=64k"));
        assert_eq!(error(&missing.path().join("none")).await, ErrorKind::NotFound);
        read_only.remount("ro");
        assert_eq!(error(read_only.path()).await, ErrorKind::ReadOnlyFilesystem);
        fs::create_dir(missing.path().join(FILE_NAME)).expect("a directory");
        assert_eq!(error(missing.path()).await, ErrorKind::IsADirectory);
    });
}
