//! One entry of `mounts`: what it brings, and where in the tree it will stand.

use std::fs;
use std::path::Path;
use std::rc::Rc;

use rustix::io::Errno;

use super::walk::Lookup;
use super::{Files, Handle};
use crate::preflight::FindingCode as Code;
use crate::preflight::finding::{Findings, Refusal, Severity, quoted};
use crate::preflight::node::Node;

/// A mount as it will be.
#[derive(Debug)]
pub struct Mount {
    /// Its path in the container, without symbolic links.
    pub destination: Vec<u8>,
    /// What is seen there.
    pub content: Content,
    /// Whether programs in it can't be executed.
    pub noexec: bool,
    /// `destination` as config.json has it.
    pub written: String,
    /// The type of its file system, or `bind`.
    pub kind: String,
}

/// What is seen in a mount.
#[derive(Debug)]
pub enum Content {
    /// This file or directory of the host, with or without what is mounted below it.
    Bind { source: Rc<Handle>, recursive: bool },
    /// Nothing: a new file system.
    Fresh,
    /// What was there before.
    Same,
    /// Not known before it is mounted.
    Unknown,
}

impl Files {
    /// Takes the bundle's mounts into account, and says what is wrong with them.
    pub fn mount_all(&mut self, bundle: &Path, config: &Node<'_>, findings: &mut Findings) {
        let list = config.get("mounts");
        if !list.exists() {
            let message =
                "config.json has no mounts; write an empty list, and /proc at least for most programs";
            findings.refused(Refusal::Crun, None, Code::MountsMissing, list.pointer(), message);
        }
        let known = fs::read_to_string("/proc/filesystems").unwrap_or_default();
        for (index, entry) in list.items().enumerate() {
            if index == MOST {
                let message = format!("there are more than {MOST} mounts; the others were not checked");
                findings.warning(Code::MountsTooMany, entry.pointer(), message);
                break;
            }
            let mount = Entry::new(&entry);
            let content = mount.content(bundle, &known, findings);
            let Some(destination) = self.destination(&mount, &content, findings) else {
                continue;
            };
            self.mounts.push(Mount {
                destination,
                content,
                noexec: mount.is_noexec(),
                written: mount.written.to_owned(),
                kind: if mount.bind { "bind" } else { mount.kind }.to_owned(),
            });
        }
        if let Lookup::Missing { .. } = self.find(b"/", b"/proc/self/fd", None) {
            let message = "nothing is mounted at /proc, where the runtime looks for its own descriptors; add {\"destination\": \"/proc\", \"type\": \"proc\", \"source\": \"proc\"}";
            findings.refused(Refusal::Runc, None, Code::ProcNotMounted, list.pointer(), message);
        }
    }

    /// Where a mount will stand: what is missing of the path is made by the runtime.
    fn destination(&self, mount: &Entry<'_>, content: &Content, findings: &mut Findings) -> Option<Vec<u8>> {
        let place = mount.node.get("destination");
        if !place.exists() || place.text() == Some("") {
            let message = "a mount has no destination; write an absolute path in the container";
            findings.error(Code::MountDestinationMissing, place.pointer(), message);
        }
        let written = place.filled_text()?;
        let shown = quoted(written);
        if !written.starts_with('/') || leads_above(written) {
            let message = format!(
                "the destination {shown} is not an absolute path within the rootfs; the runtime takes it as one"
            );
            findings.warning(Code::MountDestinationUnclear, place.pointer(), message);
        }
        let found = match self.make(written.as_bytes()) {
            (Lookup::Found(found), _) => found,
            (Lookup::NotDirectory(at), _) => {
                let message = format!(
                    "nothing can be mounted at {shown}: {} is no directory",
                    quoted(at)
                );
                findings.error(Code::MountDestinationInvalid, place.pointer(), message);
                return None;
            }
            (Lookup::Loop, _) => {
                let message =
                    format!("nothing can be mounted at {shown}: its symbolic links lead in a circle");
                findings.error(Code::MountDestinationInvalid, place.pointer(), message);
                return None;
            }
            _ => return None,
        };
        if found.path == b"/" {
            let message = format!("{shown} is the rootfs itself; say by root.path what it is");
            if mount.bind {
                findings.warning(Code::MountDestinationInvalid, place.pointer(), message);
            } else {
                findings.error(Code::MountDestinationInvalid, place.pointer(), message);
            }
        }
        let over_directory = found.file.as_ref().map(|file| file.is_directory());
        let directory = match content {
            Content::Bind { source, .. } => Some(source.is_directory()),
            _ if mount.bind => None,
            _ => Some(true),
        };
        if let (Some(over), Some(directory)) = (over_directory, directory)
            && over != directory
        {
            let name = |directory| if directory { "a directory" } else { "a file" };
            let message = format!(
                "{shown} is {}, and {} can't be mounted over it",
                name(over),
                name(directory)
            );
            findings.error(Code::MountKindMismatch, place.pointer(), message);
        }
        Some(found.path)
    }
}

