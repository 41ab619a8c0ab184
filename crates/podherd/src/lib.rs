//! The server `podherd`: one per pod. It spawns OCI runtimes, owns every process that comes of
//! them, and keeps their streams, logs and exit states.
//!
//! A request's way through the rooms:
//!
//! ```text
//! listen → rpc (translates, nothing else) → container (create, start, exec, exit, delete)
//!                                             ├ runtime    command lines, one run of the runtime, its error text
//!                                             ├ stdio      pipes, terminal, draining, live output
//!                                             ├ logs       output → records → files   ┐ on the writer
//!                                             ├ exit_files, journal                   ┘ threads of disk
//!                                             ├ cgroup     a container's directories, its OOM count
//!                                             ├ fd_socket  descriptors that callers have sent ahead
//!                                             └ podherd_reaper   every fork, wait and signal
//! ```
//!
//! `preflight` checks bundles, in a process of its own.
//! `journald` is the machine's journal, for the logs of containers and the server's own.
//! `events` is the record of what has happened, for those who watch.
//! `attach` gives clients the streams of a container over a socket; `streaming` does over WebSocket, and forwards ports.
//! `namespaces` makes a pod's namespaces and keeps them; its `pause` is the process that holds them.
//! `commands` are small clients of a server, in the same binary; `doctor` looks over the whole machine.
//! `traces` follows calls for OpenTelemetry, in builds with the feature `tracing-export`.
//! `admission` decides who may stay connected; `cli` parses, `daemon` goes to the background, `server` puts the rest together and ends it.
//! All of it runs on one thread, in one event loop, except for the writer threads of `disk`.

pub mod admission;
pub mod attach;
pub mod bundle;
pub mod cgroup;
pub mod cli;
pub mod commands;
pub mod container;
pub mod daemon;
pub mod disk;
pub mod doctor;
pub mod error;
pub mod events;
pub mod exit_files;
pub mod fd_socket;
pub mod file_name;
pub mod journal;
pub mod journald;
pub mod logs;
pub mod namespaces;
pub mod preflight;
pub mod readiness;
pub mod rpc;
pub mod runtime;
pub mod server;
pub mod sessions;
pub mod socket;
pub mod stdio;
pub mod streaming;
#[cfg(feature = "tracing-export")]
pub mod traces;
