//! seccomp, AppArmor and SELinux.

use std::fs;
use std::path::Path;

use super::FindingCode as Code;
use super::finding::{Findings, Refusal, Severity, quoted};
use super::node::Node;
use super::shape;
use crate::runtime::Kind;

/// Checks them.
pub fn check(config: &Node<'_>, findings: &mut Findings) {
    seccomp(&config.path(&["linux", "seccomp"]), findings);
    apparmor(&config.path(&["process", "apparmorProfile"]), findings);
    for place in [
        config.path(&["process", "selinuxLabel"]),
        config.path(&["linux", "mountLabel"]),
    ] {
        if place.filled_text().is_some() && !Path::new("/sys/fs/selinux/enforce").exists() {
            findings.warning(
                Code::SelinuxUnavailable,
                place.pointer(),
                "SELinux is not enabled on this host, as far as can be seen; remove the label",
            );
        }
    }
}

const ACTIONS: &[&str] = &[
    "ALLOW",
    "ERRNO",
    "KILL",
    "KILL_PROCESS",
    "KILL_THREAD",
    "LOG",
    "NOTIFY",
    "TRACE",
    "TRAP",
];
const OPERATORS: &[&str] = &["NE", "LT", "LE", "EQ", "GE", "GT", "MASKED_EQ"];
const FLAGS: &[&str] = &["TSYNC", "LOG", "SPEC_ALLOW", "WAIT_KILLABLE_RECV"];
const MACHINES: &[&str] = &[
    "X86",
    "X86_64",
    "X32",
    "ARM",
    "AARCH64",
    "LOONGARCH64",
    "M68K",
    "MIPS",
    "MIPS64",
    "MIPS64N32",
    "MIPSEL",
    "MIPSEL64",
    "MIPSEL64N32",
    "PARISC",
    "PARISC64",
    "PPC",
    "PPC64",
    "PPC64LE",
    "RISCV64",
    "S390",
    "S390X",
    "SH",
    "SHEB",
];

fn seccomp(seccomp: &Node<'_>, findings: &mut Findings) {
    if !seccomp.value().is_some_and(|profile| profile.is_object()) {
        return;
    }
    let default = seccomp.get("defaultAction");
    shape::require(&default, Refusal::Crun, findings);
    let mut notifies = false;
    let mut word = |place: &Node<'_>, prefix: &str, known: &[&str], findings: &mut Findings| {
        let Some(text) = place.text() else { return };
        notifies |= text == "SCMP_ACT_NOTIFY";
        if !text
            .strip_prefix(prefix)
            .is_some_and(|name| known.contains(&name))
        {
            let message = format!(
                "{} is not known in a seccomp profile; the names begin with {prefix}, such as {prefix}{}",
                quoted(text),
                known[0]
            );
            findings.error(Code::SeccompUnknown, place.pointer(), message);
        }
    };
    word(&default, "SCMP_ACT_", ACTIONS, findings);
    for place in seccomp.get("architectures").items() {
        // crun takes names without the prefix, as libseccomp itself has them.
        if let Some(text) = place
            .text()
            .filter(|text| MACHINES.contains(&text.to_ascii_uppercase().as_str()))
        {
            let message = format!(
                "the machine {} is written SCMP_ARCH_{} in a seccomp profile",
                quoted(text),
                text.to_ascii_uppercase()
            );
            findings.refused(
                Refusal::Runc,
                Some(Severity::Warning),
                Code::SeccompUnknown,
                place.pointer(),
                message,
            );
        } else {
            word(&place, "SCMP_ARCH_", MACHINES, findings);
        }
    }
    let mut flags = false;
    for place in seccomp.get("flags").items() {
        flags = true;
        word(&place, "SECCOMP_FILTER_FLAG_", FLAGS, findings);
    }
    for rule in seccomp.get("syscalls").items() {
        shape::require(&rule.get("names"), Refusal::Crun, findings);
        let action = rule.get("action");
        shape::require(&action, Refusal::All, findings);
        word(&action, "SCMP_ACT_", ACTIONS, findings);
        for argument in rule.get("args").items() {
            word(&argument.get("op"), "SCMP_CMP_", OPERATORS, findings);
            let index = argument.get("index");
            if index.unsigned().is_some_and(|index| index > 5) {
                findings.error(
                    Code::SeccompUnknown,
                    index.pointer(),
                    "a system call has the arguments 0 to 5",
                );
            }
        }
    }
    if flags && findings.runtime() != Some(Kind::Crun) {
        let message = "runc before 1.2 refuses flags of a seccomp profile; with an older one remove them";
        findings.warning(Code::SeccompUnknown, seccomp.get("flags").pointer(), message);
    }
    let listener = seccomp.get("listenerPath");
    match listener.filled_text() {
        Some(path) if !Path::new(path).exists() => {
            let message = format!(
                "the agent of the seccomp profile does not listen at {}; start it before the container",
                quoted(path)
            );
            findings.error(Code::SeccompListener, listener.pointer(), message);
        }
        None if notifies => {
            let message =
                "the action SCMP_ACT_NOTIFY needs linux.seccomp.listenerPath, where an agent listens";
            findings.refused(
                Refusal::Runc,
                None,
                Code::SeccompListener,
                listener.pointer(),
                message,
            );
        }
        _ => {}
    }
}

fn apparmor(place: &Node<'_>, findings: &mut Findings) {
    let Some(profile) = place.filled_text() else {
        return;
    };
    let enabled =
        fs::read_to_string("/sys/module/apparmor/parameters/enabled").is_ok_and(|text| text.starts_with('Y'));
    if !enabled {
        findings.warning(
            Code::ApparmorUnavailable,
            place.pointer(),
            "AppArmor is not enabled on this host, as far as can be seen; remove the profile",
        );
        return;
    }
    // Readable by root, where securityfs is mounted.
    let Ok(profiles) = fs::read_to_string("/sys/kernel/security/apparmor/profiles") else {
        return;
    };
    let loaded = profiles
        .lines()
        .any(|line| line.rsplit_once(" (").is_some_and(|(name, _)| name == profile));
    if profile != "unconfined" && !loaded {
        findings.warning(
            Code::ApparmorUnavailable,
            place.pointer(),
            format!(
                "the AppArmor profile {} is not loaded; load it with apparmor_parser(8)",
                quoted(profile)
            ),
        );
    }
}
