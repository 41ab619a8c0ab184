//! What the server counts of itself.

use std::time::SystemTime;

use super::ProcessUsage;
use crate::container::{Phase, Pod};

/// A server's own figures at a moment.
#[derive(Clone, Copy, Debug)]
pub struct ServerStats {
    /// When they were taken.
    pub at: SystemTime,
    /// Of its process.
    pub usage: ProcessUsage,
    /// Open connections.
    pub connections: usize,
    /// Containers that are kept, ended ones included.
    pub containers: usize,
    /// Containers that live or are being created.
    pub living: usize,
    /// Execs that run.
    pub execs: usize,
    /// Watches of events that are open.
    pub event_watches: usize,
    /// The number that the next event will have.
    pub next_sequence: u64,
}

impl ServerStats {
    /// Of this server, now.
    pub fn now(pod: &Pod) -> Self {
        let containers = pod.containers.list();
        let living = containers
            .iter()
            .filter(|container| container.phase() < Phase::Exited);
        Self {
            at: SystemTime::now(),
            usage: ProcessUsage::now(),
            connections: pod.connections.get(),
            containers: containers.len(),
            living: living.count(),
            execs: containers.iter().map(|container| container.execs()).sum(),
            event_watches: pod.events.watches(),
            next_sequence: pod.events.next_sequence(),
        }
    }
}
