//! From messages to checked types. A text that is not UTF-8, a NUL where a path or an argument goes,
//! a value that a newer client knows and we don't: each is an error that names the field.

use std::num::NonZeroU64;
use std::path::{Path, PathBuf};

use podherd_reaper::NewNamespaces;
use podherd_schema::conmon_capnp::conmon as schema;
use podherd_schema::podherd_capnp::podherd;

use crate::container::{ContainerId, Ending, LabelSelector, Phase, Selection};
use crate::error::{Code, Error, Result};
use crate::events::WatchFrom;
use crate::logs::{LogFileTarget, LogFormat, LogTarget};
use crate::namespaces::{IdMap, IdMaps, Kind, NamespacesRequest, PodId};
use crate::runtime::CgroupManager;

/// A text for an argument, a variable or a name: UTF-8 without NUL.
pub fn text(field: &str, value: capnp::Result<capnp::text::Reader<'_>>) -> Result<String> {
    let text = value
        .and_then(|text| text.to_str().map_err(Into::into))
        .map_err(|error| invalid(field, error))?;
    if text.contains('\0') {
        return Err(invalid(field, "has a NUL character"));
    }
    Ok(text.to_owned())
}

/// A container's id.
pub fn id(value: capnp::Result<capnp::text::Reader<'_>>) -> Result<ContainerId> {
    let text = value
        .and_then(|text| text.to_str().map_err(Into::into))
        .map_err(|error| invalid("id", error))?;
    ContainerId::parse(text)
}

/// An absolute path.
pub fn path(field: &str, value: capnp::Result<capnp::text::Reader<'_>>) -> Result<PathBuf> {
    absolute(field, text(field, value)?)
}

/// A list of texts.
pub fn texts(field: &str, value: capnp::Result<capnp::text_list::Reader<'_>>) -> Result<Vec<String>> {
    value
        .map_err(|error| invalid(field, error))?
        .iter()
        .map(|item| text(field, item))
        .collect()
}

/// A command: program and arguments.
pub fn command(value: capnp::Result<capnp::text_list::Reader<'_>>) -> Result<Vec<String>> {
    let command = texts("command", value)?;
    match command.first() {
        Some(program) if !program.is_empty() => Ok(command),
        _ => Err(invalid("command", "is empty")),
    }
}

/// A list of absolute paths.
pub fn paths(field: &str, value: capnp::Result<capnp::text_list::Reader<'_>>) -> Result<Vec<PathBuf>> {
    texts(field, value)?
        .into_iter()
        .map(|text| absolute(field, text))
        .collect()
}

/// A list of numbers.
pub fn numbers(
    field: &str,
    value: capnp::Result<capnp::primitive_list::Reader<'_, u64>>,
) -> Result<Vec<u64>> {
    Ok(value.map_err(|error| invalid(field, error))?.iter().collect())
}

/// Environment variables.
pub fn env(
    value: capnp::Result<capnp::struct_list::Reader<'_, schema::map_entry::Owned>>,
) -> Result<Vec<(String, String)>> {
    let entry = |entry: schema::map_entry::Reader<'_>| {
        let name = text("envVars", entry.get_key())?;
        if name.is_empty() || name.contains('=') {
            return Err(invalid(
                "envVars",
                format!("{name:?} is not the name of a variable"),
            ));
        }
        Ok((name, text("envVars", entry.get_value())?))
    };
    value
        .map_err(|error| invalid("envVars", error))?
        .iter()
        .map(entry)
        .collect()
}

/// A map from text to text, in its order.
pub fn map(
    field: &str,
    value: capnp::Result<capnp::struct_list::Reader<'_, schema::map_entry::Owned>>,
) -> Result<Vec<(String, String)>> {
    value
        .map_err(|error| invalid(field, error))?
        .iter()
        .map(|entry| Ok((text(field, entry.get_key())?, text(field, entry.get_value())?)))
        .collect()
}

/// A signal by its number; whether there is one of it is for others to say.
pub fn signal(field: &str, number: u32) -> Result<i32> {
    i32::try_from(number).map_err(|error| invalid(field, error))
}

/// A state of a container.
pub fn phase(
    field: &str,
    value: std::result::Result<podherd::ContainerState, capnp::NotInSchema>,
) -> Result<Phase> {
    match value {
        Ok(podherd::ContainerState::Creating) => Ok(Phase::Creating),
        Ok(podherd::ContainerState::Created) => Ok(Phase::Created),
        Ok(podherd::ContainerState::Running) => Ok(Phase::Running),
        Ok(podherd::ContainerState::Exited) => Ok(Phase::Exited),
        Err(unknown) => Err(invalid(field, unknown)),
    }
}

/// Which containers are wanted.
pub fn selection(params: podherd::list_containers_params::Reader<'_>) -> Result<Selection> {
    use podherd::label_selector::{Exists, Value};
    let states = params.get_states().map_err(|error| invalid("states", error))?;
    let label = |selector: podherd::label_selector::Reader<'_>| {
        Ok(LabelSelector {
            key: text("labels", selector.get_key())?,
            value: match selector.which() {
                Ok(Exists(())) => None,
                Ok(Value(value)) => Some(text("labels", value)?),
                Err(unknown) => return Err(invalid("labels", unknown)),
            },
        })
    };
    let labels = params.get_labels().map_err(|error| invalid("labels", error))?;
    Ok(Selection {
        phases: states
            .iter()
            .map(|state| phase("states", state))
            .collect::<Result<_>>()?,
        labels: labels.iter().map(label).collect::<Result<_>>()?,
    })
}

