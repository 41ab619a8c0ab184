//! One reader's place in the ring.

use super::{Event, Events};
use crate::error::{Code, Error, Result};

/// Where a watcher begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WatchFrom {
    /// With what happens from now on.
    Now,
    /// With the oldest event that is kept.
    Oldest,
    /// With this number, whether it is kept or not.
    Sequence(u64),
}

/// One reader of events. It holds a number and no events, so that it costs the same however far behind it is.
#[derive(Debug)]
pub struct Watcher {
    events: Events,
    /// The number of the event that it takes next.
    next: u64,
}

/// Events of one batch, at most.
const BATCH_EVENTS: usize = 256;

/// Bytes of one batch that are not exceeded by a further event.
const BATCH_BYTES: usize = 64 << 10;

impl Events {
    /// Watches from `from` on.
    pub fn watch(&self, from: WatchFrom) -> Result<Watcher> {
        let shared = &self.shared;
        if shared.watches.get() >= shared.most_watches {
            let most = shared.most_watches;
            return Err(Error::new(
                Code::Overloaded,
                format!("{most} watches of events are open (--event-watches)"),
            ));
        }
        let ring = shared.ring.borrow();
        let next = match from {
            WatchFrom::Now => ring.next(),
            WatchFrom::Oldest => ring.first(),
            WatchFrom::Sequence(sequence) if sequence > ring.next() => {
                return Err(Error::new(
                    Code::InvalidArgument,
                    format!(
                        "start: event {sequence} is not the next one, which is {}; whose number is it?",
                        ring.next()
                    ),
                ));
            }
            WatchFrom::Sequence(sequence) => sequence.max(1),
        };
        drop(ring);
        shared.watches.set(shared.watches.get() + 1);
        Ok(Watcher {
            events: self.clone(),
            next,
        })
    }
}

impl Watcher {
    /// Waits until there is something to take. False: there is nothing, and nothing more will come.
    pub async fn more(&self) -> bool {
        let mut next = self.events.shared.next.subscribe();
        let mut closed = self.events.shared.closed.subscribe();
        tokio::select! {
            biased;
            more = next.wait_for(|next| *next > self.next) => more.is_ok(),
            _ = closed.wait_for(|closed| *closed) => false,
        }
    }

    /// Takes what there is, up to the size of a batch, without waiting. `give` gets it, in the order of the numbers,
    /// and how many before the first of them were not kept long enough. It must not emit events.
    pub fn take<T>(&mut self, give: impl FnOnce(&[&Event], u64) -> T) -> T {
        let ring = self.events.shared.ring.borrow();
        let lost = ring.first().saturating_sub(self.next);
        let mut batch: Vec<&Event> = Vec::new();
        let mut bytes = 0;
        for event in ring.from(self.next).take(BATCH_EVENTS) {
            bytes += event.cost();
            if bytes > BATCH_BYTES && !batch.is_empty() {
                break;
            }
            batch.push(event);
        }
        let given = give(&batch, lost);
        if let Some(last) = batch.last() {
            self.next = last.sequence + 1;
        }
        given
    }
}

impl Drop for Watcher {
    fn drop(&mut self) {
        let watches = &self.events.shared.watches;
        watches.set(watches.get() - 1);
    }
}

#[cfg(test)]
mod tests {
    use futures::FutureExt;

    use super::*;
    use crate::container::ContainerId;
    use crate::events::What;

    fn events(kept: usize) -> Events {
        Events::new(kept, 1 << 20, 2).unwrap()
    }

    fn emit(events: &Events, count: usize) {
        let id = ContainerId::parse("web").unwrap();
        (0..count).for_each(|_| events.emit(&id, What::Started));
    }

    fn take(watcher: &mut Watcher) -> (Vec<u64>, u64) {
        watcher.take(|events, lost| (events.iter().map(|event| event.sequence).collect(), lost))
    }

    #[test]
    fn begins_where_it_is_told_to() {
        let events = events(4);
        emit(&events, 6);
        let from = |from| take(&mut events.watch(from).unwrap());
        assert_eq!(from(WatchFrom::Now), (vec![], 0));
        assert_eq!(from(WatchFrom::Oldest), (vec![3, 4, 5, 6], 0));
        assert_eq!(from(WatchFrom::Sequence(5)), (vec![5, 6], 0));
        assert_eq!(from(WatchFrom::Sequence(7)), (vec![], 0));
        assert_eq!(from(WatchFrom::Sequence(0)), (vec![3, 4, 5, 6], 2));
        let refused = events.watch(WatchFrom::Sequence(8)).unwrap_err();
        assert_eq!(refused.code, Code::InvalidArgument);
    }

    #[test]
    fn a_slow_one_is_told_how_many_are_lost_and_misses_no_other() {
        let events = events(4);
        let (mut slow, mut quick) = (
            events.watch(WatchFrom::Now).unwrap(),
            events.watch(WatchFrom::Now).unwrap(),
        );
        emit(&events, 3);
        assert_eq!(take(&mut quick), (vec![1, 2, 3], 0));
        emit(&events, 3);
        assert_eq!(take(&mut quick), (vec![4, 5, 6], 0));
        assert_eq!(take(&mut slow), (vec![3, 4, 5, 6], 2));
        assert_eq!(take(&mut slow), (vec![], 0));
        emit(&events, 1);
        assert_eq!(take(&mut slow), (vec![7], 0));
    }

    #[test]
    fn a_batch_is_bounded() {
        let events = events(4096);
        let mut watcher = events.watch(WatchFrom::Now).unwrap();
        emit(&events, BATCH_EVENTS + 1);
        assert_eq!(take(&mut watcher).0.len(), BATCH_EVENTS);
        assert_eq!(take(&mut watcher).0.len(), 1);

        let id = ContainerId::parse("web").unwrap();
        for _ in 0..3 {
            let failure = "x".repeat(BATCH_BYTES / 2);
            events.emit(&id, What::ExecFailed { exec_id: 1, failure });
        }
        assert_eq!(take(&mut watcher).0.len(), 1);
        assert_eq!(take(&mut watcher).0.len(), 1);
    }

    #[test]
    fn waits_for_more_and_for_the_end() {
        let events = events(4);
        let mut watcher = events.watch(WatchFrom::Now).unwrap();
        assert_eq!(watcher.more().now_or_never(), None);
        emit(&events, 1);
        assert_eq!(watcher.more().now_or_never(), Some(true));
        events.close();
        // What there is comes first.
        assert_eq!(watcher.more().now_or_never(), Some(true));
        take(&mut watcher);
        assert_eq!(watcher.more().now_or_never(), Some(false));
    }

    #[test]
    fn watches_are_bounded_and_counted() {
        let events = events(4);
        let both = [WatchFrom::Now, WatchFrom::Oldest].map(|from| events.watch(from).unwrap());
        assert_eq!(events.watches(), 2);
        assert_eq!(events.watch(WatchFrom::Now).unwrap_err().code, Code::Overloaded);
        drop(both);
        assert_eq!(events.watches(), 0);
        assert!(events.watch(WatchFrom::Now).is_ok());
    }
}
