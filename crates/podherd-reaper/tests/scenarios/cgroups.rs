//! A whole cgroup is signalled, sub-cgroups included, in whichever hierarchies this machine has.

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::time::Duration;

use podherd_reaper::{Reaper, Status, cgroup};

use crate::stage::{LONG, actor, ended, play, until};

pub const OWN_PID_NAMESPACE: bool = false;

/// How the cgroups of the scenario in process `pid` are called.
pub fn name(pid: u32) -> String {
    format!("podherd-reaper-{pid}")
}

/// A cgroup with one below it, removed when dropped.
struct Cgroup(PathBuf);

impl Cgroup {
    /// One in each hierarchy that can be written: v1 with and without the freezer, v2.
    fn everywhere() -> Vec<Self> {
        let roots = [
            "/sys/fs/cgroup/freezer",
            "/sys/fs/cgroup/pids",
            "/sys/fs/cgroup/unified",
            "/sys/fs/cgroup",
        ];
        let name = name(std::process::id());
        let mut made = Vec::new();
        for root in roots.map(Path::new) {
            let directory = root.join(&name);
            if root.join("cgroup.procs").exists() && fs::create_dir(&directory).is_ok() {
                fs::create_dir(directory.join("below")).unwrap();
                made.push(Self(directory));
            }
        }
        if made.is_empty() {
            println!("skipped: no cgroup can be made here");
        }
        made
    }

    fn processes(&self) -> usize {
        let count = |directory: &Path| {
            fs::read_to_string(directory.join("cgroup.procs"))
                .unwrap()
                .lines()
                .count()
        };
        count(&self.0) + count(&self.0.join("below"))
    }

    /// Processes that fork once they are inside; all that they leave is inside, too.
    async fn fill(&self, reaper: &Reaper, steps: &str) -> Vec<podherd_reaper::Process> {
        let (read, _write) = crate::stage::pipe();
        let mut processes = Vec::new();
        for directory in [self.0.clone(), self.0.join("below")] {
            let program = actor(&format!("eof {steps}")).stdin(read.try_clone().unwrap());
            let process = reaper.spawn(program).unwrap();
            fs::write(directory.join("cgroup.procs"), process.pid().to_string()).unwrap();
            processes.push(process);
        }
        processes
    }
}

impl Drop for Cgroup {
    fn drop(&mut self) {
        let directories = [self.0.join("below"), self.0.clone()];
        if std::thread::panicking() {
            let listed =
                |directory| fs::read_to_string(Path::join(directory, "cgroup.procs")).unwrap_or_default();
            let pids: Vec<_> = directories
                .iter()
                .flat_map(|directory| listed(directory).lines().map(str::to_owned).collect::<Vec<_>>())
                .collect();
            for pid in pids
                .iter()
                .filter_map(|pid| rustix::process::Pid::from_raw(pid.parse().ok()?))
            {
                let _ = rustix::process::kill_process(pid, rustix::process::Signal::KILL);
            }
            std::thread::sleep(Duration::from_millis(100));
        }
        for directory in directories {
            let removed = fs::remove_dir(directory);
            assert!(removed.is_ok() || std::thread::panicking(), "{removed:?}");
        }
    }
}

pub fn all_are_killed() {
    play(async |reaper| {
        for cgroup in Cgroup::everywhere() {
            let mut processes = cgroup
                .fill(&reaper, "fork[ setsid fork[ fork[ hang ] ] hang ] hang")
                .await;
            until("they have forked", || cgroup.processes() == 6).await;
            processes.extend(cgroup.fill(&reaper, "bomb").await);
            cgroup::kill_all(&cgroup.0, LONG)
                .await
                .unwrap_or_else(|error| panic!("{}: {error}", cgroup.0.display()));
            assert_eq!(cgroup.processes(), 0);
            for process in processes {
                let killed = Status::Signaled {
                    signal: libc::SIGKILL,
                    core_dumped: false,
                };
                assert_eq!(ended(&process).await.status, killed);
            }
            if let Ok(state) = fs::read_to_string(cgroup.0.join("freezer.state")) {
                assert_eq!(state, "THAWED\n");
            }
        }
    });
}

pub fn all_are_signalled() {
    play(async |reaper| {
        for cgroup in Cgroup::everywhere() {
            let processes: Vec<_> = (0..5).map(|_| reaper.spawn(actor("hang")).unwrap()).collect();
            for process in &processes {
                fs::write(cgroup.0.join("below/cgroup.procs"), process.pid().to_string()).unwrap();
            }
            assert_eq!(cgroup::signal_all(&cgroup.0, 0).await.unwrap(), 5);
            assert_eq!(
                cgroup::signal_all(&cgroup.0, 99).await.unwrap_err().kind(),
                ErrorKind::InvalidInput
            );
            assert_eq!(cgroup::signal_all(&cgroup.0, libc::SIGUSR2).await.unwrap(), 5);
            for process in processes {
                let ended = ended(&process).await.status;
                assert_eq!(
                    ended,
                    Status::Signaled {
                        signal: libc::SIGUSR2,
                        core_dumped: false
                    }
                );
            }
            until("nobody is listed", || cgroup.processes() == 0).await;
        }
    });
}

pub fn our_own_is_refused() {
    play(async |_| {
        for cgroup in Cgroup::everywhere() {
            let own = cgroup.0.join("below/cgroup.procs");
            fs::write(&own, std::process::id().to_string()).unwrap();
            let refused = cgroup::kill_all(&cgroup.0, LONG)
                .await
                .map_err(|error| error.kind());
            let signalled = cgroup::signal_all(&cgroup.0, libc::SIGKILL)
                .await
                .map_err(|error| error.kind());
            // Back to where the cgroup hangs, before anything may fail.
            fs::write(
                cgroup.0.parent().unwrap().join("cgroup.procs"),
                std::process::id().to_string(),
            )
            .unwrap();
            assert_eq!(refused, Err(ErrorKind::InvalidInput));
            assert_eq!(signalled, Err(ErrorKind::InvalidInput));
        }
    });
}

pub fn a_missing_one_is_empty() {
    play(async |_| {
        let missing = Path::new("/sys/fs/cgroup/podherd-no-such-cgroup");
        cgroup::kill_all(missing, Duration::ZERO).await.unwrap();
        assert_eq!(cgroup::signal_all(missing, libc::SIGTERM).await.unwrap(), 0);
    });
}
