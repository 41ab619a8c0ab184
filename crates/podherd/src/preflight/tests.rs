//! Files and PATH, in a rootfs that does its best to lead out of itself; and whole documents of any bytes.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;

use serde_json::{Value, json};

use super::files::{Files, Handle, Lookup};
use super::finding::Findings;
use super::node::Node;
use super::program::{Credentials, Program, Quirk, search};
use super::{Finding, FindingCode, Options, Severity, check, check_document};

/// A rootfs with `bin/sh`, in a directory with a secret beside it.
fn ground() -> tempfile::TempDir {
    let ground = tempfile::tempdir().unwrap();
    let rootfs = ground.path().join("rootfs");
    fs::create_dir_all(rootfs.join("bin")).unwrap();
    fs::create_dir_all(rootfs.join("etc")).unwrap();
    program(&rootfs.join("bin/sh"), "#!/bin/sh\n");
    program(&ground.path().join("secret"), "");
    ground
}

fn program(path: &Path, text: &str) {
    fs::write(path, text).unwrap();
    fs::set_permissions(path, fs::Permissions::from_mode(0o755)).unwrap();
}

fn files(ground: &Path, mounts: Value) -> Files {
    let mut files = Files::new(Handle::open(&ground.join("rootfs")).unwrap());
    let config = json!({ "mounts": mounts });
    files.mount_all(ground, &Node::root(&config), &mut Findings::new(None));
    files
}

fn found(files: &Files, path: &str) -> Option<String> {
    match files.find(b"/", path.as_bytes(), None) {
        Lookup::Found(found) => Some(String::from_utf8(found.path).unwrap()),
        _ => None,
    }
}

fn root() -> Credentials {
    Credentials::of(&Node::root(&json!({})))
}

fn user(id: u32) -> Credentials {
    Credentials::of(&Node::root(&json!({"process": {"user": {"uid": id, "gid": id}}})))
}

#[test]
fn symbolic_links_lead_where_they_lead_in_the_container() {
    let ground = ground();
    let rootfs = ground.path().join("rootfs");
    symlink("/bin/sh", rootfs.join("etc/absolute")).unwrap();
    symlink("../../../../../../bin/sh", rootfs.join("etc/up")).unwrap();
    symlink("../bin", rootfs.join("usr")).unwrap();
    symlink("bin", rootfs.join("sbin")).unwrap();
    let files = files(ground.path(), json!([]));
    for path in [
        "/etc/absolute",
        "/etc/up",
        "/sbin/sh",
        "/usr/sh",
        "/../../bin/../bin/./sh",
        "bin//sh",
    ] {
        assert_eq!(found(&files, path).as_deref(), Some("/bin/sh"), "{path}");
    }
    assert!(found(&files, "/bin/sh/").is_none() && found(&files, "/bin/sh/..").is_none());
}

#[test]
fn nothing_leads_out_of_the_rootfs() {
    let ground = ground();
    let rootfs = ground.path().join("rootfs");
    let outside = ground.path().join("secret");
    symlink(&outside, rootfs.join("bin/absolute")).unwrap();
    symlink("../../secret", rootfs.join("bin/relative")).unwrap();
    symlink("/..", rootfs.join("bin/top")).unwrap();
    symlink("/proc/self/root", rootfs.join("bin/magic")).unwrap();
    symlink("loop", rootfs.join("bin/loop")).unwrap();
    let files = files(ground.path(), json!([]));
    let direct = outside.to_str().unwrap();
    for path in [
        "/bin/absolute",
        "/bin/relative",
        "/bin/top/secret",
        "/../secret",
        "/bin/magic/etc/passwd",
        direct,
    ] {
        assert!(found(&files, path).is_none(), "{path}");
    }
    assert!(matches!(files.find(b"/", b"/bin/loop", None), Lookup::Loop));
    assert!(matches!(files.find(b"/", b"/bin/loop/x", None), Lookup::Loop));
    let long = "/bin/..".repeat(30_000);
    assert!(matches!(files.find(b"/", long.as_bytes(), None), Lookup::Loop));
}

