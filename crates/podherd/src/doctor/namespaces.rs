//! Namespaces of pods that stay mounted after the process that held them. Which those are, their pid file tells:
//! where there is none, somebody else has mounted them.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use podherd_reaper::FileId;

use super::finding::{Code, Details, Finding};
use super::fix::{Fix, file_id};
use super::look::Look;
use super::monitors::Kind;
use super::mounts::Mount;
use super::places;
use crate::namespaces::{Kind as NamespaceKind, PodId};

/// Where one pod's are.
type Place = (PathBuf, String);

/// What is left of pods' namespaces.
pub fn find(look: &Look<'_>) -> Vec<Finding> {
    let bases = places::namespace_bases(look.scope);
    let mut mounted: BTreeMap<Place, Vec<(&str, &Mount)>> = BTreeMap::new();
    for mount in look.mounts.iter().filter(|mount| mount.kind == "nsfs") {
        if let Some((base, kind, pod)) = place(&mount.point)
            && (!look.scope.only_given || bases.contains(&base))
        {
            mounted.entry((base, pod)).or_default().push((kind, mount));
        }
    }
    // A pid file without mounts is a leftover too.
    for base in &bases {
        for pod in pid_files(base) {
            mounted.entry((base.clone(), pod)).or_default();
        }
    }
    mounted
        .into_iter()
        .filter_map(|((base, pod), mounts)| finding(look, &base, &pod, &mounts))
        .collect()
}

/// Base directory, kind and pod of `BASE/netns/POD`.
fn place(point: &Path) -> Option<(PathBuf, &'static str, String)> {
    let directory = point.parent()?;
    let name = directory.file_name()?.to_str()?.strip_suffix("ns")?;
    let kind = NamespaceKind::ALL
        .iter()
        .map(|kind| kind.name())
        .find(|kind| *kind == name)?;
    Some((
        directory.parent()?.to_owned(),
        kind,
        point.file_name()?.to_str()?.to_owned(),
    ))
}

fn pid_file(base: &Path, pod: &str) -> PathBuf {
    base.join("conmonrs").join(format!("{pod}.pid"))
}

fn pid_files(base: &Path) -> Vec<String> {
    let entries = fs::read_dir(base.join("conmonrs"))
        .into_iter()
        .flatten()
        .flatten();
    let names = entries.filter_map(|entry| entry.file_name().into_string().ok());
    names
        .filter_map(|name| Some(name.strip_suffix(".pid")?.to_owned()))
        .collect()
}

fn finding(look: &Look<'_>, base: &Path, pod: &str, mounts: &[(&str, &Mount)]) -> Option<Finding> {
    let path = pid_file(base, pod);
    let id = file_id(&path)?;
    PodId::parse(pod).ok()?;
    let pid: Option<u32> = fs::read_to_string(&path).ok()?.trim().parse().ok();
    if is_held(look, id) || pid.is_some_and(|pid| holds(look, pid, mounts)) {
        return None;
    }
    let holder = match pid {
        Some(pid) => format!("process {pid}, which held them, has ended"),
        None => "the process that held them has ended".into(),
    };
    let details = Details {
        pod_id: Some(pod.to_owned()),
        path: Some(
            mounts
                .first()
                .map_or(path.clone(), |(_, mount)| mount.point.clone()),
        ),
        pid,
        ..Details::default()
    };
    let fix = Fix::RemoveNamespaces {
        base: base.to_owned(),
        pod: pod.to_owned(),
        pid,
    };
    let identity = format!("{}#{}:{}", path.display(), id.device, id.inode);
    let finding = if mounts.is_empty() {
        Finding::problem(
            Code::StalePidFile,
            identity,
            format!("pid file {}", path.display()),
        )
        .says(format!(
            "it is of pod {pod}'s namespaces, which are gone: {holder}"
        ))
        .advises("remove it; --fix does")
    } else {
        let kinds: Vec<_> = mounts.iter().map(|(kind, _)| *kind).collect();
        Finding::problem(
            Code::LeftoverNamespace,
            identity,
            format!("namespaces of pod {pod}"),
        )
        .says(format!(
            "{} stay mounted below {}: {holder}, and so has its server",
            kinds.join(", "),
            base.display()
        ))
        .advises(
            "unmount and remove them; --fix does. A new server that makes the pod's namespaces replaces them",
        )
    };
    Some(finding.with(details).fixed_by(fix))
}

/// Whether a server has the pid file open: it locks it for as long as it lives.
fn is_held(look: &Look<'_>, id: FileId) -> bool {
    let servers = look.processes.iter().filter(|process| {
        matches!(
            look.kind_of(process),
            Some(Kind::Podherd | Kind::ConmonRs | Kind::Other)
        )
    });
    servers.into_iter().any(|process| {
        let entries = fs::read_dir(format!("/proc/{}/fd", process.pid))
            .into_iter()
            .flatten()
            .flatten();
        entries
            .filter(|entry| fs::read_link(entry.path()).is_ok_and(|target| target.is_absolute()))
            .any(|entry| rustix::fs::stat(entry.path()).is_ok_and(|stat| FileId::from(stat) == id))
    })
}

/// Whether a process lives in one of these namespaces.
pub fn holds(look: &Look<'_>, pid: u32, mounts: &[(&str, &Mount)]) -> bool {
    if look.processes.living(pid, None).is_none() {
        return false;
    }
    // Without a mount it can't be told: the pid file is left alone.
    mounts.is_empty()
        || mounts.iter().any(|(kind, mount)| {
            let name = fs::read_link(format!("/proc/{pid}/ns/{kind}"));
            name.is_ok_and(|name| name.as_os_str() == mount.root.as_str())
        })
}
