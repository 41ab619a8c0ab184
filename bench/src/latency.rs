//! From the kill of a container's init to those who wait: the answer of `waitContainer`, and the exit
//! file. What the kernel alone takes from a kill to an end that can be seen is measured beside it.

use std::cell::Cell;
use std::ffi::OsStr;
use std::fs;
use std::mem::MaybeUninit;
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use rustix::fs::inotify::{self, CreateFlags, WatchFlags};
use rustix::io::Errno;
use rustix::process::Pid;
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;

use crate::Result;
use crate::bundle::{self, Rootfs};
use crate::client::NewContainer;
use crate::figures::{Row, Samples, Section};
use crate::ground::Ground;
use crate::options::Options;
use crate::priority::RealTime;
use crate::programs::{self, Running};
use crate::server::Server;

/// Measures ends of processes that stand for containers, and of real containers.
pub async fn measure(options: &Options, ground: &Ground) -> Result<Section> {
    let bundle = ground.path("latency-bundle");
    bundle::write_empty(&bundle)?;
    let priority = RealTime::begin();
    let note = priority.note();
    let plain = Ends::of(
        options.ends,
        ground,
        "plain",
        options,
        &options.noop_runtime,
        &bundle,
    )
    .await?;
    drop(priority);
    let rootfs = Rootfs::make(ground, &options.busybox)?;
    let real = ground.path("latency-real-bundle");
    rootfs.write_bundle(&real, &ground.cgroup_of("latency"), &["sleep", "1000"], None)?;
    let real = Ends::of(
        options.real_ends,
        ground,
        "real",
        options,
        &options.runtime,
        &real,
    )
    .await?;

    let mut rows = vec![Row::tail("the kernel alone, no container", &plain.kernel, "ms")];
    for (name, ends) in [("no-op runtime", &plain), ("real container", &real)] {
        rows.push(Row::tail(format!("{name}: wait answered"), &ends.answered, "ms"));
        rows.push(Row::tail(
            format!("{name}: exit file complete"),
            &ends.written,
            "ms",
        ));
    }
    Ok(Section {
        title: format!(
            "From SIGKILL to the end known, {} ends, {} of real containers",
            options.ends, options.real_ends
        ),
        rows,
        notes: note.into_iter().collect(),
    })
}

#[derive(Default)]
struct Ends {
    kernel: Samples,
    answered: Samples,
    written: Samples,
}

impl Ends {
    async fn of(
        count: usize,
        ground: &Ground,
        name: &str,
        options: &Options,
        runtime: &Path,
        bundle: &Path,
    ) -> Result<Self> {
        let server = Server::start(ground, name, &options.server, runtime).await?;
        let exits = server.path("exits");
        fs::create_dir_all(&exits)?;
        let seen = Seen::in_directory(&exits)?;
        let mut ends = Self::default();
        for number in 0..count {
            let id = format!("end-{number}");
            let new = NewContainer {
                id: &id,
                bundle: bundle.to_owned(),
                log: Some(server.path("log")),
                exit_file: Some(exits.join(&id)),
            };
            let init = server.client.run(&new).await?;
            ends.kernel.push(kernel_alone(&options.busybox)?);
            ends.one(&server, &id, init, &seen).await?;
            server.client.delete(&id).await?;
        }
        server.end().await?;
        Ok(ends)
    }

    async fn one(&mut self, server: &Server, id: &str, init: Pid, seen: &Seen) -> Result<()> {
        let killed = Cell::new(Instant::now());
        let answered = async {
            server.client.wait_for_end(id).await?;
            Ok(Instant::now())
        };
        let kill = async {
            // Calls arrive in order: once this is answered, the server knows of the wait before it.
            server.client.nothing().await?;
            killed.set(Instant::now());
            programs::kill(init);
            Ok(())
        };
        let (answered, written, ()) = tokio::try_join!(answered, seen.wait_for(id), kill)?;
        let killed = killed.get();
        self.answered.push(milliseconds(answered - killed));
        self.written.push(milliseconds(written - killed));
        Ok(())
    }
}

/// What the kernel takes from a kill to an end that its parent can collect.
fn kernel_alone(busybox: &Path) -> Result<f64> {
    let sleeper = Running::start(Command::new(busybox).args(["sleep", "1000"]))?;
    let started = Instant::now();
    programs::kill(sleeper.pid());
    programs::ended(sleeper.pid())?;
    Ok(milliseconds(started.elapsed()))
}

/// Sees files appear in a directory.
struct Seen {
    events: AsyncFd<OwnedFd>,
    directory: PathBuf,
}

/// An exit file that doesn't come is a bug, not a slow one.
const PATIENCE: Duration = Duration::from_secs(20);

impl Seen {
    fn in_directory(directory: &Path) -> Result<Self> {
        let events = inotify::init(CreateFlags::CLOEXEC | CreateFlags::NONBLOCK)?;
        inotify::add_watch(&events, directory, WatchFlags::CREATE | WatchFlags::MOVED_TO)?;
        // SAFETY: an OwnedFd keeps its descriptor open and the same for as long as it lives, which is as
        // long as the registration.
        let events = unsafe { AsyncFd::register_with_interest(events, Interest::READABLE)? };
        Ok(Self {
            events,
            directory: directory.to_owned(),
        })
    }

    /// When a file of that name appeared; it must be complete then.
    async fn wait_for(&self, name: &str) -> Result<Instant> {
        tokio::time::timeout(PATIENCE, async {
            loop {
                let mut ready = self.events.readable().await?;
                let now = Instant::now();
                if !self.has_appeared(name)? {
                    ready.clear_ready();
                    continue;
                }
                let content = fs::read_to_string(self.directory.join(name))?;
                return match content.trim() {
                    "137" => Ok(now),
                    other => Err(format!("the exit file holds {other:?}").into()),
                };
            }
        })
        .await
        .map_err(|_| "the exit file did not appear")?
    }

    /// Reads all events.
    fn has_appeared(&self, name: &str) -> Result<bool> {
        let mut buffer = [MaybeUninit::uninit(); 4096];
        let mut reader = inotify::Reader::new(self.events.get_ref(), &mut buffer);
        let mut found = false;
        loop {
            match reader.next() {
                Ok(event) => {
                    let file = event.file_name().map(|file| OsStr::from_bytes(file.to_bytes()));
                    found |= file == Some(OsStr::new(name));
                }
                Err(Errno::WOULDBLOCK) => return Ok(found),
                Err(errno) => return Err(errno.into()),
            }
        }
    }
}

fn milliseconds(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1e3
}
