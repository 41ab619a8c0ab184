//! `process`: the command.

use super::FindingCode as Code;
use super::files::Files;
use super::finding::{Findings, quoted};
use super::node::Node;
use super::program::{Credentials, Program, search};

/// Checks the command.
pub fn check(config: &Node<'_>, files: &Files, findings: &mut Findings) {
    let process = config.get("process");
    if !process.exists() {
        findings.error(
            Code::ProcessMissing,
            process.pointer(),
            "config.json has no process; it says what to run",
        );
        return;
    }
    let args = process.get("args");
    let Some(command) = args.items().next() else {
        findings.error(
            Code::ArgsEmpty,
            args.pointer(),
            "process.args is empty; its first item is the command",
        );
        return;
    };
    let Some(name) = command.text() else { return };
    let who = Credentials::of(config);
    let path = path_of(&process);
    let directory = process.get("cwd").text().unwrap_or("/");
    match search(files, name, path.unwrap_or_default(), directory.as_bytes(), &who) {
        Program::Found(_) => {}
        Program::Unusable(path, why) => findings.error(
            Code::CommandNotExecutable,
            command.pointer(),
            format!("the command {} can't be executed: {} {why}", quoted(name), String::from_utf8_lossy(&path)),
        ),
        Program::Missing(why) if name.contains('/') => findings.error(
            Code::CommandNotFound,
            command.pointer(),
            format!("the command {} does not exist in the container: {why}", quoted(name)),
        ),
        Program::Missing(_) => findings.error(
            Code::CommandNotFound,
            command.pointer(),
            match path {
                Some(path) => format!("the command {} is in none of the directories of PATH, {}", quoted(name), quoted(path)),
                None => format!("the command {} can't be searched: process.env has no PATH; set it, or write the command's path", quoted(name)),
            },
        ),
        Program::Unknown(why) => findings.warning(
            Code::CommandUnknown,
            command.pointer(),
            format!("whether the command {} exists can't be known: {why}", quoted(name)),
        ),
    }
}

/// The last PATH of the environment, which is the one that counts.
fn path_of<'a>(process: &Node<'a>) -> Option<&'a str> {
    process
        .get("env")
        .texts()
        .filter_map(|entry| entry.strip_prefix("PATH="))
        .last()
}
