//! Runs every scenario in a process of its own, and looks for what it left behind.

use std::fs;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Stdio, exit};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, WaitOptions};

use crate::{SCENARIOS, Scenario};

/// Where only a hang can be seen.
const LIMIT: Duration = Duration::from_secs(60);

pub fn run_all(filter: &str) {
    // What a scenario leaves behind becomes our child.
    rustix::process::set_child_subreaper(Some(rustix::process::getpid())).unwrap();
    let chosen: Vec<_> = SCENARIOS
        .iter()
        .filter(|scenario| scenario.name.contains(filter))
        .collect();
    let mut failed = Vec::new();
    for scenario in &chosen {
        let started = Instant::now();
        match run(scenario) {
            Ok(()) => println!("ok      {} ({} ms)", scenario.name, started.elapsed().as_millis()),
            Err(why) => {
                println!("FAILED  {}: {why}", scenario.name);
                failed.push(scenario.name);
            }
        }
    }
    println!("{} scenarios, {} failed {failed:?}", chosen.len(), failed.len());
    exit(i32::from(!failed.is_empty()));
}

fn run(scenario: &Scenario) -> Result<(), String> {
    let this = std::env::current_exe().unwrap();
    let mut command = if scenario.own_pid_namespace {
        let mut command = Command::new("unshare");
        command
            .args(["--fork", "--pid", "--mount-proc", "--kill-child"])
            .arg(this);
        command
    } else {
        Command::new(this)
    };
    let child = command
        .args(["run", scenario.name])
        .stdin(Stdio::null())
        .spawn()
        .map_err(|error| error.to_string())?;
    let pid = Pid::from_raw(i32::try_from(child.id()).unwrap()).unwrap();
    let status = wait(pid);
    let mut left = end_leftovers();
    left.extend(remove_cgroups(pid));
    match status {
        None => Err("it hung and was killed".into()),
        Some(status) if !status.success() => Err(status.to_string()),
        Some(_) if !left.is_empty() => Err(format!("it left behind {left:?}")),
        Some(_) => Ok(()),
    }
}

/// Waits for this one child, at most for the limit; past it, kills it.
fn wait(pid: Pid) -> Option<ExitStatus> {
    let deadline = Instant::now() + LIMIT;
    loop {
        if let Some((_, status)) = rustix::process::waitpid(Some(pid), WaitOptions::NOHANG).unwrap() {
            return Some(ExitStatus::from_raw(status.as_raw()));
        }
        if Instant::now() > deadline {
            thaw(pid);
            rustix::process::kill_process(pid, Signal::KILL).unwrap();
            rustix::process::waitpid(Some(pid), WaitOptions::empty()).unwrap();
            return None;
        }
        std::thread::sleep(Duration::from_millis(2));
    }
}

/// Kills and collects what became our child; returns the names.
fn end_leftovers() -> Vec<String> {
    let mut names = Vec::new();
    loop {
        let list = fs::read_to_string("/proc/thread-self/children").unwrap();
        let Some(pid) = list.split_ascii_whitespace().next() else {
            return names;
        };
        let name = fs::read_to_string(format!("/proc/{pid}/cmdline"))
            .unwrap_or_default()
            .replace('\0', " ");
        names.push(format!("{pid} {name}"));
        let pid = Pid::from_raw(pid.parse().unwrap()).unwrap();
        let _ = rustix::process::kill_process(pid, Signal::KILL);
        let _ = rustix::process::waitpid(Some(pid), WaitOptions::empty());
    }
}

/// The cgroups that the scenario in process `pid` made.
fn cgroups(pid: Pid) -> Vec<PathBuf> {
    let name = crate::cgroups::name(pid.as_raw_nonzero().get().unsigned_abs());
    let hierarchies = fs::read_dir("/sys/fs/cgroup").into_iter().flatten().flatten();
    let mut found: Vec<_> = hierarchies
        .map(|hierarchy| hierarchy.path().join(&name))
        .collect();
    found.push(Path::new("/sys/fs/cgroup").join(&name));
    found.retain(|directory| directory.exists());
    found
}

/// A scenario that went wrong may have frozen itself; it could not be killed then.
fn thaw(pid: Pid) {
    for directory in cgroups(pid) {
        let _ = fs::write(directory.join("freezer.state"), "THAWED");
        let _ = fs::write(directory.join("cgroup.freeze"), "0");
    }
}

/// Removes what a scenario left of its cgroups; returns their paths.
fn remove_cgroups(pid: Pid) -> Vec<String> {
    let left = cgroups(pid);
    for directory in &left {
        let _ = fs::remove_dir(directory.join("below"));
        let _ = fs::remove_dir(directory);
    }
    left.iter()
        .map(|directory| directory.display().to_string())
        .collect()
}
