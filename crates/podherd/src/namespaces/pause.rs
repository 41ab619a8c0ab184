//! `podherd pause`: the process that holds a pod's namespaces, and is the init of its pid namespace. The
//! server starts it; `holder` is the server's side.
//!
//! Everybody in the pod's pid namespace sees this process, and it is not of their root file system nor, at
//! first, of their users. So it lets go of all that somebody could reach through it: ids, capabilities, the
//! host's files, descriptors.

use std::io;

use rustix::fs::{FileType, Gid, Uid};
use rustix::mount::{MountFlags, MountPropagationFlags, UnmountFlags, mount, mount_change, unmount};
use rustix::process::{DumpableBehavior, chdir, pivot_root, set_dumpable_behavior};
use rustix::thread::{
    CapabilitySet, CapabilitySets, UnshareFlags, set_capabilities, set_name, set_no_new_privs,
    set_thread_groups, set_thread_res_gid, set_thread_res_uid, unshare_unsafe,
};

use crate::server::ProgramText;

/// What it reports when it is fit to be joined.
pub const READY: &str = "ready\n";

/// What the server tells it.
#[derive(Debug, clap::Args)]
pub struct Pause {
    /// The pod; for people who look at the list of processes
    #[arg(long)]
    pod_id: Option<String>,

    /// The user that it becomes in its user namespace
    #[arg(long, requires = "gid")]
    uid: Option<u32>,

    /// The group that it becomes in its user namespace
    #[arg(long, requires = "uid")]
    gid: Option<u32>,
}

impl Pause {
    /// Holds the namespaces that this process is in until the other end of its standard input is closed.
    /// Returns whether it has come to that.
    pub fn run(self) -> bool {
        let text = ProgramText::of_this_process();
        let prepared = self.prepare();
        match &prepared {
            // The server ended before it had mapped the ids.
            Ok(false) => return true,
            Ok(true) => report(READY),
            Err(error) => report(&error.to_string()),
        }
        if prepared.is_ok() {
            close_all_but_the_lease();
            // It is to wait for long, and needs hardly any of it.
            text.unmap();
            while let Ok(1..) = read_lease() {}
        }
        prepared.is_ok()
    }

    fn prepare(&self) -> io::Result<bool> {
        podherd_reaper::serve_as_init();
        let is_pipe = rustix::fs::fstat(rustix::stdio::stdin())
            .is_ok_and(|stat| FileType::from_raw_mode(stat.st_mode) == FileType::Fifo);
        if !is_pipe {
            return Err(io::Error::other(
                "the server itself runs this, with a pipe as standard input",
            ));
        }
        let _ = set_name(c"podherd-pause");
        if read_lease()? == 0 {
            return Ok(false);
        }
        self.become_user().map_err(step("its user"))?;
        leave_file_system().map_err(step("its root file system"))?;
        give_up_privileges().map_err(step("its privileges"))?;
        Ok(true)
    }

    /// Ids that the user namespace has: none is the host's root.
    fn become_user(&self) -> io::Result<()> {
        let (Some(uid), Some(gid)) = (self.uid, self.gid) else {
            return Ok(());
        };
        set_thread_groups(&[])?;
        let gid = Gid::from_raw(gid);
        set_thread_res_gid(gid, gid, gid)?;
        let uid = Uid::from_raw(uid);
        Ok(set_thread_res_uid(uid, uid, uid)?)
    }
}

/// Its root becomes an empty directory. Without it `/proc/1/root` would lead whoever may look at the pod's
/// init to the host's files; and mounts of the host would stay busy for it.
fn leave_file_system() -> io::Result<()> {
    // SAFETY: this process has one thread, and nothing in it counts on the file system.
    unsafe { unshare_unsafe(UnshareFlags::NEWNS) }?;
    mount_change("/", MountPropagationFlags::REC | MountPropagationFlags::PRIVATE)?;
    let flags = MountFlags::RDONLY | MountFlags::NOSUID | MountFlags::NODEV | MountFlags::NOEXEC;
    // /proc is there on every machine on which the server runs.
    mount(
        "podherd-pause",
        "/proc",
        "tmpfs",
        flags,
        c"size=4k,nr_inodes=1,mode=555",
    )?;
    chdir("/proc")?;
    // The old root comes to lie upon the new one, and is taken away there (pivot_root(2)).
    pivot_root(".", ".")?;
    unmount(".", UnmountFlags::DETACH)?;
    Ok(chdir("/")?)
}

/// Holding namespaces takes no right at all; and nobody is to find any here.
fn give_up_privileges() -> io::Result<()> {
    set_no_new_privs(true)?;
    let none = CapabilitySet::empty();
    let sets = CapabilitySets {
        effective: none,
        permitted: none,
        inheritable: none,
    };
    set_capabilities(None, sets)?;
    // Else a process with the same ids and no fewer capabilities may trace it (ptrace(2)).
    Ok(set_dumpable_behavior(DumpableBehavior::NotDumpable)?)
}

fn step(what: &str) -> impl FnOnce(io::Error) -> io::Error {
    move |error| io::Error::new(error.kind(), format!("{what}: {error}"))
}

fn report(text: &str) {
    // A server that has gone does not need to know.
    let _ = rustix::io::write(rustix::stdio::stdout(), text.as_bytes());
}

fn read_lease() -> io::Result<usize> {
    Ok(rustix::io::read(rustix::stdio::stdin(), &mut [0; 16])?)
}

/// The end of its report tells the server that it has ended. There is nothing to put in their places, and
/// nothing writes there any more.
fn close_all_but_the_lease() {
    // SAFETY: nothing in this process uses the standard streams from here on.
    unsafe {
        rustix::io::close(1);
        rustix::io::close(2);
    }
}
