//! Build data for `--version`, without needing git: a package build sets PODHERD_COMMIT and
//! SOURCE_DATE_EPOCH; from a checkout the commit is `unknown`.
#![allow(
    clippy::disallowed_methods,
    reason = "a build script has no reaper, and waits for what it starts"
)]

use std::process::Command;
use std::time::{SystemTime, UNIX_EPOCH};
use std::{env, fs, path::Path};

fn main() {
    for name in ["PODHERD_COMMIT", "PODHERD_TAG", "SOURCE_DATE_EPOCH"] {
        println!("cargo:rerun-if-env-changed={name}");
    }
    println!("cargo:rerun-if-changed=../../Cargo.lock");

    set(
        "COMMIT",
        &env::var("PODHERD_COMMIT").unwrap_or_else(|_| "unknown".into()),
    );
    set("TAG", &env::var("PODHERD_TAG").unwrap_or_default());
    set("TARGET", &env::var("TARGET").unwrap_or_else(|_| "unknown".into()));
    set("RUST_VERSION", &version_of("RUSTC"));
    set("CARGO_VERSION", &version_of("CARGO"));
    let date = env::var("SOURCE_DATE_EPOCH")
        .ok()
        .and_then(|text| text.parse().ok())
        .unwrap_or_else(|| {
            SystemTime::now()
                .duration_since(UNIX_EPOCH)
                .map_or(0, |since| since.as_secs())
        });
    set("BUILD_EPOCH", &date.to_string());

    let lock = fs::read_to_string("../../Cargo.lock").unwrap_or_default();
    let out = env::var("OUT_DIR").expect("cargo sets OUT_DIR");
    fs::write(Path::new(&out).join("packages.txt"), packages(&lock)).expect("OUT_DIR can be written");
}

fn set(name: &str, value: &str) {
    println!("cargo:rustc-env=PODHERD_BUILD_{name}={value}");
}

fn version_of(tool: &str) -> String {
    env::var(tool)
        .ok()
        .and_then(|program| Command::new(program).arg("--version").output().ok())
        .and_then(|output| String::from_utf8(output.stdout).ok())
        .map(|text| text.trim().to_owned())
        .filter(|text| !text.is_empty())
        .unwrap_or_else(|| "unknown".into())
}

/// `name version` of each locked package, one a line.
fn packages(lock: &str) -> String {
    let value = |line: &str, key: &str| {
        line.strip_prefix(key)
            .and_then(|rest| rest.strip_prefix(" = "))
            .map(|text| text.trim_matches('"').to_owned())
    };
    let mut list = String::new();
    let mut name = String::new();
    for line in lock.lines() {
        if let Some(text) = value(line, "name") {
            name = text;
        } else if let Some(version) = value(line, "version")
            && !name.is_empty()
        {
            list.push_str(&format!("{name} {version}\n"));
            name.clear();
        }
    }
    list
}
