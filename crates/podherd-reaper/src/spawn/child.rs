//! The stretch between clone and exec.
//!
//! The child borrows this process's memory and the calling thread is held until it executes or ends
//! (`CLONE_VM | CLONE_VFORK`): no page table is copied, a failure is told in plain memory, and no
//! pipe is needed for it. The pidfd comes from the same call, so that no child can be lost for want
//! of a descriptor.

use std::ffi::{CString, c_char, c_int, c_void};
use std::io;
use std::mem::MaybeUninit;
use std::os::fd::{FromRawFd, OwnedFd};
use std::ptr;

use rustix::process::Rlimit;

use super::{Spawned, capabilities};
use crate::{dispositions, wait};

/// Everything that the child needs, made before there is one: it must not allocate.
#[derive(Debug)]
pub(super) struct Plan {
    pub(super) candidates: Vec<CString>,
    pub(super) args: Vec<CString>,
    pub(super) env: Vec<CString>,
    pub(super) directory: Option<CString>,
    /// Numbers of descriptors that become 0, 1, 2, …; none of them is that low.
    pub(super) descriptors: Vec<c_int>,
    /// Those of the descriptors that nobody else owns.
    #[allow(dead_code, reason = "held open until the child has them")]
    pub(super) moved: Vec<OwnedFd>,
    pub(super) score: Option<Vec<u8>>,
    pub(super) nofile: Option<Rlimit>,
    /// `CLONE_NEW…` flags.
    pub(super) namespaces: c_int,
}

/// Where starting failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step {
    Clone,
    Capabilities,
    Descriptors,
    Directory,
    Exec,
}

/// What the child sees of the plan, and where it leaves its failure.
struct Shared<'a> {
    plan: &'a Plan,
    args: Vec<*const c_char>,
    env: Vec<*const c_char>,
    nofile: Option<libc::rlimit64>,
    failure: Option<(Step, c_int)>,
}

/// The child's stack, in this thread's own: nothing has to be mapped for it. Enough for a handful of
/// frames in a debug build.
const STACK: usize = 16 << 10;

impl Plan {
    /// Runs it. On failure the child has been waited for.
    pub(super) fn run(&self) -> Result<Spawned, (Step, io::Error)> {
        let mut shared = Shared {
            plan: self,
            args: pointers(&self.args),
            env: pointers(&self.env),
            nofile: self.nofile.as_ref().map(|limit| libc::rlimit64 {
                rlim_cur: limit.current.unwrap_or(libc::RLIM64_INFINITY),
                rlim_max: limit.maximum.unwrap_or(libc::RLIM64_INFINITY),
            }),
            failure: None,
        };
        let mut stack = [const { MaybeUninit::<u128>::uninit() }; STACK / size_of::<u128>()];
        let mut pidfd: c_int = -1;
        let flags = libc::CLONE_VM | libc::CLONE_VFORK | libc::CLONE_PIDFD | libc::SIGCHLD | self.namespaces;
        let masked = Masked::all();
        // SAFETY: the stack is ours, aligned, and grows down from its end; it, `shared` and `pidfd`
        // outlive the child's use of them, since this thread is held until the child has executed or
        // ended. No handler of ours can run in the child: all signals are blocked, and it resets the
        // dispositions before it unblocks them.
        let pid = unsafe {
            let top = stack.as_mut_ptr_range().end;
            libc::clone(child, top.cast(), flags, (&raw mut shared).cast(), &raw mut pidfd)
        };
        let error = io::Error::last_os_error();
        drop(masked);
        let Ok(pid) = u32::try_from(pid) else {
            return Err((Step::Clone, error));
        };
        // SAFETY: clone has just made this descriptor for us, and nobody else knows of it.
        let pidfd = unsafe { OwnedFd::from_raw_fd(pidfd) };
        match shared.failure {
            None => Ok(Spawned { pid, pidfd }),
            Some((step, errno)) => {
                // It has left our memory, so that it ends at once. The loop can't see it before: this
                // is its thread.
                if let Err(error) = wait::block_on(pid) {
                    tracing::error!(%error, pid, "waiting for a program that could not be started");
                }
                Err((step, io::Error::from_raw_os_error(errno)))
            }
        }
    }
}

fn pointers(strings: &[CString]) -> Vec<*const c_char> {
    strings
        .iter()
        .map(|string| string.as_ptr())
        .chain([ptr::null()])
        .collect()
}

