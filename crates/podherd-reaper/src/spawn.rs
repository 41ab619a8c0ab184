//! Starting a program: everything is prepared here, and the little that must happen between clone
//! and exec happens in `child`.

mod capabilities;
mod child;

use std::ffi::{CString, OsStr};
use std::io;
use std::os::fd::{AsRawFd, OwnedFd};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::PathBuf;

use rustix::fs::{Mode, OFlags};
use rustix::io::fcntl_dupfd_cloexec;

use self::child::{Plan, Step};
use crate::defaults::ChildDefaults;
use crate::error::{SpawnError, SpawnErrorKind};
use crate::program::Program;

/// A child that was started, and nobody watches yet.
#[derive(Debug)]
pub(crate) struct Spawned {
    pub(crate) pid: u32,
    pub(crate) pidfd: OwnedFd,
}

/// Starts `program`. Blocks until it is executed or has failed; a failed one is waited for here.
pub(crate) fn spawn(program: Program, defaults: &ChildDefaults) -> Result<Spawned, SpawnError> {
    let failed = |context: &str, error: io::Error| SpawnError {
        kind: SpawnErrorKind::of(&error),
        path: PathBuf::from(&program.name),
        context: context.to_owned(),
        source: error,
    };
    let plan = plan(&program, defaults).map_err(|error| failed("", error))?;
    // The plan's numbers are those of descriptors in `program` and `plan`, which live until the end.
    match plan.run() {
        Ok(spawned) => Ok(spawned),
        Err((Step::Clone, error)) => Err(failed(limit_reached(&plan, &error), error)),
        Err((Step::Exec, error)) => Err(failed("", error)),
        Err((Step::Capabilities, error)) => Err(failed("keeping its capabilities: ", error)),
        Err((Step::Descriptors, error)) => Err(failed("passing its descriptors: ", error)),
        Err((Step::Directory, error)) => {
            let directory = program.current_dir.as_deref().unwrap_or_else(|| "".as_ref());
            let context = format!("its working directory {}: ", directory.display());
            // The program itself may well be there.
            Err(SpawnError {
                kind: SpawnErrorKind::Other,
                ..failed(&context, error)
            })
        }
    }
}

fn plan(program: &Program, defaults: &ChildDefaults) -> io::Result<Plan> {
    let variables = program.env.variables();
    let path = variables
        .iter()
        .find(|(name, _)| name == "PATH")
        .map(|(_, value)| value.as_os_str());
    let candidates = candidates(&program.name, path)?;
    let mut args = vec![c_string(program.name.clone().into_vec())?];
    for arg in &program.args {
        args.push(c_string(arg.clone().into_vec())?);
    }
    let mut env = Vec::with_capacity(variables.len());
    for (name, value) in variables {
        let mut entry = name.into_vec();
        entry.push(b'=');
        entry.extend_from_slice(value.as_bytes());
        env.push(c_string(entry)?);
    }
    let directory = program
        .current_dir
        .as_ref()
        .map(|path| c_string(path.as_os_str().as_bytes().to_vec()))
        .transpose()?;
    let (descriptors, moved) = descriptors(program)?;
    let score = defaults.oom_score_adj.map(|score| score.to_string().into_bytes());
    Ok(Plan {
        candidates,
        args,
        env,
        directory,
        descriptors,
        moved,
        score,
        nofile: defaults.nofile,
        namespaces: program.new_namespaces.flags(),
    })
}

/// The kernel calls a limit on namespaces "no space left on device".
fn limit_reached(plan: &Plan, error: &io::Error) -> &'static str {
    match error.raw_os_error() {
        Some(libc::ENOSPC | libc::EUSERS) if plan.namespaces != 0 => {
            "a limit on namespaces (/proc/sys/user/max_*_namespaces, or their depth) is reached: "
        }
        _ => "",
    }
}

/// The paths to try, in order, as `execvp(3)` does.
fn candidates(name: &OsStr, path: Option<&OsStr>) -> io::Result<Vec<CString>> {
    if name.is_empty() {
        return Err(io::Error::from_raw_os_error(libc::ENOENT));
    }
    if name.as_bytes().contains(&b'/') {
        return Ok(vec![c_string(name.as_bytes().to_vec())?]);
    }
    let path = path.unwrap_or_else(|| OsStr::new(DEFAULT_PATH));
    std::env::split_paths(path)
        .map(|directory| c_string(directory.join(name).into_os_string().into_vec()))
        .collect()
}

/// What is searched where there is no `PATH`, as in musl and glibc.
const DEFAULT_PATH: &str = "/usr/local/bin:/bin:/usr/bin";

/// The descriptors that become 0, 1, 2, …; each has a number above them all, so that putting one in
/// its place never overwrites another. Those that had to be moved for it, or were opened, are owned
/// by the second value.
fn descriptors(program: &Program) -> io::Result<(Vec<i32>, Vec<OwnedFd>)> {
    let count = i32::try_from(program.standard.len() + program.passed.len()).map_err(io::Error::other)?;
    let mut moved = Vec::new();
    let mut numbers = Vec::new();
    let mut null = None;
    for fd in program
        .standard
        .iter()
        .map(Option::as_ref)
        .chain(program.passed.iter().map(Some))
    {
        let number = match (fd, null) {
            (Some(fd), _) if fd.as_raw_fd() >= count => fd.as_raw_fd(),
            (Some(fd), _) => own(&mut moved, fcntl_dupfd_cloexec(fd, count)?),
            (None, Some(null)) => null,
            (None, None) => {
                let opened = rustix::fs::open("/dev/null", OFlags::RDWR | OFlags::CLOEXEC, Mode::empty())?;
                let high = if opened.as_raw_fd() >= count {
                    opened
                } else {
                    fcntl_dupfd_cloexec(&opened, count)?
                };
                *null.insert(own(&mut moved, high))
            }
        };
        numbers.push(number);
    }
    Ok((numbers, moved))
}

fn own(owned: &mut Vec<OwnedFd>, fd: OwnedFd) -> i32 {
    let number = fd.as_raw_fd();
    owned.push(fd);
    number
}

fn c_string(bytes: Vec<u8>) -> io::Result<CString> {
    CString::new(bytes)
        .map_err(|_| io::Error::new(io::ErrorKind::InvalidInput, "a NUL byte in the command line"))
}
