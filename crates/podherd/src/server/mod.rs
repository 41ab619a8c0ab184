//! The server: puts the parts together, serves until it is told to end, and leaves nothing behind.

mod build_data;
mod connections;
mod ending;
mod idle;
mod logging;
mod quiet;
mod start;
mod stats;
mod transport;
mod usage;

use std::cell::Cell;
use std::io;
use std::rc::Rc;
use std::time::SystemTime;

use podherd_reaper::{ReapLoop, Reaper};
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::Notify;
use tokio::task::LocalSet;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::attach::AttachSockets;
use crate::cgroup::{Hierarchies, OomEvents};
use crate::cli::Cli;
use crate::container::{Pod, Store};
use crate::disk::Disk;
use crate::error::{Code, Error, Result};
use crate::events::Events;
use crate::fd_socket::FdSocket;
use crate::journal::{Journal, Survivor};
use crate::namespaces::Namespaces;
use crate::sessions::Sessions;
use crate::stdio::{Budget, BufferPool};
use crate::streaming::Streaming;

pub use build_data::BuildData;
use connections::Connections;
pub(crate) use quiet::ProgramText;
pub use start::{READY, Ready, Start};
pub use stats::ServerStats;
pub use transport::Outbox;
pub use usage::ProcessUsage;

/// Runs a server to its end.
pub fn run(start: Start) -> Result<()> {
    logging::start(start.cli.log_driver, start.cli.log_level);
    let end_traces = export_traces(&start.cli);
    protect_from_oom_killer();
    raise_descriptor_limit();
    let failed = |error: io::Error| Error::from_io(Code::Internal, "starting the event loop", &error);
    let event_loop = tokio::runtime::Builder::new_current_thread()
        .enable_io()
        .enable_time()
        .build()
        .map_err(failed)?;
    let served = LocalSet::new().block_on(&event_loop, serve(start));
    end_traces();
    served
}

/// Starts exporting traces where that was asked for; what it returns ends it. Traces that can't be exported are
/// no reason not to start.
fn export_traces(cli: &Cli) -> impl FnOnce() + use<> {
    #[cfg(feature = "tracing-export")]
    let export = cli
        .enable_tracing
        .then(|| crate::traces::Export::start(&cli.tracing_endpoint))
        .and_then(|started| {
            started
                .inspect_err(|error| tracing::error!(%error, endpoint = cli.tracing_endpoint, "no traces are exported"))
                .ok()
        });
    #[cfg(not(feature = "tracing-export"))]
    if cli.enable_tracing {
        tracing::warn!(
            "this build has no OpenTelemetry exporter (feature tracing-export): nothing goes to {}",
            cli.tracing_endpoint
        );
    }
    move || {
        #[cfg(feature = "tracing-export")]
        if let Some(export) = export {
            export.end();
        }
    }
}

async fn serve(start: Start) -> Result<()> {
    let failed = |error: io::Error| Error::from_io(Code::Internal, "starting", &error);
    let (reaper, reap_loop) = Reaper::new(start.children).map_err(failed)?;
    let mut why = Reasons::listen(start.lease, reap_loop).map_err(failed)?;
    let disk = Disk::new();
    let (journal, survivors) = Journal::open(&disk, start.runtime_dir.path())
        .await
        .map_err(|error| {
            let what = format!("the journal in {}", start.runtime_dir.path().display());
            Error::new(Code::RuntimeDirUnusable, format!("{what}: {error}"))
        })?;
    tell_of_earlier_life(&journal, &survivors);
    let namespaces = Namespaces::open(start.runtime_dir.path());
    let changed = Rc::new(Notify::new());
    let limits = &start.cli.limits;
    let fd_socket = FdSocket::new(&start.runtime_dir, limits.fd_connections, limits.fd_slots);
    let events = Events::new(
        limits.events_kept.get(),
        limits.events_kept_bytes,
        limits.event_watches,
    );
    let events = events.map_err(failed)?;
    let pod = Rc::new(Pod {
        reaper,
        runtime: start.runtime,
        runtime_dir: start.runtime_dir,
        disk,
        journal,
        hierarchies: Hierarchies::mounted().map_err(failed)?,
        oom_events: OomEvents::default(),
        containers: Store::new(start.cli.limits.ended_containers, changed.clone()),
        events,
        namespaces,
        buffers: BufferPool::default(),
        exec_output: Budget::new(
            start.cli.limits.exec_output_total_bytes,
            start.cli.limits.exec_output_bytes,
        ),
        fd_socket,
        sessions: Sessions::new(limits.sessions),
        streaming: Streaming::new(&start.cli.limits),
        limits: start.cli.limits,
        attach: AttachSockets::default(),
        tasks: TaskTracker::new(),
        ending: CancellationToken::new(),
        next_name: Cell::new(1),
        asked_to_end: Notify::new(),
        started_at: SystemTime::now(),
        next_exec: Cell::new(1),
        connections: Rc::default(),
        asked: Notify::new(),
    });
    let connections = Connections::listen(pod.clone(), changed.clone())?;
    let pid_file = start
        .ready
        .in_background()
        .then(|| ending::PidFile::write(&pod.runtime_dir))
        .transpose()?;
    tracing::info!(pid = std::process::id(), runtime = %pod.runtime.path().display(), directory = %pod.runtime_dir.path().display(), "listening");
    start.ready.announce();

    let reason = tokio::select! {
        reason = why.next() => reason,
        () = connections.accept() => "the socket failed",
        () = quiet::trim_when_quiet(&pod.asked) => "never",
        () = pod.asked_to_end.notified() => "a client asked for it",
        () = idle::idle_for(start.cli.idle_exit, &pod, &connections, &changed) => "idle",
    };
    tracing::info!(reason, "ending");
    let within = pod.limits.shutdown_timeout;
    ending::end(&pod, connections, within, why.next()).await;
    drop(pid_file);
    Ok(())
}

