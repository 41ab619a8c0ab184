//! Version 1: an eventfd for each container, which the kernel writes to when its cgroup, or one above it, is
//! out of memory, and when the cgroup is removed (cgroup-v1/memory.txt, "OOM Control"). The registration ends
//! with the eventfd.

use std::io;
use std::os::fd::{AsRawFd, OwnedFd};
use std::rc::{Rc, Weak};
use std::time::Duration;

use rustix::event::{EventfdFlags, eventfd};
use rustix::fs::{Mode, OFlags};
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;
use tokio::task::JoinHandle;

use super::kills::{Look, OomKills};
use crate::readiness;

/// The notifications of one container; dropped, they end.
#[derive(Debug)]
pub struct Notifications(JoinHandle<()>);

impl Notifications {
    pub(super) fn of(kills: &Rc<OomKills>) -> io::Result<Self> {
        let events = eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK)?;
        // The kernel needs it for the time of the registration only.
        let open = |path, flags| rustix::fs::open(path, flags | OFlags::CLOEXEC, Mode::empty());
        let control = open(kills.file()?, OFlags::RDONLY)?;
        let register = open(kills.directory()?.join("cgroup.event_control"), OFlags::WRONLY)?;
        let request = format!("{} {}", events.as_raw_fd(), control.as_raw_fd());
        rustix::io::write(&register, request.as_bytes())?;
        let events = readiness::register(events, Interest::READABLE)?;
        Ok(Self(tokio::task::spawn_local(follow(
            events,
            Rc::downgrade(kills),
        ))))
    }
}

impl Drop for Notifications {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// Looks at each notification, until the cgroup has gone.
async fn follow(events: AsyncFd<OwnedFd>, kills: Weak<OomKills>) {
    loop {
        let mut count = [0; 8];
        let read = events.async_io(Interest::READABLE, |fd| Ok(rustix::io::read(fd, &mut count)?));
        if let Err(error) = read.await {
            return tracing::debug!(%error, "reading an eventfd");
        }
        // The kernel writes before it kills and counts, and for OOMs of cgroups above in which it kills elsewhere.
        let mut pause = FIRST_PAUSE;
        while pause <= LONGEST_PAUSE {
            match kills.upgrade().map(|kills| kills.look()) {
                None | Some(Look::Gone) => return,
                Some(Look::More) => break,
                Some(Look::Same) => tokio::time::sleep(pause).await,
            }
            pause *= 2;
        }
    }
}

/// A kill takes well under a millisecond; with many processes on a busy machine, more.
const FIRST_PAUSE: Duration = Duration::from_millis(1);
/// After that nothing more comes of this notification; the next one, or the last look, decides.
const LONGEST_PAUSE: Duration = Duration::from_millis(256);
