//! Who the process is and what it may: user, capabilities, limits.

use rustix::process::{Resource, getrlimit};
use rustix::thread::{CapabilitySet, capabilities};

use super::FindingCode as Code;
use super::finding::{Findings, Refusal, quoted};
use super::node::Node;
use super::program::ranges;
use super::shape;

/// Checks them.
pub fn check(config: &Node<'_>, findings: &mut Findings) {
    let process = config.get("process");
    user(config, &process.get("user"), findings);
    capability_sets(config, &process.get("capabilities"), findings);
    limits(&process.get("rlimits"), findings);
    oom_score(&process.get("oomScoreAdj"), findings);
}

/// The names in the order of their numbers (linux/capability.h).
const CAPABILITIES: &[&str] = &[
    "CHOWN",
    "DAC_OVERRIDE",
    "DAC_READ_SEARCH",
    "FOWNER",
    "FSETID",
    "KILL",
    "SETGID",
    "SETUID",
    "SETPCAP",
    "LINUX_IMMUTABLE",
    "NET_BIND_SERVICE",
    "NET_BROADCAST",
    "NET_ADMIN",
    "NET_RAW",
    "IPC_LOCK",
    "IPC_OWNER",
    "SYS_MODULE",
    "SYS_RAWIO",
    "SYS_CHROOT",
    "SYS_PTRACE",
    "SYS_PACCT",
    "SYS_ADMIN",
    "SYS_BOOT",
    "SYS_NICE",
    "SYS_RESOURCE",
    "SYS_TIME",
    "SYS_TTY_CONFIG",
    "MKNOD",
    "LEASE",
    "AUDIT_WRITE",
    "AUDIT_CONTROL",
    "SETFCAP",
    "MAC_OVERRIDE",
    "MAC_ADMIN",
    "SYSLOG",
    "WAKE_ALARM",
    "BLOCK_SUSPEND",
    "AUDIT_READ",
    "PERFMON",
    "BPF",
    "CHECKPOINT_RESTORE",
];

const LIMITS: &[&str] = &[
    "AS",
    "CORE",
    "CPU",
    "DATA",
    "FSIZE",
    "LOCKS",
    "MEMLOCK",
    "MSGQUEUE",
    "NICE",
    "NOFILE",
    "NPROC",
    "RSS",
    "RTPRIO",
    "RTTIME",
    "SIGPENDING",
    "STACK",
];

fn user(config: &Node<'_>, user: &Node<'_>, findings: &mut Findings) {
    let name = user.get("username");
    if name.filled_text().is_some() {
        let message =
            "process.user.username is for Windows; runtimes run the process as uid and gid, so write those";
        findings.warning(Code::UsernameIgnored, name.pointer(), message);
    }
    let linux = config.get("linux");
    let (users, groups) = (
        ranges(&linux.get("uidMappings")),
        ranges(&linux.get("gidMappings")),
    );
    if !has_new_user_namespace(config) || users.is_empty() || groups.is_empty() {
        return;
    }
    let all = [
        ("user", user.get("uid"), &users),
        ("group", user.get("gid"), &groups),
    ];
    let more = user
        .get("additionalGids")
        .items()
        .map(|group| ("group", group, &groups));
    for (what, place, ranges) in all.into_iter().chain(more) {
        let id = place.unsigned().unwrap_or(0);
        if !ranges.iter().any(|range| range.has_inside(id)) {
            let message = format!(
                "the {what} {id} of the process has no id in the container's user namespace; map it in linux.{}idMappings",
                &what[..1]
            );
            findings.error(Code::UserNotMapped, place.pointer(), message);
        }
    }
}

/// A user namespace that is made for the container.
pub fn has_new_user_namespace(config: &Node<'_>) -> bool {
    config
        .path(&["linux", "namespaces"])
        .items()
        .any(|entry| entry.get("type").text() == Some("user") && entry.get("path").filled_text().is_none())
}

fn known(name: &str) -> Option<u32> {
    let name = name.strip_prefix("CAP_")?;
    CAPABILITIES
        .iter()
        .position(|known| *known == name)
        .map(|position| position as u32)
}

