//! A pod's namespaces: made once, found by runtimes at paths, held by a process of ours, gone with the server.
//!
//! - [`create`] is what callers ask for; [`Namespaces`] knows the pods that have some.
//! - `request`, `pod_id`, `kind`, `mappings`: the request, checked.
//! - `held`: one pod's, made step by step. `holder`: the process that holds them, [`Pause`] its own side.
//! - `files`: what stands for a pod outside of the runtime directory, five mounts (`bound`) and a pid file
//!   (`pid_file`); `record` writes down which, for the next server, which removes them (`earlier`); `file` tells one file
//!   from another.
//!
//! ```text
//! claim the place → spawn the holder → map ids → holder ready → mount → answer
//!   files, record     in its namespaces                           files
//! ```
//!
//! Each step leaves a guard behind, so that whatever fails, the earlier steps are undone in reverse.

mod bound;
mod earlier;
mod file;
mod files;
mod held;
mod holder;
mod kind;
mod mappings;
mod pause;
mod pid_file;
mod pod_id;
mod record;
mod request;

use std::cell::RefCell;
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::rc::Rc;

use futures::future::join_all;
use tokio::sync::Mutex;
use tokio_util::sync::CancellationToken;

use crate::container::Pod;
use crate::error::{Code, Error, Result};
use held::Held;
pub use kind::Kind;
pub use mappings::IdMap;
pub use pause::Pause;
pub use pod_id::PodId;
use record::Record;
pub use request::{IdMaps, NamespacesRequest};

/// The pods of a server that have namespaces.
#[derive(Debug)]
pub struct Namespaces {
    pods: RefCell<HashMap<PodId, Rc<Slot>>>,
    record: Rc<Record>,
}

/// One pod's. Locked while they are made or removed, so that calls for one pod come one after the other, and
/// those for another don't wait.
type Slot = Mutex<Option<Held>>;

/// A server is one pod's. More pods than one are odd, so many a mistake.
const MOST_PODS: usize = 64;

/// Makes the namespaces of a pod, or finds them made, and answers where each is: those that were not asked
/// for are the server's own.
pub async fn create(pod: &Rc<Pod>, request: NamespacesRequest) -> Result<Vec<(Kind, PathBuf)>> {
    let shared = pod.clone();
    pod.call(move |cancelled| async move { shared.namespaces.create(&shared, request, &cancelled).await })
        .await
}

/// Removes what a server that lives no longer has left of a pod below a base directory. False: there is nothing,
/// or a server that lives has it.
pub(crate) fn remove_left(base: &Path, pod: &str) -> std::io::Result<bool> {
    let pod = PodId::parse(pod).map_err(std::io::Error::other)?;
    earlier::remove_pod(base, &pod)
}

impl Namespaces {
    /// Removes what an earlier server on this runtime directory has left.
    pub fn open(runtime_dir: &Path) -> Self {
        let record = Rc::new(Record::open(runtime_dir));
        earlier::remove(&record);
        let pods = RefCell::default();
        Self { pods, record }
    }

    async fn create(
        &self,
        pod: &Rc<Pod>,
        request: NamespacesRequest,
        cancelled: &CancellationToken,
    ) -> Result<Vec<(Kind, PathBuf)>> {
        let slot = self.slot(&request.pod_id)?;
        let made = async {
            let mut held = pod.guard(cancelled, async { Ok(slot.lock().await) }).await?;
            if let Some(former) = held.take_if(|held| held.is_useless()) {
                former.remove().await;
            }
            if let Some(held) = &*held {
                return held.answer_again(&request);
            }
            let mut new = Held::new(request.clone());
            match pod.guard(cancelled, new.make(pod, &self.record)).await {
                Ok(()) => {
                    let answer = new.answer();
                    *held = Some(new);
                    Ok(answer)
                }
                Err(error) => {
                    new.remove().await;
                    Err(error)
                }
            }
        };
        let made = made.await;
        self.forget_empty(&request.pod_id, &slot);
        made
    }

    fn slot(&self, pod: &PodId) -> Result<Rc<Slot>> {
        let mut pods = self.pods.borrow_mut();
        if pods.len() >= MOST_PODS && !pods.contains_key(pod) {
            let message = format!("this server has the namespaces of {MOST_PODS} pods already");
            return Err(Error::new(Code::Overloaded, message));
        }
        Ok(pods.entry(pod.clone()).or_default().clone())
    }

    fn forget_empty(&self, pod: &PodId, slot: &Rc<Slot>) {
        // One count is ours, one the map's; a third is a caller's who waits.
        if Rc::strong_count(slot) == 2 && slot.try_lock().is_ok_and(|held| held.is_none()) {
            self.pods.borrow_mut().remove(pod);
        }
    }

    /// Removes all of them and ends the processes that hold them. For the server's end, when no call runs.
    pub async fn end(&self) {
        let slots: Vec<_> = self.pods.take().into_values().collect();
        join_all(slots.iter().map(async |slot| {
            if let Some(held) = slot.lock().await.take() {
                held.remove().await;
            }
        }))
        .await;
    }

    /// Removes all mounts and files at once, and lets go of the processes. For a server that has no time left.
    pub fn drop_all(&self) {
        for slot in self.pods.take().into_values() {
            if let Ok(mut held) = slot.try_lock() {
                held.take();
            }
        }
    }
}
