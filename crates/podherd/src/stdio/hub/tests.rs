use futures::FutureExt;

use super::*;

async fn text(follower: &Follower) -> String {
    match follower.next().await {
        Followed::Output(stream, chunk) => format!("{stream:?} {}", String::from_utf8_lossy(&chunk)),
        end => format!("{end:?}"),
    }
}

#[tokio::test(flavor = "current_thread")]
async fn gives_each_follower_what_came_after_it_and_the_end_last() {
    let hub = Hub::new(100);
    hub.publish(Stream::Stdout, b"nobody").await;
    let early = hub.follow(Pace::Free).unwrap();
    hub.publish(Stream::Stdout, b"one").await;
    let late = hub.follow(Pace::Free).unwrap();
    hub.publish(Stream::Stderr, b"two").await;
    hub.end();
    assert_eq!(text(&early).await, "Stdout one");
    assert_eq!(text(&early).await, "Stderr two");
    assert_eq!(text(&early).await, "Ended");
    assert_eq!(text(&late).await, "Stderr two");
    assert_eq!(text(&late).await, "Ended");
    assert!(hub.follow(Pace::Free).is_none());
}

#[tokio::test(flavor = "current_thread")]
async fn cuts_off_who_is_too_far_behind_and_nobody_else() {
    let hub = Hub::new(10);
    let (slow, quick) = (hub.follow(Pace::Free).unwrap(), hub.follow(Pace::Free).unwrap());
    for _ in 0..3 {
        hub.publish(Stream::Stdout, b"12345").await;
        assert_eq!(text(&quick).await, "Stdout 12345");
    }
    // Of these only the first had to wait.
    for _ in 0..1000 {
        hub.publish(Stream::Stdout, b"12345").await;
        assert_eq!(text(&quick).await, "Stdout 12345");
    }
    assert_eq!(text(&slow).await, "Behind");
    hub.end();
    assert_eq!(text(&quick).await, "Ended");
}

#[tokio::test(flavor = "current_thread")]
async fn waits_for_a_held_follower_until_it_takes_or_goes() {
    let hub = Hub::new(10);
    let held = hub.follow(Pace::Held).unwrap();
    hub.publish(Stream::Stdout, b"1234567890").await;
    let mut more = Box::pin(hub.publish(Stream::Stdout, b"more"));
    assert!(more.as_mut().now_or_never().is_none());
    assert_eq!(text(&held).await, "Stdout 1234567890");
    assert!(more.as_mut().now_or_never().is_some());
    drop(more);

    hub.publish(Stream::Stdout, b"1234567890").await;
    let mut waits = Box::pin(hub.publish(Stream::Stdout, b"x"));
    assert!(waits.as_mut().now_or_never().is_none());
    drop(held);
    assert!(waits.as_mut().now_or_never().is_some());
}

#[tokio::test(flavor = "current_thread")]
async fn a_held_follower_can_be_cut_off() {
    let hub = Hub::new(10);
    let held = hub.follow(Pace::Held).unwrap();
    hub.publish(Stream::Stdout, b"1234567890").await;
    let mut waits = Box::pin(hub.publish(Stream::Stdout, b"x"));
    assert!(waits.as_mut().now_or_never().is_none());
    hub.cut_off_held();
    assert!(waits.as_mut().now_or_never().is_some());
    assert_eq!(text(&held).await, "Behind");
}

#[tokio::test(flavor = "current_thread")]
async fn has_caught_up_below_half_the_bound() {
    let hub = Hub::new(10);
    let follower = hub.follow(Pace::Free).unwrap();
    assert!(follower.caught_up().now_or_never().is_some());
    hub.publish(Stream::Stdout, b"12345").await;
    assert!(follower.caught_up().now_or_never().is_none());
    follower.next().await;
    assert!(follower.caught_up().now_or_never().is_some());
}
