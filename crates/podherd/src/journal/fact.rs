//! The lines of the journal.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

/// One line. A kind or a field that a later version adds does not keep this one from reading the rest.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(tag = "fact", rename_all = "camelCase")]
pub(super) enum Fact {
    /// The boot of the `created` lines that follow, up to the next such line.
    #[serde(rename_all = "camelCase")]
    Boot {
        boot_id: String,
    },
    Created(CreatedEntry),
    Exited {
        id: String,
        #[serde(flatten)]
        entry: ExitedEntry,
    },
    Deleted {
        id: String,
    },
}

/// What the journal keeps of a container from its creation.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CreatedEntry {
    /// The container's id.
    pub id: String,
    /// The pid of its init, in the server's pid namespace.
    pub pid: i32,
    /// The init's start time in clock ticks since boot (field 22 of `/proc/PID/stat`).
    pub start_time: u64,
    /// Its bundle.
    pub bundle: PathBuf,
}

/// What the journal keeps of a container's end.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ExitedEntry {
    /// The code that it exited with, if it did.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub code: Option<i32>,
    /// The signal that killed it, if one did.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub signal: Option<i32>,
    /// It was killed for want of memory.
    #[serde(default)]
    pub oom_killed: bool,
    /// When, in nanoseconds since the Unix epoch.
    pub exited_at: u64,
}

impl Fact {
    /// Appends the fact as a line. One that has no JSON form, a path that is not UTF-8, is left out:
    /// `false`.
    pub(super) fn append_to(&self, lines: &mut Vec<u8>) -> bool {
        let before = lines.len();
        if serde_json::to_writer(&mut *lines, self).is_err() {
            lines.truncate(before);
            return false;
        }
        lines.push(b'\n');
        true
    }
}
