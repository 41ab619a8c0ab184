//! A program that follows its command line, step by step, and then exits with 0:
//!
//! - `fork[ STEP… ]` — a child takes these steps and exits with 0; the actor goes on
//! - `wait` — waits for its children
//! - `exit N`, `raise SIGNAL`, `core DIRECTORY` — ends so
//! - `sleep MS`, `hang`, `eof` — waits: so long, half a minute, until standard input ends
//! - `init` — serves as the init of its pid namespace
//! - `setsid`, `close N`, `next-pid N` — changes itself, or what pid is given out next
//! - `pid FILE` — writes its pid
//! - `fds`, `self FILE`, `say NAME`, `cwd` — prints its descriptors, `/proc/self/FILE`, a variable, its directory
//! - `whoami`, `namespace KIND` — prints its pid and uid as it sees them, which namespace it is in
//! - `bomb` — goes on forking children that hang

use std::fs;
use std::io::Read;
use std::process::exit;
use std::time::Duration;

/// No actor outlives a test that was killed by more than this.
const HANG: Duration = Duration::from_secs(30);

pub fn act(steps: &[String]) -> ! {
    let mut steps = steps.iter();
    while let Some(step) = steps.next() {
        let mut word = || steps.next().expect("a step's argument").as_str();
        match step.as_str() {
            "fork[" => {
                let inner = until_closed(&mut steps);
                if fork() {
                    act(&inner);
                }
            }
            "wait" => while rustix::process::wait(rustix::process::WaitOptions::empty()).is_ok() {},
            "exit" => exit(word().parse().unwrap()),
            "raise" => raise(word().parse().unwrap()),
            "core" => dump_core(word()),
            "sleep" => std::thread::sleep(Duration::from_millis(word().parse().unwrap())),
            "hang" => std::thread::sleep(HANG),
            "eof" => drop(std::io::stdin().read_to_end(&mut Vec::new())),
            "init" => podherd_reaper::serve_as_init(),
            "whoami" => println!("{} {}", std::process::id(), rustix::process::getuid().as_raw()),
            "namespace" => {
                let link = fs::read_link(format!("/proc/self/ns/{}", word())).unwrap();
                println!("{}", link.display());
            }
            "setsid" => drop(rustix::process::setsid().unwrap()),
            "close" => close(word().parse().unwrap()),
            "next-pid" => {
                let last = word().parse::<u32>().unwrap() - 1;
                fs::write("/proc/sys/kernel/ns_last_pid", last.to_string()).unwrap();
            }
            "pid" => fs::write(word(), format!("{}\n", std::process::id())).unwrap(),
            "fds" => print_descriptors(),
            "self" => print!(
                "{}",
                fs::read_to_string(format!("/proc/self/{}", word())).unwrap()
            ),
            "say" => println!("{}", std::env::var(word()).unwrap_or_default()),
            "cwd" => println!("{}", std::env::current_dir().unwrap().display()),
            "bomb" => bomb(),
            unknown => panic!("no such step: {unknown}"),
        }
    }
    exit(0)
}

fn until_closed<'a>(steps: &mut impl Iterator<Item = &'a String>) -> Vec<String> {
    let mut depth = 1;
    let mut inner = Vec::new();
    for step in steps {
        depth += i32::from(step == "fork[") - i32::from(step == "]");
        if depth == 0 {
            return inner;
        }
        inner.push(step.clone());
    }
    panic!("a fork[ without its ]")
}

/// True in the child.
fn fork() -> bool {
    // SAFETY: an actor has one thread.
    match unsafe { libc::fork() } {
        -1 => panic!("fork: {}", std::io::Error::last_os_error()),
        pid => pid == 0,
    }
}

fn raise(signal: i32) {
    // SAFETY: sends a signal to itself; no memory is involved.
    unsafe { libc::raise(signal) };
    std::thread::sleep(HANG);
}

fn close(fd: i32) {
    // SAFETY: an actor owns no descriptor of the standard ones through anything that closes them again.
    unsafe { libc::close(fd) };
}

fn dump_core(directory: &str) {
    std::env::set_current_dir(directory).unwrap();
    let limit = rustix::process::getrlimit(rustix::process::Resource::Core);
    let limit = rustix::process::Rlimit {
        current: limit.maximum,
        ..limit
    };
    rustix::process::setrlimit(rustix::process::Resource::Core, limit).unwrap();
    raise(libc::SIGQUIT);
}

/// Number and target of each; the listing's own descriptor left out.
fn print_descriptors() {
    let entries: Vec<_> = fs::read_dir("/proc/self/fd")
        .unwrap()
        .flatten()
        .map(|entry| entry.path())
        .collect();
    let mut lines: Vec<_> = entries
        .iter()
        .filter_map(|path| Some((path, fs::read_link(path).ok()?)))
        .collect();
    lines.sort_by_key(|(path, _)| {
        path.file_name()
            .and_then(|name| name.to_str()?.parse::<u32>().ok())
    });
    for (path, target) in lines {
        println!("{} {}", path.file_name().unwrap().display(), target.display());
    }
}

fn bomb() {
    for _ in 0..2_000 {
        if fork() {
            std::thread::sleep(HANG);
            exit(0);
        }
    }
    std::thread::sleep(HANG);
}
