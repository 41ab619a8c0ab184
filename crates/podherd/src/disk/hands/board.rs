//! The state behind the lock of [`Hands`](super::Hands): what is ready, who is at work.

use std::collections::{HashMap, VecDeque};
use std::time::Instant;

use super::super::lane::{Job, Lane, Place};
use super::super::{STALL, THREADS, THREADS_LOOKING, THREADS_PER_DEVICE};

#[derive(Default)]
pub(super) struct Board {
    /// Devices with a ready lane or a thread at work; others have no entry.
    devices: HashMap<Place, Device>,
    /// Threads that exist.
    pub(super) threads: usize,
    /// Of these, waiting for work and not called yet.
    pub(super) idle: usize,
    /// Calls that a waiting thread has not heard yet.
    pub(super) calls: usize,
    /// Threads started or called that have not looked at the board since.
    pub(super) coming: usize,
    /// A watchdog is under way.
    pub(super) watched: bool,
    /// No [`Disk`](super::super::Disk) is left: finish and end.
    pub(super) closed: bool,
}

struct Device {
    ready: VecDeque<Lane>,
    /// When each job that is at work began; never more than `limit`.
    at_work: Vec<Instant>,
    limit: usize,
}

impl Device {
    fn new(place: Place) -> Self {
        let limit = match place {
            Place::Unknown => THREADS_LOOKING,
            Place::Device(_) | Place::Journald => THREADS_PER_DEVICE,
        };
        Self {
            ready: VecDeque::new(),
            at_work: Vec::new(),
            limit,
        }
    }

    /// From when on another thread may take a lane; `None` when the device has all it may have.
    fn next_hand(&self) -> Option<Instant> {
        let full = self.at_work.len() >= self.limit;
        (!full).then(|| {
            self.at_work
                .iter()
                .max()
                .map_or_else(long_ago, |&began| began + STALL)
        })
    }

    fn takeable(&self, now: Instant) -> bool {
        !self.ready.is_empty() && self.next_hand().is_some_and(|due| due <= now)
    }
}

impl Board {
    pub(super) fn ready(&mut self, place: Place, lane: Lane) {
        self.devices
            .entry(place)
            .or_insert_with(|| Device::new(place))
            .ready
            .push_back(lane);
    }

    /// The next lane for a thread, whose job counts as begun now.
    pub(super) fn take(&mut self, now: Instant) -> Option<(Place, Lane)> {
        let (&place, device) = self.devices.iter_mut().find(|(_, device)| device.takeable(now))?;
        let lane = device.ready.pop_front()?;
        device.at_work.push(now);
        Some((place, lane))
    }

    /// A job that was begun at `began` has come back.
    pub(super) fn came_back(&mut self, place: Place, began: Instant) {
        let Some(device) = self.devices.get_mut(&place) else {
            return;
        };
        if let Some(at) = device.at_work.iter().position(|&time| time == began) {
            device.at_work.swap_remove(at);
        }
        if device.at_work.is_empty() && device.ready.is_empty() {
            self.devices.remove(&place);
        }
    }

    /// How many devices have a lane that a thread may take now.
    pub(super) fn takeable(&self, now: Instant) -> usize {
        self.devices
            .values()
            .filter(|device| device.takeable(now))
            .count()
    }

    /// Ready lanes, also those that must wait for a job of their device.
    pub(super) fn waiting(&self) -> usize {
        self.devices.values().map(|device| device.ready.len()).sum()
    }

    /// When the next waiting lane could get a further thread, if one can be hoped for.
    pub(super) fn next_hand(&self) -> Option<Instant> {
        let waiting = self.devices.values().filter(|device| !device.ready.is_empty());
        waiting.filter_map(Device::next_hand).min()
    }

    /// Calls a waiting thread, if there is one.
    pub(super) fn call_one(&mut self) -> bool {
        if self.idle == 0 {
            return false;
        }
        self.idle -= 1;
        self.calls += 1;
        self.coming += 1;
        true
    }

    /// Whether one more thread keeps within the limits.
    pub(super) fn may_start(&self, now: Instant) -> bool {
        let first = |device: &Device| device.at_work.is_empty() && device.takeable(now);
        self.threads < THREADS / 2 || (self.threads < THREADS && self.devices.values().any(first))
    }

    /// Empties every queue and returns the jobs, to be dropped without the lock. Only for when no
    /// thread is there.
    pub(super) fn clear(&mut self) -> Vec<Job> {
        let mut jobs = Vec::new();
        for device in std::mem::take(&mut self.devices).into_values() {
            for lane in device.ready {
                let mut state = lane.state();
                state.taken = false;
                jobs.extend(std::mem::take(&mut state.jobs));
            }
        }
        jobs
    }
}

/// A moment that has passed: a device with nobody at work needs no waiting.
fn long_ago() -> Instant {
    let now = Instant::now();
    now.checked_sub(STALL).unwrap_or(now)
}
