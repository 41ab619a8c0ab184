//! The process of an exec as the OCI runtime specification describes one (config.md, "Process"), made of the
//! container's own: that way the command has the container's environment, directory and user where nothing else
//! was asked for. Command line options mean something else to each runtime: crun's `--env` drops the container's
//! environment. And only here is a place for the terminal's size, so that the command finds it set.

use std::fs::File;
use std::io::Write;
use std::os::fd::OwnedFd;
use std::path::Path;

use rustix::fs::MemfdFlags;
use serde_json::{Map, Value, json};

use super::ExecSpec;
use crate::container::{Container, Pod};
use crate::error::{Code, Error, Result};

/// What a command has that the container's own process has not.
#[derive(Clone, Debug, Default)]
pub struct ProcessOptions {
    /// Variables beside the container's own; one of the same name takes its place.
    pub environment: Vec<(String, String)>,
    /// The directory in which it begins. None: the container's own.
    pub working_directory: Option<String>,
    /// The user that it runs as. None: the container's own.
    pub user: Option<User>,
    /// The size of its terminal at its start. None: the kernel's.
    pub size: Option<Size>,
}

/// A user by number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct User {
    /// The user's id.
    pub uid: u32,
    /// The group's id. None: the container's own.
    pub gid: Option<u32>,
}

/// The size of a terminal in characters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Size {
    /// Characters of a line.
    pub columns: u16,
    /// Lines.
    pub rows: u16,
}

/// A file with the process of `spec` for the runtime's `exec --process`. Read from the bundle, as runtimes do it.
pub(super) async fn process_file(
    pod: &Pod,
    container: &Container,
    spec: &ExecSpec,
    options: &ProcessOptions,
) -> Result<OwnedFd> {
    let bundle = container.bundle.clone();
    let lane = pod.disk.lane(&bundle);
    let own = pod.disk.run(&lane, move || own_process(&bundle));
    let own = own.await.map_err(|error| {
        let what = format!("reading the bundle {}: {error}", container.bundle.display());
        Error::new(Code::ResourcesExhausted, what)
    })??;
    let process = Value::Object(changed(own, spec, options));
    written(&process).map_err(|error| {
        let what = format!("exec in container {}: its process file", container.id);
        Error::from_io(Code::ResourcesExhausted, what, &error)
    })
}

/// Blocks on the disk.
fn own_process(bundle: &Path) -> Result<Map<String, Value>> {
    let invalid =
        |why: String| Error::new(Code::BundleInvalid, format!("bundle {}: {why}", bundle.display()));
    let text = std::fs::read(bundle.join("config.json"))
        .map_err(|error| Error::from_io(Code::BundleInvalid, bundle.join("config.json").display(), &error))?;
    let mut config: Map<String, Value> = serde_json::from_slice(&text)
        .map_err(|error| invalid(format!("config.json is not valid: {error}")))?;
    match config.remove("process") {
        Some(Value::Object(process)) => Ok(process),
        _ => Err(invalid("config.json has no process".into())),
    }
}

fn changed(mut process: Map<String, Value>, spec: &ExecSpec, options: &ProcessOptions) -> Map<String, Value> {
    process.insert("args".into(), json!(spec.command));
    process.insert("terminal".into(), json!(spec.terminal));
    // An own one is the command line of Windows, and the size of init's terminal.
    process.remove("commandLine");
    process.remove("consoleSize");
    if let Some(size) = options.size {
        let size = json!({ "height": size.rows, "width": size.columns });
        process.insert("consoleSize".into(), size);
    }
    if let Some(directory) = &options.working_directory {
        process.insert("cwd".into(), json!(directory));
    }
    if let Some(user) = options.user {
        let own = process.entry("user").or_insert_with(|| json!({}));
        own["uid"] = json!(user.uid);
        match user.gid {
            Some(gid) => own["gid"] = json!(gid),
            // The field is required.
            None if own.get("gid").is_none() => own["gid"] = json!(0),
            None => {}
        }
    }
    let own = process.remove("env").unwrap_or_default();
    process.insert("env".into(), environment(own, &options.environment));
    process
}

