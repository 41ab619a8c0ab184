//! What both interfaces' creates ask for.

use std::num::NonZeroU32;
use std::time::Duration;

use podherd_schema::conmon_capnp::conmon;
use podherd_schema::podherd_capnp::podherd;

use super::read;
use crate::container::{
    CreateRequest, FdSlots, Labels, Preflight, RateLimit, Settings, Stopping, check_signal,
};
use crate::error::Result;

/// The request of the compatible interface: everything beyond it as by default.
pub fn compatible(request: conmon::create_container_request::Reader<'_>) -> Result<CreateRequest> {
    Ok(CreateRequest {
        id: read::id(request.get_id())?,
        bundle: read::path("bundlePath", request.get_bundle_path())?,
        terminal: request.get_terminal(),
        stdin: request.get_stdin(),
        logs: read::log_drivers(request.get_log_drivers())?,
        ending: read::ending(request)?,
        global_args: read::texts("globalArgs", request.get_global_args())?,
        command_args: read::texts("commandArgs", request.get_command_args())?,
        env: read::env(request.get_env_vars())?,
        cgroup_manager: read::cgroup_manager(request.get_cgroup_manager())?,
        slots: FdSlots {
            additional: read::numbers("additionalFds", request.get_additional_fds())?,
            leaked: read::numbers("leakFds", request.get_leak_fds())?,
        },
        settings: Settings::default(),
        preflight: Preflight::default(),
    })
}

/// The request of ours.
pub fn ours(request: podherd::create_request::Reader<'_>) -> Result<CreateRequest> {
    let container = request
        .get_container()
        .map_err(|error| read::invalid("container", error))?;
    let compatible = compatible(container)?;
    let max_files = NonZeroU32::new(request.get_log_max_files());
    Ok(CreateRequest {
        logs: compatible
            .logs
            .into_iter()
            .map(|log| log.keeping(max_files))
            .collect(),
        settings: Settings {
            labels: Labels::new(read::map("labels", request.get_labels())?)?,
            stopping: stopping(request)?,
            rate_limit: rate_limit(request)?,
        },
        preflight: match request.get_preflight() {
            Ok(podherd::Preflight::Off) => Preflight::Off,
            Ok(podherd::Preflight::Warn) => Preflight::Warn,
            Ok(podherd::Preflight::Enforce) => Preflight::Enforce,
            Err(unknown) => return Err(read::invalid("preflight", unknown)),
        },
        ..compatible
    })
}

fn stopping(request: podherd::create_request::Reader<'_>) -> Result<Stopping> {
    let grace = Duration::from_millis(request.get_stop_grace_millis());
    let signal = match request.get_stop_signal() {
        0 => Stopping::default().signal,
        signal => read::signal("stopSignal", signal)?,
    };
    check_signal(signal)?;
    Ok(Stopping { signal, grace })
}

fn rate_limit(request: podherd::create_request::Reader<'_>) -> Result<Option<RateLimit>> {
    let limit = request
        .get_rate_limit()
        .map_err(|error| read::invalid("rateLimit", error))?;
    let per_second = limit.get_bytes_per_second();
    Ok((per_second > 0).then(|| RateLimit {
        bytes_per_second: per_second,
        burst_bytes: match limit.get_burst_bytes() {
            0 => per_second,
            burst => burst,
        },
    }))
}
