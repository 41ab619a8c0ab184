//! Coming before all other programs of the machine, so that they don't disturb a figure.

/// While this lives, this program and what it starts run before all ordinary ones (`SCHED_FIFO`,
/// sched(7)). Real containers can't be started so: a cpu cgroup (version 1) without real-time budget
/// takes no such process.
#[derive(Debug)]
pub struct RealTime {
    granted: bool,
}

/// Above ordinary programs, below those of the kernel that have a real-time priority of 50.
const PRIORITY: i32 = 10;

impl RealTime {
    /// Asks for it. A machine that refuses measures all the same.
    pub fn begin() -> Self {
        Self {
            granted: schedule(libc::SCHED_FIFO, PRIORITY),
        }
    }

    /// What the reader of the figures has to know.
    pub fn note(&self) -> Option<String> {
        let note =
            "the kernel refused a real-time priority: other programs have their share in these figures";
        (!self.granted).then(|| note.to_owned())
    }
}

impl Drop for RealTime {
    fn drop(&mut self) {
        if self.granted {
            schedule(libc::SCHED_OTHER, 0);
        }
    }
}

fn schedule(policy: i32, priority: i32) -> bool {
    // SAFETY: all fields are plain numbers, and zero is valid for each.
    let mut parameters: libc::sched_param = unsafe { std::mem::zeroed() };
    parameters.sched_priority = priority;
    // The call itself: musl's libc has a function of that name that only fails.
    // SAFETY: the kernel reads the structure during the call; 0 means this thread.
    unsafe { libc::syscall(libc::SYS_sched_setscheduler, 0, policy, &raw const parameters) == 0 }
}
