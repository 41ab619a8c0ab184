//! The latest events.

use std::collections::VecDeque;
use std::time::SystemTime;

use super::{Event, What};
use crate::container::ContainerId;

/// Keeps a bounded number of events; past a bound the oldest makes way. The latest one is kept whatever its size.
/// Memory grows with what is kept.
#[derive(Debug)]
pub struct Ring {
    events: VecDeque<Event>,
    /// What they cost together.
    bytes: usize,
    most: usize,
    most_bytes: usize,
    next: u64,
}

impl Ring {
    /// Keeps `most` events that cost at most `most_bytes` together.
    pub fn new(most: usize, most_bytes: usize) -> Self {
        Self {
            events: VecDeque::new(),
            bytes: 0,
            most,
            most_bytes,
            next: 1,
        }
    }

    /// The number of the next event.
    pub fn next(&self) -> u64 {
        self.next
    }

    /// The number of the oldest event that is kept; of the next one when there is none.
    pub fn first(&self) -> u64 {
        self.next - self.events.len() as u64
    }

    /// Adds an event.
    pub fn push(&mut self, container: ContainerId, at: SystemTime, what: What) {
        let event = Event {
            sequence: self.next,
            at,
            container,
            what,
        };
        self.next += 1;
        self.bytes += event.cost();
        self.events.push_back(event);
        while self.events.len() > self.most.max(1) || (self.bytes > self.most_bytes && self.events.len() > 1)
        {
            if let Some(oldest) = self.events.pop_front() {
                self.bytes -= oldest.cost();
            }
        }
    }

    /// The events from this number on, the oldest that is kept if it is older.
    pub fn from(&self, sequence: u64) -> impl Iterator<Item = &Event> {
        let skipped = sequence.saturating_sub(self.first());
        self.events
            .iter()
            .skip(usize::try_from(skipped).unwrap_or(usize::MAX))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ring(most: usize, most_bytes: usize, events: usize) -> Ring {
        let mut ring = Ring::new(most, most_bytes);
        (0..events).for_each(|_| push(&mut ring, ""));
        ring
    }

    fn push(ring: &mut Ring, failure: &str) {
        let id = ContainerId::parse("web").unwrap();
        let what = What::ExecFailed {
            exec_id: 1,
            failure: failure.into(),
        };
        ring.push(id, SystemTime::now(), what);
    }

    fn from(ring: &Ring, sequence: u64) -> Vec<u64> {
        ring.from(sequence).map(|event| event.sequence).collect()
    }

    #[test]
    fn numbers_begin_with_1_and_have_no_holes() {
        let empty = ring(4, 1 << 20, 0);
        assert_eq!((empty.first(), empty.next()), (1, 1));
        assert!(from(&empty, 1).is_empty());

        let some = ring(4, 1 << 20, 3);
        assert_eq!((some.first(), some.next()), (1, 4));
        assert_eq!(from(&some, 0), [1, 2, 3]);
        assert_eq!(from(&some, 3), [3]);
        assert!(from(&some, 4).is_empty());
        assert!(from(&some, u64::MAX).is_empty());
    }

    #[test]
    fn the_oldest_makes_way_past_the_number() {
        let full = ring(4, 1 << 20, 10);
        assert_eq!((full.first(), full.next()), (7, 11));
        assert_eq!(from(&full, 1), [7, 8, 9, 10]);
        assert_eq!(from(&full, 9), [9, 10]);
    }

    #[test]
    fn the_oldest_make_way_past_the_bytes() {
        let mut full = ring(100, 4096, 3);
        push(&mut full, &"x".repeat(3800));
        // Room for it and at most one of the small ones.
        assert!(full.first() >= 3, "{}", full.first());
        assert_eq!(full.next(), 5);
        push(&mut full, "");
        assert!(full.bytes <= 4096);
    }

    #[test]
    fn the_latest_is_kept_whatever_its_size() {
        let mut full = ring(100, 4096, 3);
        push(&mut full, &"x".repeat(10_000));
        assert_eq!(from(&full, 1), [4]);
        push(&mut full, "");
        assert_eq!(from(&full, 1), [5]);
        assert_eq!(full.bytes, full.events[0].cost());
    }
}
