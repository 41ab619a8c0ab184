//! What callers rely on: order, an end for every job, devices that don't hold each other.

use std::fs;
use std::future::Future;
use std::path::Path;
use std::pin::pin;
use std::sync::mpsc;
use std::sync::{Arc, Mutex};
use std::task::{Context, Waker};
use std::time::Duration;

use futures::future::join_all;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use super::device::device_of;
use super::scratch::{Filesystem, directory, on_event_loop, run};
use super::{Disk, DiskError, THREADS_PER_DEVICE};

/// Longer than the work of a test takes by far: only a hang meets it.
const HANG: Duration = Duration::from_secs(60);

#[test]
fn jobs_of_a_lane_keep_their_order_and_lanes_share_the_threads() {
    on_event_loop(async {
        let disk = Disk::new();
        let directory = directory();
        let done = Arc::new(Mutex::new(vec![Vec::new(); 8]));
        let lanes: Vec<_> = (0..8)
            .map(|lane| disk.lane(&directory.path().join(lane.to_string())))
            .collect();
        let jobs = (0..2_000).map(|number| {
            let (done, lane) = (Arc::clone(&done), number % 8);
            disk.run(&lanes[lane], move || {
                done.lock().expect("lock")[lane].push(number);
            })
        });
        for result in join_all(jobs).await {
            result.expect("done");
        }
        for (lane, numbers) in done.lock().expect("lock").iter().enumerate() {
            assert_eq!(*numbers, (lane..2_000).step_by(8).collect::<Vec<_>>());
        }
        assert!(disk.threads() <= THREADS_PER_DEVICE, "{}", disk.threads());
    });
}

#[test]
fn a_job_returns_its_value_and_the_first_one_starts_a_thread() {
    on_event_loop(async {
        let disk = Disk::new();
        let lane = disk.lane(Path::new("/"));
        assert_eq!(disk.threads(), 0, "no thread before there is work");
        assert_eq!(disk.run(&lane, || 6 * 7).await.expect("done"), 42);
        assert_eq!(disk.threads(), 1);
    });
}

