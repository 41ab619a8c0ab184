//! The command line: the flags that conmon-rs's clients use, and ours. Each flag is also an
//! environment variable `CONMON_…` (ours: `PODHERD_…`).

use std::num::NonZeroUsize;
use std::os::fd::RawFd;
use std::path::PathBuf;
use std::time::Duration;

use clap::{Parser, Subcommand, ValueEnum};

use crate::commands::ClientCommand;
use crate::namespaces::Pause;
use crate::preflight::Validate;

/// Container monitor: one server per pod that spawns an OCI runtime, owns every process that comes
/// of it, and keeps streams, logs and exit states.
#[derive(Debug, Parser)]
#[command(name = "podherd", disable_version_flag = true, subcommand_negates_reqs = true)]
pub struct Cli {
    /// The OCI runtime's binary, for example /usr/sbin/runc
    #[arg(short, long, env = "CONMON_RUNTIME", value_name = "PATH", required_unless_present_any = ["version", "version_json"])]
    pub runtime: Option<PathBuf>,

    /// Directory of this server's sockets and records; made if absent
    #[arg(long, env = "CONMON_RUNTIME_DIR", value_name = "DIR", required_unless_present_any = ["version", "version_json"])]
    pub runtime_dir: Option<PathBuf>,

    /// Root directory of the runtime's own state (the runtime's default if not given)
    #[arg(long, env = "CONMON_RUNTIME_ROOT", value_name = "DIR")]
    pub runtime_root: Option<PathBuf>,

    /// How much the server says
    #[arg(short, long, env = "CONMON_LOG_LEVEL", value_enum, default_value_t = LogLevel::Info)]
    pub log_level: LogLevel,

    /// Where the server's own log goes
    #[arg(short = 'd', long, env = "CONMON_LOG_DRIVER", value_enum, default_value_t = LogDriver::Systemd)]
    pub log_driver: LogDriver,

    /// Stay in the foreground
    #[arg(long, env = "CONMON_SKIP_FORK")]
    pub skip_fork: bool,

    /// Export OpenTelemetry traces; a build without the feature tracing-export logs a warning
    #[arg(short, long, env = "CONMON_ENABLE_TRACING")]
    pub enable_tracing: bool,

    /// Collector that they go to: OTLP over gRPC, without TLS
    #[arg(
        short,
        long,
        env = "CONMON_TRACING_ENDPOINT",
        value_name = "URL",
        default_value = "http://127.0.0.1:4317"
    )]
    pub tracing_endpoint: String,

    /// Print what this binary was built from
    #[arg(short, long, value_enum, num_args = 0..=1, require_equals = true, default_missing_value = "default")]
    pub version: Option<VersionDetail>,

    /// The same as one JSON object
    #[arg(short = 'j', long, value_enum, num_args = 0..=1, require_equals = true, default_missing_value = "default")]
    pub version_json: Option<VersionDetail>,

    /// Descriptor that gets one line once the server listens
    #[arg(long, env = "PODHERD_READY_FD", value_name = "FD")]
    pub ready_fd: Option<RawFd>,

    /// Read end of a pipe: the server ends when the other end is closed
    #[arg(long, env = "PODHERD_LEASE_FD", value_name = "FD")]
    pub lease_fd: Option<RawFd>,

    /// End the server when it has had no living container and no client for this many seconds
    #[arg(long, env = "PODHERD_IDLE_EXIT", value_name = "SECONDS", value_parser = seconds)]
    pub idle_exit: Option<Duration>,

    /// How the server bounds its work.
    #[command(flatten)]
    pub limits: Limits,

    /// Another program than the server.
    #[command(subcommand)]
    pub command: Option<Command>,
}

/// What the binary is besides the server.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Hold a pod's namespaces; the server starts this itself
    Pause(Pause),
    /// Say what is wrong with a bundle, as far as it can be known without the runtime
    Validate(Validate),

    /// What needs no server of its own
    #[command(flatten)]
    Client(ClientCommand),
}

/// Bounds, each with its default. Times are in seconds, fractions allowed, by the monotonic clock.
#[derive(Clone, Debug, clap::Args)]
pub struct Limits {
    /// Seconds that one run of the runtime may take before it is killed
    #[arg(long, env = "PODHERD_RUNTIME_TIMEOUT", value_name = "SECONDS", value_parser = seconds, default_value = "120")]
    pub runtime_timeout: Duration,

    /// Seconds that the runtime may take to hand a terminal over
    #[arg(long, env = "PODHERD_CONSOLE_TIMEOUT", value_name = "SECONDS", value_parser = seconds, default_value = "10")]
    pub console_timeout: Duration,

    /// Seconds without progress after which the output of an ended process is given up
    #[arg(long, env = "PODHERD_DRAIN_TIMEOUT", value_name = "SECONDS", value_parser = seconds, default_value = "2")]
    pub drain_timeout: Duration,

    /// Seconds that the shutdown may take
    #[arg(long, env = "PODHERD_SHUTDOWN_TIMEOUT", value_name = "SECONDS", value_parser = seconds, default_value = "8")]
    pub shutdown_timeout: Duration,

    /// Bytes kept of each output stream of an exec
    #[arg(long, env = "PODHERD_EXEC_OUTPUT_BYTES", value_name = "BYTES", default_value_t = 16 << 20)]
    pub exec_output_bytes: usize,

