//! `process`: arguments, environment, working directory and terminal. The command is `command`'s, who runs it `user`'s.

use super::files::{Files, Lookup};
use super::finding::{Findings, Refusal, Severity, quoted};
use super::node::Node;
use super::{FindingCode as Code, Options, command};

/// Checks what can be known without the rootfs. False: there is no process.
pub fn check(config: &Node<'_>, options: Options, findings: &mut Findings) -> bool {
    let process = config.get("process");
    if !process.exists() {
        findings.error(
            Code::ProcessMissing,
            process.pointer(),
            "config.json has no process; it says what to run",
        );
        return false;
    }
    terminal(&process, options.terminal, findings);
    for entry in process.get("env").items() {
        environment(&entry, findings);
    }
    for text in process.get("args").items().chain([process.get("cwd")]) {
        if text.text().is_some_and(|text| text.contains('\0')) {
            let message = "a NUL character can't be in an argument or a path; remove it";
            findings.refused(
                Refusal::Runc,
                Some(Severity::Warning),
                Code::TextHasNul,
                text.pointer(),
                message,
            );
        }
    }
    let args = process.get("args");
    if !args.exists()
        || args
            .value()
            .and_then(|value| value.as_array())
            .is_some_and(Vec::is_empty)
    {
        findings.error(
            Code::ArgsEmpty,
            args.pointer(),
            "process.args is empty; its first item is the command",
        );
    }
    let cwd = process.get("cwd");
    match cwd.text() {
        _ if !cwd.exists() => findings.error(
            Code::CwdMissing,
            cwd.pointer(),
            "process.cwd is missing; write \"/\" or another absolute path",
        ),
        Some("") => findings.error(
            Code::CwdMissing,
            cwd.pointer(),
            "process.cwd is empty; write \"/\" or another absolute path",
        ),
        Some(path) if !path.starts_with('/') => {
            let message = format!("process.cwd is {}, and has to be an absolute path", quoted(path));
            findings.refused(
                Refusal::Runc,
                Some(Severity::Warning),
                Code::CwdNotAbsolute,
                cwd.pointer(),
                message,
            );
        }
        _ => {}
    }
    true
}

/// Checks the working directory and the command in the container's tree.
pub fn check_files(config: &Node<'_>, files: &Files, findings: &mut Findings) {
    let process = config.get("process");
    let cwd = process.get("cwd");
    if let Some(path) = cwd.filled_text().filter(|path| path.starts_with('/')) {
        working_directory(&cwd, path, files, findings);
    }
    command::check(config, files, findings);
}

fn terminal(process: &Node<'_>, asked: Option<bool>, findings: &mut Findings) {
    let terminal = process.get("terminal");
    let has = terminal.boolean().unwrap_or(false);
    match (asked, has) {
        (Some(true), false) => findings.error(Code::TerminalMismatch, terminal.pointer(), "create is asked for a terminal, and process.terminal is not true; set it, or create without a terminal"),
        (Some(false), true) => findings.error(Code::TerminalMismatch, terminal.pointer(), "process.terminal is true, and create is asked for none; create with a terminal, or set it to false"),
        _ => {}
    }
    let size = process.get("consoleSize");
    if size.exists() && !has {
        findings.warning(
            Code::ConsoleSizeWithoutTerminal,
            size.pointer(),
            "process.consoleSize has no effect without process.terminal",
        );
    }
}

fn environment(entry: &Node<'_>, findings: &mut Findings) {
    let Some(text) = entry.text() else { return };
    if text.contains('\0') {
        let message = "a NUL character can't be in a variable; remove it";
        findings.refused(
            Refusal::Runc,
            Some(Severity::Warning),
            Code::TextHasNul,
            entry.pointer(),
            message,
        );
    } else if !text.contains('=') || text.starts_with('=') {
        let message = format!("the variable {} is not of the form NAME=value", quoted(text));
        findings.refused(
            Refusal::Runc,
            Some(Severity::Warning),
            Code::EnvInvalid,
            entry.pointer(),
            message,
        );
    }
}

fn working_directory(cwd: &Node<'_>, path: &str, files: &Files, findings: &mut Findings) {
    match files.find(b"/", path.as_bytes(), None) {
        Lookup::Found(found) if found.file.as_ref().is_some_and(|file| !file.is_directory()) => {
            findings.error(
                Code::CwdNotDirectory,
                cwd.pointer(),
                format!("process.cwd {} is no directory", quoted(path)),
            );
        }
        Lookup::NotDirectory(at) => findings.error(
            Code::CwdNotDirectory,
            cwd.pointer(),
            format!(
                "process.cwd {} is no directory: {} is none",
                quoted(path),
                quoted(at)
            ),
        ),
        Lookup::Loop => findings.error(
            Code::CwdNotDirectory,
            cwd.pointer(),
            format!(
                "process.cwd {}: its symbolic links lead in a circle",
                quoted(path)
            ),
        ),
        // In a file system that is new with the container, nobody minds another directory.
        Lookup::Missing {
            path: at,
            parent: Some(_),
        } => findings.warning(
            Code::CwdNotFound,
            cwd.pointer(),
            format!(
                "process.cwd {} does not exist in the rootfs; the runtime will make {}",
                quoted(path),
                quoted(at)
            ),
        ),
        _ => {}
    }
}
