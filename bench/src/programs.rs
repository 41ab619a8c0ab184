//! Starting programs without the server, and ending them. This process is the subreaper of all that
//! comes of them, so that each can be waited for.

use std::ffi::OsString;
use std::fs::{self, File, OpenOptions};
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, WaitId, WaitIdOptions, WaitOptions};

use crate::Result;
use crate::procfs;

/// Makes this process the parent of every orphan that its programs leave.
pub fn become_subreaper() -> Result<()> {
    Ok(rustix::process::set_child_subreaper(Some(
        rustix::process::getpid(),
    ))?)
}

/// A started program; killed and waited for when dropped.
#[derive(Debug)]
pub struct Running(Child);

impl Running {
    /// Starts it.
    pub fn start(command: &mut Command) -> Result<Self> {
        let name = command.get_program().to_owned();
        let child = command
            .spawn()
            .map_err(|error| format!("{}: {error}", Path::new(&name).display()))?;
        Ok(Self(child))
    }

    /// Its pid.
    pub fn pid(&self) -> Pid {
        Pid::from_child(&self.0)
    }

    /// Whether it has ended.
    pub fn has_ended(&mut self) -> bool {
        !matches!(self.0.try_wait(), Ok(None))
    }

    /// Waits for its end.
    pub fn wait(mut self) -> Result<ExitStatus> {
        Ok(self.0.wait()?)
    }

    /// Asks it to end.
    pub fn terminate(&self) {
        let _ = rustix::process::kill_process(self.pid(), Signal::TERM);
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A program that is started over and over, with nothing but PATH and with its output thrown away.
#[derive(Debug)]
pub struct Repeated<'a> {
    program: &'a Path,
    null: File,
}

impl<'a> Repeated<'a> {
    /// Nothing is started yet.
    pub fn new(program: &'a Path) -> Result<Self> {
        let null = OpenOptions::new().read(true).write(true).open("/dev/null")?;
        Ok(Self { program, null })
    }

    /// Runs it to its end, which must be a success, and returns how long that took.
    pub fn run(&self, arguments: &[OsString]) -> Result<Duration> {
        let mut command = Command::new(self.program);
        command
            .args(arguments)
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .stdin(Stdio::from(self.null.try_clone()?))
            .stdout(Stdio::from(self.null.try_clone()?))
            .stderr(Stdio::from(self.null.try_clone()?));
        let started = Instant::now();
        let status = command.status();
        let took = started.elapsed();
        match status {
            Ok(status) if status.success() => Ok(took),
            Ok(status) => Err(format!("{} ended with {status}", self.program.display()).into()),
            Err(error) => Err(format!("{}: {error}", self.program.display()).into()),
        }
    }
}

/// Kills an adopted process and waits until it is gone.
pub fn end(process: Pid) {
    kill(process);
    collect(process);
}

/// Kills a process, which need not be a child.
pub fn kill(process: Pid) {
    let _ = rustix::process::kill_process(process, Signal::KILL);
}

/// Waits for a child.
pub fn collect(child: Pid) {
    let _ = rustix::process::waitpid(Some(child), WaitOptions::empty());
}

/// Waits until a child has ended, and leaves it a zombie, so that the kernel's account of it can still
/// be read.
pub fn ended(child: Pid) -> Result<()> {
    rustix::process::waitid(WaitId::Pid(child), WaitIdOptions::EXITED | WaitIdOptions::NOWAIT)?;
    Ok(())
}

/// Reads a pid that a program has written.
pub fn read_pid(path: &Path) -> Result<Pid> {
    let text = fs::read_to_string(path).map_err(|error| format!("{}: {error}", path.display()))?;
    pid(text.trim().parse()?)
}

/// A pid that was told as a number.
pub fn pid(number: u32) -> Result<Pid> {
    let number = i32::try_from(number)?;
    Pid::from_raw(number).ok_or_else(|| "0 is nobody's pid".into())
}

/// Ends all children that there are, and what they leave, until there are none.
pub fn end_all() {
    loop {
        let children = procfs::own_children();
        if children.is_empty() {
            return;
        }
        children.into_iter().for_each(end);
    }
}
