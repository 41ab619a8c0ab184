//! What is known of a method by its number.

use std::collections::HashMap;

use capnp::any_pointer;
use capnp::capability::Params;
use opentelemetry::Context;
use opentelemetry::propagation::TextMapPropagator;
use opentelemetry_sdk::propagation::TraceContextPropagator;
use podherd_schema::conmon_capnp::conmon;
use podherd_schema::podherd_capnp::podherd;

/// By ordinal, as in schema/conmon.capnp.
const CONMON: [&str; 11] = [
    "version",
    "createContainer",
    "execSyncContainer",
    "attachContainer",
    "reopenLogContainer",
    "setWindowSizeContainer",
    "createNamespaces",
    "startFdSocket",
    "serveExecContainer",
    "serveAttachContainer",
    "servePortForwardContainer",
];

/// By ordinal, as in schema/podherd.capnp.
const PODHERD: [&str; 16] = [
    "serverInfo",
    "start",
    "kill",
    "delete",
    "containerStatus",
    "listContainers",
    "waitContainer",
    "reaperStatus",
    "create",
    "stop",
    "exec",
    "attach",
    "watchEvents",
    "stats",
    "validateBundle",
    "shutdown",
];

const CONMON_ID: u64 = <conmon::Client as capnp::traits::HasTypeId>::TYPE_ID;
const PODHERD_ID: u64 = <podherd::Client as capnp::traits::HasTypeId>::TYPE_ID;

/// Whether this is an interface of the bootstrap capability.
pub fn is_bootstrap(interface: u64) -> bool {
    [CONMON_ID, PODHERD_ID].contains(&interface)
}

/// The names of an interface and of its method.
pub fn name(interface: u64, method: u16) -> (&'static str, &'static str) {
    let (service, names): (_, &[&str]) = match interface {
        CONMON_ID => ("Conmon", &CONMON),
        PODHERD_ID => ("Podherd", &PODHERD),
        _ => ("unknown", &[]),
    };
    (service, names.get(usize::from(method)).unwrap_or(&"unknown"))
}

/// The context that a request's metadata carries; an empty one where it carries none.
pub fn parent(metadata: &HashMap<String, String>) -> Context {
    TraceContextPropagator::new().extract_with_context(&Context::new(), metadata)
}

/// What a span takes from a request.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Request {
    /// Keys in lower case.
    pub metadata: HashMap<String, String>,
    /// The container's id, where the method has one.
    pub container: Option<String>,
}

impl Request {
    /// What can't be read is left out: the call itself will say so.
    pub fn read(interface: u64, method: u16, params: &Params<any_pointer::Owned>) -> Self {
        let Ok(params) = params.get() else {
            return Self::default();
        };
        let read = match interface {
            CONMON_ID => Self::of_conmon(method, params),
            PODHERD_ID => Self::of_podherd(method, params),
            _ => return Self::default(),
        };
        read.unwrap_or_default()
    }

    fn of_conmon(method: u16, params: any_pointer::Reader<'_>) -> capnp::Result<Self> {
        /// The request of a method, and its container's id where it has one.
        macro_rules! request {
            ($params:ident) => {{
                let request = params
                    .get_as::<conmon::$params::Reader<'_>>()?
                    .get_request()?;
                Self::with(request.get_metadata(), None)
            }};
            ($params:ident, id) => {{
                let request = params
                    .get_as::<conmon::$params::Reader<'_>>()?
                    .get_request()?;
                Self::with(request.get_metadata(), Some(request.get_id()))
            }};
        }
        Ok(match method {
            0 => request!(version_params),
            1 => request!(create_container_params, id),
            2 => request!(exec_sync_container_params, id),
            3 => request!(attach_container_params, id),
            4 => request!(reopen_log_container_params, id),
            5 => request!(set_window_size_container_params, id),
            6 => request!(create_namespaces_params),
            7 => request!(start_fd_socket_params),
            8 => request!(serve_exec_container_params, id),
            9 => request!(serve_attach_container_params, id),
            10 => request!(serve_port_forward_container_params),
            _ => Self::default(),
        })
    }

    fn of_podherd(method: u16, params: any_pointer::Reader<'_>) -> capnp::Result<Self> {
        /// The context that a method's params carry, and its container's id where it has one.
        macro_rules! params {
            ($params:ident) => {{
                let params = params.get_as::<podherd::$params::Reader<'_>>()?;
                Self::with(params.get_metadata(), None)
            }};
            ($params:ident, id) => {{
                let params = params.get_as::<podherd::$params::Reader<'_>>()?;
                Self::with(params.get_metadata(), Some(params.get_id()))
            }};
            ($params:ident, request) => {{
                let request = params
                    .get_as::<podherd::$params::Reader<'_>>()?
                    .get_request()?;
                Self::with(request.get_metadata(), Some(request.get_id()))
            }};
        }
        Ok(match method {
            1 => params!(start_params, id),
            2 => params!(kill_params, id),
            3 => params!(delete_params, id),
            4 => params!(container_status_params, id),
            5 => params!(list_containers_params),
            6 => params!(wait_container_params, id),
            8 => {
                let params = params.get_as::<podherd::create_params::Reader<'_>>()?;
                let request = params.get_request()?.get_container()?;
                Self::with(request.get_metadata(), Some(request.get_id()))
            }
            9 => params!(stop_params, id),
            10 => params!(exec_params, request),
            11 => params!(attach_params, request),
            12 => params!(watch_events_params),
            13 => params!(stats_params),
            14 => params!(validate_bundle_params),
            15 => params!(shutdown_params),
            _ => Self::default(),
        })
    }

    fn with(
        metadata: capnp::Result<capnp::struct_list::Reader<'_, conmon::map_entry::Owned>>,
        id: Option<capnp::Result<capnp::text::Reader<'_>>>,
    ) -> Self {
        let entries = metadata.into_iter().flatten();
        let entry = |entry: conmon::map_entry::Reader<'_>| {
            Some((
                text(entry.get_key())?.to_ascii_lowercase(),
                text(entry.get_value())?,
            ))
        };
        Self {
            metadata: entries.filter_map(entry).collect(),
            container: id.and_then(text),
        }
    }
}

fn text(value: capnp::Result<capnp::text::Reader<'_>>) -> Option<String> {
    value.ok()?.to_str().ok().map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The methods of an interface in a schema, by ordinal.
    fn methods(schema: &str) -> Vec<String> {
        let method = |line: &str| {
            let (name, rest) = line.strip_prefix("    ")?.split_once(" @")?;
            let (ordinal, _) = rest.split_once(" (")?;
            // Indented further: a method of a capability that is handed out.
            (!name.starts_with(' ')).then_some((ordinal.parse::<usize>().ok()?, name.to_owned()))
        };
        let mut found: Vec<_> = schema.lines().filter_map(method).collect();
        found.sort();
        found.into_iter().map(|(_, name)| name).collect()
    }

    #[test]
    fn names_are_those_of_the_schema() {
        assert_eq!(
            CONMON[..],
            methods(include_str!("../../../../schema/conmon.capnp"))
        );
        assert_eq!(
            PODHERD[..],
            methods(include_str!("../../../../schema/podherd.capnp"))
        );
    }
}