#[test]
fn mounts_lie_over_the_rootfs_in_their_order() {
    let ground = ground();
    fs::create_dir_all(ground.path().join("tools/deep")).unwrap();
    program(&ground.path().join("tools/tool"), "");
    let bind = |destination: &str, source: &str| json!({"destination": destination, "source": source, "options": ["rbind"]});
    let fresh = |destination: &str| json!({"destination": destination, "type": "tmpfs", "source": "tmpfs"});
    let over = files(
        ground.path(),
        json!([
            bind("/opt/a/tools", "tools"),
            fresh("/bin"),
            bind("/bin/one", "secret")
        ]),
    );
    assert!(found(&over, "/opt/a/tools/tool").is_some() && found(&over, "/opt/a").is_some());
    assert!(found(&over, "/bin/sh").is_none() && found(&over, "/bin/one").is_some());
    // The later one hides the earlier.
    let hidden = files(ground.path(), json!([bind("/opt/tools", "tools"), fresh("/opt")]));
    assert!(found(&hidden, "/opt").is_some() && found(&hidden, "/opt/tools").is_none());
    // A destination goes through symbolic links, within the rootfs.
    symlink("/bin", ground.path().join("rootfs/link")).unwrap();
    let linked = files(ground.path(), json!([bind("/link", "tools")]));
    assert!(found(&linked, "/bin/tool").is_some() && found(&linked, "/bin/sh").is_none());
    let other = files(
        ground.path(),
        json!([{"destination": "/bin", "type": "proc", "source": "proc"}]),
    );
    assert!(matches!(other.find(b"/", b"/bin/sh", None), Lookup::InMount(0)));
    // What `..` leads to above a mount is the container's, not the source's.
    let above = files(ground.path(), json!([bind("/etc/tools", "tools")]));
    assert_eq!(
        found(&above, "/etc/tools/deep/../../../bin/sh").as_deref(),
        Some("/bin/sh")
    );
    assert!(found(&above, "/etc/tools/../secret").is_none());
}

#[test]
fn path_is_searched_as_the_runtimes_do() {
    let ground = ground();
    let rootfs = ground.path().join("rootfs");
    for directory in ["plain", "directory/sh", "private", "closed"] {
        fs::create_dir_all(rootfs.join(directory)).unwrap();
    }
    fs::write(rootfs.join("plain/sh"), "").unwrap();
    fs::set_permissions(rootfs.join("plain/sh"), fs::Permissions::from_mode(0o644)).unwrap();
    program(&rootfs.join("private/sh"), "");
    fs::set_permissions(rootfs.join("private/sh"), fs::Permissions::from_mode(0o700)).unwrap();
    program(&rootfs.join("closed/sh"), "");
    fs::set_permissions(rootfs.join("closed"), fs::Permissions::from_mode(0o700)).unwrap();
    let files = files(ground.path(), json!([]));
    let search = |path: &str, who: &Credentials| search(&files, "sh", path, b"/", who);
    let place = |outcome: (Program, Option<Quirk>)| match outcome {
        (Program::Found(found), quirk) => (String::from_utf8(found.path).unwrap(), quirk),
        other => panic!("{other:?}"),
    };
    // What can't be executed by anybody is passed over; what the user can't execute is not.
    assert_eq!(
        place(search("/nowhere:/plain:/directory:/bin", &root())).0,
        "/bin/sh"
    );
    assert!(matches!(
        search("/private:/bin", &user(1000)),
        (Program::Unusable(..), _)
    ));
    assert_eq!(place(search("/private:/bin", &root())).0, "/private/sh");
    assert_eq!(
        place(search("/closed:/bin", &user(1000))),
        ("/bin/sh".into(), Some(Quirk::Denied))
    );
    assert_eq!(
        place(search("bin", &root())),
        ("/bin/sh".into(), Some(Quirk::Relative))
    );
    for path in ["", ":", "/etc", "/bin/sh", "/plain/.."] {
        assert!(
            matches!(search(path, &root()), (Program::Missing(_), _)),
            "{path:?}"
        );
    }
    assert!(matches!(search("/plain", &root()), (Program::Unusable(..), _)));
}

