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
    /// The user may not search the directory that it would be in.
    Denied(Vec<u8>, String),
    /// There is none.
    Missing(String),
    /// It can't be known; the reason.
    Unknown(String),
}

/// Where the runtimes search in different ways.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Quirk {
    /// It is found by a relative entry, which runc refuses.
    Relative,
    /// It is in a directory that the user may not search: crun takes it and fails, runc goes on.
    Denied,
}

/// Searches `name` in these directories, or goes its path from `directory` if it is one.
///
/// An entry that one of the runtimes treats in another way than the other is told beside.
pub fn search(
    files: &Files,
    name: &str,
    path: &str,
    directory: &[u8],
    who: &Credentials,
) -> (Program, Option<Quirk>) {
    if name.contains('/') {
        return (follow(files, name.as_bytes(), directory, who), None);
    }
    let mut unusable = None;
    let mut quirk = None;
    for entry in path.split(':') {
        let full = [entry.as_bytes(), b"/", name.as_bytes()].concat();
        let full = if entry.is_empty() {
            name.as_bytes().to_vec()
        } else {
            full
        };
        let program = judge(files, files.find(directory, &full, Some(who)), who);
        let found = matches!(program, Program::Found(_));
        if entry.is_empty() && found {
            // crun passes over it.
            quirk.get_or_insert(Quirk::Relative);
            continue;
        }
        match program {
            Program::Found(_) => {
                if !entry.starts_with('/') {
                    quirk.get_or_insert(Quirk::Relative);
                }
                return (program, quirk);
            }
            Program::Denied(..) if exists(files, &full, directory) => {
                // runc passes over it, and crun takes it.
                quirk.get_or_insert(Quirk::Denied);
                unusable.get_or_insert(program);
            }
            Program::Unusable(..) if exists(files, &full, directory) => return (program, quirk),
            // An earlier directory than the one that has it may have one too.
            Program::Unknown(_) => return (program, quirk),
            Program::Unusable(..) | Program::Denied(..) => {
                unusable.get_or_insert(program);
            }
            Program::Missing(_) => {}
        }
    }
    (unusable.unwrap_or(Program::Missing(String::new())), quirk)
}

/// Goes a path from `directory`.
pub fn follow(files: &Files, path: &[u8], directory: &[u8], who: &Credentials) -> Program {
    judge(files, files.find(directory, path, Some(who)), who)
}

/// Whether the search ends with this file although the user may not execute it.
fn exists(files: &Files, path: &[u8], directory: &[u8]) -> bool {
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
        Lookup::Denied(path) => Program::Denied(
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
