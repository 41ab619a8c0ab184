//! PATH, as runc and crun search it: the first regular file that anybody may execute is taken, whether this user
//! may or not.

use super::credentials::{Credentials, May};
use crate::preflight::files::{Files, Found, Lookup};

/// What became of the search for a program.
#[derive(Debug)]
pub enum Program {
    /// This file will be executed.
    Found(Found),
    /// This one would be, and is no program that this user may execute; the reason.
    Unusable(Vec<u8>, String),
    /// There is none.
    Missing(String),
    /// It can't be known; the reason.
    Unknown(String),
}

/// Searches `name` in these directories, or goes its path from `directory` if it is one.
pub fn search(files: &Files, name: &str, path: &str, directory: &[u8], who: &Credentials) -> Program {
    if name.contains('/') {
        return follow(files, name.as_bytes(), directory, who);
    }
    let mut unusable = None;
    let mut unknown = None;
    for entry in path.split(':').filter(|entry| !entry.is_empty()) {
        let mut full = entry.as_bytes().to_vec();
        full.push(b'/');
        full.extend_from_slice(name.as_bytes());
        match judge(files, files.find(directory, &full, Some(who)), who) {
            Program::Found(found) => {
                return match unknown {
                    // An earlier directory may have one too.
                    None => Program::Found(found),
                    Some(why) => Program::Unknown(why),
                };
            }
            Program::Unusable(file, why) => {
                let taken = is_taken(files, &full, directory);
                let this = Program::Unusable(file, why);
                if taken {
                    return unknown.map_or(this, Program::Unknown);
                }
                unusable.get_or_insert(this);
            }
            Program::Missing(_) => {}
            Program::Unknown(why) => {
                unknown.get_or_insert(why);
            }
        }
    }
    match (unknown, unusable) {
        (Some(why), _) => Program::Unknown(why),
        (None, Some(unusable)) => unusable,
        (None, None) => Program::Missing(String::new()),
    }
}

/// Goes a path from `directory`.
pub fn follow(files: &Files, path: &[u8], directory: &[u8], who: &Credentials) -> Program {
    judge(files, files.find(directory, path, Some(who)), who)
}

/// Whether the search ends with this file although the user may not execute it.
fn is_taken(files: &Files, path: &[u8], directory: &[u8]) -> bool {
    match files.find(directory, path, None) {
        Lookup::Found(found) => found
            .file
            .is_some_and(|file| !file.is_directory() && file.stat().st_mode & 0o111 != 0),
        _ => false,
    }
}

fn judge(files: &Files, lookup: Lookup, who: &Credentials) -> Program {
    let shown = |path: &[u8]| String::from_utf8_lossy(path).into_owned();
    match lookup {
        Lookup::Found(found) => {
            let Some(file) = &found.file else {
                return Program::Unusable(found.path, "is a directory".into());
            };
            if file.is_directory() {
                return Program::Unusable(found.path, "is a directory".into());
            }
            if file.file_type() != rustix::fs::FileType::RegularFile {
                return Program::Unusable(found.path, "is no regular file".into());
            }
            if found.mount.is_some_and(|index| files.mount(index).noexec) {
                return Program::Unusable(found.path, "lies in a mount with the option noexec".into());
            }
            match who.may_execute(file) {
                May::No if file.stat().st_mode & 0o111 == 0 => {
                    Program::Unusable(found.path, "is not executable; `chmod +x` it".into())
                }
                May::No => Program::Unusable(
                    found.path,
                    format!(
                        "may not be executed by the user of the process (mode {:o}, owner {}:{})",
                        file.stat().st_mode & 0o7777,
                        file.stat().st_uid,
                        file.stat().st_gid
                    ),
                ),
                May::Yes | May::Unknown => Program::Found(found),
            }
        }
        Lookup::Missing { path, .. } => Program::Missing(format!("there is no {}", shown(&path))),
        Lookup::NotDirectory(path) => Program::Missing(format!("{} is no directory", shown(&path))),
        Lookup::Loop => Program::Missing("its symbolic links lead in a circle".into()),
        Lookup::Denied(path) => Program::Unusable(
            path,
            "is a directory that the user of the process may not search".into(),
        ),
        Lookup::InMount(index) => {
            let mount = files.mount(index);
            Program::Unknown(format!(
                "what the mount at {} ({}) brings is not known before it is there",
                mount.written, mount.kind
            ))
        }
        Lookup::Failed(path, error) => {
            Program::Unknown(format!("{} can't be looked at: {error}", shown(&path)))
        }
    }
}
