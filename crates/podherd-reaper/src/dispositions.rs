//! What signals do to this process, set by the system call itself: libc refuses the numbers that it keeps
//! for itself, and takes locks.

use std::ffi::{c_int, c_void};
use std::ptr;

/// The last real-time signal.
pub(crate) const LAST_SIGNAL: c_int = 64;

/// Bytes of the kernel's signal set, 64 signals.
const SIGNAL_SET: usize = 8;

/// Gives every signal that can have it this disposition, `SIG_DFL` or `SIG_IGN`. Makes system calls only, so
/// that it may run between clone and exec.
pub(crate) fn set_all(disposition: libc::sighandler_t) {
    // The kernel's sigaction begins with the handler on all but one architecture (mips), has no flag set, and
    // is no longer than this.
    let mut action = [0usize; 8];
    action[0] = disposition;
    for signal in 1..=LAST_SIGNAL {
        // SAFETY: the array outlives the call, which only reads it; no handler is set that could run. SIGKILL
        // and SIGSTOP are refused.
        unsafe {
            libc::syscall(
                libc::SYS_rt_sigaction,
                signal,
                action.as_ptr(),
                ptr::null_mut::<c_void>(),
                SIGNAL_SET,
            );
        }
    }
}
