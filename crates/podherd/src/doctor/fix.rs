//! Cleaning what is provably dead. Each thing is looked at again right before, by what can't be mistaken: a file's
//! identity, a start time, the kernel's own refusal. Nothing that lives is ever signalled.

use std::fs;
use std::io;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::time::Duration;

use podherd_reaper::{FileId, Reaper};
use rustix::fs::{AtFlags, FlockOperation, Mode, OFlags};

use super::cgroups;
use super::processes::Processes;
use super::sockets::Sockets;
use super::states::State;
use super::versions::RuntimeProgram;
use crate::cgroup::{Hierarchies, remove_tree};
use crate::namespaces;
use crate::runtime::Runtime;

/// How a finding is cleaned.
#[derive(Clone, Debug)]
#[allow(missing_docs, reason = "the fields are those of the finding")]
pub enum Fix {
    /// Remove a socket at which nobody listens.
    RemoveSocket {
        runtime_dir: PathBuf,
        path: PathBuf,
        id: FileId,
    },
    /// Remove a pid file of a process that has ended.
    RemovePidFile { path: PathBuf, id: FileId, pid: u32 },
    /// Remove the pid file of a call that ended with its server, and the call's directory.
    RemoveCall {
        runtime_dir: PathBuf,
        path: PathBuf,
        id: FileId,
    },
    /// Have the runtime delete a dead container.
    DeleteState(State),
    /// Remove empty cgroups.
    RemoveCgroup(Vec<PathBuf>),
    /// Unmount a pod's namespaces and remove what stood for them.
    RemoveNamespaces {
        base: PathBuf,
        pod: String,
        pid: Option<u32>,
    },
}

/// What cleaning needs.
pub struct Tools<'a> {
    /// For runs of the runtimes. None: they can't be run here.
    pub reaper: Option<&'a Reaper>,
    /// The runtimes there are.
    pub runtimes: &'a [RuntimeProgram],
}

impl Fix {
    /// Cleans it, and says what was done; or why it was left.
    pub async fn apply(&self, tools: &Tools<'_>) -> Result<String, String> {
        match self {
            Self::RemoveSocket {
                runtime_dir,
                path,
                id,
            } => remove_socket(runtime_dir, path, *id),
            Self::RemovePidFile { path, id, pid } => remove_pid_file(path, *id, *pid),
            Self::RemoveCall {
                runtime_dir,
                path,
                id,
            } => remove_call(runtime_dir, path, *id),
            Self::DeleteState(state) => delete_state(state, tools).await,
            Self::RemoveCgroup(directories) => remove_cgroup(directories),
            Self::RemoveNamespaces { base, pod, pid } => remove_namespaces(base, pod, *pid),
        }
    }
}

/// Identity of what stands at a path, links not followed. None: nothing does.
pub fn file_id(path: &Path) -> Option<FileId> {
    rustix::fs::lstat(path).ok().map(FileId::from)
}

const CHANGED: &str = "it is another one by now";

fn text(error: impl Into<io::Error>) -> String {
    error.into().to_string()
}

/// The lock of a runtime directory: who has it is its server, and until it is let go none can begin.
fn lock(runtime_dir: &Path) -> Result<OwnedFd, String> {
    let flags = OFlags::DIRECTORY | OFlags::RDONLY | OFlags::CLOEXEC;
    let locked = rustix::fs::open(runtime_dir, flags, Mode::empty()).map_err(text)?;
    rustix::fs::flock(&locked, FlockOperation::NonBlockingLockExclusive)
        .map_err(|_| "a server has begun to work in its directory".to_owned())?;
    Ok(locked)
}

fn remove_socket(runtime_dir: &Path, path: &Path, id: FileId) -> Result<String, String> {
    let _locked = lock(runtime_dir)?;
    if !Sockets::look(&Processes::look().map_err(text)?).is_stale(path) {
        return Err("somebody listens at it by now".into());
    }
    unlink(path, id)
}

