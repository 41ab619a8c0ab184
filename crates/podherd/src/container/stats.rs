//! What containers use.

use std::collections::HashSet;
use std::rc::Rc;
use std::time::{Duration, SystemTime};

use super::{Container, ContainerId, Pod};
use crate::cgroup::CgroupStats;
use crate::error::{Code, Error, Result};

/// One container's figures at a moment.
#[derive(Clone, Debug)]
pub struct ContainerStats {
    /// Whose they are.
    pub id: ContainerId,
    /// When they were read.
    pub at: SystemTime,
    /// What its cgroups count.
    pub cgroup: CgroupStats,
    /// Processes of it that the kernel killed for memory since it was created.
    pub oom_kills: u64,
    /// What became of its output.
    pub output: OutputStats,
}

/// A container's output.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OutputStats {
    /// Bytes read of it.
    pub bytes: u64,
    /// Bytes that its log could not take.
    pub dropped: u64,
    /// How long its rate limit held it back.
    pub held_back: Duration,
}

/// Figures of these containers, in this order; of all that live, in the order of their creation, when there are none.
/// One that is asked for has to live; of all, those that end while they are looked at are left out.
pub async fn stats(pod: &Rc<Pod>, ids: Vec<ContainerId>) -> Result<Vec<ContainerStats>> {
    let shared = pod.clone();
    pod.call(move |cancelled| async move {
        let steps = read(&shared, &ids);
        shared.guard(&cancelled, Box::pin(steps)).await
    })
    .await
}

async fn read(pod: &Pod, ids: &[ContainerId]) -> Result<Vec<ContainerStats>> {
    if ids.is_empty() {
        let mut stats = Vec::new();
        for container in pod.containers.list() {
            stats.extend(container.stats().ok());
            // A look at one container's files takes a fraction of a millisecond; others are served between two.
            tokio::task::yield_now().await;
        }
        return Ok(stats);
    }
    let mut seen = HashSet::new();
    let mut stats = Vec::with_capacity(ids.len());
    for id in ids {
        if !seen.insert(id) {
            return Err(Error::new(
                Code::InvalidArgument,
                format!("ids: container {id} is named twice"),
            ));
        }
        stats.push(pod.containers.get(id)?.stats()?);
        tokio::task::yield_now().await;
    }
    Ok(stats)
}

impl Container {
    /// What it uses now. An error unless it lives.
    fn stats(&self) -> Result<ContainerStats> {
        self.living()?;
        let at = SystemTime::now();
        let (cgroup, oom_kills) = match self.cgroup.get() {
            Some(cgroup) => {
                let stats = cgroup.stats().ok_or_else(|| self.not_running("has ended"))?;
                (stats, cgroup.oom_kills().count())
            }
            None => Default::default(),
        };
        Ok(ContainerStats {
            id: self.id.clone(),
            at,
            cgroup,
            oom_kills,
            output: OutputStats {
                bytes: self.output.bytes(),
                dropped: self.dropped_log_bytes(),
                held_back: self.output.held_back(),
            },
        })
    }
}
