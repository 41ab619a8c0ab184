//! What the scenarios share: the runtime, programs, and the account at the end.

use std::fs;
use std::io::Read;
use std::os::fd::OwnedFd;
use std::time::{Duration, Instant};

use podherd_reaper::{ChildDefaults, Counters, Process, Program, Reaper};
use tokio::task::LocalSet;

/// Where only a hang can be seen.
pub const LONG: Duration = Duration::from_secs(20);

/// Runs `body` beside a reap loop, and then demands that nothing is left of it.
pub fn play(body: impl AsyncFnOnce(Reaper)) {
    play_with(ChildDefaults::default(), body);
}

pub fn play_with(defaults: ChildDefaults, body: impl AsyncFnOnce(Reaper)) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    LocalSet::new().block_on(&runtime, async {
        let (reaper, reap_loop) = Reaper::new(defaults).unwrap();
        let looping = tokio::task::spawn_local(reap_loop.run());
        body(reaper.clone()).await;
        until("all children are collected", || children().is_empty()).await;
        let Counters {
            open_claims,
            watched,
            zombies_now,
            unclaimed_exits,
            ..
        } = reaper.counters();
        assert_eq!((open_claims, watched, zombies_now, unclaimed_exits), (0, 0, 0, 0));
        assert!(!looping.is_finished(), "the loop ended");
    });
}

/// This executable as a program of the scenario.
pub fn actor(steps: &str) -> Program {
    Program::new(std::env::current_exe().unwrap())
        .arg("act")
        .args(steps.split_ascii_whitespace())
}

/// Runs an actor to its end and returns what it wrote.
pub async fn output(reaper: &Reaper, program: Program) -> String {
    let (read, write) = pipe();
    let exit = reaper.spawn(program.stdout(write)).unwrap().wait().await;
    assert_eq!(exit.status, podherd_reaper::Status::Exited(0));
    read_all(read)
}

pub fn pipe() -> (OwnedFd, OwnedFd) {
    rustix::pipe::pipe_with(rustix::pipe::PipeFlags::CLOEXEC).unwrap()
}

/// Blocks until the last writer has gone.
pub fn read_all(pipe: OwnedFd) -> String {
    let mut text = String::new();
    fs::File::from(pipe).read_to_string(&mut text).unwrap();
    text
}

/// Lets others run until `condition` holds.
pub async fn until(what: &str, mut condition: impl FnMut() -> bool) {
    let deadline = Instant::now() + LONG;
    while !condition() {
        assert!(Instant::now() < deadline, "not within {LONG:?}: {what}");
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
}

/// The pid that an actor writes to `file`.
pub async fn pid_in(file: &std::path::Path) -> u32 {
    let mut pid = None;
    until("an actor has written its pid", || {
        pid = fs::read_to_string(file)
            .ok()
            .and_then(|text| text.strip_suffix('\n')?.parse().ok());
        pid.is_some()
    })
    .await;
    pid.unwrap()
}

/// One letter, as in `/proc/PID/stat`; None when it is gone.
pub fn state(pid: u32) -> Option<char> {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    status
        .lines()
        .find_map(|line| line.strip_prefix("State:")?.trim().chars().next())
}

/// Field 22 of `/proc/PID/stat`.
pub fn start_time(pid: u32) -> Option<u64> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    stat.rsplit_once(") ")?.1.split(' ').nth(19)?.parse().ok()
}

pub fn parent(pid: u32) -> Option<u32> {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    status
        .lines()
        .find_map(|line| line.strip_prefix("PPid:")?.trim().parse().ok())
}

pub async fn ended(process: &Process) -> podherd_reaper::Exit {
    tokio::time::timeout(LONG, process.wait())
        .await
        .expect("a process ends")
}

pub fn children() -> String {
    let tasks = fs::read_dir("/proc/self/task").unwrap().flatten();
    tasks
        .filter_map(|task| fs::read_to_string(task.path().join("children")).ok())
        .collect()
}
