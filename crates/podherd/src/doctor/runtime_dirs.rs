//! What dead servers have left in their runtime directories.

use std::fs;
use std::os::unix::fs::FileTypeExt;
use std::path::{Path, PathBuf};

use podherd_reaper::FileId;

use super::finding::{Code, Details, Finding};
use super::fix::{Fix, file_id};
use super::look::Look;
use super::servers::Server;
use crate::journal;

/// Stale sockets, pid files and journals.
pub fn find(look: &Look<'_>) -> Vec<Finding> {
    look.runtime_dirs
        .iter()
        .flat_map(|directory| in_one(look, directory))
        .collect()
}

fn in_one(look: &Look<'_>, directory: &Path) -> Vec<Finding> {
    let owner = look.servers.iter().find(|server| owns(server, directory));
    let mut findings = Vec::new();
    for path in sockets(directory, DEEPEST) {
        if look.sockets.is_stale(&path) {
            findings.extend(stale_socket(directory, path, owner));
        }
    }
    findings.extend(stale_pid_file(look, directory));
    if owner.is_none() {
        findings.extend(
            calls(directory)
                .iter()
                .filter_map(|call| stale_call(directory, call)),
        );
        findings.extend(stale_journal(look, directory));
    }
    findings
}

fn owns(server: &Server, directory: &Path) -> bool {
    let reached = server
        .reached_dir
        .as_deref()
        .and_then(|path| path.canonicalize().ok());
    reached.is_some_and(|reached| reached == directory)
}

/// Attach sockets are in `ID/`.
const DEEPEST: usize = 3;

fn sockets(directory: &Path, deepest: usize) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(directory) else {
        return Vec::new();
    };
    let mut found = Vec::new();
    for entry in entries.flatten() {
        match entry.file_type() {
            Ok(kind) if kind.is_socket() => found.push(entry.path()),
            Ok(kind) if kind.is_dir() && deepest > 1 => found.extend(sockets(&entry.path(), deepest - 1)),
            _ => {}
        }
    }
    found.sort();
    found
}

fn stale_socket(directory: &Path, path: PathBuf, owner: Option<&Server>) -> Option<Finding> {
    let id = file_id(&path)?;
    let identity = identity(&path, id);
    let finding = Finding::problem(Code::StaleSocket, identity, format!("socket {}", path.display()));
    let details = Details {
        path: Some(path.clone()),
        runtime_dir: Some(directory.to_owned()),
        pid: owner.map(|server| server.pid),
        ..Details::default()
    };
    Some(match owner {
        None => finding
            .says("nobody listens at it: the server that made it has ended without an orderly end")
            .advises("remove it; --fix does. A new server on this directory replaces it by itself")
            .with(details)
            .fixed_by(Fix::RemoveSocket {
                runtime_dir: directory.to_owned(),
                path,
                id,
            }),
        Some(server) => finding
            .says(format!(
                "nobody listens at it, though its server, process {}, lives",
                server.pid
            ))
            .advises("report it; it goes with the server")
            .with(details),
    })
}

/// A starter reads the pid file and removes it: one that stays was never read.
fn stale_pid_file(look: &Look<'_>, directory: &Path) -> Option<Finding> {
    let path = directory.join("pidfile");
    let id = file_id(&path)?;
    let text = fs::read_to_string(&path).ok()?;
    let pid: u32 = text.trim().parse().ok()?;
    let holder = look.processes.living(pid, None);
    if holder.is_some_and(|process| look.kind_of(process).is_some()) {
        return None;
    }
    let now = match holder {
        Some(process) => format!("it names process {pid}, which is {} by now", process.name),
        None => format!("it names process {pid}, which has ended"),
    };
    Some(
        Finding::problem(
            Code::StalePidFile,
            identity(&path, id),
            format!("pid file {}", path.display()),
        )
        .says(now)
        .advises("remove it; --fix does")
        .with(Details {
            pid: Some(pid),
            path: Some(path.clone()),
            runtime_dir: Some(directory.to_owned()),
            ..Details::default()
        })
        .fixed_by(Fix::RemovePidFile { path, id, pid }),
    )
}

/// Directories of calls, `call-N`: each goes with its call, whatever its outcome.
fn calls(directory: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(directory).into_iter().flatten().flatten();
    let calls = entries.filter(|entry| entry.file_name().to_string_lossy().starts_with("call-"));
    calls.map(|entry| entry.path()).collect()
}

/// What a server that was killed in the midst of a call has left of it.
fn stale_call(directory: &Path, call: &Path) -> Option<Finding> {
    let path = call.join("pid");
    let id = file_id(&path)?;
    let pid: u32 = fs::read_to_string(&path).ok()?.trim().parse().ok()?;
    Some(
        Finding::problem(
            Code::StalePidFile,
            identity(&path, id),
            format!("pid file {}", path.display()),
        )
        .says(format!(
            "it is of a call that ended with its server; it names process {pid}"
        ))
        .advises("remove it; --fix does. A new server on this directory replaces it by itself")
        .with(Details {
            pid: Some(pid),
            path: Some(path.clone()),
            runtime_dir: Some(directory.to_owned()),
            ..Details::default()
        })
        .fixed_by(Fix::RemoveCall {
            runtime_dir: directory.to_owned(),
            path,
            id,
        }),
    )
}

/// Who ends in order records the end of its containers first.
fn stale_journal(look: &Look<'_>, directory: &Path) -> Option<Finding> {
    let survivors = journal::survivors(directory).ok()?;
    let first = survivors.first()?;
    let path = directory.join(journal::FILE_NAME);
    let id = file_id(&path)?;
    let ids: Vec<_> = survivors.iter().map(|survivor| survivor.id.as_str()).collect();
    let alive = survivors.iter().filter(|survivor| {
        look.processes
            .living(survivor.pid.unsigned_abs(), Some(survivor.start_time))
            .is_some()
    });
    let alive: Vec<_> = alive.map(|survivor| survivor.pid.unsigned_abs()).collect();
    Some(
        Finding::note(Code::StaleJournal, identity(&path, id), format!("journal {}", path.display()))
            .says(format!(
                "a server was killed here, and how these containers ended is not known: {} ({} still live)",
                ids.join(", "),
                alive.len()
            ))
            .advises("start a server on this directory (it takes the record over), or remove the directory once nobody needs the record")
            .with(Details {
                container_id: Some(first.id.clone()),
                path: Some(path),
                runtime_dir: Some(directory.to_owned()),
                pids: alive,
                ..Details::default()
            }),
    )
}

fn identity(path: &Path, id: FileId) -> String {
    format!("{}#{}:{}", path.display(), id.device, id.inode)
}
