//! The record comes before the reap, and never instead of it.

use std::cell::Cell;
use std::rc::Rc;
use std::time::{Duration, Instant};

use podherd_reaper::{Exit, Process, Reaper, Status};
use tokio::sync::oneshot::{Receiver, Sender, channel};

use crate::stage::{actor, ended, play, state, until};

pub const OWN_PID_NAMESPACE: bool = false;

/// A process that has ended, whose record is asked for; the sender stands for the writer.
fn recorded(reaper: &Reaper) -> (Process, Rc<Cell<Option<Sender<()>>>>) {
    let process = reaper.spawn(actor("exit 8")).unwrap();
    let asked = Rc::new(Cell::new(None));
    let writer = asked.clone();
    process.record_before_reap(Box::new(move |exit: &Exit| -> Receiver<()> {
        assert_eq!(exit.status, Status::Exited(8));
        let (sender, receiver) = channel();
        writer.set(Some(sender));
        receiver
    }));
    (process, asked)
}

async fn sender(asked: &Cell<Option<Sender<()>>>) -> Sender<()> {
    let mut sender = None;
    until("the record is asked for", || {
        sender = asked.take();
        sender.is_some()
    })
    .await;
    sender.unwrap()
}

pub fn written_before_the_zombie_is_gone() {
    play(async |reaper| {
        let (process, asked) = recorded(&reaper);
        let sender = sender(&asked).await;
        assert_eq!(
            (state(process.pid()), process.exit().is_none()),
            (Some('Z'), true)
        );
        sender.send(()).unwrap();
        assert!(ended(&process).await.recorded);

        let (process, asked) = recorded(&reaper);
        drop(self::sender(&asked).await);
        assert!(!ended(&process).await.recorded, "the writer has failed");

        let late_wish = Rc::new(Cell::new(false));
        let wished = late_wish.clone();
        process.record_before_reap(Box::new(move |_| {
            wished.set(true);
            channel().1
        }));
        assert!(late_wish.get(), "one that has ended is recorded at once");
    });
}

pub fn late_once_and_never_again() {
    play(async |reaper| {
        let (process, asked) = recorded(&reaper);
        let late = sender(&asked).await;
        let started = Instant::now();
        assert!(!ended(&process).await.recorded);
        assert!(started.elapsed() > Duration::from_millis(20), "it was waited for");
        let started = Instant::now();
        let mut kept = Vec::new();
        for _ in 0..100 {
            let (process, asked) = recorded(&reaper);
            assert!(!ended(&process).await.recorded);
            kept.push(asked);
        }
        let waited = started.elapsed();
        assert!(
            waited < Duration::from_millis(2_500),
            "a wait for each would take 5 s: {waited:?}"
        );

        late.send(()).unwrap();
        let (process, asked) = recorded(&reaper);
        let sender = sender(&asked).await;
        assert_eq!(state(process.pid()), Some('Z'), "waited for again");
        sender.send(()).unwrap();
        assert!(ended(&process).await.recorded);
    });
}

pub fn a_panic_costs_the_record_alone() {
    play(async |reaper| {
        let process = reaper.spawn(actor("exit 9")).unwrap();
        // A panic without a message in the output of the tests.
        process.record_before_reap(Box::new(|_| std::panic::resume_unwind(Box::new("on purpose"))));
        let exit = ended(&process).await;
        assert_eq!((exit.status, exit.recorded), (Status::Exited(9), false));
        assert_eq!(
            ended(&reaper.spawn(actor("exit 1")).unwrap()).await.status,
            Status::Exited(1)
        );
    });
}
