//! `process.args`: whether the command can be started in the container's tree.

use super::FindingCode as Code;
use super::files::{Files, Found};
use super::finding::{Findings, Refusal, Severity, quoted};
use super::node::Node;
use super::program::{Credentials, Loading, Program, Quirk, Trouble, search};

/// Checks the command.
pub fn check(config: &Node<'_>, files: &Files, findings: &mut Findings) {
    let process = config.get("process");
    let Some(place) = process.get("args").items().next() else {
        return;
    };
    // To Go's parser, null is an empty text.
    let Some(name) = place.text().or(place.value().is_none().then_some("")) else {
        return;
    };
    let command = Command {
        place: place.pointer(),
        name,
        shown: quoted(name),
        path: path_of(&process),
        directory: process.get("cwd").filled_text().unwrap_or("/").as_bytes(),
        files,
        who: &Credentials::of(config),
    };
    if let Some(program) = command.find(findings) {
        command.load(&program, findings);
    }
}

/// The command of one bundle.
struct Command<'a> {
    /// Its JSON pointer.
    place: &'a str,
    name: &'a str,
    shown: String,
    path: Option<&'a str>,
    directory: &'a [u8],
    files: &'a Files,
    who: &'a Credentials,
}

impl Command<'_> {
    fn find(&self, findings: &mut Findings) -> Option<Found> {
        let shown = &self.shown;
        if self.name.is_empty() {
            let message = "the command is an empty text; process.args begins with it";
            self.fails(Code::CommandNotFound, message.into(), findings);
            return None;
        }
        let (program, quirk) = self.search(self.name);
        match program {
            Program::Found(found) => {
                self.quirk(quirk, findings);
                return Some(found);
            }
            Program::Unusable(path, why) | Program::Denied(path, why) => {
                let message = format!("the command {shown} can't be executed: {} {why}", quoted(path));
                self.fails(Code::CommandNotExecutable, message, findings);
            }
            Program::Missing(why) if self.name.contains('/') => {
                let message = format!("the command {shown} does not exist in the container: {why}");
                self.fails(Code::CommandNotFound, message, findings);
            }
            Program::Missing(_) => {
                let message = match self.path {
                    Some(path) => format!(
                        "the command {shown} is in none of the directories of PATH, {}",
                        quoted(path)
                    ),
                    None => format!(
                        "the command {shown} can't be searched: process.env has no PATH; set it, or write the command's path"
                    ),
                };
                self.fails(Code::CommandNotFound, message, findings);
            }
            Program::Unknown(why) => {
                let message = format!("whether the command {shown} can be started can't be known: {why}");
                findings.warning(Code::CommandUnknown, self.place, message);
            }
        }
        None
    }

    fn load(&self, program: &Found, findings: &mut Findings) {
        let loading = Loading {
            files: self.files,
            who: self.who,
            directory: self.directory,
        };
        let (code, why) = match loading.check(program) {
            Ok(script) => {
                if let Some(wanted) = script.and_then(|script| script.env_command())
                    && let (Program::Missing(_), _) = self.search(&wanted)
                {
                    let message = format!(
                        "the script {} wants {} of PATH, where it is not; it will end with 127",
                        self.shown,
                        quoted(wanted)
                    );
                    findings.warning(Code::ScriptCommandNotFound, self.place, message);
                }
                return;
            }
            Err(Trouble::MachineUnknown(why)) => {
                return findings.warning(Code::CommandArchitecture, self.place, why);
            }
            Err(Trouble::Unknown(why)) => return findings.warning(Code::CommandUnknown, self.place, why),
            Err(Trouble::Format(why)) => (Code::CommandFormat, why),
            Err(Trouble::Machine(why)) => (Code::CommandArchitecture, why),
            Err(Trouble::Interpreter(why)) => (Code::InterpreterUnusable, why),
            Err(Trouble::Loader(why)) => (Code::LoaderUnusable, why),
        };
        self.fails(
            code,
            format!("the command {} can't be executed: {why}", self.shown),
            findings,
        );
    }

    fn search(&self, name: &str) -> (Program, Option<Quirk>) {
        search(
            self.files,
            name,
            self.path.unwrap_or_default(),
            self.directory,
            self.who,
        )
    }

    fn quirk(&self, quirk: Option<Quirk>, findings: &mut Findings) {
        let (by, why) = match quirk {
            None => return,
            Some(Quirk::Relative) => (Refusal::Runc, "by a relative entry of PATH; make it absolute"),
            Some(Quirk::Denied) => (
                Refusal::Crun,
                "behind a directory of PATH that the user of the process may not search and that has one too; remove that from PATH",
            ),
        };
        let message = format!("the command {} is found {why}", self.shown);
        findings.refused(
            by,
            Some(Severity::Warning),
            Code::CommandNotFound,
            self.place,
            message,
        );
    }

    /// What a hook may bring can't be called missing.
    fn fails(&self, code: Code, message: String, findings: &mut Findings) {
        if self.files.hooked() {
            findings.warning(code, self.place, format!("{message}; unless a hook changes that"));
        } else {
            findings.error(code, self.place, message);
        }
    }
}

/// The last PATH of the environment, which is the one that counts. Neither runc nor crun has a default.
fn path_of<'a>(process: &Node<'a>) -> Option<&'a str> {
    process
        .get("env")
        .texts()
        .filter_map(|entry| entry.strip_prefix("PATH="))
        .last()
}
