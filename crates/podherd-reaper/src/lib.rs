//! Owns processes. It spawns programs, adopts their orphans, collects every end and signals by
//! pidfd; it has no idea of containers.
//!
//! ```text
//! Program ──spawn──▶ Process ◀──────── resolve ── Claim
//!   program, spawn     │ process                   │ claim, leftovers
//!                      ▼                           ▼
//!                    Table: pid → who watches; ends kept for open claims      (table)
//!                      ▲
//!   SIGCHLD ──▶ ReapLoop: peek, route, record, consume + publish              (reap_loop, evidence)
//! ```
//!
//! One [`Reaper`] per process. It makes the process a child subreaper, so that whatever a spawned
//! program leaves behind becomes a child of it, and its [`ReapLoop`] waits for *any* child: a dead
//! one is shown without being consumed, its status is routed to the [`Process`] that watches it, or
//! kept while somebody holds a [`Claim`] to statuses not seen yet, and only then it is consumed, by
//! its pid. Since nobody else in the process waits, no status is stolen and no orphan stays a zombie.
//!
//! Everything runs on the thread of one `current_thread` runtime, inside a `LocalSet`: nothing is
//! `Send`. Processes are signalled through pidfds only ([`Process::signal`], [`cgroup`], [`KillGuard`]).
//! [`background`] forks before there is a runtime; [`serve_as_init`] is for a program that was started as the
//! init of a pid namespace ([`Program::new_namespaces`]), and needs no reaper.
//!
//! What can escape: [`KillGuard`] and [`Process::kill_tree`] find descendants by their parents, and
//! orphans by the process group or session. A descendant that left both *and* lost its parent is
//! found by [`Claim::kill_leftovers`] alone, or by the cgroup that it is in.
//!
//! Needs Linux 5.10 and a `/proc` of its own pid namespace.

#![allow(
    clippy::disallowed_methods,
    reason = "this crate is the one that spawns, waits and signals, so that nobody else has to"
)]

pub mod background;
pub mod cgroup;

mod child_signal;
mod claim;
mod counters;
mod defaults;
mod dispositions;
mod error;
mod evidence;
mod exit;
mod file_id;
mod init;
mod kill_guard;
mod leftovers;
mod namespaces;
mod pidfd;
mod process;
mod procfs;
mod program;
mod reap_loop;
mod reaper;
mod spawn;
mod table;
mod time;
mod tree;
mod wait;

pub use claim::Claim;
pub use counters::Counters;
pub use defaults::ChildDefaults;
pub use error::{ClaimError, KillError, SignalError, SpawnError, SpawnErrorKind};
pub use exit::{Exit, Status};
pub use file_id::FileId;
pub use init::serve_as_init;
pub use kill_guard::KillGuard;
pub use leftovers::Leftovers;
pub use namespaces::NewNamespaces;
pub use pidfd::stranger_ends;
pub use process::{Process, Recorder};
pub use procfs::is_alive;
pub use program::Program;
pub use reap_loop::ReapLoop;
pub use reaper::Reaper;
