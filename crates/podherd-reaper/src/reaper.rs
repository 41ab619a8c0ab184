//! The owner of all processes.

use std::cell::{Cell, RefCell};
use std::fs;
use std::io;
use std::mem;
use std::os::fd::{BorrowedFd, RawFd};
use std::ptr;
use std::rc::Rc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use rustix::io::{FdFlags, fcntl_getfd, fcntl_setfd};
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::Notify;

use crate::child_signal;
use crate::claim::Claim;
use crate::counters::{Counters, Totals};
use crate::defaults::ChildDefaults;
use crate::error::{KillError, SpawnError};
use crate::exit::Exit;
use crate::process::{Process, Slot};
use crate::procfs::{self, Stat};
use crate::program::Program;
use crate::reap_loop::ReapLoop;
use crate::spawn;
use crate::table::Table;
use crate::time;
use crate::tree;

/// Spawns programs and owns every process that comes of them. A clone is another handle.
#[derive(Clone, Debug)]
pub struct Reaper {
    pub(crate) inner: Rc<Inner>,
}

#[derive(Debug)]
pub(crate) struct Inner {
    /// This process: whose children are ours.
    pub(crate) pid: u32,
    pub(crate) table: RefCell<Table<Rc<Slot>, Exit>>,
    pub(crate) totals: Cell<Totals>,
    /// Notified after each consumed child, for those who wait for children that they don't watch.
    pub(crate) reaped: Notify,
    children: ChildDefaults,
}

/// Waiting for any child has room for one per process.
static EXISTS: AtomicBool = AtomicBool::new(false);

impl Reaper {
    /// Makes this process a child subreaper (`PR_SET_CHILD_SUBREAPER(2const)`) that hears of the end
    /// of its children, and closes inherited descriptors on exec. To be called inside the runtime;
    /// [`ReapLoop::run`] must be spawned, once.
    ///
    /// # Errors
    /// There is a reaper in this process already; `/proc` is not this pid namespace's; the signal
    /// can't be heard.
    pub fn new(children: ChildDefaults) -> io::Result<(Self, ReapLoop)> {
        let pid = std::process::id();
        if Stat::of(pid)?.is_none() || fs::read_link("/proc/self")?.as_os_str() != pid.to_string().as_str() {
            return Err(io::Error::new(
                io::ErrorKind::Unsupported,
                "/proc is not that of this pid namespace",
            ));
        }
        if EXISTS.swap(true, Ordering::Relaxed) {
            return Err(io::Error::new(
                io::ErrorKind::AlreadyExists,
                "this process has a reaper already",
            ));
        }
        let inner = Rc::new(Inner {
            pid,
            table: RefCell::default(),
            totals: Cell::default(),
            reaped: Notify::new(),
            children,
        });
        rustix::process::set_child_subreaper(Some(rustix::process::getpid()))?;
        close_inherited_on_exec()?;
        hear_child_signal();
        let ended = signal(SignalKind::child())?;
        child_signal::note()?;
        let reaper = Self { inner };
        Ok((reaper.clone(), ReapLoop::new(reaper, ended)))
    }

    /// Starts a program and watches it. The thread is held until the program is executed, or has
    /// failed to be.
    ///
    /// # Errors
    /// The program can't be executed, or the machine has no room for it. Nothing is left of it then.
    pub fn spawn(&self, program: Program) -> Result<Process, SpawnError> {
        let before = time::now();
        let spawned = spawn::spawn(program, &self.inner.children)?;
        self.count(|totals| totals.spawned += 1);
        // It started between two looks at the clock, mostly within one tick, which spares a look at
        // /proc. An unreaped child can't be absent there; only a descriptor may be lacking.
        let start_time = match time::now() {
            after if after == before => after,
            after => Stat::of(spawned.pid)
                .ok()
                .flatten()
                .map_or(after, |stat| stat.start_time),
        };
        Ok(self.watch(Slot::living(spawned.pid, start_time, spawned.pidfd)))
    }

    /// Opens a claim: from now on, ends that nobody watches are kept for it.
    pub fn claim(&self) -> Claim {
        Claim::new(self.clone())
    }

