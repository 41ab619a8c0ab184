//! Namespaces of a program's own.

use libc::c_int;

/// Which kinds of namespace a program gets anew (`namespaces(7)`); of the others it has this process's.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct NewNamespaces {
    /// System V IPC and POSIX message queues.
    pub ipc: bool,
    /// Network devices, addresses, ports. A new one has a loopback device that is down, and no more.
    pub net: bool,
    /// Pids. The program is number 1; when it ends, the kernel kills all that is in it.
    pub pid: bool,
    /// Users and capabilities. It owns the other new ones.
    pub user: bool,
    /// Host name.
    pub uts: bool,
}

impl NewNamespaces {
    /// As `clone(2)` takes them. `CLONE_NEWUSER` comes first whatever else is there: the kernel sees to it.
    pub(crate) fn flags(self) -> c_int {
        [
            (self.ipc, libc::CLONE_NEWIPC),
            (self.net, libc::CLONE_NEWNET),
            (self.pid, libc::CLONE_NEWPID),
            (self.user, libc::CLONE_NEWUSER),
            (self.uts, libc::CLONE_NEWUTS),
        ]
        .into_iter()
        .filter(|(wanted, _)| *wanted)
        .fold(0, |flags, (_, flag)| flags | flag)
    }
}