#[test]
fn threads_end_and_buffers_are_freed_when_there_is_nothing_to_do() {
    on_event_loop(async {
        let disk = Disk::with_thread_idle(Duration::from_millis(400));
        let buffer = disk.hands().buffers().take();
        disk.hands().buffers().give(buffer);
        let lane = disk.lane(Path::new("/"));
        disk.run(&lane, || ()).await.expect("done");
        let quiet = async {
            while disk.threads() > 0 || disk.hands().buffers().kept() > 0 {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        tokio::time::timeout(HANG, quiet).await.expect("quiet");
        assert_eq!(disk.run(&lane, || 1).await.expect("a new thread"), 1);
    });
}

#[test]
fn a_path_has_one_lane_while_one_lives() {
    on_event_loop(async {
        let disk = Disk::new();
        let path = Path::new("/no-one");
        let (first, second) = (disk.lane(path), disk.lane(path));
        let (release, released) = mpsc::channel();
        let waits = disk.run(&first, move || released.recv_timeout(HANG));
        drop(first);
        let mut behind = pin!(disk.run(&second, || ()));
        tokio::time::sleep(2 * super::STALL).await;
        let mut context = Context::from_waker(Waker::noop());
        assert!(behind.as_mut().poll(&mut context).is_pending());
        release.send(()).expect("a receiver");
        waits.await.expect("done").expect("released");
        behind.await.expect("done");
    });
}

#[test]
fn a_job_whose_future_is_dropped_runs_to_its_end() {
    on_event_loop(async {
        let disk = Disk::new();
        let lane = disk.lane(Path::new("/"));
        let (tell, told) = mpsc::channel();
        drop(disk.run(&lane, move || tell.send("ran")));
        disk.run(&lane, || ()).await.expect("done");
        assert_eq!(told.try_recv(), Ok("ran"));
    });
}

#[test]
fn queued_jobs_are_done_after_the_last_handle_is_gone() {
    let (tell, told) = mpsc::channel();
    on_event_loop(async {
        let disk = Disk::new();
        let lane = disk.lane(Path::new("/"));
        for number in 0..100 {
            let tell = tell.clone();
            drop(disk.run(&lane, move || tell.send(number)));
        }
    });
    drop(tell);
    assert_eq!(told.iter().collect::<Vec<_>>(), (0..100).collect::<Vec<_>>());
}

#[test]
fn a_panic_ends_its_job_only() {
    on_event_loop(async {
        let disk = Disk::new();
        let lane = disk.lane(Path::new("/"));
        let panicked = disk.run(&lane, || panic!("a panic that this test expects")).await;
        assert!(matches!(panicked, Err::<(), _>(DiskError::Panicked)));
        assert_eq!(disk.run(&lane, || 1).await.expect("done"), 1);
        assert_eq!(disk.threads(), 1, "the same thread");
    });
}

#[test]
fn a_stalled_job_holds_its_own_lane_only() {
    on_event_loop(async {
        let disk = Disk::new();
        // Neither exists: their device is that of the root.
        let (lane, other) = (disk.lane(Path::new("/no-one")), disk.lane(Path::new("/no-other")));
        let order = Arc::new(Mutex::new(Vec::new()));
        let note = |what| {
            let order = Arc::clone(&order);
            move || order.lock().expect("lock").push(what)
        };
        let (release, released) = mpsc::channel();
        let (stalled, beside) = (note("stalled"), note("beside"));
        let held = disk.run(&lane, move || {
            released.recv_timeout(HANG).expect("released");
            stalled();
        });
        let behind = disk.run(&lane, note("behind"));
        // Ends the stall: without another thread for the same device nothing would.
        let freeing = disk.run(&other, move || {
            beside();
            release.send(()).expect("a receiver");
        });
        held.await.expect("done");
        behind.await.expect("done");
        freeing.await.expect("done");
        assert_eq!(*order.lock().expect("lock"), ["beside", "stalled", "behind"]);
    });
}

#[test]
fn threads_of_a_stalled_device_are_bounded_and_others_go_on() {
    on_event_loop(async {
        let (disk, stalled_device) = (Disk::new(), Filesystem::tmpfs("size=64k"));
        let (release, released) = mpsc::channel::<()>();
        let released = Arc::new(Mutex::new(released));
        let stalled: Vec<_> = (0..3 * THREADS_PER_DEVICE)
            .map(|number| {
                let path = stalled_device.path().join(number.to_string());
                let released = Arc::clone(&released);
                // Ends when the sender is dropped.
                let wait = move || released.lock().expect("lock").recv_timeout(HANG).is_err();
                disk.run(&disk.lane(&path), wait)
            })
            .collect();
        let other = disk.lane(Path::new("/proc"));
        // Each waits longer than it takes to start a thread for a stalled job.
        for _ in 0..10 {
            let wait = super::STALL;
            let job = disk.run(&other, move || std::thread::sleep(wait));
            job.await.expect("the other device goes on");
        }
        assert_eq!(disk.threads(), THREADS_PER_DEVICE + 1);
        drop(release);
        for job in stalled {
            assert!(job.await.expect("done after the stall"));
        }
    });
}

#[test]
fn a_frozen_filesystem_delays_no_job_on_another() {
    on_event_loop(async {
        let (disk, mut frozen) = (Disk::new(), Filesystem::ext4());
        let elsewhere = directory();
        frozen.freeze();
        let file = frozen.path().join("file");
        let path = file.clone();
        let mut held = pin!(disk.run(&disk.lane(&file), move || fs::write(path, "held")));
        for number in 0..50 {
            let path = elsewhere.path().join(number.to_string());
            let lane = disk.lane(&path);
            let write = disk.run(&lane, move || fs::write(path, "free"));
            let written = tokio::time::timeout(HANG, write).await;
            written.expect("no hang").expect("ran").expect("written");
        }
        let mut context = Context::from_waker(Waker::noop());
        assert!(held.as_mut().poll(&mut context).is_pending());
        frozen.thaw();
        held.await.expect("ran").expect("written");
        assert_eq!(fs::read(file).expect("file"), b"held");
    });
}

#[test]
fn the_device_is_that_of_the_nearest_parent_that_exists() {
    let (filesystem, outside) = (Filesystem::tmpfs("size=64k"), directory());
    let inside = device_of(&filesystem.path().join("no/such/file"));
    assert_eq!(inside, device_of(filesystem.path()));
    assert_ne!(inside, device_of(outside.path()));
    assert_eq!(device_of(Path::new("relative")), device_of(Path::new(".")));
}

#[test]
fn without_any_thread_a_job_is_an_error() {
    // In a process of its own: the limit would meet the other tests.
    let me = std::env::current_exe().expect("this binary");
    let child = [
        "--exact",
        "--ignored",
        "disk::tests::without_any_thread_child",
        "--test-threads=1",
    ];
    let output = run(me.to_str().expect("a plain path"), &child).expect("a run of the child");
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(said.contains("1 passed"), "{said}");
}

#[test]
#[ignore = "the inside of without_any_thread_a_job_is_an_error"]
fn without_any_thread_child() {
    on_event_loop(async {
        let disk = Disk::new();
        let lane = disk.lane(Path::new("/"));
        let before = getrlimit(Resource::As);
        // Less address space than the process has: no stack can be mapped.
        let none = Rlimit {
            current: Some(1 << 20),
            maximum: before.maximum,
        };
        setrlimit(Resource::As, none).expect("a lower limit");
        let refused = disk.run(&lane, || ()).await;
        setrlimit(Resource::As, before).expect("the limit as before");
        assert!(matches!(refused, Err(DiskError::NoThread(_))));
        assert_eq!(disk.threads(), 0);
        disk.run(&lane, || ()).await.expect("it recovers");
    });
}
