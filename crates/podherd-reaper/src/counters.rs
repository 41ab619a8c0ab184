//! What the reaper counts.

use std::time::Duration;

/// A snapshot, taken by [`crate::Reaper::counters`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Counters {
    /// Programs spawned since the start; failed attempts not counted.
    pub spawned: u64,
    /// Ends collected since the start.
    pub reaped: u64,
    /// Those of them that nobody watched when they were collected.
    pub orphans: u64,
    /// Claims open now.
    pub open_claims: u32,
    /// Processes watched now.
    pub watched: u32,
    /// Children in state `Z` at this moment, looked up in `/proc`. 0 whenever the loop is idle.
    pub zombies_now: u32,
    /// Ends kept for open claims.
    pub unclaimed_exits: u32,
    /// The longest that an ended child waited for its end to be collected, since the start: from the SIGCHLD that
    /// announced it until `waitid` had consumed it. Children that end while others are being collected count
    /// from the first SIGCHLD of that stretch, which may be before their end: it is never less than the truth, and
    /// more only when ends follow each other without a pause.
    pub longest_zombie: Duration,
}

/// The part that is counted along the way.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Totals {
    pub(crate) spawned: u64,
    pub(crate) reaped: u64,
    pub(crate) orphans: u64,
    pub(crate) longest_zombie: Duration,
}
