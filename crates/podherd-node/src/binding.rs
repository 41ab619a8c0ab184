//! A socket as JavaScript sees it.
//!
//! Calls give a negative error number where they fail, as libuv's do: the package makes Node's own kind of error of
//! it, and the frequent `EAGAIN` costs no exception.

use std::io;
use std::os::fd::BorrowedFd;
use std::path::Path;
use std::sync::Arc;

use napi::Env;
use napi::bindgen_prelude::{PromiseRaw, Uint8ArraySlice, within_runtime_if_available};
use napi_derive::napi;
use rustix::io::Errno;
use tokio_util::sync::CancellationToken;

use crate::socket::PacketSocket;

/// One socket. Its descriptor is closed by `close`, or when the object is collected.
#[napi]
#[derive(Default)]
pub struct PacketHandle {
    /// Shared with the waits that are under way, which `closing` ends.
    socket: Option<Arc<PacketSocket>>,
    closing: CancellationToken,
}

#[napi]
impl PacketHandle {
    /// A handle that is not connected yet.
    #[napi(constructor)]
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Connects to the socket at a path of any length: 0, or a negative error number.
    #[napi]
    pub fn connect(&mut self, path: String) -> i32 {
        if self.socket.is_some() || self.closing.is_cancelled() {
            return failed(Errno::ISCONN);
        }
        match within_runtime_if_available(|| PacketSocket::connect(Path::new(&path))) {
            Ok(socket) => {
                self.socket = Some(Arc::new(socket));
                0
            }
            Err(error) => failed(error),
        }
    }

    /// Receives one packet into `into`: its length, 0 at the end, or a negative error number.
    #[napi]
    pub fn receive(&mut self, mut into: Uint8ArraySlice<'_>) -> i32 {
        let Some(socket) = &self.socket else {
            return failed(Errno::BADF);
        };
        // SAFETY: JavaScript's thread is in this call, so its code changes nothing meanwhile.
        match socket.try_receive(unsafe { into.as_mut() }) {
            Ok(length) => i32::try_from(length).unwrap_or(i32::MAX),
            Err(error) => failed(error),
        }
    }

    /// Sends one packet with copies of `descriptors`: 0, or a negative error number.
    #[napi]
    pub fn send(&mut self, packet: &[u8], descriptors: Vec<i32>) -> i32 {
        let Some(socket) = &self.socket else {
            return failed(Errno::BADF);
        };
        if descriptors.iter().any(|number| *number < 0) {
            return failed(Errno::BADF);
        }
        let borrowed: Vec<BorrowedFd<'_>> = descriptors
            .iter()
            // SAFETY: it isn't -1, and is only looked up by sendmsg(2), which refuses a number that isn't open.
            .map(|number| unsafe { BorrowedFd::borrow_raw(*number) })
            .collect();
        socket.try_send(packet, &borrowed).map_or_else(failed, |()| 0)
    }

    /// Tells the peer that nothing more comes: 0, or a negative error number.
    #[napi]
    pub fn shutdown(&mut self) -> i32 {
        let Some(socket) = &self.socket else {
            return failed(Errno::BADF);
        };
        socket.shutdown_write().map_or_else(failed, |()| 0)
    }

    /// Resolves when `receive` is worth a try, and when the socket was closed.
    #[napi(ts_return_type = "Promise<void>")]
    pub fn readable<'env>(&mut self, env: &'env Env) -> napi::Result<PromiseRaw<'env, ()>> {
        self.wait(env, async |socket| socket.readable().await)
    }

    /// Resolves when `send` is worth a try, and when the socket was closed.
    #[napi(ts_return_type = "Promise<void>")]
    pub fn writable<'env>(&mut self, env: &'env Env) -> napi::Result<PromiseRaw<'env, ()>> {
        self.wait(env, async |socket| socket.writable().await)
    }

    /// Closes the socket and ends the waits. Its descriptor is gone when they have resolved, or at once when there
    /// are none. May be called again.
    #[napi]
    pub fn close(&mut self) {
        self.closing.cancel();
        self.socket = None;
    }
}

impl PacketHandle {
    fn wait<'env, F>(
        &self,
        env: &'env Env,
        ready: impl FnOnce(Arc<PacketSocket>) -> F + Send + 'static,
    ) -> napi::Result<PromiseRaw<'env, ()>>
    where
        F: Future<Output = io::Result<()>> + Send + 'static,
    {
        let (socket, closing) = (self.socket.clone(), self.closing.clone());
        env.spawn_future(async move {
            let Some(socket) = socket else { return Ok(()) };
            // An error of the event loop itself, which ends, says nothing that the next call doesn't.
            let _ = closing.run_until_cancelled(ready(socket)).await;
            Ok(())
        })
    }
}

impl Drop for PacketHandle {
    fn drop(&mut self) {
        self.close();
    }
}

fn failed(error: Errno) -> i32 {
    -error.raw_os_error()
}
