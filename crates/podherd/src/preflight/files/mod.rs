//! The container's file tree as it will be: the rootfs, and what is mounted over it.
//!
//! A path is walked name by name, each opened from the directory before it and never as a path, so that no
//! symbolic link leads out of the rootfs: where one points is walked in the container's tree, as the kernel will
//! when the rootfs is the root. That is also how a path that crosses into a mount is noticed.
//!
//! - `handle`: one file. `mount`: one entry of `mounts`, and where it will stand. `walk`: from a path to a file.

mod handle;
mod mount;
mod walk;

use std::rc::Rc;

pub use handle::{Handle, Reader};
pub use mount::Mount;
pub use walk::{Found, Lookup};

use super::program::Credentials;
use walk::Walk;

/// The tree.
#[derive(Debug)]
pub struct Files {
    rootfs: Rc<Handle>,
    /// In the order in which they are mounted: a later one lies over an earlier one.
    mounts: Vec<Mount>,
    /// Whether a hook runs before the command does: what it adds nobody knows.
    hooked: bool,
}

impl Files {
    /// The tree of a rootfs without mounts.
    pub fn new(rootfs: Handle) -> Self {
        Self {
            rootfs: Rc::new(rootfs),
            mounts: Vec::new(),
            hooked: false,
        }
    }

    /// The file at `path`; a relative one counts from `directory`. With credentials, a directory that they may not
    /// search ends it.
    pub fn find(&self, directory: &[u8], path: &[u8], credentials: Option<&Credentials>) -> Lookup {
        let mut walk = Walk::new(self, credentials);
        if !path.starts_with(b"/") {
            walk.push(directory);
        }
        walk.push(path);
        walk.run()
    }

    /// Where a path leads when what is missing on the way is made.
    pub fn make(&self, path: &[u8]) -> (Lookup, Option<Rc<Handle>>) {
        let mut walk = Walk::new(self, None);
        walk.push(path);
        walk.make()
    }

    /// Says that hooks run before the command does.
    pub fn set_hooked(&mut self) {
        self.hooked = true;
    }

    /// Whether something may be there that can't be seen yet.
    pub fn hooked(&self) -> bool {
        self.hooked
    }

    /// The mount at this place in the list of those that could be taken into account.
    pub fn mount(&self, index: usize) -> &Mount {
        &self.mounts[index]
    }
}
