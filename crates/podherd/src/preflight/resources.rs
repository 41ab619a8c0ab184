//! `linux.cgroupsPath`, `linux.resources`, `linux.devices`, `linux.rootfsPropagation`.

use super::FindingCode as Code;
use super::finding::{Findings, Refusal, Severity, quoted};
use super::node::Node;
use super::shape;

/// Checks them.
pub fn check(config: &Node<'_>, findings: &mut Findings) {
    let linux = config.get("linux");
    cgroups_path(&linux.get("cgroupsPath"), findings);
    memory(&linux.path(&["resources", "memory"]), findings);
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
        shape::require(&device.get("path"), Refusal::Crun, findings);
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
    if let (Some(limit), Some(swap)) = (number("limit"), number("swap"))
        && limit > 0
        && swap > 0
        && swap < limit
    {
        let message = format!(
            "linux.resources.memory.swap is {swap}, which counts memory and swap together, and so can't be below the limit of {limit}"
        );
        findings.error(Code::ResourcesInvalid, memory.get("swap").pointer(), message);
    }
}