fn capability_sets(config: &Node<'_>, sets: &Node<'_>, findings: &mut Findings) {
    const SETS: [&str; 5] = ["bounding", "effective", "inheritable", "permitted", "ambient"];
    for entry in SETS.iter().flat_map(|set| sets.get(set).items()) {
        if let Some(name) = entry.text()
            && known(name).is_none()
        {
            let message = format!(
                "the capability {} is not known, and runtimes ignore it; capabilities(7) has the names, such as CAP_NET_RAW",
                quoted(name)
            );
            findings.warning(Code::CapabilityUnknown, entry.pointer(), message);
        }
    }
    let has = |set: &str, name: &str| sets.get(set).texts().any(|other| other == name);
    let own = capabilities(None).ok();
    for entry in sets.get("effective").items() {
        if let Some(name) = entry
            .text()
            .filter(|name| known(name).is_some() && !has("permitted", name))
        {
            let message = format!(
                "{name} is in the effective set and not in the permitted one, and the kernel refuses that; add it there"
            );
            findings.error(Code::CapabilityNotAllowed, entry.pointer(), message);
        }
    }
    for entry in sets.get("inheritable").items() {
        let Some(name) = entry.text().filter(|name| !has("bounding", name)) else {
            continue;
        };
        let Some(number) = known(name) else { continue };
        let inherited = own.is_some_and(|own| {
            own.inheritable
                .contains(CapabilitySet::from_bits_retain(1 << number))
        });
        if !inherited {
            let message = format!(
                "{name} is in the inheritable set and not in the bounding one, and the kernel refuses that; add it there"
            );
            findings.error(Code::CapabilityNotAllowed, entry.pointer(), message);
        }
    }
    // In a user namespace of its own it has all of them.
    let Some(own) = own.filter(|_| !has_new_user_namespace(config) && rustix::process::geteuid().is_root())
    else {
        return;
    };
    for entry in sets.get("permitted").items() {
        let Some(number) = entry.text().and_then(known) else {
            continue;
        };
        if !own
            .permitted
            .contains(CapabilitySet::from_bits_retain(1 << number))
        {
            let message = format!(
                "{} can't be given to a container by a process that does not have it itself, as this one",
                quoted(entry.text().unwrap_or_default())
            );
            findings.warning(Code::CapabilityUnavailable, entry.pointer(), message);
        }
    }
}

fn limits(limits: &Node<'_>, findings: &mut Findings) {
    let mut seen = Vec::new();
    for entry in limits.items() {
        let place = entry.get("type");
        shape::require(&place, Refusal::All, findings);
        let Some(name) = place.text() else { continue };
        if !name
            .strip_prefix("RLIMIT_")
            .is_some_and(|name| LIMITS.contains(&name))
        {
            let message = format!(
                "the limit {} is not known; getrlimit(2) has the names, such as RLIMIT_NOFILE",
                quoted(name)
            );
            findings.error(Code::RlimitUnknown, place.pointer(), message);
            continue;
        }
        if seen.contains(&name) {
            findings.warning(
                Code::RlimitRepeated,
                place.pointer(),
                format!("{name} is there twice, which the specification forbids; remove one"),
            );
        }
        seen.push(name);
        let number = |key| entry.get(key).unsigned().unwrap_or(0);
        let (soft, hard) = (number("soft"), number("hard"));
        if soft > hard {
            findings.error(
                Code::RlimitSoftAboveHard,
                entry.pointer(),
                format!("{name} has a soft limit of {soft} above its hard one of {hard}; lower it"),
            );
        }
        if name == "RLIMIT_NOFILE" && exceeds_own(hard) {
            findings.warning(Code::RlimitUnavailable, entry.pointer(), format!("{name} has a hard limit of {hard}, above this process's own, which can't be raised without CAP_SYS_RESOURCE"));
        }
    }
}

fn exceeds_own(hard: u64) -> bool {
    let may = capabilities(None).is_ok_and(|own| own.effective.contains(CapabilitySet::SYS_RESOURCE));
    !may && getrlimit(Resource::Nofile)
        .maximum
        .is_some_and(|most| hard > most)
}

fn oom_score(place: &Node<'_>, findings: &mut Findings) {
    let Some(score) = place.signed() else { return };
    if !(-1000..=1000).contains(&score) {
        findings.error(
            Code::OomScoreOutOfRange,
            place.pointer(),
            format!("process.oomScoreAdj is {score}, expected -1000 to 1000"),
        );
        return;
    }
    let may = capabilities(None).is_ok_and(|own| own.effective.contains(CapabilitySet::SYS_RESOURCE));
    let own = std::fs::read_to_string("/proc/self/oom_score_adj")
        .ok()
        .and_then(|text| text.trim().parse::<i64>().ok());
    if !may && own.is_some_and(|own| score < own) {
        findings.warning(Code::OomScoreUnavailable, place.pointer(), format!("process.oomScoreAdj is {score}, below this process's own, which can't be set without CAP_SYS_RESOURCE"));
    }
}
