//! Which device a path is on.

use std::path::Path;

use rustix::fs::stat;

/// The device number of `path`, or of its nearest parent that can be looked at. May wait for the disk.
///
/// `None` when not even the root can be looked at; such jobs share one queue.
pub(super) fn device_of(path: &Path) -> Option<u64> {
    let mut here = path;
    loop {
        let look = if here.as_os_str().is_empty() {
            Path::new(".")
        } else {
            here
        };
        if let Ok(found) = stat(look) {
            return Some(found.st_dev);
        }
        here = here.parent()?;
    }
}
