//! Being the init of a pid namespace.

use std::ptr;

use crate::dispositions;

/// Makes this process an init that needs no more care: whatever is orphaned in its pid namespace is
/// collected as it ends, and no signal but SIGKILL and SIGSTOP, from outside the namespace, touches it.
///
/// The collecting is the kernel's: children of a process that ignores SIGCHLD never become zombies, and
/// adopted ones are no exception (`waitpid(2)`, NOTES). So there is no loop that could be slow, be stopped or
/// fail, and the init is never woken. In exchange this process can wait for no child of its own.
///
/// Signals are ignored rather than blocked: blocked ones would be kept, and real-time ones queued. Those of a
/// fault of its own end it all the same.
pub fn serve_as_init() {
    dispositions::set_all(libc::SIG_IGN);
    // SAFETY: the set is plain memory that the first call fills.
    unsafe {
        let mut none: libc::sigset_t = std::mem::zeroed();
        libc::sigemptyset(&raw mut none);
        libc::pthread_sigmask(libc::SIG_SETMASK, &raw const none, ptr::null_mut());
    }
}
