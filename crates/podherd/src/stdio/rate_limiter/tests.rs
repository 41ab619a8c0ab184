//! Turns and times, by a clock that stands still unless somebody waits for it.

use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;

use tokio::task::LocalSet;
use tokio::time::Instant;

use super::RateLimiter;
use super::holding::QUIET;

type Told = Rc<RefCell<Vec<(bool, Duration)>>>;

fn limiter(per_second: u64, burst: u64) -> (Rc<RateLimiter>, Told) {
    let told = Told::default();
    let teller = told.clone();
    let limiter = RateLimiter::new(per_second, burst, move |holding, total| {
        teller.borrow_mut().push((holding, total));
    });
    (Rc::new(limiter), told)
}

/// Reads `bytes`, at most `most` at once; returns how long it took.
async fn read(limiter: &RateLimiter, bytes: usize, most: usize) -> Duration {
    let began = Instant::now();
    let mut rest = bytes;
    while rest > 0 {
        let turn = limiter.turn().await;
        let count = turn.allowed().min(most).min(rest);
        assert!(count > 0);
        turn.took(count);
        rest -= count;
    }
    began.elapsed()
}

fn play(test: impl Future<Output = ()>) {
    let event_loop = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .expect("an event loop");
    LocalSet::new().block_on(&event_loop, test);
}

/// Lets whatever can run do so, without time passing.
async fn settle() {
    for _ in 0..8 {
        tokio::task::yield_now().await;
    }
}

#[test]
fn within_the_burst_nothing_waits_and_nobody_is_told() {
    play(async {
        let (limiter, told) = limiter(1_000, 10_000);
        assert_eq!(read(&limiter, 10_000, 4_096).await, Duration::ZERO);
        assert_eq!(limiter.held_back(), Duration::ZERO);
        tokio::time::sleep(QUIET * 3).await;
        limiter.end();
        assert!(told.borrow().is_empty());
    });
}

#[test]
fn past_it_reading_takes_what_the_limit_says() {
    play(async {
        let (limiter, _) = limiter(100_000, 50_000);
        let took = read(&limiter, 1_050_000, usize::MAX).await;
        // Timers are exact to a millisecond.
        assert!(
            (Duration::from_secs(10)..Duration::from_millis(10_300)).contains(&took),
            "{took:?}"
        );
        assert_eq!(limiter.held_back(), took);
    });
}

#[test]
fn a_time_of_holding_back_is_told_once_with_its_end() {
    play(async {
        let (limiter, told) = limiter(100_000, 1);
        read(&limiter, 510_000, usize::MAX).await;
        settle().await;
        assert_eq!(*told.borrow(), [(true, Duration::ZERO)], "held a hundred times");
        let first = limiter.held_back();
        // Not long enough to be over.
        tokio::time::sleep(QUIET - Duration::from_millis(2)).await;
        read(&limiter, 110_000, usize::MAX).await;
        assert_eq!(told.borrow().len(), 1);
        tokio::time::sleep(QUIET + Duration::from_millis(2)).await;
        settle().await;
        let total = limiter.held_back();
        assert!(total > first);
        assert_eq!(told.borrow()[1..], [(false, total)]);
        read(&limiter, 110_000, usize::MAX).await;
        assert_eq!(told.borrow()[2..], [(true, total)]);
        // The output ends in the middle of it.
        limiter.end();
        limiter.end();
        assert_eq!(told.borrow()[3..], [(false, limiter.held_back())]);
        tokio::time::sleep(QUIET * 2).await;
        assert_eq!(told.borrow().len(), 4);
    });
}

#[test]
fn a_flooded_stream_takes_no_turn_from_the_other_one() {
    play(async {
        let (limiter, _) = limiter(1_000, 1);
        let flood = {
            let limiter = limiter.clone();
            tokio::task::spawn_local(async move { read(&limiter, 1_000_000, usize::MAX).await })
        };
        tokio::time::sleep(Duration::from_secs(5)).await;
        let took = read(&limiter, 10, usize::MAX).await;
        // Its turn comes after the one that waits now, and each waits for its portion.
        assert!(took <= Duration::from_millis(200), "{took:?}");
        flood.abort();
    });
}

#[test]
fn two_that_wait_at_once_count_once_and_one_that_gives_up_no_longer() {
    play(async {
        let (limiter, told) = limiter(10, 10);
        read(&limiter, 10, usize::MAX).await;
        let began = Instant::now();
        let waiting: Vec<_> = (0..2)
            .map(|_| {
                let limiter = limiter.clone();
                tokio::task::spawn_local(async move { drop(limiter.turn().await) })
            })
            .collect();
        settle().await;
        assert_eq!(told.borrow().len(), 1);
        tokio::time::sleep(Duration::from_millis(30)).await;
        assert_eq!(limiter.held_back(), began.elapsed());
        waiting.iter().for_each(|task| task.abort());
        settle().await;
        let held = limiter.held_back();
        tokio::time::sleep(QUIET * 2).await;
        assert_eq!(limiter.held_back(), held);
        assert_eq!(*told.borrow(), [(true, Duration::ZERO), (false, held)]);
        // The turn of one that gave up is free.
        assert_eq!(read(&limiter, 10, usize::MAX).await, Duration::ZERO);
    });
}

#[test]
fn an_account_that_is_dropped_tells_no_more() {
    play(async {
        let (limiter, told) = limiter(1_000, 1);
        read(&limiter, 1_000, usize::MAX).await;
        drop(limiter);
        tokio::time::sleep(QUIET * 2).await;
        assert_eq!(told.borrow().len(), 1);
        assert_eq!(Rc::strong_count(&told), 1, "the teller has gone");
    });
}
