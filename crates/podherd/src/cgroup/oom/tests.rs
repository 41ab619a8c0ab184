//! Counting, with ordinary files in place of the kernel's. Real kills are in test/regression/oom.test.ts.

use std::fs;
use std::path::Path;
use std::rc::Rc;

use tokio::task::LocalSet;

use super::kills::Look;
use super::{OomEvents, OomKills, OomWatch};
use crate::cgroup::hierarchy::Place;

fn place(directory: &Path, controllers: &[&str], counts_locally: bool) -> Place {
    Place {
        controllers: controllers.iter().map(|name| (*name).to_owned()).collect(),
        directory: directory.to_owned(),
        counts_locally,
    }
}

fn old(directory: &Path, count: u32) {
    fs::create_dir_all(directory).unwrap();
    let text = format!("oom_kill_disable 0\nunder_oom 0\noom_kill {count}\n");
    fs::write(directory.join("memory.oom_control"), text).unwrap();
}

fn unified(directory: &Path, count: u32) {
    fs::create_dir_all(directory).unwrap();
    let text = format!("low 0\nhigh 0\nmax 9\noom 9\noom_kill {count}\noom_group_kill 0\n");
    fs::write(directory.join("memory.events"), text).unwrap();
}

#[test]
fn counts_from_what_was_there_before() {
    let directory = tempfile::tempdir().unwrap();
    old(directory.path(), 3);
    let places = [place(directory.path(), &["memory"], false)];
    let kills = OomKills::of("c1", &places, |_| false);
    assert_eq!(kills.count(), 0);
    old(directory.path(), 5);
    assert_eq!(kills.count(), 2);
    // In a cgroup of its own everything is the container's: a kill during its creation too.
    assert_eq!(OomKills::of("c1", &places, |_| true).count(), 5);
}

#[test]
fn version_1_adds_the_cgroups_below_and_forgets_none_of_them() {
    let directory = tempfile::tempdir().unwrap();
    let (own, exec) = (directory.path(), directory.path().join("exec"));
    old(own, 0);
    let kills = OomKills::of("c1", &[place(own, &["memory"], false)], |_| true);
    old(&exec, 1);
    assert_eq!(kills.count(), 1);
    fs::remove_dir_all(&exec).unwrap();
    assert_eq!(kills.count(), 1);
    old(own, 1);
    assert_eq!(kills.count(), 2);
    fs::remove_dir_all(own).unwrap();
    assert_eq!(kills.look(), Look::Gone);
    assert_eq!(kills.count(), 2);
}

#[test]
fn version_2_adds_the_cgroups_below_only_where_the_kernel_does_not() {
    let directory = tempfile::tempdir().unwrap();
    let own = directory.path();
    for (counts_locally, expected) in [(false, 2), (true, 3)] {
        unified(own, 0);
        unified(&own.join("below"), 0);
        let kills = OomKills::of("c1", &[place(own, &[], counts_locally)], |_| true);
        unified(own, 2);
        unified(&own.join("below"), 1);
        assert_eq!(kills.count(), expected);
    }
}

#[test]
fn nothing_counts_without_the_controller() {
    let directory = tempfile::tempdir().unwrap();
    let places = [
        place(directory.path(), &[], false),
        place(directory.path(), &["pids"], false),
    ];
    let kills = Rc::new(OomKills::of("c1", &places, |_| true));
    assert_eq!(kills.count(), 0);
    assert!(matches!(OomEvents::default().watch(&kills), OomWatch::Unwatched));
}

#[test]
fn without_events_the_count_is_read_all_the_same() {
    let directory = tempfile::tempdir().unwrap();
    old(directory.path(), 0);
    let kills = Rc::new(OomKills::of(
        "c1",
        &[place(directory.path(), &["memory"], false)],
        |_| true,
    ));
    let events = OomEvents::default();
    // There is no cgroup.event_control.
    assert!(matches!(events.watch(&kills), OomWatch::Unwatched));
    assert!(events.said.get());
    old(directory.path(), 1);
    assert_eq!(kills.count(), 1);
}

#[test]
fn changes_are_seen_and_their_descriptor_goes_with_the_last_container() {
    let directory = tempfile::tempdir().unwrap();
    let paths = [directory.path().join("a"), directory.path().join("b")];
    let kills: Vec<_> = paths
        .iter()
        .map(|path| {
            unified(path, 0);
            Rc::new(OomKills::of("c", &[place(path, &[], false)], |_| true))
        })
        .collect();
    let event_loop = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    LocalSet::new().block_on(&event_loop, async {
        let events = OomEvents::default();
        let mut watches: Vec<_> = kills.iter().map(|kills| events.watch(kills)).collect();
        assert!(watches.iter().all(|watch| matches!(watch, OomWatch::Changed(_))));
        let seen = |which: usize, wanted: u64| {
            let kills = kills[which].clone();
            async move {
                while kills.seen() != wanted {
                    tokio::task::yield_now().await;
                }
            }
        };
        unified(&paths[1], 1);
        seen(1, 1).await;
        assert_eq!(kills[0].seen(), 0);
        watches.remove(0);
        unified(&paths[1], 3);
        seen(1, 3).await;
        let changes = events.changes.borrow().clone();
        drop(watches);
        assert!(changes.upgrade().is_none());
    });
}
