//! The clock in which `/proc` tells when a process started.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use rustix::param::clock_ticks_per_second;
use rustix::time::{ClockId, clock_gettime};

/// Clock ticks since boot (`proc_pid_stat(5)`, field 22): 10 ms each on all common kernels.
pub(crate) type Ticks = u64;

/// Time since boot, sleep included: what start times are counted in.
fn since_boot() -> Duration {
    let now = clock_gettime(ClockId::Boottime);
    Duration::new(now.tv_sec.unsigned_abs(), u32::try_from(now.tv_nsec).unwrap_or(0))
}

/// The present tick.
pub(crate) fn now() -> Ticks {
    ticks(since_boot())
}

/// `at` in ticks, rounded down as the kernel does.
fn ticks(at: Duration) -> Ticks {
    let per_second = u128::from(clock_ticks_per_second());
    Ticks::try_from(at.as_nanos() * per_second / 1_000_000_000).unwrap_or(Ticks::MAX)
}

/// Where boot lies on the wall clock. It moves when somebody sets the clock.
pub(crate) fn boot_on_wall_clock() -> Duration {
    let mut boot = Duration::ZERO;
    for _ in 0..MOST_READINGS {
        let before = since_boot();
        let wall = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        boot = wall.saturating_sub(before);
        // Else another process had the CPU between the two clocks.
        if since_boot() - before < CLOSE_TOGETHER {
            break;
        }
    }
    boot
}

const CLOSE_TOGETHER: Duration = Duration::from_millis(1);

/// On a machine that is never quick enough, the last reading has to do.
const MOST_READINGS: usize = 20;

/// The last tick at which a process may have started whose pid was in a file of this `mtime`. A
/// file's time lags behind by up to a tick of the kernel, and start times are rounded down.
pub(crate) fn latest_start(mtime: SystemTime) -> Ticks {
    let wall = mtime.duration_since(UNIX_EPOCH).unwrap_or_default();
    ticks(wall.saturating_sub(boot_on_wall_clock()) + COARSENESS)
}

/// A tick of the slowest common kernel (HZ=100), for the file's time, and one for the conversion.
const COARSENESS: Duration = Duration::from_millis(20);
