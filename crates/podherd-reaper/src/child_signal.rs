//! When SIGCHLD came, for the time that ended children wait: the event loop hears of it only when it has come round.

use std::io;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};

/// When the first SIGCHLD since the last [`take`] came; 0: none has.
static FIRST: AtomicU64 = AtomicU64::new(0);

/// The handler is there once for the process, whatever reapers come and go.
static HANDLER: OnceLock<()> = OnceLock::new();

/// Has the time of SIGCHLDs noted from now on.
pub(crate) fn note() -> io::Result<()> {
    if HANDLER.get().is_some() {
        return Ok(());
    }
    let handler = || {
        let _ = FIRST.compare_exchange(0, now(), Ordering::Relaxed, Ordering::Relaxed);
    };
    // SAFETY: the handler does nothing but what is allowed in one (signal-safety(7)): clock_gettime and an atomic.
    unsafe { signal_hook_registry::register(libc::SIGCHLD, handler)? };
    let _ = HANDLER.set(());
    Ok(())
}

/// When the first SIGCHLD came that nobody has taken yet, by [`now`]. It is nobody's from then on.
pub(crate) fn take() -> Option<u64> {
    Some(FIRST.swap(0, Ordering::Relaxed)).filter(|time| *time != 0)
}

/// Nanoseconds by the monotonic clock; never 0.
pub(crate) fn now() -> u64 {
    let mut time = libc::timespec {
        tv_sec: 0,
        tv_nsec: 0,
    };
    // SAFETY: `time` is writable and lives as long as the call, which can't fail for this clock.
    unsafe { libc::clock_gettime(libc::CLOCK_MONOTONIC, &raw mut time) };
    let (seconds, nanos) = (time.tv_sec.unsigned_abs(), time.tv_nsec.unsigned_abs());
    (seconds * 1_000_000_000 + nanos).max(1)
}
