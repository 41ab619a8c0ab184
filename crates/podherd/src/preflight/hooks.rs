//! `hooks`: programs of the host (and `startContainer`'s, of the container).

use std::path::Path;

use rustix::fs::FileType;
use rustix::io::Errno;

use super::FindingCode as Code;
use super::files::{Files, Handle};
use super::finding::{Findings, Refusal, Severity, quoted};
use super::node::Node;
use super::shape;

/// Those that run before the command, so that a failure keeps it from running.
const BEFORE: [&str; 4] = ["prestart", "createRuntime", "createContainer", "startContainer"];

/// Whether hooks run before the command does, which may bring files.
pub fn change_files(config: &Node<'_>) -> bool {
    let hooks = config.get("hooks");
    BEFORE
        .iter()
        .any(|point| hooks.get(point).items().next().is_some())
}

/// Checks them.
pub fn check(config: &Node<'_>, files: Option<&Files>, findings: &mut Findings) {
    let hooks = config.get("hooks");
    for (point, list) in hooks.members() {
        for hook in list.items() {
            let timeout = hook.get("timeout");
            if let Some(seconds) = timeout.signed().filter(|seconds| *seconds <= 0) {
                let by = if seconds < 0 { Refusal::All } else { Refusal::Runc };
                let message = format!(
                    "the hook has {seconds} s, and is ended before it has begun; remove `timeout` or raise it"
                );
                refused(findings, point, by, Code::HookTimeout, timeout.pointer(), message);
            }
            let place = hook.get("path");
            if !place.exists() && (BEFORE.contains(&point) || point == "poststart" || point == "poststop") {
                shape::require(
                    &place,
                    if BEFORE.contains(&point) {
                        Refusal::All
                    } else {
                        Refusal::Crun
                    },
                    findings,
                );
            }
            let Some(path) = place.text() else { continue };
            if !path.starts_with('/') {
                let message = format!(
                    "the hook {} is not an absolute path, and depends on where the runtime runs; write one",
                    quoted(path)
                );
                findings.warning(Code::HookNotAbsolute, place.pointer(), message);
                continue;
            }
            let why = if point == "startContainer" {
                files.and_then(|files| in_container(files, path))
            } else {
                on_host(path)
            };
            if let Some(why) = why {
                let message = format!("the hook {} can't be run: {why}", quoted(path));
                refused(
                    findings,
                    point,
                    Refusal::All,
                    Code::HookUnusable,
                    place.pointer(),
                    message,
                );
            }
        }
    }
}

/// A hook after the start fails the start with runc, and with crun not; one after the end fails nothing.
fn refused(findings: &mut Findings, point: &str, by: Refusal, code: Code, place: &str, message: String) {
    match point {
        "prestart" | "createRuntime" | "createContainer" | "startContainer" => {
            findings.refused(by, Some(Severity::Warning), code, place, message);
        }
        "poststart" => findings.refused(Refusal::Runc, Some(Severity::Warning), code, place, message),
        "poststop" => findings.warning(code, place, message),
        // No hook of the specification.
        _ => {}
    }
}

fn on_host(path: &str) -> Option<String> {
    match Handle::open(Path::new(path)) {
        Ok(file) if file.file_type() != FileType::RegularFile => Some("it is no file".into()),
        Ok(file) if file.stat().st_mode & 0o111 == 0 => Some("it is not executable; `chmod +x` it".into()),
        Ok(_) => None,
        Err(error @ (Errno::NOENT | Errno::NOTDIR | Errno::LOOP)) => Some(format!("{error} on the host")),
        Err(_) => None,
    }
}

fn in_container(files: &Files, path: &str) -> Option<String> {
    use super::files::Lookup;
    // Other hooks run before it.
    match files.find(b"/", path.as_bytes(), None) {
        Lookup::Missing { .. } | Lookup::NotDirectory(_) | Lookup::Loop => {
            Some("it does not exist in the container, where it runs".into())
        }
        Lookup::Found(found) => {
            let file = found.file?;
            match file.file_type() {
                FileType::RegularFile if file.stat().st_mode & 0o111 == 0 => {
                    Some("it is not executable; `chmod +x` it".into())
                }
                FileType::RegularFile => None,
                _ => Some("it is no file".into()),
            }
        }
        _ => None,
    }
}
