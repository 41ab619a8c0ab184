//! What is to be run.

use std::ffi::{OsStr, OsString};
use std::os::fd::OwnedFd;
use std::path::PathBuf;

use crate::namespaces::NewNamespaces;

/// A program to spawn: its command line, environment and descriptors.
///
/// It gets a process group of its own, an empty signal mask, default dispositions, the
/// [`crate::ChildDefaults`], and no descriptor but the ones given here.
#[derive(Debug)]
pub struct Program {
    pub(crate) name: OsString,
    pub(crate) args: Vec<OsString>,
    pub(crate) env: Environment,
    pub(crate) current_dir: Option<PathBuf>,
    /// Standard input, output and error; None is `/dev/null`.
    pub(crate) standard: [Option<OwnedFd>; 3],
    /// They become 3, 4, … in this order.
    pub(crate) passed: Vec<OwnedFd>,
    pub(crate) new_namespaces: NewNamespaces,
}

/// What becomes of this process's environment, and what is added to it.
#[derive(Debug)]
pub(crate) struct Environment {
    pub(crate) inherit: bool,
    pub(crate) set: Vec<(OsString, OsString)>,
}

impl Program {
    /// A path; or a name without `/`, which is looked up in the `PATH` of the program's environment.
    pub fn new(name: impl AsRef<OsStr>) -> Self {
        Self {
            name: name.as_ref().to_owned(),
            args: Vec::new(),
            env: Environment {
                inherit: true,
                set: Vec::new(),
            },
            current_dir: None,
            standard: [None, None, None],
            passed: Vec::new(),
            new_namespaces: NewNamespaces::default(),
        }
    }

    /// Adds an argument.
    #[must_use]
    pub fn arg(mut self, arg: impl AsRef<OsStr>) -> Self {
        self.args.push(arg.as_ref().to_owned());
        self
    }

    /// Adds arguments.
    #[must_use]
    pub fn args(mut self, args: impl IntoIterator<Item = impl AsRef<OsStr>>) -> Self {
        self.args
            .extend(args.into_iter().map(|arg| arg.as_ref().to_owned()));
        self
    }

    /// Sets a variable; the last one of a name counts.
    #[must_use]
    pub fn env(mut self, name: impl AsRef<OsStr>, value: impl AsRef<OsStr>) -> Self {
        let name = name.as_ref();
        self.env.set.retain(|(other, _)| other != name);
        self.env.set.push((name.to_owned(), value.as_ref().to_owned()));
        self
    }

    /// Forgets this process's environment, and what was set so far.
    #[must_use]
    pub fn env_clear(mut self) -> Self {
        self.env = Environment {
            inherit: false,
            set: Vec::new(),
        };
        self
    }

    /// Where it runs. A relative program path counts from there.
    #[must_use]
    pub fn current_dir(mut self, directory: impl Into<PathBuf>) -> Self {
        self.current_dir = Some(directory.into());
        self
    }

    /// Its standard input; without it, `/dev/null`.
    #[must_use]
    pub fn stdin(mut self, fd: impl Into<OwnedFd>) -> Self {
        self.standard[0] = Some(fd.into());
        self
    }

    /// Its standard output; without it, `/dev/null`.
    #[must_use]
    pub fn stdout(mut self, fd: impl Into<OwnedFd>) -> Self {
        self.standard[1] = Some(fd.into());
        self
    }

    /// Its standard error; without it, `/dev/null`.
    #[must_use]
    pub fn stderr(mut self, fd: impl Into<OwnedFd>) -> Self {
        self.standard[2] = Some(fd.into());
        self
    }

    /// Hands it a descriptor: the first becomes number 3, the next 4, and so on.
    #[must_use]
    pub fn pass_fd(mut self, fd: impl Into<OwnedFd>) -> Self {
        self.passed.push(fd.into());
        self
    }

    /// Lets it begin in namespaces of its own, made with it in one step (`clone(2)`). With a pid
    /// namespace it is that namespace's init; a user namespace owns the others, and in it the program
    /// has all capabilities until it gives them up, although no id is mapped yet (`user_namespaces(7)`).
    #[must_use]
    pub fn new_namespaces(mut self, new: NewNamespaces) -> Self {
        self.new_namespaces = new;
        self
    }
}

impl Environment {
    /// The variables that the program gets.
    pub(crate) fn variables(&self) -> Vec<(OsString, OsString)> {
        let is_set = |name: &OsStr| self.set.iter().any(|(other, _)| other == name);
        let inherited = self.inherit.then(std::env::vars_os).into_iter().flatten();
        inherited
            .filter(|(name, _)| !is_set(name))
            .chain(self.set.iter().cloned())
            .collect()
    }
}