#[test]
fn capabilities_and_id_maps_decide_with_the_mode_bits() {
    let ground = ground();
    let path = ground.path().join("rootfs/bin/own");
    program(&path, "");
    fs::set_permissions(&path, fs::Permissions::from_mode(0o700)).unwrap();
    std::os::unix::fs::chown(&path, Some(1000), Some(1000)).unwrap();
    let files = files(ground.path(), json!([]));
    let may = |config: Value| {
        let who = Credentials::of(&Node::root(&config));
        matches!(search(&files, "/bin/own", "", b"/", &who).0, Program::Found(_))
    };
    let maps = |host: u32| json!([{"containerID": 0, "hostID": host, "size": 10}]);
    let mapped = |host: u32, caps: Value| {
        json!({
            "process": {"user": {"uid": 0, "gid": 0}, "capabilities": {"effective": caps}},
            "linux": {"namespaces": [{"type": "user"}], "uidMappings": maps(host), "gidMappings": maps(host)},
        })
    };
    assert!(!may(json!({})));
    assert!(may(json!({"process": {"user": {"uid": 1000, "gid": 0}}})));
    assert!(may(
        json!({"process": {"capabilities": {"effective": ["CAP_DAC_OVERRIDE"]}}})
    ));
    assert!(may(mapped(1000, json!([]))));
    assert!(!may(mapped(500, json!(["CAP_DAC_OVERRIDE"]))));
    assert!(may(mapped(995, json!(["CAP_DAC_OVERRIDE"]))));
    // Of a namespace that is joined, the maps are not known.
    assert!(may(
        json!({"linux": {"namespaces": [{"type": "user", "path": "/proc/self/ns/user"}]}})
    ));
}

#[test]
fn what_is_no_regular_file_is_never_waited_for() {
    let ground = ground();
    let fifo = |path: &Path| {
        rustix::fs::mknodat(rustix::fs::CWD, path, rustix::fs::FileType::Fifo, 0o755.into(), 0).unwrap();
    };
    fifo(&ground.path().join("rootfs/bin/fifo"));
    let files = files(ground.path(), json!([]));
    assert!(matches!(
        search(&files, "/bin/fifo", "", b"/", &root()).0,
        Program::Unusable(..)
    ));
    fifo(&ground.path().join("config.json"));
    assert_eq!(
        codes(&check(ground.path(), Options::default())),
        [FindingCode::ConfigUnreadable]
    );
    fs::remove_file(ground.path().join("config.json")).unwrap();
    symlink("/dev/zero", ground.path().join("config.json")).unwrap();
    assert_eq!(
        codes(&check(ground.path(), Options::default())),
        [FindingCode::ConfigUnreadable]
    );
}

#[test]
fn a_document_without_an_end_is_not_read_to_its_end() {
    let ground = ground();
    let file = fs::File::create(ground.path().join("config.json")).unwrap();
    file.set_len(1 << 40).unwrap();
    assert_eq!(
        codes(&check(ground.path(), Options::default())),
        [FindingCode::ConfigTooLarge]
    );
    fs::write(ground.path().join("config.json"), "[".repeat(1 << 20)).unwrap();
    assert_eq!(
        codes(&check(ground.path(), Options::default())),
        [FindingCode::ConfigInvalid]
    );
}

#[test]
fn a_report_is_bounded_whatever_the_bundle() {
    let ground = ground();
    let many: Vec<_> = (0..5000).map(|_| json!({"type": "x".repeat(5000)})).collect();
    let mut findings = Findings::new(None);
    check_document(
        &json!({"linux": {"namespaces": many}, "x": "y"}),
        ground.path(),
        Options::default(),
        &mut findings,
    );
    assert_eq!(findings.into_vec().len(), 200);
    // The server reads no more than 256 KiB of it.
    let odd: serde_json::Map<_, _> = (0..5000)
        .map(|n| (format!("{n}{}", "\u{1}\"".repeat(500)), json!(1)))
        .collect();
    let mut findings = Findings::new(None);
    check_document(
        &json!({"annotations": odd}),
        ground.path(),
        Options::default(),
        &mut findings,
    );
    let findings = findings.into_vec();
    assert!(findings.len() > 10 && serde_json::to_vec(&findings).unwrap().len() < 210 << 10);
}

