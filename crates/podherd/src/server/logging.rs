//! The server's own log: one line per event, with the container's id and an error code.

mod journald;

use std::sync::atomic::{AtomicBool, Ordering};

use tracing::level_filters::LevelFilter;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

use crate::cli::{LogDriver, LogLevel};
use journald::JournaldLayer;

/// Whether the log goes to standard error, which must then stay open in the background.
static ON_STDERR: AtomicBool = AtomicBool::new(false);

/// Starts logging. Without journald the driver `systemd` falls back to standard error: a log that
/// can't be had is no reason not to start.
pub fn start(driver: LogDriver, level: LogLevel) {
    let level = match level {
        LogLevel::Trace => LevelFilter::TRACE,
        LogLevel::Debug => LevelFilter::DEBUG,
        LogLevel::Info => LevelFilter::INFO,
        LogLevel::Warn => LevelFilter::WARN,
        LogLevel::Error => LevelFilter::ERROR,
        LogLevel::Off => return,
    };
    let lines = tracing_subscriber::fmt()
        .with_max_level(level)
        .with_ansi(false)
        .with_target(false);
    match driver {
        LogDriver::None => {}
        LogDriver::Stdout => lines.init(),
        LogDriver::Systemd => match JournaldLayer::open() {
            Ok(journald) => tracing_subscriber::registry().with(level).with(journald).init(),
            Err(error) => {
                ON_STDERR.store(true, Ordering::Relaxed);
                lines.with_writer(std::io::stderr).init();
                tracing::warn!(%error, "journald is not there; logging to standard error");
            }
        },
    }
}

/// Whether standard error is in use.
pub fn uses_stderr() -> bool {
    ON_STDERR.load(Ordering::Relaxed)
}