    /// What there is and was.
    pub fn counters(&self) -> Counters {
        let is_zombie = |pid: &u32| matches!(Stat::of(*pid), Ok(Some(stat)) if stat.is_zombie());
        let zombies_now = small(
            procfs::children(self.inner.pid)
                .iter()
                .filter(|pid| is_zombie(pid))
                .count(),
        );
        let Totals {
            spawned,
            reaped,
            orphans,
            longest_zombie,
        } = self.inner.totals.get();
        let table = self.inner.table.borrow();
        Counters {
            spawned,
            reaped,
            orphans,
            open_claims: small(table.open_claims()),
            watched: small(table.watchers().count()),
            zombies_now,
            unclaimed_exits: small(table.kept()),
            longest_zombie,
        }
    }

    /// Kills all our children, adopted ones included, with their descendants, and waits until they are
    /// collected: for whoever ends and is to leave nothing behind.
    ///
    /// # Errors
    /// Some were not gone `within` that time, for instance held by the kernel in an uninterruptible call.
    pub async fn kill_all(&self, within: Duration) -> Result<(), KillError> {
        let living = || {
            let children = procfs::children(self.inner.pid).into_iter();
            let stats = children.filter_map(|pid| Stat::of(pid).ok().flatten());
            stats.filter(|stat| !stat.is_zombie()).collect()
        };
        let killed = tree::kill_trees(None, living);
        match tree::collected(self, killed, within).await {
            0 => Ok(()),
            survived => Err(KillError { survived, within }),
        }
    }

    /// Puts a child that is not consumed into the table.
    pub(crate) fn watch(&self, slot: Slot) -> Process {
        let slot = Rc::new(slot);
        self.inner.table.borrow_mut().watch(slot.pid, slot.clone());
        Process {
            slot,
            reaper: self.clone(),
        }
    }

    /// Whether somebody holds a handle to the child `pid`.
    pub(crate) fn is_watched(&self, pid: u32) -> bool {
        self.inner
            .table
            .borrow()
            .watcher(pid)
            .is_some_and(|slot| Rc::strong_count(slot) > 1)
    }

    pub(crate) fn count(&self, change: impl FnOnce(&mut Totals)) {
        let mut totals = self.inner.totals.get();
        change(&mut totals);
        self.inner.totals.set(totals);
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        EXISTS.store(false, Ordering::Relaxed);
    }
}

fn small(count: usize) -> u32 {
    u32::try_from(count).unwrap_or(u32::MAX)
}

/// What whoever started us left open must not stay open in what we start (a held port, a pipe
/// whose end somebody waits for).
fn close_inherited_on_exec() -> io::Result<()> {
    for entry in fs::read_dir("/proc/self/fd")? {
        let Some(number) = entry?
            .file_name()
            .to_str()
            .and_then(|name| name.parse::<RawFd>().ok())
        else {
            continue;
        };
        if number <= 2 {
            continue;
        }
        // SAFETY: borrowed for two calls that do nothing but set a flag; one that is closed meanwhile
        // (this directory's own) is answered with EBADF.
        let fd = unsafe { BorrowedFd::borrow_raw(number) };
        if let Ok(flags) = fcntl_getfd(fd) {
            let _ = fcntl_setfd(fd, flags | FdFlags::CLOEXEC);
        }
    }
    Ok(())
}

/// Undoes what a parent may have left us: children that vanish unseen because SIGCHLD is ignored, or
/// a blocked SIGCHLD.
fn hear_child_signal() {
    // SAFETY: plain memory that the calls fill or read; the default disposition runs no code.
    unsafe {
        let mut action: libc::sigaction = mem::zeroed();
        action.sa_sigaction = libc::SIG_DFL;
        libc::sigaction(libc::SIGCHLD, &raw const action, ptr::null_mut());
        let mut set: libc::sigset_t = mem::zeroed();
        libc::sigemptyset(&raw mut set);
        libc::sigaddset(&raw mut set, libc::SIGCHLD);
        libc::pthread_sigmask(libc::SIG_UNBLOCK, &raw const set, ptr::null_mut());
    }
}
