//! Figures as messages.

use std::time::Duration;

use podherd_schema::podherd_capnp::podherd as schema;

use super::write::timestamp;
use super::{LARGE, Service, read};
use crate::cgroup::{Pressure, Version};
use crate::container::{self, ContainerStats};
use crate::error::Result;
use crate::server::ServerStats;

/// About what one container's figures take in an answer.
const CONTAINER_BYTES: usize = 640;

/// Answers `stats`.
pub async fn answer(
    service: &Service,
    params: schema::stats_params::Reader<'_>,
    mut results: schema::stats_results::Builder<'_>,
) -> capnp::Result<()> {
    let ids = params.get_ids()?.iter().map(read::id).collect::<Result<_>>()?;
    let found = container::stats(&service.pod, ids).await?;
    let large = found.len() * CONTAINER_BYTES > LARGE;
    let _turn = if large { service.outbox.turn().await } else { None };
    server(&ServerStats::now(&service.pod), results.reborrow().init_server());
    let mut to = results.init_containers(found.len() as u32);
    for (index, stats) in found.iter().enumerate() {
        container(stats, to.reborrow().get(index as u32));
    }
    Ok(())
}

/// One container's.
fn container(stats: &ContainerStats, mut to: schema::container_stats::Builder<'_>) {
    to.set_id(stats.id.as_str());
    timestamp(Some(stats.at), to.reborrow().init_at());
    to.set_cgroup_version(match stats.cgroup.version {
        None => 0,
        Some(Version::One) => 1,
        Some(Version::Two) => 2,
    });
    cpu(stats, to.reborrow().init_cpu());
    memory(stats, to.reborrow().init_memory());
    io(stats, to.reborrow().init_io());
    let mut pids = to.reborrow().init_pids();
    pids.set_current(stats.cgroup.pids.current);
    pids.set_limit(stats.cgroup.pids.limit);
    let mut log = to.init_log();
    log.set_bytes(stats.output.bytes);
    log.set_dropped_bytes(stats.output.dropped);
    log.set_held_back_nanos(nanos(stats.output.held_back));
}

/// The server's.
fn server(stats: &ServerStats, mut to: schema::server_stats::Builder<'_>) {
    let usage = &stats.usage;
    timestamp(Some(stats.at), to.reborrow().init_at());
    to.set_user_nanos(nanos(usage.user));
    to.set_system_nanos(nanos(usage.system));
    to.set_resident_bytes(usage.resident);
    to.set_anonymous_bytes(usage.anonymous);
    to.set_descriptors(small(usage.descriptors));
    to.set_threads(small(usage.threads));
    to.set_connections(small(stats.connections));
    to.set_containers(small(stats.containers));
    to.set_living(small(stats.living));
    to.set_execs(small(stats.execs));
    to.set_event_watches(small(stats.event_watches));
    to.set_next_sequence(stats.next_sequence);
}

fn cpu(stats: &ContainerStats, mut to: schema::container_stats::cpu::Builder<'_>) {
    let cpu = &stats.cgroup.cpu;
    to.set_usage_nanos(nanos(cpu.usage));
    to.set_user_nanos(nanos(cpu.user));
    to.set_system_nanos(nanos(cpu.system));
    to.set_periods(cpu.periods);
    to.set_throttled_periods(cpu.throttled_periods);
    to.set_throttled_nanos(nanos(cpu.throttled));
    pressure(&cpu.pressure, to.init_pressure());
}

fn memory(stats: &ContainerStats, mut to: schema::container_stats::memory::Builder<'_>) {
    let memory = &stats.cgroup.memory;
    to.set_usage_bytes(memory.usage);
    to.set_working_set_bytes(memory.working_set);
    to.set_anonymous_bytes(memory.anonymous);
    to.set_file_bytes(memory.file);
    to.set_swap_bytes(memory.swap);
    to.set_peak_bytes(memory.peak);
    to.set_limit_bytes(memory.limit);
    to.set_oom_kills(stats.oom_kills);
    pressure(&memory.pressure, to.init_pressure());
}

fn io(stats: &ContainerStats, mut to: schema::container_stats::io::Builder<'_>) {
    let io = &stats.cgroup.io;
    to.set_read_bytes(io.read_bytes);
    to.set_write_bytes(io.write_bytes);
    to.set_read_operations(io.read_operations);
    to.set_write_operations(io.write_operations);
    pressure(&io.pressure, to.init_pressure());
}

fn pressure(pressure: &Pressure, mut to: schema::pressure::Builder<'_>) {
    let micros = |time: Duration| u64::try_from(time.as_micros()).unwrap_or(u64::MAX);
    to.set_available(pressure.available);
    to.set_some_total_micros(micros(pressure.some.total));
    to.set_full_total_micros(micros(pressure.full.total));
    to.set_some_avg10(pressure.some.average_10);
    to.set_full_avg10(pressure.full.average_10);
    to.set_some_avg60(pressure.some.average_60);
    to.set_full_avg60(pressure.full.average_60);
    to.set_some_avg300(pressure.some.average_300);
    to.set_full_avg300(pressure.full.average_300);
}

/// Nanoseconds: enough for 584 years.
pub fn nanos(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}

fn small(count: impl TryInto<u32>) -> u32 {
    count.try_into().unwrap_or(u32::MAX)
}
