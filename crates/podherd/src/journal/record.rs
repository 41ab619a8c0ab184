//! What the facts add up to.

use std::sync::Arc;

use super::Survivor;
use super::fact::{CreatedEntry, ExitedEntry, Fact};

/// The containers that are not deleted, in the order of their creation.
#[derive(Default)]
pub(super) struct Record {
    /// The boot of what is created next.
    boot_id: Arc<str>,
    entries: Vec<Entry>,
}

struct Entry {
    boot_id: Arc<str>,
    created: CreatedEntry,
    exited: Option<ExitedEntry>,
}

impl Record {
    /// Adds the facts of a journal file. A line that can't be read is skipped and counted; not so a last
    /// one without its end, which a server wrote when it was killed.
    pub(super) fn read(&mut self, file: &[u8]) -> u64 {
        let mut skipped = 0;
        for line in file.split_inclusive(|&byte| byte == b'\n') {
            match serde_json::from_slice(line) {
                Ok(fact) => self.add(fact),
                Err(_) if line.ends_with(b"\n") => skipped += 1,
                Err(_) => {}
            }
        }
        skipped
    }

    /// Whether no container stands in it.
    pub(super) fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    pub(super) fn add(&mut self, fact: Fact) {
        match fact {
            Fact::Boot { boot_id } => self.boot_id = boot_id.into(),
            Fact::Created(created) => {
                self.entries.retain(|entry| entry.created.id != created.id);
                self.entries.push(Entry {
                    boot_id: Arc::clone(&self.boot_id),
                    created,
                    exited: None,
                });
            }
            Fact::Exited { id, entry: exited } => {
                if let Some(entry) = self.entries.iter_mut().find(|entry| entry.created.id == id) {
                    entry.exited = Some(exited);
                }
            }
            Fact::Deleted { id } => {
                self.entries.retain(|entry| entry.created.id != id);
                self.entries.shrink_to(2 * self.entries.len());
            }
        }
    }

    /// Leaves out the containers whose end is known.
    pub(super) fn keep_survivors(&mut self) {
        self.entries.retain(|entry| entry.exited.is_none());
    }

    pub(super) fn survivors(&self) -> Vec<Survivor> {
        let survivors = self.entries.iter().filter(|entry| entry.exited.is_none());
        survivors
            .map(|Entry { boot_id, created, .. }| Survivor {
                id: created.id.clone(),
                pid: created.pid,
                start_time: created.start_time,
                boot_id: boot_id.to_string(),
                bundle: created.bundle.clone(),
            })
            .collect()
    }

    /// The shortest file that says the same.
    pub(super) fn lines(&self) -> Vec<u8> {
        let mut lines = Vec::new();
        let mut boot = None;
        for entry in &self.entries {
            say_boot(&entry.boot_id, &mut boot, &mut lines);
            Fact::Created(entry.created.clone()).append_to(&mut lines);
            if let Some(exited) = &entry.exited {
                let id = entry.created.id.clone();
                Fact::Exited {
                    id,
                    entry: exited.clone(),
                }
                .append_to(&mut lines);
            }
        }
        say_boot(&self.boot_id, &mut boot, &mut lines);
        lines
    }
}

/// Names the boot of the lines that follow, where it changes.
fn say_boot(boot_id: &Arc<str>, said: &mut Option<Arc<str>>, lines: &mut Vec<u8>) {
    if said.as_ref() != Some(boot_id) {
        Fact::Boot {
            boot_id: boot_id.to_string(),
        }
        .append_to(lines);
        *said = Some(Arc::clone(boot_id));
    }
}