    /// Bytes kept of the output of all execs together
    #[arg(long, env = "PODHERD_EXEC_OUTPUT_TOTAL_BYTES", value_name = "BYTES", default_value_t = 256 << 20)]
    pub exec_output_total_bytes: usize,

    /// Bytes of output that an attach client may be behind before it is disconnected
    #[arg(long, env = "PODHERD_ATTACH_BEHIND_BYTES", value_name = "BYTES", default_value_t = 1 << 20)]
    pub attach_behind_bytes: usize,

    /// Sessions (exec and attach over the connection) that may be open at once
    #[arg(long, env = "PODHERD_SESSIONS", value_name = "COUNT", default_value_t = 1024)]
    pub sessions: usize,

    /// Seconds that a client has to come with the token of a streaming URL
    #[arg(long, env = "PODHERD_STREAMING_TOKEN_TIMEOUT", value_name = "SECONDS", value_parser = seconds, default_value = "60")]
    pub streaming_token_timeout: Duration,

    /// Streaming sessions that may be open or asked for at once
    #[arg(
        long,
        env = "PODHERD_STREAMING_TOKENS",
        value_name = "COUNT",
        default_value_t = 1024
    )]
    pub streaming_tokens: usize,

    /// Ended containers whose exit state is kept
    #[arg(
        long,
        env = "PODHERD_ENDED_CONTAINERS",
        value_name = "COUNT",
        default_value_t = 1024
    )]
    pub ended_containers: usize,

    /// Events kept for watchers that come back
    #[arg(
        long,
        env = "PODHERD_EVENTS_KEPT",
        value_name = "COUNT",
        default_value = "4096"
    )]
    pub events_kept: NonZeroUsize,

    /// Bytes of the events that are kept; the latest one is kept in any case
    #[arg(long, env = "PODHERD_EVENTS_KEPT_BYTES", value_name = "BYTES", default_value_t = 2 << 20)]
    pub events_kept_bytes: usize,

    /// Watches of events at once
    #[arg(
        long,
        env = "PODHERD_EVENT_WATCHES",
        value_name = "COUNT",
        default_value_t = 4096
    )]
    pub event_watches: usize,

    /// Connections that may have said nothing yet; past it the longest silent is closed
    #[arg(
        long,
        env = "PODHERD_CONNECTIONS",
        value_name = "COUNT",
        default_value_t = 256
    )]
    pub connections: usize,

    /// Further connections, for those that have spoken; past it newcomers are refused
    #[arg(
        long,
        env = "PODHERD_CONNECTIONS_KEPT",
        value_name = "COUNT",
        default_value_t = 16
    )]
    pub connections_kept: usize,

    /// Calls in flight on one connection
    #[arg(
        long,
        env = "PODHERD_CALLS_PER_CONNECTION",
        value_name = "COUNT",
        default_value_t = 8192
    )]
    pub calls_per_connection: usize,

    /// Bytes of one message
    #[arg(long, env = "PODHERD_MESSAGE_BYTES", value_name = "BYTES", default_value_t = 64 << 20)]
    pub message_bytes: usize,

    /// Seconds that the rest of a message may stay away
    #[arg(long, env = "PODHERD_MESSAGE_TIMEOUT", value_name = "SECONDS", value_parser = seconds, default_value = "10")]
    pub message_timeout: Duration,

    /// Bytes of answers that wait for one client; past it nothing more is read from it
    #[arg(long, env = "PODHERD_UNREAD_BYTES", value_name = "BYTES", default_value_t = 1 << 20)]
    pub unread_bytes: usize,

    /// Seconds that a client may take nothing of its answers
    #[arg(long, env = "PODHERD_UNREAD_TIMEOUT", value_name = "SECONDS", value_parser = seconds, default_value = "60")]
    pub unread_timeout: Duration,

    /// Clients of the fd socket at once
    #[arg(
        long,
        env = "PODHERD_FD_CONNECTIONS",
        value_name = "COUNT",
        default_value_t = 64
    )]
    pub fd_connections: usize,

    /// Descriptors that were sent over the fd socket and that no call has taken yet
    #[arg(long, env = "PODHERD_FD_SLOTS", value_name = "COUNT", default_value_t = 1024)]
    pub fd_slots: usize,
}

/// Levels of the server's own log.
#[derive(Clone, Copy, Debug, ValueEnum)]
#[allow(
    missing_docs,
    reason = "the names say it all, and clap would print the text as help"
)]
pub enum LogLevel {
    Trace,
    Debug,
    Info,
    Warn,
    Error,
    Off,
}

/// Drivers of the server's own log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum LogDriver {
    /// Nowhere
    None,
    /// Standard output
    Stdout,
    /// systemd-journald; standard error where there is no journal
    Systemd,
}

/// How much `--version` prints.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum VersionDetail {
    /// What a bug report needs
    Default,
    /// The dependency tree too
    Full,
}

/// A time above zero, in seconds.
pub fn seconds(text: &str) -> Result<Duration, String> {
    let number: f64 = text
        .parse()
        .map_err(|_| format!("{text:?} is not a number of seconds"))?;
    Duration::try_from_secs_f64(number)
        .ok()
        .filter(|duration| !duration.is_zero())
        .ok_or_else(|| format!("{text} seconds is not a time above zero"))
}
