//! One entry of `mounts`: what it brings, and where in the tree it will stand.

use std::path::Path;
use std::rc::Rc;

use super::walk::{Lookup, Walk};
use super::{Files, Handle};
use crate::preflight::finding::Findings;
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
    pub fn mount_all(&mut self, bundle: &Path, config: &Node<'_>, _findings: &mut Findings) {
        for entry in config.get("mounts").items().take(MOST) {
            let Some(written) = entry.get("destination").filled_text() else {
                continue;
            };
            let options: Vec<&str> = entry.get("options").texts().collect();
            let has = |name: &str| options.contains(&name);
            let kind = entry.get("type").text().unwrap_or_default();
            let recursive = has("rbind");
            let bind = kind == "bind" || recursive || has("bind");
            let content = if bind {
                let source = bundle.join(entry.get("source").text().unwrap_or_default());
                match Handle::open(&source) {
                    Ok(source) => Content::Bind {
                        source: Rc::new(source),
                        recursive,
                    },
                    Err(_) => Content::Unknown,
                }
            } else if kind == "tmpfs" && has("tmpcopyup") {
                Content::Same
            } else if kind == "tmpfs" {
                Content::Fresh
            } else {
                Content::Unknown
            };
            let Some(destination) = self.destination(written.as_bytes()) else {
                continue;
            };
            self.mounts.push(Mount {
                destination,
                content,
                noexec: options.iter().fold(false, |noexec, option| match *option {
                    "noexec" => true,
                    "exec" => false,
                    _ => noexec,
                }),
                written: written.to_owned(),
                kind: if bind { "bind" } else { kind }.to_owned(),
            });
        }
    }

    /// Where a mount will stand: what is missing of the path is made by the runtime.
    fn destination(&self, written: &[u8]) -> Option<Vec<u8>> {
        let mut walk = Walk::new(self, None);
        walk.push(written);
        match walk.make() {
            (Lookup::Found(found), _) => Some(found.path),
            _ => None,
        }
    }
}

/// Each is compared with each: more than this would take long, and none has as many.
const MOST: usize = 4096;
