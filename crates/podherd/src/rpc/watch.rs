//! Handing events to a client's sink: one call at a time, the next when it is answered.

use std::rc::Rc;
use std::time::Duration;

use podherd_schema::podherd_capnp::podherd as schema;
use tokio::time::Instant;
use tokio_util::sync::{CancellationToken, DropGuard};

use super::{Service, event};
use crate::events::{Events, Watcher};
use crate::server::Outbox;

/// What a client holds of its watch: released, also by the end of its connection, it ends the watch.
struct Watch(#[allow(dead_code, reason = "held for what dropping it ends")] DropGuard);

impl schema::event_watch::Server for Watch {}

/// Begins to hand on what `watcher` finds. It ends when what is returned is released, when a call of the sink fails,
/// and when the server ends.
pub fn begin(
    service: &Service,
    watcher: Watcher,
    sink: schema::event_sink::Client,
) -> schema::event_watch::Client {
    let released = CancellationToken::new();
    let guard = released.clone().drop_guard();
    let events = service.pod.events.clone();
    let delivery = Delivery {
        events: events.clone(),
        outbox: service.outbox.clone(),
        watcher,
        sink,
    };
    events.spawn(async move {
        tokio::select! {
            () = released.cancelled() => {}
            () = delivery.run() => {}
        }
    });
    service.calls.client(Watch(guard))
}

struct Delivery {
    events: Events,
    /// Of the sink's connection.
    outbox: Rc<Outbox>,
    watcher: Watcher,
    sink: schema::event_sink::Client,
}

impl Delivery {
    async fn run(mut self) {
        // The answer to the call that has begun the watch goes first.
        super::answers_are_sent().await;
        while self.watcher.more().await {
            let mut request = self.sink.push_request();
            let began = Instant::now();
            // Sent within its turn: of a client that does not read, one batch waits and not one for each watch.
            let turn = self.outbox.turn().await;
            self.watcher.take(|events, lost| {
                let mut params = request.get();
                params.set_lost(lost);
                let mut list = params.init_events(events.len() as u32);
                for (index, event) in events.iter().enumerate() {
                    event::write(event, list.reborrow().get(index as u32));
                }
            });
            let answer = request.send().promise;
            drop(turn);
            let answered = tokio::select! {
                answered = answer => answered,
                () = self.is_late(began) => return tracing::debug!("a sink did not take its last events"),
            };
            if let Err(error) = answered {
                return tracing::debug!(%error, "a watch of events ends with its sink");
            }
        }
    }

    /// Waits until the server ends and the sink has had its time for the call that `began` then. Before that it may
    /// take as long as it likes.
    async fn is_late(&self, began: Instant) {
        self.events.closed().await;
        tokio::time::sleep_until(began + PATIENCE).await;
    }
}

/// How long a sink may take for a call once the server ends.
const PATIENCE: Duration = Duration::from_secs(1);
