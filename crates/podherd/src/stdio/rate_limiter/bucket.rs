//! A token bucket. No clock here: moments come in.

use std::time::Duration;

use tokio::time::Instant;

use crate::stdio::reader::CHUNK;

/// What may be read of a container.
#[derive(Debug)]
pub struct Bucket {
    /// Bytes that come into it.
    per_second: u64,
    /// Bytes that it holds.
    size: u64,
    /// The least that is worth a read: a reader that wakes for each byte would cost more than what it reads.
    portion: u64,
    /// What is in it, in billionths of a byte, so that nothing is lost by rounding.
    level: u128,
    /// When that was.
    at: Instant,
}

const NANOS: u128 = 1_000_000_000;

impl Bucket {
    /// A full one. It holds at least what comes in a tenth of a second: timers are exact to a millisecond, and
    /// what comes in the meantime must have room.
    pub fn new(per_second: u64, burst: u64, now: Instant) -> Self {
        let per_second = per_second.max(1);
        let size = burst.max(per_second / 10).max(1);
        Self {
            per_second,
            size,
            portion: (per_second / 20).clamp(1, CHUNK as u64),
            level: u128::from(size) * NANOS,
            at: now,
        }
    }

    /// Whole bytes that are in it.
    pub fn available(&mut self, now: Instant) -> u64 {
        self.fill(now);
        u64::try_from(self.level / NANOS).unwrap_or(u64::MAX)
    }

    /// How long until there is enough for a read; none: there is.
    pub fn wait(&mut self, now: Instant) -> Option<Duration> {
        self.fill(now);
        let lacking = (u128::from(self.portion) * NANOS).checked_sub(self.level)?;
        let nanos = lacking.div_ceil(u128::from(self.per_second));
        (nanos > 0).then(|| Duration::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX)))
    }

    /// Takes out what was read; no more than was available.
    pub fn take(&mut self, bytes: u64) {
        self.level = self.level.saturating_sub(u128::from(bytes) * NANOS);
    }

    fn fill(&mut self, now: Instant) {
        let nanos = now.saturating_duration_since(self.at).as_nanos();
        let came = nanos.saturating_mul(u128::from(self.per_second));
        self.level = self.level.saturating_add(came).min(u128::from(self.size) * NANOS);
        self.at = self.at.max(now);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn a_burst_may_come_at_once_and_then_what_comes_in() {
        let start = Instant::now();
        let mut bucket = Bucket::new(1_000, 5_000, start);
        assert_eq!(bucket.available(start), 5_000);
        bucket.take(5_000);
        assert_eq!(bucket.available(start), 0);
        // A twentieth of a second's worth at once.
        assert_eq!(bucket.wait(start), Some(Duration::from_millis(50)));
        let later = start + Duration::from_millis(50);
        assert_eq!((bucket.wait(later), bucket.available(later)), (None, 50));
        bucket.take(20);
        assert_eq!(bucket.wait(later), Some(Duration::from_millis(20)));
        // It holds no more than the burst, however long nothing is read.
        assert_eq!(bucket.available(later + 3_600 * SECOND), 5_000);
    }

    #[test]
    fn nothing_is_lost_or_won_by_many_small_looks() {
        let start = Instant::now();
        let mut bucket = Bucket::new(7, 7, start);
        bucket.take(7);
        let mut read = 0;
        for step in 0..=1_000_000_u32 {
            let available = bucket.available(start + Duration::from_micros(100) * step);
            read += available;
            bucket.take(available);
        }
        assert_eq!(read, 700, "100 s at 7 bytes a second");
    }

    #[test]
    fn a_small_burst_holds_what_comes_between_two_timers() {
        let start = Instant::now();
        assert_eq!(Bucket::new(1_000_000, 1, start).available(start), 100_000);
        assert_eq!(Bucket::new(1, 1, start).available(start), 1);
    }

    #[test]
    fn numbers_without_sense_do_no_harm() {
        let start = Instant::now();
        let mut huge = Bucket::new(u64::MAX, u64::MAX, start);
        assert_eq!(huge.available(start), u64::MAX);
        huge.take(u64::MAX);
        huge.take(u64::MAX);
        assert!(
            huge.wait(start)
                .is_some_and(|wait| wait < Duration::from_millis(1))
        );
        assert_eq!(huge.available(start + 10_000_000 * SECOND), u64::MAX);
        let mut least = Bucket::new(0, 0, start);
        least.take(1);
        assert_eq!(least.wait(start), Some(SECOND));
        // A moment before the last one.
        assert_eq!(least.available(start.checked_sub(SECOND).unwrap_or(start)), 0);
    }
}
