//! `linux.namespaces`, id mappings, and what needs a namespace: names and sysctls.

use std::path::Path;

use rustix::fs::{CWD, Mode, OFlags, fstatfs, openat};
use rustix::io::Errno;
use rustix::ioctl::{Ioctl, IoctlOutput, Opcode, ioctl, opcode};

use super::FindingCode as Code;
use super::files::Handle;
use super::finding::{Findings, Refusal, Severity, quoted};
use super::node::Node;
use super::program::{Range, ranges};
use super::shape;

/// Names and the flags of clone(2) that stand for them.
const KINDS: &[(&str, i32)] = &[
    ("mount", 0x0002_0000),
    ("cgroup", 0x0200_0000),
    ("uts", 0x0400_0000),
    ("ipc", 0x0800_0000),
    ("user", 0x1000_0000),
    ("pid", 0x2000_0000),
    ("network", 0x4000_0000),
    ("time", 0x0000_0080),
];

/// Checks them.
pub fn check(config: &Node<'_>, findings: &mut Findings) {
    let linux = config.get("linux");
    if !linux.exists() {
        shape::require(&linux, Refusal::Crun, findings);
    }
    let mut seen = Vec::new();
    for entry in linux.get("namespaces").items() {
        let place = entry.get("type");
        if place.text() == Some("time") {
            let message = "runc 1.1 and crun 1.8 refuse a time namespace; newer ones take it";
            findings.warning(Code::NamespaceUnknown, place.pointer(), message);
        }
        shape::require(&place, Refusal::All, findings);
        let Some(kind) = place.text() else { continue };
        let Some((_, flag)) = KINDS.iter().find(|(name, _)| *name == kind) else {
            let message = format!(
                "the namespace {} is not known; expected pid, network, mount, ipc, uts, user, cgroup or time",
                quoted(kind)
            );
            findings.error(Code::NamespaceUnknown, place.pointer(), message);
            continue;
        };
        if seen.contains(&kind) {
            let message = format!("the {kind} namespace is there twice; remove one");
            findings.refused(
                Refusal::Runc,
                Some(Severity::Warning),
                Code::NamespaceRepeated,
                entry.pointer(),
                message,
            );
        }
        seen.push(kind);
        joined(&entry.get("path"), kind, *flag, findings);
    }
    mappings(config, findings);
    names(config, findings);
    for (name, place) in linux.get("sysctl").members() {
        sysctl(config, name, &place, findings);
    }
}

fn joined(place: &Node<'_>, kind: &str, flag: i32, findings: &mut Findings) {
    let Some(path) = place.text() else { return };
    if path.is_empty() {
        let message = format!("the path of the {kind} namespace is empty; remove it for a new namespace");
        return findings.refused(
            Refusal::Crun,
            None,
            Code::NamespacePathMissing,
            place.pointer(),
            message,
        );
    }
    if !path.starts_with('/') {
        let message = format!(
            "the path {} of the {kind} namespace is relative; write an absolute one",
            quoted(path)
        );
        return findings.warning(Code::NamespacePathMissing, place.pointer(), message);
    }
    match Handle::open(Path::new(path)) {
        Err(error @ (Errno::NOENT | Errno::NOTDIR | Errno::LOOP)) => {
            let message = format!(
                "the {kind} namespace {} can't be joined: {error}; it may have ended with its pod",
                quoted(path)
            );
            findings.error(Code::NamespacePathMissing, place.pointer(), message);
        }
        Err(error) => {
            let message = format!(
                "whether the {kind} namespace {} can be joined can't be known: {error}",
                quoted(path)
            );
            findings.warning(Code::NamespacePathMissing, place.pointer(), message);
        }
        Ok(_) => match kind_at(path) {
            Ok(Some(found)) if found == flag => {}
            Ok(found) => {
                let name = found.and_then(|found| KINDS.iter().find(|(_, flag)| *flag == found));
                let what = name.map_or_else(
                    || "no namespace".to_owned(),
                    |(name, _)| format!("a {name} namespace"),
                );
                findings.error(
                    Code::NamespacePathKind,
                    place.pointer(),
                    format!("{} is {what}, expected a {kind} namespace", quoted(path)),
                );
            }
            Err(error) => {
                let message = format!(
                    "whether {} is a {kind} namespace can't be known: {error}",
                    quoted(path)
                );
                findings.warning(Code::NamespacePathKind, place.pointer(), message);
            }
        },
    }
}

/// Which namespace is at this path; none if it is something else.
fn kind_at(path: &str) -> Result<Option<i32>, Errno> {
    let named = openat(CWD, path, OFlags::PATH | OFlags::CLOEXEC, Mode::empty())?;
    // Only what is a namespace is opened further: to open other things may block or do something.
    if fstatfs(&named)?.f_type as u64 != NSFS_MAGIC {
        return Ok(None);
    }
    let file = openat(
        CWD,
        path,
        OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NONBLOCK,
        Mode::empty(),
    )?;
    // SAFETY: `NamespaceType` passes no pointer, and the kernel writes nothing.
    unsafe { ioctl(&file, NamespaceType) }.map(Some)
}

/// linux/magic.h.
const NSFS_MAGIC: u64 = 0x6e73_6673;

/// `NS_GET_NSTYPE` of ioctl_nsfs(2): the answer is the return value.
struct NamespaceType;

// SAFETY: the operation takes no argument; its only result is its return value.
unsafe impl Ioctl for NamespaceType {
    type Output = i32;
    const IS_MUTATING: bool = false;

    fn opcode(&self) -> Opcode {
        opcode::none(0xb7, 3)
    }

