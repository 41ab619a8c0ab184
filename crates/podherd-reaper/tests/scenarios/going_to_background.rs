//! Forking before there is a runtime.

use std::os::unix::process::ExitStatusExt;

use podherd_reaper::background::{Fork, fork};

pub const OWN_PID_NAMESPACE: bool = false;

pub fn the_parent_learns_how_it_ended() {
    let (read, write) = crate::stage::pipe();
    match fork().unwrap() {
        Fork::Child => {
            drop(write);
            crate::stage::read_all(read);
            std::process::exit(3)
        }
        Fork::Parent { mut child } => {
            assert!(child.pid() > 1);
            assert!(child.try_wait().unwrap().is_none());
            drop((read, write));
            assert_eq!(child.wait().unwrap().code(), Some(3));
            assert_eq!(
                child.try_wait().unwrap().unwrap().code(),
                Some(3),
                "told again, not waited for again"
            );
        }
    }
    match fork().unwrap() {
        Fork::Child => {
            rustix::process::kill_process(rustix::process::getpid(), rustix::process::Signal::KILL).unwrap();
            std::process::exit(0)
        }
        Fork::Parent { mut child } => assert_eq!(child.wait().unwrap().signal(), Some(libc::SIGKILL)),
    }
}

pub fn not_with_threads() {
    let (read, write) = crate::stage::pipe();
    let thread = std::thread::spawn(move || crate::stage::read_all(read));
    assert!(fork().is_err());
    drop(write);
    thread.join().unwrap();
}
