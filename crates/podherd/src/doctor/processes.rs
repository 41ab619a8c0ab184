//! All processes, as one look at `/proc` shows them. Some have gone before the look is over: they are left out.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fs;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};

/// One process.
#[derive(Clone, Debug)]
pub struct Process {
    /// Its pid, in the doctor's pid namespace.
    pub pid: u32,
    /// `comm`: 15 bytes at most.
    pub name: String,
    /// One letter of `proc_pid_stat(5)`.
    state: u8,
    /// Pid of its parent; 0 where that is outside of this pid namespace.
    pub parent: u32,
    threads: u32,
    /// In clock ticks since boot: with the pid it tells a process from a later one.
    pub start_time: u64,
    /// What it runs. None: a zombie, or a thread of the kernel.
    pub program: Option<PathBuf>,
    /// Its binary was removed or replaced.
    pub program_replaced: bool,
    /// Its command line.
    pub words: Vec<String>,
    /// `/proc/PID/cgroup`.
    pub cgroups: String,
}

/// All of them.
#[derive(Debug)]
pub struct Processes {
    by_pid: BTreeMap<u32, Process>,
    since_boot: Duration,
}

impl Processes {
    /// Looks at all there are.
    pub fn look() -> io::Result<Self> {
        let names = fs::read_dir("/proc")?.flatten();
        let pids = names.filter_map(|entry| entry.file_name().to_str()?.parse().ok());
        let by_pid = pids.filter_map(|pid| Some((pid, Process::look(pid)?))).collect();
        let now = clock_gettime(ClockId::Boottime);
        let since_boot = Duration::new(now.tv_sec.unsigned_abs(), u32::try_from(now.tv_nsec).unwrap_or(0));
        Ok(Self { by_pid, since_boot })
    }

    /// One of them.
    pub fn get(&self, pid: u32) -> Option<&Process> {
        self.by_pid.get(&pid)
    }

    /// The one that began at this tick, if it has not ended.
    pub fn living(&self, pid: u32, start_time: Option<u64>) -> Option<&Process> {
        self.get(pid)
            .filter(|process| !process.has_ended() && start_time.is_none_or(|at| at == process.start_time))
    }

    /// All, by their pids.
    pub fn iter(&self) -> impl Iterator<Item = &Process> {
        self.by_pid.values()
    }

    /// Its parent, the parent of that, and so on.
    pub fn ancestors<'a>(&'a self, process: &Process) -> impl Iterator<Item = &'a Process> {
        // A parent is older than its child, unless the child was adopted: no way around in a circle, but a
        // reused pid between two readings could make one.
        std::iter::successors(self.get(process.parent), |process| self.get(process.parent)).take(DEEPEST)
    }

    /// Whether it comes of `ancestor`, or is it.
    pub fn comes_of(&self, process: &Process, ancestor: u32) -> bool {
        process.pid == ancestor || self.ancestors(process).any(|above| above.pid == ancestor)
    }

    /// Those whose parent it is.
    pub fn children(&self, pid: u32) -> impl Iterator<Item = &Process> {
        self.iter().filter(move |process| process.parent == pid)
    }

    /// How long ago it began.
    pub fn age(&self, process: &Process) -> Duration {
        let ticks = rustix::param::clock_ticks_per_second();
        let began = Duration::from_secs_f64(process.start_time as f64 / ticks as f64);
        self.since_boot.saturating_sub(began)
    }

    /// `process 12 (conmon)`, for people.
    pub fn tell(&self, pid: u32) -> String {
        match self.get(pid) {
            Some(process) => process.tell(),
            None if pid == 0 => "a process outside of this pid namespace".into(),
            None => format!("process {pid}"),
        }
    }
}

impl Process {
    fn look(pid: u32) -> Option<Self> {
        let line = fs::read(format!("/proc/{pid}/stat")).ok()?;
        let mut process = Self::parse(pid, &line)?;
        if let Ok(target) = fs::read_link(format!("/proc/{pid}/exe")) {
            let bytes = target.as_os_str().as_bytes();
            let kept = bytes.strip_suffix(b" (deleted)");
            process.program_replaced = kept.is_some();
            process.program = Some(OsStr::from_bytes(kept.unwrap_or(bytes)).into());
        }
        let line = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
        let line = line.strip_suffix(b"\0").unwrap_or(&line);
        if !line.is_empty() {
            let words = line.split(|&byte| byte == 0);
            process.words = words
                .map(|word| String::from_utf8_lossy(word).into_owned())
                .collect();
        }
        process.cgroups = fs::read_to_string(format!("/proc/{pid}/cgroup")).unwrap_or_default();
        Some(process)
    }