    fn as_ptr(&mut self) -> *mut core::ffi::c_void {
        core::ptr::null_mut()
    }

    unsafe fn output_from_ptr(answer: IoctlOutput, _: *mut core::ffi::c_void) -> rustix::io::Result<i32> {
        Ok(answer)
    }
}

/// Whether the container has a namespace of this kind, its own or one that it joins.
fn has(config: &Node<'_>, kind: &str) -> bool {
    config
        .path(&["linux", "namespaces"])
        .items()
        .any(|entry| entry.get("type").text() == Some(kind))
}

fn mappings(config: &Node<'_>, findings: &mut Findings) {
    let linux = config.get("linux");
    let user = linux
        .get("namespaces")
        .items()
        .find(|entry| entry.get("type").text() == Some("user"));
    for key in ["uidMappings", "gidMappings"] {
        let map = linux.get(key);
        let lines = ranges(&map);
        match &user {
            None if map.items().next().is_some() => {
                let message = format!("linux.{key} has no effect without a user namespace");
                findings.warning(Code::MappingsUnused, map.pointer(), message);
            }
            Some(user) if user.get("path").filled_text().is_none() => new_map(key, &map, &lines, findings),
            _ => {}
        }
    }
}

fn new_map(key: &str, map: &Node<'_>, lines: &[Range], findings: &mut Findings) {
    if map.items().next().is_none() {
        let message = format!("the user namespace is new and linux.{key} is missing; say which ids it has");
        findings.refused(Refusal::Runc, None, Code::MappingsMissing, map.pointer(), message);
        return;
    }
    if lines.len() < map.items().count() {
        let message = format!("a line of linux.{key} has the size 0, and the kernel refuses that");
        findings.error(Code::MappingsInvalid, map.pointer(), message);
    } else if !lines.iter().any(|line| line.has_inside(0)) {
        let message = format!("linux.{key} maps no id 0, which the runtime needs to set the container up");
        findings.error(Code::MappingsInvalid, map.pointer(), message);
    } else if lines
        .iter()
        .enumerate()
        .any(|(index, line)| lines[..index].iter().any(|other| overlap(line, other)))
    {
        let message = format!("two lines of linux.{key} overlap, and the kernel refuses that");
        findings.error(Code::MappingsInvalid, map.pointer(), message);
    }
}

fn overlap(one: &Range, other: &Range) -> bool {
    let cross = |a: u64, b: u64| a < b.saturating_add(other.size) && b < a.saturating_add(one.size);
    cross(one.inside, other.inside) || cross(one.outside, other.outside)
}

fn names(config: &Node<'_>, findings: &mut Findings) {
    for (key, by) in [("hostname", Refusal::All), ("domainname", Refusal::Crun)] {
        let place = config.get(key);
        let Some(name) = place.filled_text() else { continue };
        if !has(config, "uts") {
            let message =
                format!("{key} needs a uts namespace in linux.namespaces, or it would be the host's");
            findings.refused(
                by,
                Some(Severity::Warning),
                Code::HostnameWithoutNamespace,
                place.pointer(),
                message,
            );
        }
        // `__NEW_UTS_LEN` of linux/utsname.h.
        if name.len() > 64 {
            let message = format!("{key} has {} bytes, and the kernel takes 64", name.len());
            findings.refused(
                by,
                Some(Severity::Warning),
                Code::HostnameTooLong,
                place.pointer(),
                message,
            );
        }
    }
}

/// Those of the ipc namespace beside `fs.mqueue.*` (ipc_namespaces(7)).
const IPC: &[&str] = &[
    "kernel.msgmax",
    "kernel.msgmnb",
    "kernel.msgmni",
    "kernel.sem",
    "kernel.shmall",
    "kernel.shmmax",
    "kernel.shmmni",
    "kernel.shm_rmid_forced",
];

fn sysctl(config: &Node<'_>, name: &str, place: &Node<'_>, findings: &mut Findings) {
    // Slashes separate as dots do (sysctl.d(5)).
    let dotted = match name.find(['.', '/']) {
        Some(at) if name.as_bytes()[at] == b'/' => name.replace('/', "."),
        _ => name.to_owned(),
    };
    let kind = if IPC.contains(&dotted.as_str()) || dotted.starts_with("fs.mqueue.") {
        "ipc"
    } else if dotted.starts_with("net.") {
        "network"
    } else if dotted == "kernel.domainname" {
        "uts"
    } else if dotted == "kernel.hostname" {
        findings.error(
            Code::SysctlNotNamespaced,
            place.pointer(),
            "the host name is set by `hostname`; remove the sysctl kernel.hostname",
        );
        return;
    } else if dotted.starts_with("user.") {
        return;
    } else {
        let message = format!(
            "the sysctl {} is one of the whole machine, which no container may set; set it on the host",
            quoted(name)
        );
        findings.error(Code::SysctlNotNamespaced, place.pointer(), message);
        return;
    };
    if !has(config, kind) {
        let message = format!(
            "the sysctl {} needs a {kind} namespace in linux.namespaces, or it would be the host's",
            quoted(name)
        );
        findings.error(Code::SysctlWithoutNamespace, place.pointer(), message);
        return;
    }
    // A new network namespace has what the host's has, but for the names of interfaces and what modules bring.
    let file = Path::new("/proc/sys").join(name.replace('.', "/"));
    if !name.contains("..") && !file.exists() {
        findings.warning(
            Code::SysctlUnknown,
            place.pointer(),
            format!("the host has no sysctl {}; check its name", quoted(name)),
        );
    }
}
