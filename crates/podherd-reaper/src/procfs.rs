//! What `/proc` tells of a process.

use std::fs;
use std::io;

use rustix::fs::{Mode, OFlags};
use rustix::io::Errno;

use crate::file_id::FileId;
use crate::time::Ticks;

/// A few fields of `/proc/PID/stat` (`proc_pid_stat(5)`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Stat {
    pub(crate) pid: u32,
    /// One letter: `Z` is a zombie, `T` is stopped.
    pub(crate) state: u8,
    pub(crate) parent: u32,
    pub(crate) group: u32,
    pub(crate) session: u32,
    pub(crate) start_time: Ticks,
}

/// Whether the process that had this pid, and began at this tick since boot (`proc_pid_stat(5)`, field 22),
/// is there and has not ended. For processes of an earlier life; of one's own, a [`crate::Process`] knows.
pub fn is_alive(pid: u32, start_time: u64) -> bool {
    matches!(Stat::of(pid), Ok(Some(stat)) if stat.start_time == start_time && !stat.is_zombie())
}

impl Stat {
    /// None: there is no such process.
    pub(crate) fn of(pid: u32) -> io::Result<Option<Self>> {
        let read = || {
            let file = rustix::fs::open(
                format!("/proc/{pid}/stat"),
                OFlags::RDONLY | OFlags::CLOEXEC,
                Mode::empty(),
            )?;
            let mut line = [0; 1024];
            let count = rustix::io::read(&file, &mut line)?;
            Ok(Self::parse(&line[..count]))
        };
        match read() {
            Ok(Some(stat)) => Ok(Some(stat)),
            Ok(None) => Err(io::Error::new(
                io::ErrorKind::InvalidData,
                format!("/proc/{pid}/stat is not understood"),
            )),
            Err(Errno::NOENT | Errno::SRCH) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    pub(crate) fn is_zombie(&self) -> bool {
        matches!(self.state, b'Z' | b'X')
    }

    /// The command's name stands in brackets and may itself hold brackets and spaces.
    fn parse(line: &[u8]) -> Option<Self> {
        let open = line.iter().position(|byte| *byte == b'(')?;
        let close = line.iter().rposition(|byte| *byte == b')')?;
        let pid = std::str::from_utf8(&line[..open]).ok()?.trim().parse().ok()?;
        let mut fields = std::str::from_utf8(&line[close + 1..])
            .ok()?
            .split_ascii_whitespace();
        let state = *fields.next()?.as_bytes().first()?;
        let parent = fields.next()?.parse().ok()?;
        let group = fields.next()?.parse().ok()?;
        let session = fields.next()?.parse().ok()?;
        // Fields 7 to 21 lie between.
        let start_time = fields.nth(15)?.parse().ok()?;
        Some(Self {
            pid,
            state,
            parent,
            group,
            session,
            start_time,
        })
    }
}

/// The pids of the children of `pid`. Complete for this process itself, since its children leave the
/// list only when it reaps them; of others, some may be missed while they come and go.
pub(crate) fn children(pid: u32) -> Vec<u32> {
    let Ok(tasks) = fs::read_dir(format!("/proc/{pid}/task")) else {
        return Vec::new();
    };
    let mut found = Vec::new();
    for task in tasks.flatten() {
        match fs::read_to_string(task.path().join("children")) {
            Ok(list) => found.extend(
                list.split_ascii_whitespace()
                    .filter_map(|word| word.parse::<u32>().ok()),
            ),
            // A kernel without the file, or a thread that has just ended.
            Err(_) if !task.path().exists() => {}
            Err(_) => return scan(pid),
        }
    }
    found
}

/// The same on kernels without `CONFIG_PROC_CHILDREN`: every process is asked for its parent.
fn scan(parent: u32) -> Vec<u32> {
    let Ok(entries) = fs::read_dir("/proc") else {
        return Vec::new();
    };
    let pids = entries
        .flatten()
        .filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    pids.filter(|pid| matches!(Stat::of(*pid), Ok(Some(stat)) if stat.parent == parent))
        .collect()
}

/// Whether `pid` holds one of `files` open. Only pipes, sockets and memfds are looked at: asking for
/// anything with a path may hang on a dead network mount.
pub(crate) fn holds_open(pid: u32, files: &[FileId]) -> bool {
    if files.is_empty() {
        return false;
    }
    let Ok(entries) = fs::read_dir(format!("/proc/{pid}/fd")) else {
        return false;
    };
    entries.flatten().any(|entry| {
        let path = entry.path();
        let has_path =
            |link: &std::path::Path| link.starts_with("/") && !link.to_string_lossy().starts_with("/memfd:");
        match fs::read_link(&path) {
            Ok(link) if !has_path(&link) => {
                rustix::fs::stat(&path).is_ok_and(|stat| files.contains(&FileId::from(stat)))
            }
            _ => false,
        }
    })
}

/// The cgroups of `pid` as the kernel writes them, to be compared with another's.
pub(crate) fn cgroups(pid: u32) -> Option<String> {
    fs::read_to_string(format!("/proc/{pid}/cgroup")).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_with_brackets_and_spaces_is_skipped() {
        let line = b"77 (a) S 1 (b) Z 5 6 7 0 -1 4 0 0 0 0 1 2 0 0 20 0 1 0 4242 1 1\n";
        let expected = Stat {
            pid: 77,
            state: b'Z',
            parent: 5,
            group: 6,
            session: 7,
            start_time: 4242,
        };
        assert_eq!(Stat::parse(line), Some(expected));
    }

    #[test]
    fn a_line_cut_short_is_refused() {
        assert_eq!(Stat::parse(b"77 (cat) S 1 2"), None);
        assert_eq!(Stat::parse(b"77"), None);
        assert_eq!(Stat::parse(b""), None);
    }
}
