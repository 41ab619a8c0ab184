//! Preflight: what can be known of a bundle to fail before the runtime is started.
//!
//! ```text
//! validate (podherd validate, for people and for the server) ─▶ check
//! server_side (runs it as a child of the server)               ├ document   config.json: read, parsed, bounded
//!                                                               ├ shape      every field's type against the specification
//!                                                               ├ node       one value and its JSON pointer
//!                                                               ├ files      the container's file tree as it will be: rootfs and mounts
//!                                                               ├ program    PATH, scripts, ELF, who may execute
//!                                                               └ one file for each part of config.json
//! ```
//!
//! The rule for a finding's severity: an *error* is what the runtime refuses, or what keeps the command from
//! starting; each was tried with runc 1.1 and crun 1.8. What one of the two takes is an error only for the
//! other. What can't be known from outside is a *warning*. docs/preflight.md lists the codes.
//!
//! `check` blocks on disks and believes nothing that the bundle says, but it runs where it is called. The
//! server therefore calls it in a process of its own ([`preflight`]): a disk that hangs costs neither its loop
//! nor a thread, and a bundle made to eat memory costs none of its.

mod code;
mod command;
mod document;
mod files;
mod finding;
mod hooks;
mod namespaces;
mod node;
mod process;
mod program;
mod resources;
mod root;
mod security;
mod server_side;
mod shape;
mod user;
mod validate;
mod version;

use std::path::Path;

pub use code::FindingCode;
pub use finding::{Finding, Severity};
pub use server_side::{preflight, validate_bundle};
pub use validate::Validate;

use crate::runtime::Kind;
use files::Files;
use finding::Findings;
use node::Node;
use serde_json::Value;

/// For what a bundle is checked.
#[derive(Clone, Copy, Debug, Default)]
pub struct Options {
    /// Whether create will be asked for a terminal. None: not known, and not checked.
    pub terminal: Option<bool>,
    /// The runtime. None: any; what one of runc and crun refuses is said with its name then.
    pub runtime: Option<Kind>,
}

/// What is wrong with the bundle in this directory. Blocks on its disks.
pub fn check(bundle: &Path, options: Options) -> Vec<Finding> {
    let mut findings = Findings::new(options.runtime);
    if let Some(document) = document::read(bundle, &mut findings) {
        check_document(&document, bundle, options, &mut findings);
    }
    findings.into_vec()
}

fn check_document(document: &Value, bundle: &Path, options: Options, findings: &mut Findings) {
    if !shape::check(document, findings) {
        return;
    }
    let config = Node::root(document);
    version::check(&config, findings);
    let rootfs = root::check(bundle, &config, findings);
    let has_process = process::check(&config, options, findings);
    if has_process {
        user::check(&config, findings);
    }
    namespaces::check(&config, findings);
    resources::check(&config, findings);
    security::check(&config, findings);
    let Some(rootfs) = rootfs else {
        return hooks::check(&config, None, findings);
    };
    let mut files = Files::new(rootfs);
    files.mount_all(bundle, &config, findings);
    if hooks::change_files(&config) {
        files.set_hooked();
    }
    hooks::check(&config, Some(&files), findings);
    if has_process {
        process::check_files(&config, &files, findings);
    }
}

#[cfg(test)]
mod tests;
