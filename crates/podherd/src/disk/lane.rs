//! A sequence of jobs that keep their order.

use std::cell::RefCell;
use std::collections::{HashMap, VecDeque};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

/// A job as the threads see it: it delivers its own result.
pub(crate) type Job = Box<dyn FnOnce() + Send>;

/// An order-keeping sequence of disk jobs, made by [`Disk::lane`](super::Disk::lane).
///
/// Clones are the same sequence, and so are lanes of the same path, while one of them lives: an undone
/// create's removal of a file comes before the next create's opening of it. Lanes of different paths know
/// no order between them, also on the same device.
#[derive(Clone)]
pub struct Lane(Arc<LaneShared>);

pub(super) struct LaneShared {
    /// Where the jobs' files are; read once, to find the device.
    path: PathBuf,
    /// Locked for moments only, and only by who holds the lock of `Hands` or by the thread at work.
    state: Mutex<LaneState>,
}

pub(super) struct LaneState {
    pub(super) place: Place,
    pub(super) jobs: VecDeque<Job>,
    /// In a device's queue or in a thread's hands; a lane is never in two places.
    pub(super) taken: bool,
}

/// The queue that a lane belongs to.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(super) enum Place {
    /// Not looked at yet: a thread has to find the device first.
    Unknown,
    /// A device number, `None` when the device can't be found.
    Device(Option<u64>),
    /// systemd-journald: when it hangs, no disk does.
    Journald,
}

/// The lanes that live, by their paths as they are spelled.
#[derive(Default)]
pub(super) struct Lanes(RefCell<HashMap<PathBuf, Weak<LaneShared>>>);

impl Lanes {
    pub(super) fn get(&self, path: &Path) -> Lane {
        let mut lanes = self.0.borrow_mut();
        if let Some(lane) = lanes.get(path).and_then(Weak::upgrade) {
            return Lane(lane);
        }
        // Also what keeps this map as small as the number of lanes.
        lanes.retain(|_, lane| lane.strong_count() > 0);
        let lane = Lane::new(path);
        lanes.insert(path.to_owned(), Arc::downgrade(&lane.0));
        lane
    }
}

impl Lane {
    /// A lane of its own among those of journald.
    pub(super) fn of_journald() -> Self {
        Self::at(PathBuf::new(), Place::Journald)
    }

    fn new(path: &Path) -> Self {
        Self::at(path.to_owned(), Place::Unknown)
    }

    fn at(path: PathBuf, place: Place) -> Self {
        let state = LaneState {
            place,
            jobs: VecDeque::new(),
            taken: false,
        };
        Self(Arc::new(LaneShared {
            path,
            state: Mutex::new(state),
        }))
    }

    pub(super) fn path(&self) -> &Path {
        &self.0.path
    }

    pub(super) fn state(&self) -> MutexGuard<'_, LaneState> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
