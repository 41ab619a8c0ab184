//! Finding out that nobody needs the server any more.

use std::time::Duration;

use tokio::sync::Notify;

use super::connections::Connections;
use crate::container::Pod;

/// Ends when there has been no living container and no connection for `time`; never without one.
/// `changed` is told by both when there may be one more or less.
pub async fn idle_for(time: Option<Duration>, pod: &Pod, connections: &Connections, changed: &Notify) {
    let Some(time) = time else {
        return std::future::pending().await;
    };
    loop {
        let idle = connections.open() == 0 && !pod.containers.has_living();
        tokio::select! {
            () = changed.notified() => {}
            () = tokio::time::sleep(time), if idle => return,
        }
    }
}
