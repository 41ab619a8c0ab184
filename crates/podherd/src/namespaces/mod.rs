//! A pod's namespaces: made once, found by runtimes at paths, held by a process of ours, gone with the server.
//!
//! - [`create`] is what callers ask for; [`Namespaces`] knows the pods that have some.
//! - `request`, `pod_id`, `kind`, `mappings`: the request, checked.
//! - `holder`: the process that holds them, [`Pause`] its own side.
//! - `files`: what stands for a pod outside of the runtime directory, five mounts (`bound`) and a pid file
//!   (`pid_file`); `record` writes down which, for the next server; `file` tells one file from another.
//!
//! ```text
//! claim the place → spawn the holder → map ids → holder ready → mount → answer
//!   files, record     in its namespaces                           files
//! ```
//!
//! Each step leaves a guard behind, so that whatever fails, the earlier steps are undone in reverse.

mod bound;
mod file;
mod files;
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
use std::rc::{Rc, Weak};

use futures::future::join_all;
use podherd_reaper::Process;
use tokio::sync::Mutex;
use tokio::task::AbortHandle;
use tokio_util::sync::CancellationToken;

use crate::container::Pod;
use crate::error::{Code, Error, Result};
use files::Files;
use holder::Holder;
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

impl Namespaces {
    /// Removes what an earlier server on this runtime directory has left.
    pub fn open(runtime_dir: &Path) -> Self {
        let record = Rc::new(Record::open(runtime_dir));
        files::remove_earlier(&record);
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

/// The namespaces of a pod, as far as they are made. Fields are dropped in this order.
#[derive(Debug)]
struct Held {
    /// Ended when the process is to end.
    watching: Option<AbortHandle>,
    /// Who watches the process has a weak handle.
    files: Option<Rc<Files>>,
    holder: Option<Holder>,
    request: NamespacesRequest,
}

impl Held {
    fn new(request: NamespacesRequest) -> Self {
        Self {
            watching: None,
            files: None,
            holder: None,
            request,
        }
    }

    /// Makes them, step by step. What is made when a step fails or is given up is there for [`Held::remove`].
    async fn make(&mut self, pod: &Rc<Pod>, record: &Rc<Record>) -> Result<()> {
        let request = &self.request;
        let mut files = Files::claim(record, request).await?;
        let holder = self.holder.insert(Holder::spawn(&pod.reaper, request)?);
        files.write_pid(request, holder.process().pid())?;
        // Opened before it gives its privileges up: from then on it may be hard to look into.
        let mut namespaces = Vec::with_capacity(Kind::ALL.len());
        for kind in Kind::ALL {
            namespaces.push((kind, holder.namespace(kind)?));
        }
        if let Some(maps) = &request.ids {
            holder.map_ids(maps)?;
        }
        holder.begin().await?;
        for (kind, namespace) in namespaces {
            files.mount(request, kind, namespace)?;
        }
        let files = Rc::downgrade(self.files.insert(Rc::new(files)));
        let told = watch(holder.process().clone(), request.pod_id.clone(), files);
        self.watching = Some(tokio::task::spawn_local(told).abort_handle());
        tracing::info!(pod = %self.request.pod_id, base = %self.request.base.display(), holder = holder.process().pid(), "the pod's namespaces are made");
        Ok(())
    }

    fn answer(&self) -> Vec<(Kind, PathBuf)> {
        Kind::ALL.map(|kind| (kind, self.request.path(kind))).into()
    }

    /// The answer to a later request.
    fn answer_again(&self, request: &NamespacesRequest) -> Result<Vec<(Kind, PathBuf)>> {
        if *request == self.request {
            return Ok(self.answer());
        }
        let differ = if request.base != self.request.base {
            format!("below {}", self.request.base.display())
        } else {
            "with other kinds or mappings".into()
        };
        let message = format!("pod {} has its namespaces already, {differ}", request.pod_id);
        Err(Error::new(Code::NamespacesDiffer, message))
    }

    /// A pid namespace whose init has ended takes no process any more. The other kinds live on by their mounts.
    fn is_useless(&self) -> bool {
        let ended = |holder: &Holder| holder.process().exit().is_some();
        self.request.kinds.pid && self.holder.as_ref().is_none_or(ended)
    }

    async fn remove(mut self) {
        if let Some(watching) = self.watching.take() {
            watching.abort();
        }
        self.files.take();
        if let Some(holder) = self.holder.take() {
            holder.end().await;
        }
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        if let Some(watching) = self.watching.take() {
            watching.abort();
        }
    }
}

/// Says when the process that holds a pod's namespaces ends before the server does.
async fn watch(process: Process, pod: PodId, files: Weak<Files>) {
    let exit = process.wait().await;
    tracing::error!(code = %Code::NamespacesFailed, %pod, pid = process.pid(), status = ?exit.status, "the process that holds the pod's namespaces has ended; a pid namespace has ended with it");
    if let Some(files) = files.upgrade() {
        files.clear_pid();
    }
}