/// Where a watch of events begins, and whether that is a place in this `instance`. A number of another one has no
/// meaning here: all of this one's events are new then.
pub fn event_start(start: podherd::event_start::Reader<'_>, instance: &str) -> Result<(WatchFrom, bool)> {
    use podherd::event_start::{Now, Oldest, Sequence};
    let asked = text("start", start.get_instance())?;
    let resumed = asked.is_empty() || asked == instance;
    let from = match start.which() {
        Ok(Now(())) => WatchFrom::Now,
        Ok(Oldest(())) => WatchFrom::Oldest,
        Ok(Sequence(sequence)) if resumed => WatchFrom::Sequence(sequence),
        Ok(Sequence(_)) => WatchFrom::Sequence(1),
        Err(unknown) => return Err(invalid("start", unknown)),
    };
    Ok((from, resumed))
}

/// Who makes cgroups.
pub fn cgroup_manager(
    value: std::result::Result<schema::CgroupManager, capnp::NotInSchema>,
) -> Result<CgroupManager> {
    match value {
        Ok(schema::CgroupManager::Systemd) => Ok(CgroupManager::Systemd),
        Ok(schema::CgroupManager::Cgroupfs) => Ok(CgroupManager::Cgroupfs),
        Err(unknown) => Err(invalid("cgroupManager", unknown)),
    }
}

/// Log sinks. The path of journald has no meaning and may be empty.
pub fn log_drivers(
    value: capnp::Result<capnp::struct_list::Reader<'_, schema::log_driver::Owned>>,
) -> Result<Vec<LogTarget>> {
    use schema::log_driver::Type;
    let file = |driver: schema::log_driver::Reader<'_>, format| -> Result<LogTarget> {
        Ok(LogTarget::File(LogFileTarget {
            path: path("logDrivers.path", driver.get_path())?,
            format,
            max_size: NonZeroU64::new(driver.get_max_size()),
            max_files: None,
        }))
    };
    let target = |driver: schema::log_driver::Reader<'_>| match driver.get_type() {
        Ok(Type::ContainerRuntimeInterface) => file(driver, LogFormat::Cri),
        Ok(Type::Json) => file(driver, LogFormat::Json),
        Ok(Type::Journald) => Ok(LogTarget::Journald),
        Err(unknown) => Err(invalid("logDrivers.type", unknown)),
    };
    let targets: Vec<_> = value
        .map_err(|error| invalid("logDrivers", error))?
        .iter()
        .map(target)
        .collect::<Result<_>>()?;
    for (index, target) in targets.iter().enumerate() {
        if targets[..index].iter().any(|other| other.path() == target.path()) {
            let place = target.path().unwrap_or(Path::new("journald")).display();
            return Err(invalid("logDrivers", format!("two of them write to {place}")));
        }
    }
    Ok(targets)
}

/// What is done when a container has ended.
pub fn ending(request: schema::create_container_request::Reader<'_>) -> Result<Ending> {
    Ok(Ending {
        exit_paths: paths("exitPaths", request.get_exit_paths())?,
        oom_exit_paths: paths("oomExitPaths", request.get_oom_exit_paths())?,
        cleanup_command: texts("cleanupCmd", request.get_cleanup_cmd())?,
    })
}

/// A pod's namespaces.
pub fn namespaces(request: schema::create_namespaces_request::Reader<'_>) -> Result<NamespacesRequest> {
    let pod_id = PodId::parse(&text("podId", request.get_pod_id())?)?;
    let base = match text("basePath", request.get_base_path())? {
        empty if empty.is_empty() => NamespacesRequest::DEFAULT_BASE.into(),
        base => absolute("basePath", base)?,
    };
    let mut kinds = NewNamespaces::default();
    for kind in request
        .get_namespaces()
        .map_err(|error| invalid("namespaces", error))?
    {
        let kind = match kind.map_err(|unknown| invalid("namespaces", unknown))? {
            schema::Namespace::Ipc => Kind::Ipc,
            schema::Namespace::Net => Kind::Net,
            schema::Namespace::Pid => Kind::Pid,
            schema::Namespace::User => Kind::User,
            schema::Namespace::Uts => Kind::Uts,
        };
        kind.add_to(&mut kinds);
    }
    // Without a user namespace there is nothing to map, and conmon-rs looks at no mapping.
    let ids = if kinds.user {
        let users = texts("uidMappings", request.get_uid_mappings())?;
        let groups = texts("gidMappings", request.get_gid_mappings())?;
        Some(IdMaps {
            users: IdMap::parse("uidMappings", &users)?,
            groups: IdMap::parse("gidMappings", &groups)?,
        })
    } else {
        None
    };
    Ok(NamespacesRequest {
        pod_id,
        base,
        kinds,
        ids,
    })
}

/// An error about one field of a request.
pub fn invalid(field: &str, why: impl std::fmt::Display) -> Error {
    Error::new(Code::InvalidArgument, format!("{field}: {why}"))
}

fn absolute(field: &str, text: String) -> Result<PathBuf> {
    if Path::new(&text).is_absolute() {
        Ok(text.into())
    } else {
        Err(invalid(field, format!("{text:?} is not an absolute path")))
    }
}
