//! What a failed call left is told from what belongs to others.

use std::path::Path;
use std::time::Duration;

use podherd_reaper::{FileId, Leftovers, Process, Reaper};

use crate::stage::{LONG, actor, ended, pid_in, pipe, play, state, until};

pub const OWN_PID_NAMESPACE: bool = false;

const ONE_KILLED: Leftovers = Leftovers {
    killed: 1,
    spared: 0,
    survived: 0,
};

/// A call that leaves a daemon which has shed its group, its session and its pipes.
async fn leave_daemon(reaper: &Reaper, file: &Path) -> (Process, u32) {
    let steps = format!("fork[ setsid fork[ pid {} hang ] ] exit 1", file.display());
    let call = reaper.spawn(actor(&steps)).unwrap();
    ended(&call).await;
    let pid = pid_in(file).await;
    // Its parent, which led its session, has gone too.
    until("it is an orphan", || {
        crate::stage::parent(pid) == Some(std::process::id())
    })
    .await;
    (call, pid)
}

pub fn nothing_left() {
    play(async |reaper| {
        let claim = reaper.claim();
        let call = reaper.spawn(actor("exit 1")).unwrap();
        ended(&call).await;
        assert_eq!(
            claim.kill_leftovers(Some(&call), &[], LONG).await,
            Leftovers::default()
        );
        assert_eq!(
            claim.kill_leftovers(None, &[], Duration::ZERO).await,
            Leftovers::default()
        );
    });
}

pub fn alone_it_belongs_to_the_call() {
    play(async |reaper| {
        let directory = tempfile::tempdir().unwrap();
        let claim = reaper.claim();
        let (call, pid) = leave_daemon(&reaper, &directory.path().join("pid")).await;
        assert_eq!(claim.kill_leftovers(Some(&call), &[], LONG).await, ONE_KILLED);
        assert_eq!(state(pid), None);
    });
}

pub fn another_claim_spares_it() {
    play(async |reaper| {
        let directory = tempfile::tempdir().unwrap();
        let claim = reaper.claim();
        let other = reaper.claim();
        let (call, pid) = leave_daemon(&reaper, &directory.path().join("pid")).await;
        let spared = Leftovers {
            killed: 0,
            spared: 1,
            survived: 0,
        };
        assert_eq!(claim.kill_leftovers(Some(&call), &[], LONG).await, spared);
        // It may be that call's, though the claim is closed by now.
        let process = other.resolve(pid, std::time::SystemTime::now()).unwrap();
        drop(other);
        drop(process);
        assert_eq!(claim.kill_leftovers(Some(&call), &[], LONG).await, spared);
        assert!(state(pid).is_some());
        rustix::process::kill_process(
            rustix::process::Pid::from_raw(i32::try_from(pid).unwrap()).unwrap(),
            rustix::process::Signal::KILL,
        )
        .unwrap();
        until("it is collected all the same", || state(pid).is_none()).await;
    });
}

pub fn its_group_gives_it_away() {
    play(async |reaper| {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("pid");
        let claim = reaper.claim();
        let _other = reaper.claim();
        let steps = format!("fork[ fork[ hang ] pid {} hang ] exit 1", file.display());
        let call = reaper.spawn(actor(&steps)).unwrap();
        ended(&call).await;
        let pid = pid_in(&file).await;
        let left = claim.kill_leftovers(Some(&call), &[], LONG).await;
        assert_eq!(
            left,
            Leftovers {
                killed: 2,
                spared: 0,
                survived: 0
            },
            "with its descendant"
        );
        assert_eq!(state(pid), None);
    });
}

pub fn an_open_pipe_gives_it_away() {
    play(async |reaper| {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("pid");
        let claim = reaper.claim();
        let _other = reaper.claim();
        let (read, write) = pipe();
        let traces = [FileId::of(&write).unwrap()];
        let steps = format!(
            "fork[ setsid fork[ close 0 close 1 pid {} hang ] ] exit 1",
            file.display()
        );
        let call = reaper
            .spawn(actor(&steps).stdout(write.try_clone().unwrap()).stderr(write))
            .unwrap();
        ended(&call).await;
        let pid = pid_in(&file).await;
        until("it is an orphan", || {
            crate::stage::parent(pid) == Some(std::process::id())
        })
        .await;
        assert_eq!(claim.kill_leftovers(Some(&call), &traces, LONG).await, ONE_KILLED);
        assert_eq!(crate::stage::read_all(read), "", "nobody holds the pipe");
    });
}

pub fn the_watched_and_the_older_are_left_alone() {
    play(async |reaper| {
        let directory = tempfile::tempdir().unwrap();
        let (_, older) = leave_daemon(&reaper, &directory.path().join("older")).await;
        // Start times count 10 ms each.
        tokio::time::sleep(Duration::from_millis(30)).await;
        let claim = reaper.claim();
        let watched = reaper.spawn(actor("hang")).unwrap();
        let (call, _) = leave_daemon(&reaper, &directory.path().join("pid")).await;
        assert_eq!(claim.kill_leftovers(Some(&call), &[], LONG).await, ONE_KILLED);
        assert!(watched.exit().is_none());
        watched.kill_tree(LONG).await.unwrap();
        assert!(state(older).is_some());
        let older = claim.resolve(older, std::time::SystemTime::now()).unwrap();
        older.kill_tree(LONG).await.unwrap();
    });
}

/// The one-shot reap of conmon-rs 2415 missed one that died a moment later.
pub fn one_that_is_ending_is_waited_for() {
    play(async |reaper| {
        for _ in 0..50 {
            let claim = reaper.claim();
            let call = reaper.spawn(actor("fork[ fork[ ] ] fork[ ] exit 1")).unwrap();
            ended(&call).await;
            let left = claim.kill_leftovers(Some(&call), &[], LONG).await;
            assert_eq!((left.spared, left.survived), (0, 0));
            assert_eq!(crate::stage::children(), "", "living or dead");
        }
    });
}
