//! What the kernel will make of a file that it is to execute, and of what that needs in turn.

use super::credentials::Credentials;
use super::host::Runs;
use super::search::{Program, follow};
use super::{binfmt, elf, host, script};
use crate::preflight::files::{Files, Found};
use crate::preflight::finding::quoted;

/// What keeps a file from being executed.
#[derive(Debug, PartialEq, Eq)]
pub enum Trouble {
    /// It is of no format that the kernel runs.
    Format(String),
    /// It is for another machine.
    Machine(String),
    /// That it is for another machine may not matter.
    MachineUnknown(String),
    /// The interpreter of a script is missing or can't be executed.
    Interpreter(String),
    /// The loader of an ELF file is missing or can't be executed.
    Loader(String),
    /// It can't be known.
    Unknown(String),
}

/// As many scripts may be each other's interpreters (fs/exec.c, `exec_binprm`).
const MOST_SCRIPTS: usize = 5;

/// Who looks where.
pub struct Loading<'a> {
    pub files: &'a Files,
    pub who: &'a Credentials,
    /// The working directory, from which relative paths count.
    pub directory: &'a [u8],
}

impl Loading<'_> {
    /// What keeps it from being executed, or nothing. A script's own line is given back for what it says more.
    pub fn check(&self, program: &Found) -> Result<Option<script::Script>, Trouble> {
        self.image(program, 0)
    }

    fn image(&self, program: &Found, scripts: usize) -> Result<Option<script::Script>, Trouble> {
        let Some(file) = &program.file else {
            return Ok(None);
        };
        let path = quoted(&program.path);
        let reader = file
            .reader()
            .map_err(|error| Trouble::Unknown(format!("{path} can't be read: {error}")))?;
        let head = reader
            .read(0, script::HEAD)
            .map_err(|error| Trouble::Unknown(format!("{path} can't be read: {error}")))?;
        if head.starts_with(b"#!") {
            return self.script(program, &head, scripts).map(Some);
        }
        if !head.starts_with(elf::MAGIC) {
            let hint = if head.is_empty() {
                "it is empty"
            } else {
                "it is neither an ELF program nor a script that begins with #!"
            };
            return self.registered(program, &head, Trouble::Format(format!("{path}: {hint}")));
        }
        let elf = match elf::read(&reader) {
            Ok(elf) => elf,
            Err(why) => return self.registered(program, &head, Trouble::Format(format!("{path}: {why}"))),
        };
        let own = std::env::consts::ARCH;
        match host::runs(&elf) {
            Runs::Yes => {}
            Runs::No(machine) => {
                let trouble = Trouble::Machine(format!(
                    "{path} is for {machine}, this machine is {own}; use an image for this machine"
                ));
                return self.registered(program, &head, trouble);
            }
            Runs::Perhaps(machine) => {
                return Err(Trouble::MachineUnknown(format!(
                    "{path} is for {machine}; whether the kernel of this {own} machine runs it can't be known"
                )));
            }
        }
        match elf.loader {
            None => Ok(None),
            Some(loader) => self.loader(&path, &loader, elf.machine).map(|()| None),
        }
    }

    /// What the kernel does not run, a registered program may.
    fn registered(
        &self,
        program: &Found,
        head: &[u8],
        trouble: Trouble,
    ) -> Result<Option<script::Script>, Trouble> {
        match binfmt::handler(&program.path, head) {
            None => Err(trouble),
            Some(name) => Err(Trouble::MachineUnknown(format!(
                "{} is of no format that the kernel runs, and {name:?} of binfmt_misc may run it",
                quoted(&program.path)
            ))),
        }
    }

    fn script(&self, program: &Found, head: &[u8], scripts: usize) -> Result<script::Script, Trouble> {
        let path = quoted(&program.path);
        let script = script::parse(head).map_err(|why| Trouble::Format(format!("{path}: {why}")))?;
        let interpreter = quoted(&script.interpreter);
        let hint = if script.interpreter.ends_with(b"\r") {
            "; the file has the line ends of Windows (CRLF), convert it"
        } else {
            ""
        };
        if scripts >= MOST_SCRIPTS {
            let why = "more scripts are each other's interpreters than the kernel follows";
            return Err(Trouble::Interpreter(format!("{path}: {why}")));
        }
        match follow(self.files, &script.interpreter, self.directory, self.who) {
            Program::Found(found) => self.image(&found, scripts + 1).map(|_| script),
            Program::Missing(why) => Err(Trouble::Interpreter(format!(
                "{path} is a script, and its interpreter {interpreter} does not exist in the container: {why}{hint}"
            ))),
            Program::Unusable(file, why) | Program::Denied(file, why) => Err(Trouble::Interpreter(format!(
                "{path} is a script, and its interpreter {interpreter} can't be executed: {} {why}",
                quoted(file)
            ))),
            Program::Unknown(why) => Err(Trouble::Unknown(format!(
                "whether the interpreter {interpreter} of {path} exists can't be known: {why}"
            ))),
        }
    }

    fn loader(&self, path: &str, loader: &[u8], machine: u16) -> Result<(), Trouble> {
        let name = quoted(loader);
        match follow(self.files, loader, self.directory, self.who) {
            Program::Found(found) => {
                let reader = found.file.as_ref().and_then(|file| file.reader().ok());
                match reader.map(|reader| elf::read(&reader)) {
                    Some(Ok(elf)) if elf.machine == machine => Ok(()),
                    None => Err(Trouble::Unknown(format!(
                        "the loader {name} of {path} can't be read"
                    ))),
                    Some(_) => Err(Trouble::Loader(format!(
                        "the loader {name} of {path} is no loader for its machine"
                    ))),
                }
            }
            Program::Missing(why) => Err(Trouble::Loader(format!(
                "{path} needs the loader {name}, which does not exist in the container: {why}; use a static program, or a rootfs with the libraries that it was built for"
            ))),
            Program::Unusable(file, why) | Program::Denied(file, why) => Err(Trouble::Loader(format!(
                "the loader {name} of {path} can't be executed: {} {why}",
                quoted(file)
            ))),
            Program::Unknown(why) => Err(Trouble::Unknown(format!(
                "whether the loader {name} of {path} exists can't be known: {why}"
            ))),
        }
    }
}
