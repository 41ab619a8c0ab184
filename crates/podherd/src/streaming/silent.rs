//! Connections that have not sent their request yet. They have shown no token, so anybody on the host can open them:
//! of too many the longest silent makes way for a newcomer.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::rc::Rc;

use tokio::sync::Notify;

/// How many there may be.
const BOUND: usize = 128;

/// Those that there are, the longest silent first.
#[derive(Clone, Debug, Default)]
pub struct SilentConnections {
    all: Rc<RefCell<VecDeque<Rc<Notify>>>>,
}

/// One of them, until it is dropped.
#[derive(Debug)]
pub struct Silent {
    all: SilentConnections,
    told: Rc<Notify>,
}

impl SilentConnections {
    /// Counts a newcomer, for which another one may have to go.
    pub fn admit(&self) -> Silent {
        let told = Rc::new(Notify::new());
        let mut all = self.all.borrow_mut();
        if all.len() >= BOUND
            && let Some(longest) = all.pop_front()
        {
            longest.notify_one();
        }
        all.push_back(told.clone());
        Silent {
            all: self.clone(),
            told,
        }
    }
}

impl Silent {
    /// Waits until it has to make way for another one.
    pub async fn evicted(&self) {
        self.told.notified().await;
    }
}

impl Drop for Silent {
    fn drop(&mut self) {
        let mut all = self.all.all.borrow_mut();
        all.retain(|other| !Rc::ptr_eq(other, &self.told));
        if all.is_empty() {
            all.shrink_to_fit();
        }
    }
}

#[cfg(test)]
mod tests {
    use futures::FutureExt;

    use super::*;

    #[test]
    fn the_longest_silent_makes_way() {
        let all = SilentConnections::default();
        let mut silent: Vec<_> = (0..BOUND).map(|_| all.admit()).collect();
        assert!(silent.iter().all(|one| one.evicted().now_or_never().is_none()));
        // One that has spoken is no longer there.
        drop(silent.remove(0));
        let newcomer = all.admit();
        assert!(silent[0].evicted().now_or_never().is_none());
        let another = all.admit();
        assert!(silent[0].evicted().now_or_never().is_some());
        assert!(silent[1].evicted().now_or_never().is_none());
        drop((silent, newcomer, another));
        assert!(all.all.borrow().is_empty());
    }
}
