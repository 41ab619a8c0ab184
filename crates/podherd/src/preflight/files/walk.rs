//! From a path to a file, as the kernel will go it in the container.

use std::rc::Rc;

use rustix::fs::FileType;
use rustix::io::Errno;

use super::mount::Content;
use super::{Files, Handle};
use crate::preflight::program::Credentials;

/// A file and where it stands.
#[derive(Clone, Debug)]
pub struct Found {
    /// The file. None: a directory that the runtime or a mount makes.
    pub file: Option<Rc<Handle>>,
    /// Its path in the container, without symbolic links.
    pub path: Vec<u8>,
    /// In which mount it is.
    pub mount: Option<usize>,
}

/// What a path leads to.
#[derive(Debug)]
pub enum Lookup {
    /// A file or directory.
    Found(Found),
    /// Nothing: this path does not exist. Its directory, as far as there is one.
    Missing {
        path: Vec<u8>,
        parent: Option<Rc<Handle>>,
    },
    /// Something that is no directory stands in the way, at this path.
    NotDirectory(Vec<u8>),
    /// More symbolic links than the kernel follows (path_resolution(7)).
    Loop,
    /// These credentials may not search this directory.
    Denied(Vec<u8>),
    /// What a file system has that is mounted there, nobody knows yet.
    InMount(usize),
    /// The directory can't be looked at.
    Failed(Vec<u8>, Errno),
}

/// As many symbolic links as Linux follows.
const MOST_LINKS: usize = 40;

/// As many names as fit a path, times a few links: what makes more of them than this is no path of a program.
const MOST_NAMES: usize = 20_000;

/// On the way.
pub struct Walk<'a> {
    files: &'a Files,
    credentials: Option<&'a Credentials>,
    /// What is still to be gone, the next name last.
    ahead: Vec<Vec<u8>>,
    /// The directories that led here; the root is always there.
    behind: Vec<Step>,
    links: usize,
    names: usize,
    /// Whether what is missing is made, as runtimes do for a mount and for the working directory; and in which
    /// directory the first of it is.
    makes: bool,
    made_in: Option<Rc<Handle>>,
}

#[derive(Clone)]
struct Step {
    name: Vec<u8>,
    place: Place,
    /// The mount that it is in.
    mount: Option<usize>,
}

#[derive(Clone)]
enum Place {
    /// A file, and whether mounts of the host below it are seen.
    File(Rc<Handle>, bool),
    /// A directory that the runtime or a fresh file system brings: nothing is in it but mounts.
    Bare,
    /// What is in it can't be known.
    Opaque,
}

impl<'a> Walk<'a> {
    pub fn new(files: &'a Files, credentials: Option<&'a Credentials>) -> Self {
        let root = Step {
            name: Vec::new(),
            place: Place::File(files.rootfs.clone(), true),
            mount: None,
        };
        let mut walk = Self {
            files,
            credentials,
            ahead: Vec::new(),
            behind: vec![root],
            links: 0,
            names: 0,
            makes: false,
            made_in: None,
        };
        if let Some(step) = walk.mounted(b"/", None) {
            walk.behind[0] = step;
        }
        walk
    }

    /// Adds a path behind what is to be gone.
    pub fn push(&mut self, path: &[u8]) {
        let names = names(path);
        self.ahead.splice(0..0, names);
    }

    /// Goes all of it, and what is missing on the way is made.
    pub fn make(mut self) -> (Lookup, Option<Rc<Handle>>) {
        self.makes = true;
        let end = self.run();
        (end, self.made_in)
    }

    /// Goes all of it.
    pub fn run(&mut self) -> Lookup {
        while let Some(name) = self.ahead.pop() {
            if let Err(end) = self.step(name) {
                return end;
            }
        }
        let path = self.path();
        let Some(Step { place, mount, .. }) = self.behind.last().cloned() else {
            unreachable!("the root is never left")
        };
        let file = match place {
            Place::File(file, _) => Some(file),
            Place::Bare | Place::Opaque => None,
        };
        Lookup::Found(Found { file, path, mount })
    }