fn environment(own: Value, added: &[(String, String)]) -> Value {
    let own = match own {
        Value::Array(own) => own,
        _ => Vec::new(),
    };
    let replaced = |entry: &Value| {
        let name = entry.as_str().and_then(|entry| entry.split('=').next());
        added.iter().any(|(added, _)| Some(added.as_str()) == name)
    };
    let added = added
        .iter()
        .enumerate()
        // Of a name that is given twice the last one counts.
        .filter(|(index, (name, _))| !added[index + 1..].iter().any(|(later, _)| later == name))
        .map(|(_, (name, value))| json!(format!("{name}={value}")));
    own.into_iter()
        .filter(|entry| !replaced(entry))
        .chain(added)
        .collect()
}

/// An anonymous file: it goes with its last descriptor, on every path.
fn written(process: &Value) -> std::io::Result<OwnedFd> {
    let mut file = File::from(rustix::fs::memfd_create(
        "podherd-exec-process",
        MemfdFlags::CLOEXEC,
    )?);
    file.write_all(process.to_string().as_bytes())?;
    Ok(file.into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::container::ContainerId;
    use crate::runtime::CgroupManager;

    fn spec(terminal: bool) -> ExecSpec {
        ExecSpec {
            id: ContainerId::parse("web").unwrap(),
            command: vec!["ls".into(), "-l".into()],
            terminal,
            env: Vec::new(),
            cgroup_manager: CgroupManager::Cgroupfs,
            process: None,
        }
    }

    fn made_of(own: Value, terminal: bool, options: &ProcessOptions) -> Value {
        let Value::Object(own) = own else { panic!("{own}") };
        Value::Object(changed(own, &spec(terminal), options))
    }

    #[test]
    fn is_the_container_s_own_with_another_command() {
        let own = json!({
            "terminal": true, "consoleSize": { "height": 1, "width": 2 }, "args": ["init"], "env": ["A=1"],
            "cwd": "/srv", "user": { "uid": 5, "gid": 6, "additionalGids": [7] }, "noNewPrivileges": true,
        });
        let expected = json!({
            "terminal": false, "args": ["ls", "-l"], "env": ["A=1"],
            "cwd": "/srv", "user": { "uid": 5, "gid": 6, "additionalGids": [7] }, "noNewPrivileges": true,
        });
        assert_eq!(made_of(own, false, &ProcessOptions::default()), expected);
    }

    #[test]
    fn has_what_was_asked_for() {
        let own = json!({ "args": ["init"], "env": ["A=1", "AB=2", "C"], "cwd": "/", "user": { "uid": 5, "gid": 6 } });
        let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        let options = ProcessOptions {
            environment: vec![pair("B", "x"), pair("A", "y=z"), pair("B", ""), pair("C", "3")],
            working_directory: Some("/tmp".into()),
            user: Some(User { uid: 8, gid: None }),
            size: Some(Size {
                columns: 100,
                rows: 30,
            }),
        };
        let expected = json!({
            "terminal": true, "consoleSize": { "height": 30, "width": 100 }, "args": ["ls", "-l"],
            "env": ["AB=2", "A=y=z", "B=", "C=3"], "cwd": "/tmp", "user": { "uid": 8, "gid": 6 },
        });
        assert_eq!(made_of(own, true, &options), expected);
        let bare = json!({});
        let user = Some(User { uid: 8, gid: Some(9) });
        let options = ProcessOptions {
            user,
            ..ProcessOptions::default()
        };
        assert_eq!(
            made_of(bare.clone(), true, &options)["user"],
            json!({ "uid": 8, "gid": 9 })
        );
        let user = Some(User { uid: 8, gid: None });
        let options = ProcessOptions {
            user,
            ..ProcessOptions::default()
        };
        assert_eq!(
            made_of(bare, true, &options)["user"],
            json!({ "uid": 8, "gid": 0 })
        );
    }
}