/// An entry as it is written.
struct Entry<'a> {
    node: Node<'a>,
    written: &'a str,
    kind: &'a str,
    options: Vec<&'a str>,
    bind: bool,
}

impl<'a> Entry<'a> {
    fn new(node: &Node<'a>) -> Self {
        let options: Vec<_> = node.get("options").texts().collect();
        let kind = node.get("type").text().unwrap_or_default();
        Self {
            node: node.clone(),
            written: node.get("destination").text().unwrap_or_default(),
            kind,
            bind: kind == "bind" || options.contains(&"bind") || options.contains(&"rbind"),
            options,
        }
    }

    fn content(&self, bundle: &Path, known: &str, findings: &mut Findings) -> Content {
        let has = |name: &str| self.options.contains(&name);
        if self.bind {
            return self.source(bundle, findings);
        }
        let kind = self.node.get("type");
        match self.kind {
            "" if !kind.exists() || kind.text() == Some("") => {
                let message = "a mount has neither a type nor the option bind; add one of them";
                findings.error(Code::MountTypeMissing, kind.pointer(), message);
                Content::Unknown
            }
            "tmpfs" if has("tmpcopyup") => Content::Same,
            "tmpfs" => Content::Fresh,
            name => {
                // A subtype of FUSE counts as FUSE.
                let base = name.split('.').next().unwrap_or(name);
                let listed = known.lines().any(|line| line.rsplit('\t').next() == Some(base));
                if !listed && !known.is_empty() && name != "cgroup" {
                    let message = format!(
                        "the kernel has no file system {} now; it may load one, or the mount will fail",
                        quoted(name)
                    );
                    findings.warning(Code::MountTypeUnknown, kind.pointer(), message);
                }
                Content::Unknown
            }
        }
    }

    fn source(&self, bundle: &Path, findings: &mut Findings) -> Content {
        let recursive = self.options.contains(&"rbind");
        let place = self.node.get("source");
        if !recursive && !self.options.contains(&"bind") {
            let message = "a bind mount has neither the option bind nor rbind; add one of them";
            findings.error(
                Code::MountTypeMissing,
                self.node.get("options").pointer(),
                message,
            );
        }
        let Some(path) = place.filled_text() else {
            let message = "a bind mount has no source; say what is mounted";
            findings.refused(
                Refusal::Crun,
                Some(Severity::Warning),
                Code::MountSourceMissing,
                place.pointer(),
                message,
            );
            return Content::Unknown;
        };
        match Handle::open(&bundle.join(path)) {
            Ok(source) => Content::Bind {
                source: Rc::new(source),
                recursive,
            },
            Err(error @ (Errno::NOENT | Errno::NOTDIR | Errno::LOOP)) => {
                let message = format!(
                    "the source {} of the mount at {} does not exist: {error}; make it, or remove the mount",
                    quoted(path),
                    quoted(self.written)
                );
                findings.error(Code::MountSourceMissing, place.pointer(), message);
                Content::Unknown
            }
            Err(error) => {
                let message = format!(
                    "whether the source {} of the mount at {} exists can't be known: {error}",
                    quoted(path),
                    quoted(self.written)
                );
                findings.warning(Code::MountSourceMissing, place.pointer(), message);
                Content::Unknown
            }
        }
    }

    fn is_noexec(&self) -> bool {
        self.options.iter().fold(false, |noexec, option| match *option {
            "noexec" => true,
            "exec" => false,
            _ => noexec,
        })
    }
}

/// Whether a path has more `..` than names before them.
fn leads_above(path: &str) -> bool {
    let mut depth = 0_i32;
    path.split('/')
        .filter(|name| !name.is_empty() && *name != ".")
        .any(|name| {
            depth += if name == ".." { -1 } else { 1 };
            depth < 0
        })
}

/// Each is compared with each: more than this would take long, and none has as many.
const MOST: usize = 4096;
