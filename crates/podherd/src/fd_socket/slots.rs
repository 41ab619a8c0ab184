//! The descriptors that were sent and not taken yet.

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, BTreeSet};
use std::os::fd::OwnedFd;

use crate::error::{Code, Error, Result};

/// All slots of a server.
#[derive(Debug)]
pub struct Slots {
    most: usize,
    filled: RefCell<BTreeMap<u64, OwnedFd>>,
    /// Counts for ever: the number of a slot is never that of another one.
    next: Cell<u64>,
}

impl Slots {
    /// At most `most` at once.
    pub fn new(most: usize) -> Self {
        Self {
            most,
            filled: RefCell::default(),
            next: Cell::new(1),
        }
    }

    /// Gives each descriptor a slot, or none of them, which closes them.
    pub fn fill(&self, descriptors: Vec<OwnedFd>) -> Result<Vec<u64>> {
        let mut filled = self.filled.borrow_mut();
        if descriptors.len() > self.most.saturating_sub(filled.len()) {
            return Err(Error::new(
                Code::Overloaded,
                format!(
                    "{} descriptors wait to be taken, of {} at most (--fd-slots)",
                    filled.len(),
                    self.most
                ),
            ));
        }
        let numbered = descriptors.into_iter().map(|descriptor| {
            let slot = self.next.get();
            self.next.set(slot + 1);
            filled.insert(slot, descriptor);
            slot
        });
        Ok(numbered.collect())
    }

    /// Empties these slots: all of them, or none when one can't be.
    pub fn take(&self, slots: &[u64]) -> Result<Vec<OwnedFd>> {
        let mut filled = self.filled.borrow_mut();
        let mut seen = BTreeSet::new();
        for slot in slots {
            if !filled.contains_key(slot) {
                return Err(Error::new(
                    Code::FdSlotUnknown,
                    format!(
                        "slot {slot} of the fd socket is empty: its descriptor was taken, or closed with its connection"
                    ),
                ));
            }
            if !seen.insert(slot) {
                return Err(Error::new(
                    Code::InvalidArgument,
                    format!("slot {slot} of the fd socket is named twice"),
                ));
            }
        }
        Ok(slots.iter().filter_map(|slot| filled.remove(slot)).collect())
    }

    /// Closes what is left in these slots.
    pub fn close(&self, slots: impl IntoIterator<Item = u64>) {
        let mut filled = self.filled.borrow_mut();
        slots.into_iter().for_each(|slot| drop(filled.remove(&slot)));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn descriptors(count: usize) -> Vec<OwnedFd> {
        (0..count)
            .map(|_| crate::stdio::null().expect("/dev/null"))
            .collect()
    }

    #[test]
    fn numbers_are_never_reused() {
        let slots = Slots::new(2);
        let first = slots.fill(descriptors(2)).expect("room");
        slots.close(first.clone());
        let second = slots.fill(descriptors(2)).expect("room");
        assert!(second.iter().all(|slot| !first.contains(slot)));
    }

    #[test]
    fn taking_is_all_or_nothing() {
        let slots = Slots::new(3);
        let filled = slots.fill(descriptors(3)).expect("room");
        let unknown = [filled[0], u64::MAX];
        assert_eq!(
            slots.take(&unknown).expect_err("unknown").code,
            Code::FdSlotUnknown
        );
        let twice = [filled[1], filled[1]];
        assert_eq!(slots.take(&twice).expect_err("twice").code, Code::InvalidArgument);
        assert_eq!(slots.take(&filled).expect("all there").len(), 3);
        assert_eq!(
            slots.take(&filled[..1]).expect_err("taken").code,
            Code::FdSlotUnknown
        );
    }

    #[test]
    fn past_the_bound_nothing_is_kept() {
        let slots = Slots::new(2);
        slots.fill(descriptors(1)).expect("room");
        assert_eq!(
            slots.fill(descriptors(2)).expect_err("one too many").code,
            Code::Overloaded
        );
        slots.fill(descriptors(1)).expect("room for one");
    }
}
