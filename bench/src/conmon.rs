//! C conmon on one container, run as its users run it.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use crate::programs::{self, Running};
use crate::{Result, procfs};

/// How it is called.
#[derive(Debug)]
pub struct Conmon<'a> {
    /// The monitor.
    pub program: &'a Path,
    /// The runtime.
    pub runtime: &'a Path,
    /// Where it keeps its files, and the runtime its state.
    pub directory: PathBuf,
}

/// What logging took.
#[derive(Clone, Copy, Debug)]
pub struct Cost {
    /// From the start of the container to its published end.
    pub took: Duration,
    /// CPU seconds of the monitor itself, without the container and the runtime.
    pub cpu_seconds: f64,
}

impl Conmon<'_> {
    /// Runs a container to its end and its log's.
    pub fn log(&self, id: &str, bundle: &Path, log: &Path) -> Result<Cost> {
        let path = |name: &str| self.directory.join(name);
        let (own_pid, init_pid) = (path("conmon.pid"), path("init.pid"));
        for stale in [&own_pid, &init_pid] {
            let _ = fs::remove_file(stale);
        }
        // Without a final sync of the log: the server doesn't wait for the disk either.
        let status = Running::start(
            Command::new(self.program)
                .args(["--api-version", "1", "--no-sync-log", "--cid", id, "--cuuid", id])
                .arg("--runtime")
                .arg(self.runtime)
                .arg("--runtime-arg")
                .arg(format!("--root={}", path("root").display()))
                .arg("--bundle")
                .arg(bundle)
                .arg("--conmon-pidfile")
                .arg(&own_pid)
                .arg("--container-pidfile")
                .arg(&init_pid)
                .arg("--socket-dir-path")
                .arg(&self.directory)
                .arg("--exit-dir")
                .arg(&self.directory)
                .arg("--log-path")
                .arg(format!("k8s-file:{}", log.display()))
                .stdin(Stdio::null())
                .stdout(Stdio::null()),
        )?
        .wait()?;
        if !status.success() {
            return Err(format!("conmon ended with {status}").into());
        }
        let monitor = programs::read_pid(&own_pid)?;
        wait_until_created(&init_pid)?;

        let started = Instant::now();
        self.runtime(&["start", id])?;
        programs::ended(monitor)?;
        let took = started.elapsed();
        let cpu_seconds = procfs::cpu_seconds(monitor)?;
        programs::collect(monitor);
        self.runtime(&["delete", "--force", id])?;
        Ok(Cost { took, cpu_seconds })
    }

    fn runtime(&self, arguments: &[&str]) -> Result<()> {
        let mut command = Command::new(self.runtime);
        command
            .arg(format!("--root={}", self.directory.join("root").display()))
            .args(arguments)
            .stdin(Stdio::null());
        let status = Running::start(&mut command)?.wait()?;
        if status.success() {
            Ok(())
        } else {
            Err(format!("the runtime's {} ended with {status}", arguments.join(" ")).into())
        }
    }
}

/// conmon goes to the background at once and creates the container there; the pid file is the last
/// thing that it writes about that.
fn wait_until_created(pid_file: &Path) -> Result<()> {
    let started = Instant::now();
    while programs::read_pid(pid_file).is_err() {
        if started.elapsed() > PATIENCE {
            return Err("conmon did not create its container".into());
        }
        std::thread::sleep(LOOK_AGAIN);
    }
    Ok(())
}

/// A runtime creates a container in well under a second.
const PATIENCE: Duration = Duration::from_secs(20);

/// Nothing is measured meanwhile.
const LOOK_AGAIN: Duration = Duration::from_millis(5);