/// Says which containers an earlier server has left. Those that live go on by the kernel's rules and stay in
/// the journal; of those that have ended since, nobody can know how.
fn tell_of_earlier_life(journal: &Journal, survivors: &[Survivor]) {
    let boot_id = std::fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap_or_default();
    for survivor in survivors {
        let bundle = survivor.bundle.display();
        let pid = survivor.pid.unsigned_abs();
        if survivor.boot_id == boot_id.trim_end() && podherd_reaper::is_alive(pid, survivor.start_time) {
            tracing::warn!(container = %survivor.id, pid, %bundle, "a container of an earlier server lives; it is not watched");
        } else {
            tracing::warn!(container = %survivor.id, pid, %bundle, "a container of an earlier server ended while no server watched it");
            journal.forget(&survivor.id);
        }
    }
}

/// What ends a server.
struct Reasons {
    terminate: Signal,
    interrupt: Signal,
    hangup: Signal,
    lease: Option<AsyncFd<std::os::fd::OwnedFd>>,
    reaping: tokio::task::JoinHandle<io::Error>,
}

impl Reasons {
    fn listen(lease: Option<std::os::fd::OwnedFd>, reap_loop: ReapLoop) -> io::Result<Self> {
        Ok(Self {
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
            hangup: signal(SignalKind::hangup())?,
            lease: lease
                .map(|lease| crate::readiness::register(lease, Interest::READABLE))
                .transpose()?,
            reaping: tokio::task::spawn_local(reap_loop.run()),
        })
    }

    /// The next reason to end; each lasting one is given once.
    async fn next(&mut self) -> &'static str {
        let lease_ended = async {
            match &self.lease {
                Some(lease) => drop(lease.readable().await),
                None => std::future::pending().await,
            }
        };
        let reason = tokio::select! {
            _ = self.terminate.recv() => return "SIGTERM",
            _ = self.interrupt.recv() => return "SIGINT",
            _ = self.hangup.recv() => return "SIGHUP",
            () = lease_ended => "the starter has gone",
            end = &mut self.reaping, if !self.reaping.is_finished() => {
                tracing::error!(code = %Code::Internal, ?end, "the reaper ended");
                return "the reaper failed";
            }
        };
        self.lease = None;
        reason
    }
}

/// A monitor that is killed for its containers' memory loses their exit states. Best effort: a
/// locked-down machine refuses it. Spawned programs get the inherited score back.
fn protect_from_oom_killer() {
    if let Err(error) = std::fs::write("/proc/self/oom_score_adj", "-1000") {
        tracing::debug!(%error, "the server's OOM score stays as it was inherited");
    }
}

/// Each container needs some descriptors. Spawned programs get the inherited limit back.
fn raise_descriptor_limit() {
    use rustix::process::{Resource, getrlimit, setrlimit};
    let mut limit = getrlimit(Resource::Nofile);
    limit.current = limit.maximum;
    if let Err(error) = setrlimit(Resource::Nofile, limit) {
        tracing::debug!(%error, "the limit on descriptors stays as it was inherited");
    }
}
