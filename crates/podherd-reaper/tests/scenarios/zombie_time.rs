//! How long ended children wait: never told shorter than it was, and time without any doesn't count.

use std::time::{Duration, Instant};

use podherd_reaper::{Exit, Reaper};
use tokio::sync::oneshot::channel;

use crate::stage::{LONG, actor, ended, play, state, until};

pub const OWN_PID_NAMESPACE: bool = false;

/// How long the event loop hears nothing.
const DEAF: Duration = Duration::from_millis(80);
/// Much longer than a reap takes on a busy machine.
const IDLE: Duration = Duration::from_secs(2);

fn longest(reaper: &Reaper) -> Duration {
    reaper.counters().longest_zombie
}

/// Holds the thread, and so the loop, until the child has ended.
fn until_dead(pid: u32) {
    let deadline = Instant::now() + LONG;
    while state(pid) != Some('Z') {
        assert!(Instant::now() < deadline, "{pid} does not end");
        std::thread::sleep(Duration::from_millis(1));
    }
}

pub fn counts_from_the_signal_while_the_loop_is_held() {
    play(async |reaper| {
        assert_eq!(longest(&reaper), Duration::ZERO);
        let process = reaper.spawn(actor("exit 0")).unwrap();
        until_dead(process.pid());
        std::thread::sleep(DEAF);
        ended(&process).await;
        let first = longest(&reaper);
        assert!(first >= DEAF, "{first:?}");
        ended(&reaper.spawn(actor("exit 0")).unwrap()).await;
        assert!(longest(&reaper) >= first, "it never goes back");
    });
}

pub fn counts_the_wait_for_a_record_and_no_idle_time() {
    play(async |reaper| {
        let (written, record) = channel::<()>();
        let process = reaper.spawn(actor("exit 0")).unwrap();
        process.record_before_reap(Box::new(|_: &Exit| record));
        until("it is dead", || state(process.pid()) == Some('Z')).await;
        // It ends, and its signal comes, while the other one is collected.
        let beside = reaper.spawn(actor("exit 0")).unwrap();
        let began = Instant::now();
        until_dead(beside.pid());
        let held = began.elapsed();
        drop(written);
        ended(&process).await;
        ended(&beside).await;
        assert!(longest(&reaper) >= held, "{:?} {held:?}", longest(&reaper));

        tokio::time::sleep(IDLE).await;
        ended(&reaper.spawn(actor("exit 0")).unwrap()).await;
        assert!(longest(&reaper) < IDLE, "{:?}", longest(&reaper));
    });
}