    /// The name stands in brackets and may itself hold brackets, spaces and newlines.
    fn parse(pid: u32, line: &[u8]) -> Option<Self> {
        let open = line.iter().position(|&byte| byte == b'(')?;
        let close = line.iter().rposition(|&byte| byte == b')')?;
        let name = String::from_utf8_lossy(line.get(open + 1..close)?).into_owned();
        let mut fields = std::str::from_utf8(&line[close + 1..])
            .ok()?
            .split_ascii_whitespace();
        let state = *fields.next()?.as_bytes().first()?;
        let parent = fields.next()?.parse().ok()?;
        // Fields 5 to 19 lie between, and 21.
        let threads = fields.nth(15)?.parse().ok()?;
        let start_time = fields.nth(1)?.parse().ok()?;
        Some(Self {
            pid,
            name,
            state,
            parent,
            threads,
            start_time,
            program: None,
            program_replaced: false,
            words: Vec::new(),
            cgroups: String::new(),
        })
    }

    /// It has ended and was not collected. One whose first thread alone has ended shows the same letter, and
    /// lives.
    pub fn is_zombie(&self) -> bool {
        self.state == b'Z' && self.threads <= 1
    }

    /// It has ended, or is just ending.
    pub fn has_ended(&self) -> bool {
        self.is_zombie() || self.state == b'X'
    }

    /// It and no other, whatever becomes of its pid.
    pub fn identity(&self) -> String {
        format!("{}@{}", self.pid, self.start_time)
    }

    /// File name of what it runs; its own name where that can't be known.
    pub fn program_name(&self) -> &str {
        let name = self.program.as_deref().and_then(Path::file_name);
        name.and_then(OsStr::to_str).unwrap_or(&self.name)
    }

    /// `process 12 (conmon)`, for people.
    pub fn tell(&self) -> String {
        format!("process {} ({})", self.pid, self.name.escape_debug())
    }

    /// Who traces it (ptrace(2)): a zombie can't be collected before that one has seen its end.
    pub fn tracer(&self) -> Option<u32> {
        let status = fs::read_to_string(format!("/proc/{}/status", self.pid)).ok()?;
        let line = status.lines().find_map(|line| line.strip_prefix("TracerPid:"))?;
        line.trim().parse().ok().filter(|&pid| pid != 0)
    }

    /// The value of a flag of its command line: `--flag=VALUE` or `--flag VALUE`.
    pub fn flag(&self, flag: &str) -> Option<&str> {
        let mut words = self.words.iter().skip(1);
        while let Some(word) = words.next() {
            match word.strip_prefix(flag) {
                Some("") => return words.next().map(String::as_str),
                Some(rest) if rest.starts_with('=') => return Some(&rest[1..]),
                _ => {}
            }
        }
        None
    }
}

/// Longer lines of ancestors are not followed.
const DEEPEST: usize = 256;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_with_brackets_spaces_and_newlines_is_read() {
        let line = b"77 (a) S 1\n(b) Z 5 6 7 0 -1 4 0 0 0 0 1 2 0 0 20 0 3 0 4242 1 1\n";
        let process = Process::parse(77, line).unwrap();
        assert_eq!(process.name, "a) S 1\n(b");
        assert_eq!(
            (process.parent, process.threads, process.start_time),
            (5, 3, 4242)
        );
        assert!(!process.has_ended(), "its other threads live");
        assert!(process.tell().contains(r"\n"), "{}", process.tell());
    }

    #[test]
    fn flags_are_read_in_both_spellings() {
        let mut process = Process::parse(1, b"1 (a) S 0 1 1 0 -1 4 0 0 0 0 1 2 0 0 20 0 1 0 1 1 1").unwrap();
        process.words = ["a", "--root", "/x", "--dir=/y"].map(str::to_owned).into();
        assert_eq!(process.flag("--root"), Some("/x"));
        assert_eq!(process.flag("--dir"), Some("/y"));
        assert_eq!(process.flag("--di"), None);
    }
}