/// All signals blocked in this thread, until dropped.
struct Masked(libc::sigset_t);

impl Masked {
    fn all() -> Self {
        // SAFETY: both sets are plain memory that the calls fill.
        unsafe {
            let mut all: libc::sigset_t = std::mem::zeroed();
            let mut before: libc::sigset_t = std::mem::zeroed();
            libc::sigfillset(&raw mut all);
            libc::pthread_sigmask(libc::SIG_SETMASK, &raw const all, &raw mut before);
            Self(before)
        }
    }
}

impl Drop for Masked {
    fn drop(&mut self) {
        // SAFETY: the set was filled by `all`.
        unsafe { libc::pthread_sigmask(libc::SIG_SETMASK, &raw const self.0, ptr::null_mut()) };
    }
}

/// The child's whole life before exec. Only system calls, and writes to `Shared::failure`.
extern "C" fn child(shared: *mut c_void) -> c_int {
    // SAFETY: `run` passes a `Shared` that it does not touch while the child has it.
    let shared = unsafe { &mut *shared.cast::<Shared<'_>>() };
    // SAFETY: called between clone and exec, where `prepare` and `execute` belong.
    let (step, errno) = unsafe {
        match prepare(shared) {
            Ok(()) => (Step::Exec, execute(shared)),
            Err(step) => (step, errno()),
        }
    };
    shared.failure = Some((step, errno));
    // SAFETY: ends the child without running anything of the parent's.
    unsafe { libc::_exit(127) }
}

/// SAFETY: only in the child. All pointers come from the plan, which outlives it.
unsafe fn prepare(shared: &Shared<'_>) -> Result<(), Step> {
    let plan = shared.plan;
    // SAFETY: see above; each call takes numbers or pointers into the plan.
    unsafe {
        libc::setpgid(0, 0);
        if plan.namespaces & libc::CLONE_NEWUSER != 0 && !capabilities::keep_across_exec() {
            return Err(Step::Capabilities);
        }
        // Ignored signals would stay ignored across exec, and handlers must not run on borrowed memory.
        dispositions::set_all(libc::SIG_DFL);
        for (target, source) in (0..).zip(&plan.descriptors) {
            if libc::dup2(*source, target) < 0 {
                return Err(Step::Descriptors);
            }
        }
        // Where it fails (seccomp), descriptors are closed by exec: all are opened with CLOEXEC, and
        // the reaper has set it on the inherited ones.
        libc::syscall(libc::SYS_close_range, plan.descriptors.len(), u32::MAX, 0);
        // Best effort, both: a locked-down machine may refuse, and a program is better than none.
        if let Some(score) = &plan.score {
            let file = libc::open(
                c"/proc/self/oom_score_adj".as_ptr(),
                libc::O_WRONLY | libc::O_CLOEXEC,
            );
            if file >= 0 {
                libc::write(file, score.as_ptr().cast(), score.len());
                libc::close(file);
            }
        }
        if let Some(limit) = &shared.nofile {
            libc::syscall(
                libc::SYS_prlimit64,
                0,
                libc::RLIMIT_NOFILE,
                ptr::from_ref(limit),
                ptr::null_mut::<c_void>(),
            );
        }
        if let Some(directory) = &plan.directory
            && libc::chdir(directory.as_ptr()) < 0
        {
            return Err(Step::Directory);
        }
        let mut none: libc::sigset_t = std::mem::zeroed();
        libc::sigemptyset(&raw mut none);
        libc::pthread_sigmask(libc::SIG_SETMASK, &raw const none, ptr::null_mut());
    }
    Ok(())
}

/// Returns only if nothing could be executed: the errno, chosen as `execvp(3)` does.
///
/// SAFETY: only in the child; the pointers are those of NUL-terminated arrays of the plan.
unsafe fn execute(shared: &Shared<'_>) -> c_int {
    let mut failure = libc::ENOENT;
    for candidate in &shared.plan.candidates {
        // SAFETY: see above.
        unsafe { libc::execve(candidate.as_ptr(), shared.args.as_ptr(), shared.env.as_ptr()) };
        match errno() {
            libc::ENOENT | libc::ENOTDIR => {}
            // A directory of PATH that may not be searched hides nothing behind it.
            libc::EACCES => failure = libc::EACCES,
            other => return other,
        }
    }
    failure
}

fn errno() -> c_int {
    io::Error::last_os_error().raw_os_error().unwrap_or(libc::EINVAL)
}
