//! What the server's own process uses, as the kernel tells it.

use std::fs;
use std::io;
use std::time::Duration;

/// Resources of this process at a moment. What the kernel does not tell is 0.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ProcessUsage {
    /// Processor time in the program (getrusage(2)).
    pub user: Duration,
    /// Processor time in the kernel, for it.
    pub system: Duration,
    /// Bytes in memory, files that are mapped included.
    pub resident: u64,
    /// Bytes of them without a file behind them.
    pub anonymous: u64,
    /// Open descriptors.
    pub descriptors: u64,
    /// Threads.
    pub threads: u64,
}

impl ProcessUsage {
    /// Of this process, now.
    pub fn now() -> Self {
        let (user, system) = processor_time();
        let (resident, anonymous, threads) =
            memory_and_threads(&fs::read_to_string("/proc/self/status").unwrap_or_default());
        Self {
            user,
            system,
            resident,
            anonymous,
            descriptors: descriptors().unwrap_or(0),
            threads,
        }
    }
}

fn processor_time() -> (Duration, Duration) {
    // SAFETY: all zeros is a valid rusage.
    let mut usage: libc::rusage = unsafe { std::mem::zeroed() };
    // SAFETY: `usage` is writable and lives as long as the call.
    if unsafe { libc::getrusage(libc::RUSAGE_SELF, &raw mut usage) } != 0 {
        return Default::default();
    }
    let duration = |time: libc::timeval| {
        let micros = u64::try_from(time.tv_usec).unwrap_or(0);
        Duration::from_secs(u64::try_from(time.tv_sec).unwrap_or(0)) + Duration::from_micros(micros)
    };
    (duration(usage.ru_utime), duration(usage.ru_stime))
}

/// Reads the form of /proc/PID/status, see proc(5): resident bytes, those that are anonymous, threads.
fn memory_and_threads(status: &str) -> (u64, u64, u64) {
    let field = |name: &str| {
        let line = status
            .lines()
            .find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
        let number = line.and_then(|line| line.split_ascii_whitespace().next()?.parse::<u64>().ok());
        number.unwrap_or(0)
    };
    let kilobytes = |name| field(name).saturating_mul(1024);
    (kilobytes("VmRSS"), kilobytes("RssAnon"), field("Threads"))
}

fn descriptors() -> io::Result<u64> {
    // Since Linux 6.2 the directory's size is their number.
    match fs::metadata("/proc/self/fd")?.len() {
        // Without the one that is open to look.
        0 => Ok((fs::read_dir("/proc/self/fd")?.count() as u64).saturating_sub(1)),
        count => Ok(count),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_status_is_read_and_what_is_not_there_is_0() {
        let text =
            "Name:\tpodherd\nVmHWM:\t    2000 kB\nVmRSS:\t    1400 kB\nRssAnon:\t     200 kB\nThreads:\t3\n";
        assert_eq!(memory_and_threads(text), (1400 * 1024, 200 * 1024, 3));
        assert_eq!(memory_and_threads(""), (0, 0, 0));
        assert_eq!(memory_and_threads("VmRSS:\nRssAnon: x kB\nThreads\n"), (0, 0, 0));
        let huge = format!("VmRSS: {} kB", u64::MAX);
        assert_eq!(memory_and_threads(&huge).0, u64::MAX);
    }

    #[test]
    fn this_process_uses_something() {
        let before = ProcessUsage::now();
        assert!(before.resident > before.anonymous && before.anonymous > 0);
        assert!(before.threads >= 1);
        // Other tests run beside this one: at least these are more.
        let files: Vec<_> = (0..500).map(|_| fs::File::open("/dev/null").unwrap()).collect();
        let mut sum = 0_u64;
        while ProcessUsage::now().user <= before.user {
            sum = std::hint::black_box(sum + 1);
        }
        assert!(ProcessUsage::now().descriptors >= files.len() as u64);
    }
}
