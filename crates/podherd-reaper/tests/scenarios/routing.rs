//! Each status reaches the one that it belongs to.

use std::collections::HashSet;
use std::time::Duration;

use podherd_reaper::{Program, SpawnErrorKind, Status};

use crate::stage::{actor, ended, pipe, play, start_time, state, until};

pub const OWN_PID_NAMESPACE: bool = false;

/// conmon-rs 2415: no status is lost, swapped or invented while spawns fail and orphans end.
pub fn a_thousand_statuses_beside_failing_spawns() {
    play(async |reaper| {
        let (read, write) = pipe();
        let mut processes = Vec::new();
        for number in 0..1_000 {
            let steps = format!("eof exit {}", number % 256);
            processes.push(
                reaper
                    .spawn(actor(&steps).stdin(read.try_clone().unwrap()))
                    .unwrap(),
            );
            let failure = reaper.spawn(Program::new("/does/not/exist")).unwrap_err();
            assert_eq!(failure.kind(), SpawnErrorKind::NotFound);
            if number % 50 == 0 {
                reaper
                    .spawn(actor("fork[ fork[ exit 99 ] exit 98 ] exit 97"))
                    .unwrap();
            }
        }
        let identities: HashSet<_> = processes
            .iter()
            .map(|process| (process.pid(), process.start_time()))
            .collect();
        assert_eq!(identities.len(), 1_000);
        assert!(processes.iter().all(|process| process.exit().is_none()));
        assert!(
            processes
                .iter()
                .all(|process| start_time(process.pid()) == Some(process.start_time()))
        );
        drop((read, write));
        for (number, process) in (0..).zip(&processes) {
            let exit = ended(process).await;
            assert_eq!(
                (exit.pid, exit.status),
                (process.pid(), Status::Exited(number % 256))
            );
            assert!(!exit.recorded);
            assert_eq!(state(exit.pid), None, "who is woken sees no zombie");
        }
        until("the orphans are collected", || reaper.counters().orphans == 40).await;
        assert_eq!(
            (reaper.counters().spawned, reaper.counters().reaped),
            (1_020, 1_060)
        );
    });
}

pub fn signals_and_cores() {
    play(async |reaper| {
        for signal in [
            libc::SIGKILL,
            libc::SIGTERM,
            libc::SIGALRM,
            libc::SIGCHLD + 22,
            64,
        ] {
            let process = reaper.spawn(actor(&format!("raise {signal}"))).unwrap();
            assert_eq!(
                ended(&process).await.status,
                Status::Signaled {
                    signal,
                    core_dumped: false
                }
            );
        }
        let process = reaper.spawn(actor("hang")).unwrap();
        process.signal(64).unwrap();
        assert_eq!(
            ended(&process).await.status,
            Status::Signaled {
                signal: 64,
                core_dumped: false
            }
        );

        let directory = tempfile::tempdir().unwrap();
        let process = reaper
            .spawn(actor(&format!("core {}", directory.path().display())))
            .unwrap();
        let pattern = std::fs::read_to_string("/proc/sys/kernel/core_pattern").unwrap();
        let limit = rustix::process::getrlimit(rustix::process::Resource::Core);
        let core_dumped = !pattern.starts_with('|') && limit.maximum != Some(0);
        assert_eq!(
            ended(&process).await.status,
            Status::Signaled {
                signal: libc::SIGQUIT,
                core_dumped
            }
        );
    });
}

pub fn a_stopped_process_has_not_ended() {
    play(async |reaper| {
        let (read, write) = pipe();
        let process = reaper.spawn(actor("eof exit 5").stdin(read)).unwrap();
        process.signal(libc::SIGSTOP).unwrap();
        until("it is stopped", || state(process.pid()) == Some('T')).await;
        // An end after the stop shows that the loop has been through.
        ended(&reaper.spawn(actor("exit 0")).unwrap()).await;
        assert!(process.exit().is_none());
        drop(write);
        process.signal(libc::SIGCONT).unwrap();
        assert_eq!(ended(&process).await.status, Status::Exited(5));
    });
}

pub fn many_wait_for_one_and_some_give_up() {
    play(async |reaper| {
        let (read, write) = pipe();
        let process = reaper.spawn(actor("eof exit 6").stdin(read)).unwrap();
        let waiters: Vec<_> = (0..50)
            .map(|_| {
                let process = process.clone();
                tokio::task::spawn_local(async move { process.wait().await.status })
            })
            .collect();
        assert!(
            tokio::time::timeout(Duration::from_millis(5), process.wait())
                .await
                .is_err()
        );
        waiters[0].abort();
        drop(write);
        for waiter in waiters.into_iter().skip(1) {
            assert_eq!(waiter.await.unwrap(), Status::Exited(6));
        }
    });
}

/// Whoever starts the server may ignore SIGCHLD (then the kernel throws statuses away) or block it.
pub fn child_signal_ignored_and_blocked_by_the_parent() {
    // SAFETY: plain memory; no handler is installed.
    unsafe {
        libc::signal(libc::SIGCHLD, libc::SIG_IGN);
        let mut set: libc::sigset_t = std::mem::zeroed();
        libc::sigfillset(&raw mut set);
        libc::pthread_sigmask(libc::SIG_SETMASK, &raw const set, std::ptr::null_mut());
    }
    play(async |reaper| {
        let process = reaper.spawn(actor("sleep 20 exit 4")).unwrap();
        assert_eq!(ended(&process).await.status, Status::Exited(4));
        assert!(reaper.spawn(Program::new("/does/not/exist")).is_err());
    });
}
