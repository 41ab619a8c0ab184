//! What Node lacks for the client: unix SEQPACKET sockets, and descriptors that are sent over them.
//!
//! - `address`: from a path of any length to a socket address
//! - `socket`: one connected socket; calls never block, and readiness can be awaited
//! - `binding`: the same as JavaScript sees it, as the class `PacketHandle`
//!
//! System calls are made on Node's own thread, as libuv makes those of Node's sockets. What waits for readiness
//! is one event loop on one thread, for all sockets of the process. The package `@podherd/node` makes streams of it.

mod address;
mod binding;
mod socket;

use tokio::runtime::Builder;

/// One thread waits for all sockets; Node's binding would start one for each processor.
#[napi_derive::module_init]
fn init() {
    // Without it the binding makes a runtime of its own, as it does for any other addon.
    if let Ok(runtime) = Builder::new_multi_thread()
        .worker_threads(1)
        .thread_name("podherd-node")
        .enable_io()
        .build()
    {
        napi::bindgen_prelude::create_custom_tokio_runtime(runtime);
    }
}
