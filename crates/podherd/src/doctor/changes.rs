//! When it is worth to look again: a directory of runtimes or servers has changed, or a monitor has ended. Other
//! things, a zombie for instance, tell nobody; those are seen at the next look.

use std::io;
use std::mem::MaybeUninit;
use std::os::fd::OwnedFd;
use std::path::Path;
use std::time::Duration;

use rustix::fs::inotify::{self, CreateFlags, WatchFlags};
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;
use tokio::task::JoinSet;

use crate::readiness;

/// Waits for changes of some directories and the ends of some processes.
#[derive(Debug)]
pub struct Changes {
    events: AsyncFd<OwnedFd>,
    ends: JoinSet<bool>,
}

impl Changes {
    /// From now on. What can't be watched, for want of watches, is left to the next look. Has to be called inside
    /// a `LocalSet`.
    ///
    /// # Errors
    /// There are no inotify instances left.
    pub fn watch<'a>(
        directories: impl IntoIterator<Item = &'a Path>,
        pids: impl IntoIterator<Item = u32>,
    ) -> io::Result<Self> {
        let events = inotify::init(CreateFlags::CLOEXEC | CreateFlags::NONBLOCK)?;
        let flags = WatchFlags::CREATE | WatchFlags::DELETE | WatchFlags::MOVE | WatchFlags::ONLYDIR;
        for directory in directories {
            let _ = inotify::add_watch(&events, directory, flags);
        }
        let mut ends = JoinSet::new();
        for pid in pids {
            ends.spawn_local(podherd_reaper::stranger_ends(pid, LONG));
        }
        Ok(Self {
            events: readiness::register(events, Interest::READABLE)?,
            ends,
        })
    }

    /// The next change. Never, if nothing is watched.
    pub async fn next(&mut self) {
        let ended = async {
            match self.ends.join_next().await {
                Some(_) => {}
                None => std::future::pending().await,
            }
        };
        let changed = async {
            loop {
                match self.events.readable().await {
                    Ok(mut ready) => {
                        if ready.try_io(|events| read(events.get_ref())).is_ok() {
                            return;
                        }
                    }
                    Err(_) => std::future::pending().await,
                }
            }
        };
        tokio::select! {
            () = ended => {}
            () = changed => {}
        }
        // What happens together is looked at together.
        tokio::time::sleep(TOGETHER).await;
    }
}

/// Longer than anybody waits between two looks.
const LONG: Duration = Duration::from_secs(7 * 24 * 3600);

const TOGETHER: Duration = Duration::from_millis(100);

/// Takes the events there are; that there were some is all that counts.
fn read(events: &OwnedFd) -> io::Result<()> {
    let mut buffer = [MaybeUninit::uninit(); 4096];
    let mut reader = inotify::Reader::new(events, &mut buffer);
    reader.next()?;
    Ok(())
}
