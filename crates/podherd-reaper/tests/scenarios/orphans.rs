//! What a call leaves behind is adopted and collected.

use std::time::{Duration, SystemTime};

use podherd_reaper::{ClaimError, Status};

use crate::stage::{actor, ended, pid_in, play, until};

pub const OWN_PID_NAMESPACE: bool = false;

/// conmon 181, 290/291; conmon-rs 2242: orphans that die before, while and after the call ends.
pub fn none_stays_a_zombie() {
    play(async |reaper| {
        let mut calls = 0;
        for call_takes in [0, 50] {
            for code in [0, 1] {
                for delay in [0, 1, 50, 500] {
                    let steps =
                        format!("fork[ fork[ sleep {delay} exit 7 ] ] sleep {call_takes} exit {code}");
                    let call = reaper.spawn(actor(&steps)).unwrap();
                    assert_eq!(ended(&call).await.status, Status::Exited(code));
                    calls += 1;
                }
            }
        }
        until("two orphans of each call are collected", || {
            reaper.counters().orphans == 2 * calls
        })
        .await;
        let counters = reaper.counters();
        assert_eq!(
            (counters.spawned, counters.reaped, counters.zombies_now),
            (calls, 3 * calls, 0)
        );
    });
}

/// containerd 8617: the end comes before anybody knows the pid.
pub fn a_claim_finds_one_that_ended() {
    play(async |reaper| {
        let directory = tempfile::tempdir().unwrap();
        for code in 0..20 {
            let file = directory.path().join(code.to_string());
            let claim = reaper.claim();
            let steps = format!("fork[ fork[ pid {} exit {code} ] ]", file.display());
            ended(&reaper.spawn(actor(&steps)).unwrap()).await;
            let pid = pid_in(&file).await;
            until("it was collected", || reaper.counters().unclaimed_exits == 2).await;
            let process = claim
                .resolve(pid, file.metadata().unwrap().modified().unwrap())
                .unwrap();
            assert_eq!(process.exit().unwrap().status, Status::Exited(code));
            assert_eq!(ended(&process).await.pid, pid);
            assert!(process.start_time() > 0);
            assert!(process.signal(9).is_err());
        }
    });
}

pub fn a_claim_finds_one_that_lives() {
    play(async |reaper| {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("pid");
        let claim = reaper.claim();
        let steps = format!("fork[ pid {} hang ]", file.display());
        ended(&reaper.spawn(actor(&steps)).unwrap()).await;
        let pid = pid_in(&file).await;
        let process = claim
            .resolve(pid, file.metadata().unwrap().modified().unwrap())
            .unwrap();
        drop(claim);
        assert!(process.exit().is_none());
        process.signal(libc::SIGUSR1).unwrap();
        assert_eq!(
            ended(&process).await.status,
            Status::Signaled {
                signal: libc::SIGUSR1,
                core_dumped: false
            }
        );
    });
}

pub fn none_is_told_twice() {
    play(async |reaper| {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("pid");
        let (one, other) = (reaper.claim(), reaper.claim());
        let steps = format!("fork[ pid {} exit 3 ] sleep 10", file.display());
        ended(&reaper.spawn(actor(&steps)).unwrap()).await;
        let pid = pid_in(&file).await;
        until("it was collected", || reaper.counters().unclaimed_exits == 1).await;
        let now = SystemTime::now();
        assert_eq!(
            one.resolve(pid, now - Duration::from_secs(60)).unwrap_err(),
            ClaimError::NotFound,
            "it had not started then"
        );
        assert!(one.resolve(pid, now).is_ok());
        assert_eq!(other.resolve(pid, now).unwrap_err(), ClaimError::NotFound);
    });
}