#[test]
fn any_document_is_checked_without_a_panic() {
    let ground = ground();
    let whole = json!({
        "ociVersion": "1.0.2",
        "process": {"user": {"uid": 0}, "args": ["sh"], "env": ["PATH=/bin"], "cwd": "/", "capabilities": {"effective": ["CAP_KILL"]},
            "rlimits": [{"type": "RLIMIT_NOFILE", "hard": 1, "soft": 1}], "oomScoreAdj": 1},
        "root": {"path": "rootfs"},
        "mounts": [{"destination": "/proc", "type": "proc", "source": "proc", "options": ["ro"]}],
        "hooks": {"prestart": [{"path": "/bin/true", "timeout": 1}]},
        "linux": {"namespaces": [{"type": "user"}], "uidMappings": [{"containerID": 0, "hostID": 0, "size": 1}],
            "sysctl": {"net.x": "1"}, "cgroupsPath": "/a", "seccomp": {"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [{"names": ["a"], "action": "x"}]},
            "resources": {"memory": {"limit": 1}}},
    });
    let text = whole.to_string();
    let odd = [
        "null",
        "-1",
        "1e400",
        "18446744073709551615",
        "\"\"",
        "\"/../..\"",
        "\"\\u0000\"",
        "[]",
        "{}",
        "[[]]",
        "true",
        "\"a:b/../c\"",
    ];
    let mut state = 88_172_645_463_325_252_u64;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state as usize
    };
    let mut parsed = 0;
    for _ in 0..4000 {
        // A value of the text for another one.
        let mut changed = text.clone();
        let starts: Vec<_> = text.match_indices(':').map(|(at, _)| at + 1).collect();
        let start = starts[next() % starts.len()];
        let length = next() % 12;
        let end = (start + length).min(changed.len());
        changed.replace_range(start..end, odd[next() % odd.len()]);
        if let Ok(value) = serde_json::from_str::<Value>(&changed) {
            parsed += 1;
            check_document(
                &value,
                ground.path(),
                Options::default(),
                &mut Findings::new(None),
            );
        }
    }
    assert!(parsed > 50, "{parsed} of them were JSON");
    fn replaced(value: &mut Value, at: &mut usize, by: &Value) {
        if *at == 0 {
            *value = by.clone();
        }
        *at = at.wrapping_sub(1);
        match value {
            Value::Array(items) => items.iter_mut().for_each(|item| replaced(item, at, by)),
            Value::Object(members) => members.values_mut().for_each(|member| replaced(member, at, by)),
            _ => {}
        }
    }
    for at in 0..100 {
        for by in odd.iter().filter_map(|text| serde_json::from_str(text).ok()) {
            let mut value = whole.clone();
            replaced(&mut value, &mut { at }, &by);
            check_document(
                &value,
                ground.path(),
                Options::default(),
                &mut Findings::new(None),
            );
        }
    }
}

#[test]
fn what_one_runtime_takes_is_an_error_for_the_other_alone() {
    use crate::runtime::Kind;
    let ground = ground();
    fs::create_dir(ground.path().join("rootfs/proc")).unwrap();
    let config = json!({"ociVersion": "1.0.2", "process": {"args": ["/bin/sh"], "cwd": "bin"}, "root": {"path": "rootfs"}, "mounts": [{"destination": "/proc", "type": "proc", "source": "proc"}], "linux": {}});
    fs::write(ground.path().join("config.json"), config.to_string()).unwrap();
    let severity = |runtime| {
        let findings = check(
            ground.path(),
            Options {
                terminal: None,
                runtime,
            },
        );
        let cwd = findings
            .into_iter()
            .find(|finding| finding.code == FindingCode::CwdNotAbsolute);
        cwd.map(|finding| {
            (
                finding.severity,
                finding.message.contains("runc refuses it, crun does not"),
            )
        })
    };
    assert_eq!(severity(Some(Kind::Runc)), Some((Severity::Error, false)));
    assert_eq!(severity(Some(Kind::Crun)), Some((Severity::Warning, true)));
    assert_eq!(severity(None), Some((Severity::Error, true)));
    assert_eq!(severity(Some(Kind::Other)), Some((Severity::Warning, true)));
}

fn codes(findings: &[Finding]) -> Vec<FindingCode> {
    findings.iter().map(|finding| finding.code).collect()
}
