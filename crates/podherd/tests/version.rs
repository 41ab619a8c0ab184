//! `--version` and `--version-json`, as clients and packagers call them.
#![allow(
    clippy::disallowed_methods,
    reason = "a test starts the binary, and waits for it"
)]

use std::process::Command;

use serde_json::{Map, Value};

/// What the binary prints; nothing else may be asked for.
fn printed(flag: &str) -> String {
    let output = Command::new(env!("CARGO_BIN_EXE_podherd"))
        .arg(flag)
        .env_clear()
        .output()
        .expect("it runs");
    assert!(output.status.success(), "{flag}: {output:?}");
    assert!(output.stderr.is_empty(), "{flag}: {output:?}");
    String::from_utf8(output.stdout).expect("text")
}

fn json(flag: &str) -> Map<String, Value> {
    let text = printed(flag);
    assert_eq!(text.matches('\n').count(), 1, "one line: {text}");
    serde_json::from_str(&text).expect("one object")
}

#[test]
fn json_has_the_keys_that_clients_know() {
    for flag in ["-j", "--version-json", "--version-json=default", "-j=default"] {
        let object = json(flag);
        let keys: Vec<&str> = object.keys().map(String::as_str).collect();
        let known = "build_date cargo_tree cargo_version commit rust_version tag target version";
        assert_eq!(keys, known.split(' ').collect::<Vec<_>>(), "{flag}");
        assert_eq!(object["version"], env!("CARGO_PKG_VERSION"));
        assert_eq!(object["cargo_tree"], "");
        for key in ["build_date", "cargo_version", "commit", "rust_version", "target"] {
            assert!(
                object[key].as_str().is_some_and(|text| !text.is_empty()),
                "{flag}: {key}"
            );
        }
    }
}

#[test]
fn full_adds_the_packages_that_it_is_built_from() {
    let full = json("--version-json=full");
    let tree = full["cargo_tree"].as_str().expect("a text");
    let has = |name: &str| tree.lines().any(|line| line.split(' ').next() == Some(name));
    for name in [
        "podherd",
        "podherd-reaper",
        "capnp",
        "capnp-futures",
        "tokio",
        "libc",
    ] {
        assert!(has(name), "{name} is missing:\n{tree}");
    }
    // Only with their feature, or only for tests and other members of the workspace.
    assert_eq!(has("opentelemetry"), cfg!(feature = "tracing-export"));
    assert!(!has("tempfile") && !has("podherd-fixtures"), "{tree}");
    let mut without = full.clone();
    without.insert("cargo_tree".into(), "".into());
    assert_eq!(without, json("--version-json"));
}

#[test]
fn text_says_the_same() {
    let object = json("--version-json=full");
    for flag in ["-v", "--version", "--version=default"] {
        let text = printed(flag);
        let lines: Vec<(&str, &str)> = text.lines().filter_map(|line| line.split_once(": ")).collect();
        assert_eq!(lines.len(), 7, "{text}");
        for (key, value) in lines {
            assert_eq!(object[key], value);
        }
    }
    let full = printed("--version=full");
    assert!(full.starts_with(&printed("--version")));
    let tree = object["cargo_tree"].as_str().expect("a text");
    assert!(
        tree.lines()
            .all(|package| full.contains(&format!("\n  {package}\n")))
    );
}

#[test]
fn another_detail_is_refused() {
    let output = Command::new(env!("CARGO_BIN_EXE_podherd"))
        .arg("--version-json=more")
        .output()
        .expect("it runs");
    assert!(!output.status.success());
    assert!(String::from_utf8_lossy(&output.stderr).contains("default, full"));
}
