//! Who may stay connected. A connection that has said nothing yet costs little, but there may be any number
//! of them; one that is in use is not to be lost to them. So those that are silent have a bound of their own,
//! past which the longest silent makes way, and some more places are kept for those that have spoken.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;

use tokio_util::sync::CancellationToken;

/// The places of a server.
#[derive(Debug)]
pub struct Admission {
    most_silent: usize,
    most: usize,
    taken: Rc<RefCell<Taken>>,
}

#[derive(Debug, Default)]
struct Taken {
    next: u64,
    /// By age; each is told through its token to make way.
    silent: BTreeMap<u64, CancellationToken>,
    spoken: usize,
}

/// The place of one connection, free again when this is dropped.
#[derive(Debug)]
pub struct Place {
    number: u64,
    makes_way: CancellationToken,
    taken: Rc<RefCell<Taken>>,
}

impl Admission {
    /// `most_silent` connections that have said nothing, and `kept` more for those that have.
    pub fn new(most_silent: usize, kept: usize) -> Self {
        Self {
            most_silent,
            most: most_silent.saturating_add(kept),
            taken: Rc::default(),
        }
    }

    /// A place for a newcomer, which another one may have to leave. None: all are in use.
    pub fn enter(&self) -> Option<Place> {
        let mut taken = self.taken.borrow_mut();
        let full = taken.silent.len() + taken.spoken >= self.most;
        if full || taken.silent.len() >= self.most_silent {
            let (_, longest) = taken.silent.pop_first()?;
            longest.cancel();
        }
        let number = taken.next;
        taken.next += 1;
        let makes_way = CancellationToken::new();
        taken.silent.insert(number, makes_way.clone());
        Some(Place {
            number,
            makes_way,
            taken: self.taken.clone(),
        })
    }
}

impl Place {
    /// The connection has spoken: it keeps its place.
    pub fn has_spoken(&self) {
        let mut taken = self.taken.borrow_mut();
        if taken.silent.remove(&self.number).is_some() {
            taken.spoken += 1;
        }
    }

    /// Resolves when the connection has to make way.
    pub async fn makes_way(&self) {
        self.makes_way.cancelled().await;
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut taken = self.taken.borrow_mut();
        let was_silent = taken.silent.remove(&self.number).is_some();
        if !was_silent && !self.makes_way.is_cancelled() {
            taken.spoken -= 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn leaves(place: &Place) -> bool {
        place.makes_way.is_cancelled()
    }

    #[test]
    fn the_longest_silent_makes_way_for_a_newcomer() {
        let admission = Admission::new(2, 1);
        let places: Vec<_> = (0..4).map(|_| admission.enter().expect("a place")).collect();
        assert_eq!(
            places.iter().map(leaves).collect::<Vec<_>>(),
            [true, true, false, false]
        );
    }

    #[test]
    fn those_that_have_spoken_stay() {
        let admission = Admission::new(2, 1);
        let spoken: Vec<_> = (0..3)
            .map(|_| {
                let place = admission.enter().expect("a place");
                place.has_spoken();
                place
            })
            .collect();
        assert!(admission.enter().is_none(), "all three are in use");
        assert!(!spoken.iter().any(leaves));
        drop(spoken);
        assert_eq!(admission.taken.borrow().spoken, 0);
        assert!(admission.enter().is_some());
    }

    #[test]
    fn places_are_kept_for_those_that_have_spoken() {
        let admission = Admission::new(2, 1);
        let silent = [(); 2].map(|()| admission.enter().expect("a place"));
        let speaking = admission.enter().expect("the first silent one makes way");
        speaking.has_spoken();
        let newcomer = admission.enter().expect("two are silent again");
        assert_eq!(
            [&silent[0], &silent[1], &newcomer].map(leaves),
            [true, false, false]
        );
        let next = admission.enter().expect("the second silent one makes way");
        assert!(leaves(&silent[1]) && !leaves(&speaking) && !leaves(&next));
    }

    #[test]
    fn one_that_made_way_is_not_counted_twice() {
        let admission = Admission::new(1, 1);
        let first = admission.enter().expect("a place");
        let second = admission.enter().expect("the first makes way");
        // Its first word may come in the moment in which it has to go.
        first.has_spoken();
        drop(first);
        second.has_spoken();
        drop(second);
        let taken = admission.taken.borrow();
        assert_eq!((taken.silent.len(), taken.spoken), (0, 0));
    }
}
