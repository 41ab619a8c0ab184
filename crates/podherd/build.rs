//! Build data for `--version`, without needing git: a package build sets PODHERD_COMMIT and
//! SOURCE_DATE_EPOCH; from a checkout the commit is `unknown`.
#![allow(
    clippy::disallowed_methods,
    reason = "a build script has no reaper, and waits for what it starts"
)]

use std::collections::BTreeSet;
use std::process::Command;
use std::time::{SystemTime, UNIX_EPOCH};
use std::{env, fs, path::Path};

fn main() {
    for name in ["PODHERD_COMMIT", "PODHERD_TAG", "SOURCE_DATE_EPOCH"] {
        println!("cargo:rerun-if-env-changed={name}");
    }
    println!("cargo:rerun-if-changed=../../Cargo.lock");
    println!("cargo:rerun-if-changed=Cargo.toml");

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

/// Names under `[dependencies]`; the optional ones are those of the one feature.
fn dependencies(manifest: &str) -> BTreeSet<&str> {
    let with_optional = env::var_os("CARGO_FEATURE_TRACING_EXPORT").is_some();
    let after = manifest
        .split_once("\n[dependencies]\n")
        .map_or("", |(_, rest)| rest);
    after
        .lines()
        .take_while(|line| !line.starts_with('['))
        .filter(|line| with_optional || !line.contains("optional = true"))
        .filter_map(|line| line.split(['.', ' ', '=']).next().filter(|name| !name.is_empty()))
        .collect()
}

/// `name version` of each locked package that this one is built from, one a line.
fn packages(lock: &str) -> String {
    let mut next: Vec<(&str, &str)> = Vec::new();
    let blocks: Vec<Block> = lock.split("[[package]]").skip(1).map(Block::parse).collect();
    let own = blocks.iter().find(|block| block.name == "podherd");
    next.extend(own.map(|own| (own.name, own.version)));
    let mut found = BTreeSet::new();
    while let Some((name, version)) = next.pop() {
        // Where there is only one version of a package, a dependency doesn't name it.
        let wanted = |block: &&Block| block.name == name && (version.is_empty() || block.version == version);
        let Some(block) = blocks.iter().find(wanted) else {
            continue;
        };
        if !found.insert((block.name, block.version)) {
            continue;
        }
        // The lock file lists what members of the workspace need for their tests too.
        let manifest = fs::read_to_string(format!("../{name}/Cargo.toml")).unwrap_or_default();
        let direct = dependencies(&manifest);
        let is_needed = |(name, _): &(&str, &str)| manifest.is_empty() || direct.contains(name);
        next.extend(block.dependencies.iter().copied().filter(is_needed));
    }
    found
        .iter()
        .map(|(name, version)| format!("{name} {version}\n"))
        .collect()
}

/// One package of a Cargo.lock.
struct Block<'a> {
    name: &'a str,
    version: &'a str,
    /// Names, with a version where there are several.
    dependencies: Vec<(&'a str, &'a str)>,
}

impl<'a> Block<'a> {
    fn parse(text: &'a str) -> Self {
        let value = |key: &str| {
            let line = text.lines().find_map(|line| line.strip_prefix(key));
            line.map_or("", |text| text.trim_matches('"'))
        };
        let listed = text
            .lines()
            .filter_map(|line| line.strip_prefix(" \"")?.strip_suffix("\","));
        let dependency = |text: &'a str| {
            let mut words = text.split(' ');
            (words.next().unwrap_or_default(), words.next().unwrap_or_default())
        };
        Self {
            name: value("name = "),
            version: value("version = "),
            dependencies: listed.map(dependency).collect(),
        }
    }
}