    fn step(&mut self, name: Vec<u8>) -> Result<(), Lookup> {
        self.names += 1;
        if self.names > MOST_NAMES {
            return Err(Lookup::Loop);
        }
        let Some(here) = self.behind.last() else {
            unreachable!("the root is never left")
        };
        if let Place::File(file, _) = &here.place {
            if !file.is_directory() {
                return Err(Lookup::NotDirectory(self.path()));
            }
            if self.credentials.is_some_and(|who| !who.may_search(file)) {
                return Err(Lookup::Denied(self.path()));
            }
        }
        match name.as_slice() {
            b"." => return Ok(()),
            b".." => {
                if self.behind.len() > 1 {
                    self.behind.pop();
                }
                return Ok(());
            }
            _ => {}
        }
        let path = self.path_of(&name);
        if let Some(step) = self.mounted(&path, here.mount) {
            self.behind.push(Step { name, ..step });
            return Ok(());
        }
        let mount = here.mount;
        let found = match &here.place {
            Place::File(directory, crossing) => match directory.child(&name, *crossing) {
                Ok(file) if file.file_type() == FileType::Symlink => return self.follow(&file, &path),
                Ok(file) => Place::File(Rc::new(file), *crossing),
                Err(Errno::NOENT) if self.makes => {
                    self.made_in.get_or_insert_with(|| directory.clone());
                    Place::Bare
                }
                Err(Errno::NOENT) if self.leads_to_mount(&path, mount) => Place::Bare,
                Err(Errno::NOENT) => {
                    return Err(Lookup::Missing {
                        path,
                        parent: Some(directory.clone()),
                    });
                }
                Err(Errno::XDEV) => Place::Opaque,
                Err(error) => return Err(Lookup::Failed(path, error)),
            },
            Place::Bare | Place::Opaque if self.makes => here.place.clone(),
            Place::Bare | Place::Opaque if self.leads_to_mount(&path, mount) => Place::Bare,
            Place::Bare => return Err(Lookup::Missing { path, parent: None }),
            Place::Opaque => return Err(mount.map_or(Lookup::Failed(path, Errno::XDEV), Lookup::InMount)),
        };
        self.behind.push(Step {
            name,
            place: found,
            mount,
        });
        Ok(())
    }

    /// Puts the target of a symbolic link ahead.
    fn follow(&mut self, link: &Handle, path: &[u8]) -> Result<(), Lookup> {
        self.links += 1;
        if self.links > MOST_LINKS {
            return Err(Lookup::Loop);
        }
        let target = link
            .target()
            .map_err(|error| Lookup::Failed(path.to_vec(), error))?;
        if target.starts_with(b"/") {
            self.behind.truncate(1);
        }
        self.ahead.extend(names(&target));
        Ok(())
    }

    /// What is mounted at exactly this path, over what `within` shows there.
    fn mounted(&self, path: &[u8], within: Option<usize>) -> Option<Step> {
        let first = within.map_or(0, |index| index + 1);
        let over = self.files.mounts.iter().enumerate().skip(first).rev();
        let (index, mount) = over
            .filter(|(_, mount)| mount.destination == path)
            .find(|(_, mount)| !matches!(mount.content, Content::Same))?;
        let place = match &mount.content {
            Content::Bind { source, recursive } => Place::File(source.clone(), *recursive),
            Content::Fresh => Place::Bare,
            Content::Same | Content::Unknown => Place::Opaque,
        };
        Some(Step {
            name: Vec::new(),
            place,
            mount: Some(index),
        })
    }

    /// Whether a mount stands below this path, so that the runtime makes what is missing on the way.
    fn leads_to_mount(&self, path: &[u8], within: Option<usize>) -> bool {
        let first = within.map_or(0, |index| index + 1);
        self.files.mounts.iter().skip(first).any(|mount| {
            mount
                .destination
                .strip_prefix(path)
                .is_some_and(|rest| rest.starts_with(b"/"))
        })
    }

    fn path_of(&self, name: &[u8]) -> Vec<u8> {
        let mut path = self.path();
        if path != b"/" {
            path.push(b'/');
        }
        path.extend_from_slice(name);
        path
    }

    fn path(&self) -> Vec<u8> {
        let mut path = Vec::new();
        for step in &self.behind[1..] {
            path.push(b'/');
            path.extend_from_slice(&step.name);
        }
        if path.is_empty() { b"/".to_vec() } else { path }
    }
}

/// The names of a path, the last one first. What ends in a slash has to be a directory, as if it ended in `/.`.
fn names(path: &[u8]) -> Vec<Vec<u8>> {
    let mut names: Vec<_> = path
        .split(|byte| *byte == b'/')
        .filter(|name| !name.is_empty())
        .map(<[u8]>::to_vec)
        .collect();
    if path.ends_with(b"/") {
        names.push(b".".to_vec());
    }
    names.reverse();
    names
}
