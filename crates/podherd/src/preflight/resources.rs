//! `linux.cgroupsPath`, `linux.resources`, `linux.devices`, `linux.rootfsPropagation`.

use std::path::Path;

use super::FindingCode as Code;
use super::finding::{Findings, Refusal, Severity, quoted};
use super::node::Node;
use super::shape;

/// Checks them.
pub fn check(config: &Node<'_>, findings: &mut Findings) {
    let linux = config.get("linux");
    cgroups_path(&linux.get("cgroupsPath"), findings);
    memory(&linux.path(&["resources", "memory"]), findings);
    cpu(&linux.path(&["resources", "cpu"]), findings);
    unified(&linux.path(&["resources", "unified"]), findings);
    for device in linux.path(&["resources", "devices"]).items() {
        let kind = device.get("type");
        if let Some(text) = kind.text().filter(|text| !["a", "b", "c", ""].contains(text)) {
            let message = format!("a device rule has the type {}, expected a, b or c", quoted(text));
            findings.error(Code::DeviceInvalid, kind.pointer(), message);
        }
        let access = device.get("access");
        if access.text().is_none_or(str::is_empty) {
            let message = "a device rule has no access; write some of r, w and m";
            findings.refused(
                Refusal::Runc,
                None,
                Code::DeviceInvalid,
                access.pointer(),
                message,
            );
        }
    }
    for device in linux.get("devices").items() {
        let path = device.get("path");
        shape::require(&path, Refusal::Crun, findings);
        if let Some(text) = path.text().filter(|text| !text.starts_with('/')) {
            let message = format!("a device has the path {}, expected an absolute one", quoted(text));
            findings.refused(
                Refusal::Crun,
                Some(Severity::Warning),
                Code::DeviceInvalid,
                path.pointer(),
                message,
            );
        }
        let kind = device.get("type");
        shape::require(&kind, Refusal::All, findings);
        if let Some(text) = kind.text().filter(|text| !["b", "c", "u", "p"].contains(text)) {
            let message = format!("a device has the type {}, expected b, c, u or p", quoted(text));
            findings.refused(
                Refusal::Runc,
                Some(Severity::Warning),
                Code::DeviceInvalid,
                kind.pointer(),
                message,
            );
        }
    }
    let propagation = linux.get("rootfsPropagation");
    const KNOWN: [&str; 8] = [
        "shared",
        "rshared",
        "slave",
        "rslave",
        "private",
        "rprivate",
        "unbindable",
        "runbindable",
    ];
    if let Some(text) = propagation.filled_text().filter(|text| !KNOWN.contains(text)) {
        let message = format!(
            "linux.rootfsPropagation is {}, expected shared, slave, private or unbindable, or one of them with an r before it",
            quoted(text)
        );
        findings.refused(
            Refusal::Runc,
            Some(Severity::Warning),
            Code::RootfsPropagationUnknown,
            propagation.pointer(),
            message,
        );
    }
}

fn cgroups_path(place: &Node<'_>, findings: &mut Findings) {
    let Some(path) = place.text() else { return };
    if path.is_empty() {
        return;
    }
    let mut depth = 0_i64;
    let mut lowest = 0;
    for name in path.split('/').filter(|name| !name.is_empty() && *name != ".") {
        depth += if name == ".." { -1 } else { 1 };
        lowest = lowest.min(depth);
    }
    if depth <= 0 && lowest == 0 && !path.contains("..") || path == ".." {
        let message = format!(
            "linux.cgroupsPath {} is the root of the cgroups, which is the host's; name one below it",
            quoted(path)
        );
        findings.error(Code::CgroupsPathInvalid, place.pointer(), message);
    } else if path.split('/').any(|name| name == "..") {
        let message = format!(
            "linux.cgroupsPath {} has \"..\" in it; write it without",
            quoted(path)
        );
        findings.refused(
            Refusal::Crun,
            Some(Severity::Warning),
            Code::CgroupsPathInvalid,
            place.pointer(),
            message,
        );
    }
}

fn memory(memory: &Node<'_>, findings: &mut Findings) {
    let number = |key| memory.get(key).signed();
    let mut wrong = |key: &str, message: String| {
        findings.error(Code::ResourcesInvalid, memory.get(key).pointer(), message);
    };
    for key in ["limit", "swap", "reservation"] {
        if let Some(bytes) = number(key).filter(|bytes| *bytes < -1) {
            wrong(
                key,
                format!("linux.resources.memory.{key} is {bytes}; write -1 for no limit"),
            );
        }
    }
    match (number("limit"), number("swap")) {
        (Some(limit), Some(swap)) if 0 < swap && swap < limit => wrong(
            "swap",
            format!("linux.resources.memory.swap is {swap}, which counts memory and swap together, and so can't be below the limit of {limit}"),
        ),
        (None | Some(0), Some(swap)) if swap > 0 => wrong(
            "swap",
            "linux.resources.memory.swap counts memory and swap together, and needs a limit of memory; set linux.resources.memory.limit".into(),
        ),
        _ => {}
    }
    let swappiness = memory.get("swappiness");
    if swappiness.unsigned().is_some_and(|percent| percent > 100) {
        let message = "linux.resources.memory.swappiness is a percentage, 0 to 100";
        findings.refused(
            Refusal::Runc,
            Some(Severity::Warning),
            Code::ResourcesInvalid,
            swappiness.pointer(),
            message,
        );
    }
}

/// The kernel takes periods and quotas of at least a millisecond (Documentation/scheduler/sched-bwc.rst).
fn cpu(cpu: &Node<'_>, findings: &mut Findings) {
    let (period, quota) = (cpu.get("period"), cpu.get("quota"));
    if let Some(micros) = period
        .unsigned()
        .filter(|micros| *micros != 0 && !(1000..=1_000_000).contains(micros))
    {
        let message = format!("linux.resources.cpu.period is {micros} µs, expected 1000 to 1000000");
        findings.error(Code::ResourcesInvalid, period.pointer(), message);
    }
    if let Some(micros) = quota.signed().filter(|micros| (1..1000).contains(micros)) {
        let message = format!("linux.resources.cpu.quota is {micros} µs, expected at least 1000");
        findings.error(Code::ResourcesInvalid, quota.pointer(), message);
    }
}

fn unified(unified: &Node<'_>, findings: &mut Findings) {
    // The file of every cgroup of version 2.
    if unified.members().next().is_some() && !Path::new("/sys/fs/cgroup/cgroup.controllers").exists() {
        let message = "linux.resources.unified is for cgroup version 2, and this host has version 1 at /sys/fs/cgroup; remove it";
        findings.error(Code::ResourcesInvalid, unified.pointer(), message);
    }
}
