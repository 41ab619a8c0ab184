//! The kinds of namespace that a pod can have.

use podherd_reaper::NewNamespaces;

/// A kind, in the order in which callers are told of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "namespaces(7) says what each is")]
pub enum Kind {
    Ipc,
    Net,
    Pid,
    User,
    Uts,
}

impl Kind {
    /// All, in the order of an answer: conmon-rs has the pid namespace before the network, unlike its enum.
    pub const ALL: [Self; 5] = [Self::Ipc, Self::Pid, Self::Net, Self::User, Self::Uts];

    /// The name, as in `/proc/PID/ns`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Ipc => "ipc",
            Self::Net => "net",
            Self::Pid => "pid",
            Self::User => "user",
            Self::Uts => "uts",
        }
    }

    /// Whether `set` has it.
    pub fn is_in(self, set: NewNamespaces) -> bool {
        match self {
            Self::Ipc => set.ipc,
            Self::Net => set.net,
            Self::Pid => set.pid,
            Self::User => set.user,
            Self::Uts => set.uts,
        }
    }

    /// Puts it into `set`.
    pub fn add_to(self, set: &mut NewNamespaces) {
        match self {
            Self::Ipc => set.ipc = true,
            Self::Net => set.net = true,
            Self::Pid => set.pid = true,
            Self::User => set.user = true,
            Self::Uts => set.uts = true,
        }
    }
}
