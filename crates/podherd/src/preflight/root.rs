//! `root`: the rootfs.

use std::path::Path;

use super::FindingCode as Code;
use super::files::Handle;
use super::finding::{Findings, quoted};
use super::node::Node;

/// The rootfs, or nothing when there is none.
pub fn check(bundle: &Path, config: &Node<'_>, findings: &mut Findings) -> Option<Handle> {
    let root = config.get("root");
    if !root.exists() {
        findings.error(
            Code::RootMissing,
            root.pointer(),
            "config.json has no root; it says where the rootfs is",
        );
        return None;
    }
    let place = root.get("path");
    if place.exists() && place.text().is_none() || root.value().is_some_and(|root| !root.is_object()) {
        // Of another type, which has been said.
        return None;
    }
    let Some(path) = place.filled_text() else {
        findings.error(
            Code::RootMissing,
            place.pointer(),
            "root has no path; set it to the rootfs, relative to the bundle or absolute",
        );
        return None;
    };
    match Handle::open(&bundle.join(path)) {
        Ok(handle) if handle.is_directory() => {
            if Handle::open(Path::new("/")).is_ok_and(|root| root.is(&handle)) {
                findings.error(
                    Code::RootfsInvalid,
                    place.pointer(),
                    "the rootfs is the host's own root, from which no container can be separated; use another directory",
                );
            }
            Some(handle)
        }
        Ok(_) => {
            findings.error(
                Code::RootfsInvalid,
                place.pointer(),
                format!("the rootfs {} is no directory", quoted(path)),
            );
            None
        }
        Err(error) => {
            findings.error(
                Code::RootfsMissing,
                place.pointer(),
                format!("the rootfs {} can't be opened: {error}", quoted(path)),
            );
            None
        }
    }
}
