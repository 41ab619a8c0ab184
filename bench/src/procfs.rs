//! The kernel's accounts of a process: proc(5), proc_pid_stat(5), proc_pid_smaps(5).

use std::fs;

use rustix::process::Pid;

use crate::Result;

/// Clock ticks a second, of the times in `stat`: `USER_HZ`, which is 100 for every program.
const TICKS: f64 = 100.0;

/// CPU seconds that the process itself has used, its children not counted. Works for a zombie, too.
pub fn cpu_seconds(process: Pid) -> Result<f64> {
    let fields = stat(process)?;
    // utime and stime are fields 14 and 15; the first one here is field 3.
    let ticks = |field: usize| -> f64 {
        fields
            .get(field - 3)
            .and_then(|text| text.parse().ok())
            .unwrap_or(0.0)
    };
    Ok((ticks(14) + ticks(15)) / TICKS)
}

/// The fields of `stat` behind the name.
fn stat(process: Pid) -> Result<Vec<String>> {
    let text = fs::read_to_string(format!("/proc/{process}/stat"))?;
    let (_, behind) = text.rsplit_once(')').ok_or("stat without a name")?;
    Ok(behind.split_whitespace().map(str::to_owned).collect())
}

/// Memory of a process, in kB.
#[derive(Clone, Copy, Debug)]
pub struct Memory {
    /// Resident, shared pages of files included.
    pub rss: f64,
    /// Of it what belongs to this process alone and to no file.
    pub anonymous: f64,
    /// Resident, each shared page divided among those who have it.
    pub proportional: f64,
    /// Open descriptors.
    pub descriptors: f64,
}

impl Memory {
    /// As it is now.
    pub fn of(process: Pid) -> Result<Self> {
        let status = fs::read_to_string(format!("/proc/{process}/status"))?;
        let rollup = fs::read_to_string(format!("/proc/{process}/smaps_rollup"))?;
        Ok(Self {
            rss: kilobytes(&status, "VmRSS:")?,
            anonymous: kilobytes(&status, "RssAnon:")?,
            proportional: kilobytes(&rollup, "Pss:")?,
            descriptors: fs::read_dir(format!("/proc/{process}/fd"))?.count() as f64,
        })
    }
}

fn kilobytes(text: &str, name: &str) -> Result<f64> {
    let line = text.lines().find_map(|line| line.strip_prefix(name));
    let number = line.and_then(|rest| rest.split_whitespace().next());
    let number = number.ok_or_else(|| format!("no {name} in the kernel's account"))?;
    Ok(number.parse()?)
}

/// The children of this process, adopted ones included.
pub fn own_children() -> Vec<Pid> {
    let threads = fs::read_dir("/proc/self/task").into_iter().flatten().flatten();
    let lists = threads.filter_map(|thread| fs::read_to_string(thread.path().join("children")).ok());
    lists
        .flat_map(|list| {
            list.split_whitespace()
                .filter_map(|number| Pid::from_raw(number.parse().ok()?))
                .collect::<Vec<_>>()
        })
        .collect()
}