fn remove_call(runtime_dir: &Path, path: &Path, id: FileId) -> Result<String, String> {
    let _locked = lock(runtime_dir)?;
    let removed = unlink(path, id)?;
    // One that holds more, a console socket for instance, stays until that is removed.
    if let Some(directory) = path.parent() {
        let _ = fs::remove_dir(directory);
    }
    Ok(removed)
}

fn remove_pid_file(path: &Path, id: FileId, pid: u32) -> Result<String, String> {
    let named = fs::read_to_string(path)
        .ok()
        .and_then(|text| text.trim().parse::<u32>().ok());
    if named != Some(pid) {
        return Err(CHANGED.into());
    }
    unlink(path, id)
}

/// By the directory's descriptor, so that no link can be put in between.
fn unlink(path: &Path, id: FileId) -> Result<String, String> {
    let (Some(directory), Some(name)) = (path.parent(), path.file_name()) else {
        return Err("it has no directory".into());
    };
    let flags = OFlags::DIRECTORY | OFlags::PATH | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let directory = rustix::fs::open(directory, flags, Mode::empty()).map_err(text)?;
    let now = rustix::fs::statat(&directory, name, AtFlags::SYMLINK_NOFOLLOW).map_err(text)?;
    if FileId::from(now) != id {
        return Err(CHANGED.into());
    }
    rustix::fs::unlinkat(&directory, name, AtFlags::empty()).map_err(text)?;
    Ok(format!("removed {}", path.display()))
}

async fn delete_state(state: &State, tools: &Tools<'_>) -> Result<String, String> {
    let reaper = tools.reaper.ok_or("programs can't be run from here")?;
    let program = tools
        .runtimes
        .iter()
        .find(|runtime| runtime.name == state.runtime);
    let program = program.ok_or_else(|| format!("{} is not installed", state.runtime))?;
    let hierarchies = Hierarchies::mounted().map_err(text)?;
    let now = state.again(&hierarchies).map_err(text)?;
    if now.identity() != state.identity() {
        return Err(CHANGED.into());
    }
    if now.lives(&Processes::look().map_err(text)?) {
        return Err("it lives".into());
    }
    // Without `--force`: the runtime refuses, too, if it lives.
    let runtime = Runtime::new(program.path.clone(), Some(state.root.clone()), DELETE_WITHIN);
    runtime
        .run(reaper, "delete", &[state.id.as_ref()])
        .await
        .map_err(|error| error.to_string())?;
    Ok(format!(
        "{} --root {} delete {}",
        program.path.display(),
        state.root.display(),
        state.id
    ))
}

/// A delete takes milliseconds, but may run hooks.
const DELETE_WITHIN: Duration = Duration::from_secs(30);

fn remove_cgroup(directories: &[PathBuf]) -> Result<String, String> {
    let there = directories.iter().filter(|path| path.exists());
    let mut removed = Vec::new();
    for path in there {
        if cgroups::is_populated(path) {
            return Err("something lives in it by now".into());
        }
        // The kernel refuses it for one with processes (cgroups(7)).
        remove_tree(path);
        if path.exists() {
            return Err(format!("the kernel keeps {}", path.display()));
        }
        removed.push(path.display().to_string());
    }
    Ok(format!("removed {}", removed.join(", ")))
}

fn remove_namespaces(base: &Path, pod: &str, pid: Option<u32>) -> Result<String, String> {
    let held = |kind: namespaces::Kind| {
        let at = |path: PathBuf| rustix::fs::stat(path).ok().map(FileId::from);
        let mounted = at(base.join(format!("{}ns", kind.name())).join(pod));
        mounted.is_some()
            && pid.is_some_and(|pid| mounted == at(format!("/proc/{pid}/ns/{}", kind.name()).into()))
    };
    if namespaces::Kind::ALL.into_iter().any(held) {
        return Err("the process that holds them lives".into());
    }
    match namespaces::remove_left(base, pod) {
        Ok(true) => Ok(format!(
            "removed the namespaces of pod {pod} below {}",
            base.display()
        )),
        Ok(false) => Err("a server that lives has them".into()),
        Err(error) => Err(error.to_string()),
    }
}
