//! Programs in namespaces of their own, and the init of a pid namespace.

use std::fs;

use podherd_reaper::{NewNamespaces, Process, SpawnErrorKind, Status};
use rustix::thread::{UnshareFlags, unshare_unsafe};

use crate::stage::{actor, ended, output, pipe, play, until};

pub const OWN_PID_NAMESPACE: bool = false;

const KINDS: [&str; 5] = ["ipc", "net", "pid", "user", "uts"];

fn new(kinds: &[&str]) -> NewNamespaces {
    let has = |kind| kinds.contains(&kind);
    NewNamespaces {
        ipc: has("ipc"),
        net: has("net"),
        pid: has("pid"),
        user: has("user"),
        uts: has("uts"),
    }
}

const INIT: NewNamespaces = NewNamespaces {
    ipc: false,
    net: false,
    pid: true,
    user: false,
    uts: false,
};

pub fn each_kind_is_new_alone_and_together() {
    play(async |reaper| {
        let steps: String = KINDS.iter().map(|kind| format!("namespace {kind} ")).collect();
        let ours: Vec<_> = KINDS
            .iter()
            .map(|kind| fs::read_link(format!("/proc/self/ns/{kind}")).unwrap())
            .collect();
        for kinds in KINDS.iter().map(std::slice::from_ref).chain([&KINDS[..], &[]]) {
            let printed = output(&reaper, actor(&steps).new_namespaces(new(kinds))).await;
            let differ: Vec<_> = printed
                .lines()
                .zip(KINDS)
                .zip(&ours)
                .filter(|((theirs, _), ours)| Some(*theirs) != ours.to_str())
                .map(|((_, kind), _)| kind)
                .collect();
            assert_eq!(differ, kinds);
        }
    });
}

pub fn a_pid_namespace_is_its_programs() {
    play(async |reaper| {
        let printed = output(&reaper, actor("whoami").new_namespaces(INIT)).await;
        assert_eq!(printed, "1 0\n");
        let process = reaper.spawn(actor("exit 7").new_namespaces(new(&KINDS))).unwrap();
        assert_eq!(ended(&process).await.status, Status::Exited(7));
        assert_eq!(reaper.counters().orphans, 0, "it is a child like any other to us");
    });
}

pub fn a_user_namespace_is_owned_until_ids_are_mapped() {
    play(async |reaper| {
        let program = actor("self uid_map self status whoami").new_namespaces(new(&["user"]));
        let printed = output(&reaper, program).await;
        let field = |name: &str| {
            printed
                .lines()
                .find_map(|line| Some(line.strip_prefix(name)?.trim().to_owned()))
                .unwrap()
        };
        assert!(printed.starts_with("Name:"), "no id is mapped: {printed}");
        assert!(
            printed.ends_with(" 65534\n"),
            "its own id is not mapped either: {printed}"
        );
        let last: u32 = fs::read_to_string("/proc/sys/kernel/cap_last_cap")
            .unwrap()
            .trim()
            .parse()
            .unwrap();
        assert_eq!(field("CapEff:"), format!("{:016x}", (1u64 << (last + 1)) - 1));
        let without = output(&reaper, actor("self status").new_namespaces(INIT)).await;
        assert!(without.contains("CapAmb:\t0000000000000000"), "{without}");
    });
}

/// conmon-rs: orphans of a pod's pid namespace stay zombies under a pause process that never waits.
pub fn an_init_collects_orphans() {
    play(async |reaper| {
        let (lease, holder) = pipe();
        let orphan = "fork[ fork[ sleep 100 exit 7 ] fork[ raise 9 ] fork[ exit 0 ] ]";
        let steps = format!("init {} eof", [orphan; 20].join(" "));
        let init = reaper
            .spawn(actor(&steps).stdin(lease).new_namespaces(INIT))
            .unwrap();
        until("it has adopted some", || !children(&init).is_empty()).await;
        until("all orphans are collected", || children(&init).is_empty()).await;
        drop(holder);
        assert_eq!(ended(&init).await.status, Status::Exited(0));
        assert_eq!((reaper.counters().reaped, reaper.counters().orphans), (1, 0));
    });
}

pub fn an_end_takes_all_with_it() {
    play(async |reaper| {
        let (lease, holder) = pipe();
        let steps = "init fork[ fork[ setsid hang ] fork[ hang ] ] eof";
        let init = reaper
            .spawn(actor(steps).stdin(lease).new_namespaces(INIT))
            .unwrap();
        until("it has adopted both", || children(&init).len() == 2).await;
        let inside = children(&init);
        drop(holder);
        assert_eq!(ended(&init).await.status, Status::Exited(0));
        assert!(inside.iter().all(|pid| crate::stage::state(*pid).is_none()));
    });
}

pub fn an_init_is_deaf() {
    play(async |reaper| {
        for namespaces in [INIT, new(&["uts"])] {
            let (lease, holder) = pipe();
            let (says, said) = pipe();
            let init = actor("init fork[ hang ] whoami close 1 eof");
            let init = reaper
                .spawn(init.stdin(lease).stdout(said).new_namespaces(namespaces))
                .unwrap();
            crate::stage::until("it has begun to serve", || children(&init).len() == 1).await;
            let deadly = (1..=64).filter(|signal| ![libc::SIGKILL, libc::SIGSTOP].contains(signal));
            for signal in deadly {
                // 32 and 33 are those that libc keeps for itself.
                init.signal(signal).unwrap();
            }
            let child = children(&init)[0];
            rustix::process::kill_process(
                rustix::process::Pid::from_raw(child.cast_signed()).unwrap(),
                rustix::process::Signal::KILL,
            )
            .unwrap();
            until("its child is collected", || children(&init).is_empty()).await;
            assert!(init.exit().is_none());
            drop((holder, says));
            assert_eq!(ended(&init).await.status, Status::Exited(0));
        }
    });
}

pub fn what_fails_leaves_nothing() {
    play(async |reaper| {
        for kinds in [&KINDS[..], &["pid"], &["user"]] {
            let missing = podherd_reaper::Program::new("/does/not/exist").new_namespaces(new(kinds));
            assert_eq!(
                reaper.spawn(missing).unwrap_err().kind(),
                SpawnErrorKind::NotFound
            );
        }
        assert_eq!(reaper.counters().spawned, 0);
        assert!(crate::stage::children().is_empty());
    });
}

pub fn a_limit_is_named() {
    // The limits are those of the user namespace that asks.
    // SAFETY: this process has one thread, and shares nothing that would have to be split.
    unsafe { unshare_unsafe(UnshareFlags::NEWUSER) }.unwrap();
    fs::write("/proc/sys/user/max_uts_namespaces", "0").unwrap();
    play(async |reaper| {
        let error = reaper
            .spawn(actor("exit 0").new_namespaces(new(&["uts"])))
            .unwrap_err();
        assert!(error.to_string().contains("limit on namespaces"), "{error}");
        assert!(crate::stage::children().is_empty());
    });
}

/// Children of a process, as we see them.
fn children(process: &Process) -> Vec<u32> {
    let pid = process.pid();
    fs::read_to_string(format!("/proc/{pid}/task/{pid}/children"))
        .unwrap_or_default()
        .split_ascii_whitespace()
        .map(|pid| pid.parse().unwrap())
        .collect()
}
