//! The first process of a user namespace has all capabilities in it, and would lose them by exec: its id
//! is not mapped yet, so that it is not the namespace's root (`capabilities(7)`).

use std::ffi::c_int;

/// `_LINUX_CAPABILITY_VERSION_3`, with two words of each set.
const VERSION: u32 = 0x2008_0522;

#[repr(C)]
struct Header {
    version: u32,
    pid: c_int,
}

#[derive(Clone, Copy)]
#[repr(C)]
struct Words {
    effective: u32,
    permitted: u32,
    inheritable: u32,
}

/// Makes all permitted capabilities ambient. Says whether it could; errno says why not. Makes system calls
/// only: it runs between clone and exec.
pub(super) fn keep_across_exec() -> bool {
    let mut header = Header {
        version: VERSION,
        pid: 0,
    };
    let mut words = [Words {
        effective: 0,
        permitted: 0,
        inheritable: 0,
    }; 2];
    // SAFETY: both are what capget(2) asks for with this version, and outlive the calls.
    unsafe {
        if libc::syscall(libc::SYS_capget, &raw mut header, words.as_mut_ptr()) < 0 {
            return false;
        }
        for word in &mut words {
            word.inheritable = word.permitted;
        }
        if libc::syscall(libc::SYS_capset, &raw const header, words.as_ptr()) < 0 {
            return false;
        }
    }
    (0..64u32)
        .filter(|number| words[(number / 32) as usize].permitted & (1 << (number % 32)) != 0)
        .all(|number| {
            // SAFETY: takes plain numbers.
            unsafe {
                libc::prctl(
                    libc::PR_CAP_AMBIENT,
                    libc::PR_CAP_AMBIENT_RAISE,
                    libc::c_ulong::from(number),
                    0,
                    0,
                ) == 0
            }
        })
}
