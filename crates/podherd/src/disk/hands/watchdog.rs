//! Looks after lanes that wait behind a job which does not come back.

use std::sync::Arc;
use std::time::Instant;

use super::super::STALL;
use super::Hands;
use super::board::Board;

impl Hands {
    /// Starts the watchdog on the event loop, unless it is there. It ends when nothing waits.
    pub(super) fn watch(self: &Arc<Self>, board: &mut Board) {
        let Some(event_loop) = self.event_loop.get() else {
            return;
        };
        if board.watched {
            return;
        }
        board.watched = true;
        let hands = Arc::clone(self);
        event_loop.spawn(async move { while hands.wait_and_attend().await {} });
    }

    /// Waits for the moment when a further thread may help, and sends one. Says whether to go on.
    async fn wait_and_attend(self: &Arc<Self>) -> bool {
        let due = self.board().next_hand().unwrap_or_else(|| Instant::now() + STALL);
        // Never a zero wait: without a free thread the same lane would be due again at once.
        let due = due.max(Instant::now() + STALL / 10);
        tokio::time::sleep_until(due.into()).await;
        let mut board = self.board();
        if board.waiting() == 0 {
            board.watched = false;
            return false;
        }
        // A thread that can't be started is tried again at the next round.
        let _ = self.attend(&mut board);
        true
    }
}
