//! Processes that end with somebody's interest in them.

use podherd_reaper::Status;

use crate::stage::{LONG, actor, ended, pid_in, play, state, until};

pub const OWN_PID_NAMESPACE: bool = false;

const KILLED: Status = Status::Signaled {
    signal: libc::SIGKILL,
    core_dumped: false,
};

/// A descendant in a session of its own, one of that, and an orphan that stayed in the group.
fn tree(directory: &std::path::Path) -> String {
    let file = |name: &str| directory.join(name).display().to_string();
    format!(
        "fork[ setsid fork[ pid {} hang ] pid {} hang ] fork[ fork[ pid {} hang ] ] pid {} hang",
        file("deep"),
        file("session"),
        file("orphan"),
        file("root")
    )
}

async fn pids(directory: &std::path::Path) -> Vec<u32> {
    let mut pids = Vec::new();
    for name in ["deep", "session", "orphan", "root"] {
        pids.push(pid_in(&directory.join(name)).await);
    }
    pids
}

/// conmon-rs observed: a `setsid` grandchild outlives what was timed out.
pub fn a_drop_kills_descendants() {
    play(async |reaper| {
        let directory = tempfile::tempdir().unwrap();
        let bystander = reaper.spawn(actor("hang")).unwrap();
        let process = reaper.spawn(actor(&tree(directory.path()))).unwrap();
        let guard = process.clone().kill_on_drop();
        let pids = pids(directory.path()).await;
        drop(guard);
        assert_eq!(ended(&process).await.status, KILLED);
        until("all are gone", || pids.iter().all(|pid| state(*pid).is_none())).await;
        assert!(bystander.exit().is_none());
        bystander.signal(libc::SIGKILL).unwrap();
    });
}

pub fn a_disarmed_guard_kills_nobody() {
    play(async |reaper| {
        let (read, write) = crate::stage::pipe();
        let process = reaper
            .spawn(actor("eof exit 3").stdin(read))
            .unwrap()
            .kill_on_drop()
            .disarm();
        drop(write);
        assert_eq!(ended(&process).await.status, Status::Exited(3));
        drop(process.kill_on_drop());
    });
}

pub fn a_killed_tree_is_collected() {
    play(async |reaper| {
        let directory = tempfile::tempdir().unwrap();
        let process = reaper.spawn(actor(&tree(directory.path()))).unwrap();
        let pids = pids(directory.path()).await;
        process.kill_tree(LONG).await.unwrap();
        assert_eq!(process.exit().unwrap().status, KILLED);
        assert!(pids.iter().all(|pid| state(*pid).is_none()));
        process.kill_tree(LONG).await.unwrap();
    });
}

pub fn a_forking_tree_is_killed() {
    play(async |reaper| {
        for _ in 0..5 {
            let process = reaper.spawn(actor("bomb")).unwrap();
            tokio::time::sleep(std::time::Duration::from_millis(5)).await;
            process.kill_tree(LONG).await.unwrap();
            assert_eq!(reaper.counters().watched, 0);
        }
    });
}

/// For a server that ends: watched ones, orphans nobody watches, and what descends of both.
pub fn everything_is_killed() {
    play(async |reaper| {
        let directory = tempfile::tempdir().unwrap();
        let process = reaper.spawn(actor(&tree(directory.path()))).unwrap();
        let mut pids = pids(directory.path()).await;
        let file = directory.path().join("daemon");
        let steps = format!("fork[ setsid fork[ fork[ hang ] pid {} hang ] ]", file.display());
        ended(&reaper.spawn(actor(&steps)).unwrap()).await;
        pids.push(pid_in(&file).await);
        reaper.kill_all(LONG).await.unwrap();
        assert_eq!(process.exit().unwrap().status, KILLED);
        assert!(pids.iter().all(|pid| state(*pid).is_none()));
        assert_eq!(crate::stage::children(), "");
    });
}
