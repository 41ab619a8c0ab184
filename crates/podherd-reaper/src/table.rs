//! Who is to get which exit status. No system call here: pids and ticks come in, decisions go out.

use std::collections::{BTreeMap, HashMap, VecDeque};

use crate::time::Ticks;

/// Most ends kept for open claims. A program that leaves more orphans within one runtime call is out
/// of its mind; the oldest are forgotten, and a claim to one of them finds nothing.
pub(crate) const MOST_KEPT: usize = 65_536;

/// Watched children by pid, open claims, and the ends that nobody knew.
///
/// A pid names one child as long as that child is not consumed, so that the pid is a sound key: an
/// entry is taken out in the same breath in which its child is consumed.
#[derive(Debug)]
pub(crate) struct Table<W, E> {
    watched: HashMap<u32, W>,
    /// Claims by number, with the tick at which each was opened. Numbers are never used twice.
    claims: BTreeMap<u64, Ticks>,
    next_claim: u64,
    last_closed: Option<Ticks>,
    kept: VecDeque<Kept<E>>,
}

/// An end that nobody watched.
#[derive(Debug)]
pub(crate) struct Kept<E> {
    pub(crate) pid: u32,
    pub(crate) start_time: Ticks,
    pub(crate) end: E,
    /// Claims with lower numbers were open, or had been, when it ended.
    before_claim: u64,
}

impl<W, E> Default for Table<W, E> {
    fn default() -> Self {
        Self {
            watched: HashMap::new(),
            claims: BTreeMap::new(),
            next_claim: 0,
            last_closed: None,
            kept: VecDeque::new(),
        }
    }
}

impl<W, E> Table<W, E> {
    /// `pid`, a child that is not consumed, is watched from now on.
    pub(crate) fn watch(&mut self, pid: u32, watcher: W) {
        self.watched.insert(pid, watcher);
    }

    pub(crate) fn watcher(&self, pid: u32) -> Option<&W> {
        self.watched.get(&pid)
    }

    /// Forgets a watched child because it is being consumed.
    pub(crate) fn take(&mut self, pid: u32) -> Option<W> {
        self.watched.remove(&pid)
    }

    pub(crate) fn watchers(&self) -> impl Iterator<Item = (u32, &W)> {
        self.watched.iter().map(|(pid, watcher)| (*pid, watcher))
    }

    pub(crate) fn open_claim(&mut self, now: Ticks) -> u64 {
        let number = self.next_claim;
        self.next_claim += 1;
        self.claims.insert(number, now);
        number
    }

    /// Closes a claim, and forgets the ends that only it could have asked for.
    pub(crate) fn close_claim(&mut self, number: u64, now: Ticks) {
        self.claims.remove(&number);
        self.last_closed = Some(now);
        let oldest = self.claims.keys().next().copied().unwrap_or(u64::MAX);
        self.kept.retain(|kept| oldest < kept.before_claim);
        if self.kept.is_empty() {
            self.kept.shrink_to(16);
        }
    }

    pub(crate) fn open_claims(&self) -> usize {
        self.claims.len()
    }

    /// Whether a claim other than `number` was open at `start` or later, so that a process which
    /// started then may come of its call.
    pub(crate) fn others_open_since(&self, number: u64, start: Ticks) -> bool {
        let closed_since = self.last_closed.is_some_and(|closed| closed >= start);
        closed_since
            || self
                .claims
                .iter()
                .any(|(other, opened)| *other != number && *opened <= start)
    }

    /// Keeps an end for the claims that are open now. False: an older one was forgotten for it.
    pub(crate) fn keep(&mut self, pid: u32, start_time: Ticks, end: E) -> bool {
        if self.claims.is_empty() {
            return true;
        }
        let has_room = self.kept.len() < MOST_KEPT;
        if !has_room {
            self.kept.pop_front();
        }
        self.kept.push_back(Kept {
            pid,
            start_time,
            end,
            before_claim: self.next_claim,
        });
        has_room
    }

    pub(crate) fn kept(&self) -> usize {
        self.kept.len()
    }

    /// The latest start of a kept child `pid` that ended while claim `number` was open, and that
    /// started at `latest` or before.
    pub(crate) fn find_kept(&self, number: u64, pid: u32, latest: Ticks) -> Option<Ticks> {
        let meant =
            |kept: &&Kept<E>| kept.pid == pid && number < kept.before_claim && kept.start_time <= latest;
        self.kept.iter().filter(meant).map(|kept| kept.start_time).max()
    }

    /// Hands out the end of one child, once.
    pub(crate) fn take_kept(&mut self, pid: u32, start_time: Ticks) -> Option<Kept<E>> {
        // The last of them: a pid used twice within one tick means the later process.
        let index = self
            .kept
            .iter()
            .rposition(|kept| kept.pid == pid && kept.start_time == start_time)?;
        self.kept.remove(index)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ANY: Ticks = Ticks::MAX;

    fn table() -> Table<&'static str, i32> {
        Table::default()
    }

    #[test]
    fn nothing_is_kept_without_a_claim() {
        let mut table = table();
        table.keep(7, 1, 0);
        assert_eq!(table.kept(), 0);
    }

    #[test]
    fn an_end_is_kept_until_the_last_claim_of_its_time_is_closed() {
        let mut table = table();
        let first = table.open_claim(1);
        let second = table.open_claim(1);
        table.keep(7, 2, 42);
        let later = table.open_claim(3);
        table.close_claim(first, 4);
        assert_eq!(table.find_kept(second, 7, ANY), Some(2));
        assert_eq!(table.find_kept(later, 7, ANY), None, "it ended before this claim");
        table.close_claim(second, 5);
        assert_eq!(table.kept(), 0, "the later claim can't ask for it");
    }

    #[test]
    fn bearers_of_one_pid_are_told_apart_by_their_start() {
        let mut table = table();
        let claim = table.open_claim(1);
        for (start, end) in [(10, 1), (20, 2), (30, 3)] {
            table.keep(7, start, end);
        }
        assert_eq!(table.find_kept(claim, 7, 25), Some(20));
        assert_eq!(table.take_kept(7, 20).map(|kept| kept.end), Some(2));
        assert_eq!(table.find_kept(claim, 7, 25), Some(10), "handed out once");
        assert_eq!(table.find_kept(claim, 7, 9), None);
    }

    #[test]
    fn what_is_kept_is_bounded() {
        let mut table = table();
        let claim = table.open_claim(0);
        for pid in 0..u32::try_from(MOST_KEPT).unwrap_or(0) {
            assert!(table.keep(pid, 1, 0));
        }
        assert!(!table.keep(u32::MAX, 1, 0));
        assert_eq!(table.kept(), MOST_KEPT);
        assert_eq!(table.find_kept(claim, 0, ANY), None, "the oldest is forgotten");
        assert_eq!(table.find_kept(claim, u32::MAX, ANY), Some(1));
    }

    #[test]
    fn a_claim_may_be_the_makers_if_it_was_open_at_the_start() {
        let mut table = table();
        let ours = table.open_claim(10);
        assert!(!table.others_open_since(ours, 10));
        let other = table.open_claim(20);
        assert!(
            !table.others_open_since(ours, 19),
            "opened after the process had started"
        );
        assert!(table.others_open_since(ours, 20));
        table.close_claim(other, 30);
        assert!(table.others_open_since(ours, 30));
        assert!(!table.others_open_since(ours, 31));
    }
}
