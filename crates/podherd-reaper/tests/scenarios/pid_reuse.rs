//! One pid, several processes in turn (podman 10320, 25104).

use std::path::Path;
use std::time::{Duration, SystemTime};

use podherd_reaper::{Reaper, Status};

use crate::stage::{actor, ended, pid_in, play, until};

/// The pid that is given out next can be chosen there.
pub const OWN_PID_NAMESPACE: bool = true;

const PID: u32 = 20_000;

/// More than the times of files and processes are coarse by.
const APART: Duration = Duration::from_millis(60);

/// Has a process with the chosen pid made, which takes `steps`; returns when it was named.
async fn bear(reaper: &Reaper, file: &Path, steps: &str) -> SystemTime {
    tokio::time::sleep(APART).await;
    let _ = std::fs::remove_file(file);
    let steps = format!("next-pid {PID} fork[ pid {} {steps} ]", file.display());
    ended(&reaper.spawn(actor(&steps)).unwrap()).await;
    assert_eq!(pid_in(file).await, PID);
    file.metadata().unwrap().modified().unwrap()
}

pub fn bearers_that_ended() {
    play(async |reaper| {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("pid");
        let claim = reaper.claim();
        let mut named = Vec::new();
        for code in 1..=3 {
            let at = bear(&reaper, &file, &format!("exit {code}")).await;
            until("it was collected", || reaper.counters().unclaimed_exits == code).await;
            named.push((at, code));
        }
        // Not in the order of their lives.
        for index in [1, 2, 0] {
            let (at, code) = named[index];
            let process = claim.resolve(PID, at).unwrap();
            assert_eq!(
                process.exit().unwrap().status,
                Status::Exited(i32::try_from(code).unwrap())
            );
        }
    });
}

pub fn a_bearer_that_lives() {
    play(async |reaper| {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("pid");
        let claim = reaper.claim();
        let first = bear(&reaper, &file, "exit 1").await;
        until("it was collected", || reaper.counters().unclaimed_exits == 1).await;
        let second = bear(&reaper, &file, "hang").await;
        let dead = claim.resolve(PID, first).unwrap();
        assert_eq!(dead.exit().unwrap().status, Status::Exited(1));
        assert!(
            dead.signal(libc::SIGKILL).is_err(),
            "the stranger that bears its pid is not signalled"
        );
        let living = claim.resolve(PID, second).unwrap();
        assert!(living.exit().is_none());
        assert!(living.start_time() > dead.start_time());
        living.signal(libc::SIGKILL).unwrap();
        assert_eq!(
            ended(&living).await.status,
            Status::Signaled {
                signal: libc::SIGKILL,
                core_dumped: false
            }
        );
    });
}
