//! Rust types of Podherd's two Cap'n Proto interfaces.
//!
//! Everything below `generated/` is made from `schema/*.capnp` by `npm run generate` and committed,
//! so that building needs no `capnp`; `npm run check:generated` fails when it is stale.
//!
//! - [`conmon_capnp`]: the interface that clients of conmon-rs speak.
//! - [`podherd_capnp`]: ours, which extends it.

// The generated files refer to each other by these module paths, from the crate's root.
#[path = "generated/conmon_capnp.rs"]
#[allow(missing_docs, clippy::all, unused, reason = "generated code")]
#[rustfmt::skip]
pub mod conmon_capnp;
#[path = "generated/podherd_capnp.rs"]
#[allow(missing_docs, clippy::all, unused, reason = "generated code")]
#[rustfmt::skip]
pub mod podherd_capnp;
