//! How fast output becomes records in a file. Ignored: a figure, not a check.
//!
//! `cargo test --release -p podherd --lib speed -- --ignored --nocapture`

use std::fs::{self, File};
use std::io::Read;
use std::os::fd::OwnedFd;
use std::process::{Command, Stdio};
use std::time::Instant;

use rustix::time::{ClockId, clock_gettime};

use super::super::{ContainerLog, LogFormat, Stream};
use super::{LABEL, file};
use crate::disk::Disk;
use crate::disk::scratch::{directory, on_event_loop};

const LINE: &str = "seventy-nine bytes of a line, as programs print them, again and again and again\n";
const BYTES: usize = 200_000_000;

#[test]
#[ignore = "a measurement"]
fn speed_from_memory() {
    for (name, format, max_size) in [
        ("memory", LogFormat::Cri, 0),
        ("memory, rotated at 10 MiB", LogFormat::Cri, 10 << 20),
        ("memory, JSON", LogFormat::Json, 0),
    ] {
        let mut left = BYTES;
        measure(name, format, max_size, |chunk| {
            let count = chunk.len().min(left);
            left -= count;
            count
        });
    }
}

#[test]
#[ignore = "a measurement"]
#[expect(
    clippy::disallowed_methods,
    reason = "a writer of the test's own, there is no reaper"
)]
fn speed_from_a_pipe() {
    let script = format!("yes \"$0\" | head -c {BYTES}");
    let mut writer = Command::new("sh")
        .args(["-c", &script, LINE.trim_end()])
        .stdout(Stdio::piped())
        .spawn()
        .expect("a writer");
    let pipe: OwnedFd = writer.stdout.take().expect("its output").into();
    let mut pipe = File::from(pipe);
    measure("pipe", LogFormat::Cri, 0, |chunk| {
        pipe.read(chunk).expect("output")
    });
    writer.wait().expect("its end");
}

/// `fill` puts output at the start of a buffer that is full of lines already; 0 is the end.
fn measure(from: &str, format: LogFormat, max_size: u64, mut fill: impl FnMut(&mut [u8]) -> usize) {
    on_event_loop(async {
        let directory = directory();
        let path = directory.path().join("log");
        let targets = vec![file(&path, format, max_size)];
        let log = ContainerLog::open(&Disk::new(), LABEL, targets)
            .await
            .expect("a log");
        let mut chunk = LINE.repeat(65_536 / LINE.len() + 1).into_bytes();
        chunk.truncate(65_536);
        let (start, cpu, mut bytes) = (Instant::now(), cpu_seconds(), 0);
        loop {
            let count = fill(&mut chunk);
            if count == 0 {
                break;
            }
            bytes += count;
            log.write(Stream::Stdout, &chunk[..count]).await;
        }
        log.end(Stream::Stdout).await;
        assert_eq!(log.flush().await.dropped_bytes, 0);
        let (seconds, cpu) = (start.elapsed().as_secs_f64(), cpu_seconds() - cpu);
        let rate = bytes as f64 / 1e6 / seconds;
        let files = fs::read_dir(directory.path()).expect("its directory");
        let size = |file: std::io::Result<fs::DirEntry>| file.and_then(|file| file.metadata());
        let size: u64 = files.map(|file| size(file).expect("a log").len()).sum();
        println!("{from}: {rate:.0} MB/s, {cpu:.2} CPU s, {bytes} bytes, log {size} bytes");
    });
}

fn cpu_seconds() -> f64 {
    let used = clock_gettime(ClockId::ProcessCPUTime);
    used.tv_sec as f64 + used.tv_nsec as f64 / 1e9
}

#[test]
#[ignore = "a measurement"]
fn memory_of_idle_logs() {
    const LOGS: usize = 500;
    on_event_loop(async {
        let (disk, directory) = (crate::disk::Disk::new(), directory());
        let mut logs = Vec::with_capacity(LOGS);
        let chunk = LINE.repeat(800);
        let mut before = 0;
        // One more round than is measured: the first one pays for threads and code.
        for round in 0..2 {
            for number in 0..LOGS {
                let path = directory.path().join(format!("{round}-{number}"));
                let opened = super::ContainerLog::open(&disk, super::LABEL, super::target(&path));
                let log = opened.await.expect("a log");
                log.write(Stream::Stdout, chunk.as_bytes()).await;
                log.write(Stream::Stderr, b"a prompt> ").await;
                logs.push(log);
            }
            for log in &logs {
                log.flush().await;
            }
            tokio::time::sleep(std::time::Duration::from_secs(1)).await;
            let now = anonymous_kilobytes();
            println!("{} idle logs: {now} kB, {} kB more", logs.len(), now - before);
            before = now;
        }
    });
}

fn anonymous_kilobytes() -> usize {
    let status = fs::read_to_string("/proc/self/status").expect("status");
    let line = status.lines().find_map(|line| line.strip_prefix("RssAnon:"));
    let number = line.and_then(|line| line.split_whitespace().next());
    number.and_then(|number| number.parse().ok()).expect("RssAnon")
}
