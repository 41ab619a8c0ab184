//! The namespaces of one pod: the steps that make them, and their end.

use std::path::PathBuf;
use std::rc::{Rc, Weak};

use podherd_reaper::Process;
use tokio::task::AbortHandle;

use super::files::Files;
use super::holder::Holder;
use super::record::Record;
use super::{Kind, NamespacesRequest, PodId};
use crate::container::Pod;
use crate::error::{Code, Error, Result};

/// The namespaces of a pod, as far as they are made. Fields are dropped in this order.
#[derive(Debug)]
pub(super) struct Held {
    /// Ended when the process is to end.
    watching: Option<AbortHandle>,
    /// Who watches the process has a weak handle.
    files: Option<Rc<Files>>,
    holder: Option<Holder>,
    request: NamespacesRequest,
}

impl Held {
    pub(super) fn new(request: NamespacesRequest) -> Self {
        Self {
            watching: None,
            files: None,
            holder: None,
            request,
        }
    }

    /// Makes them, step by step. What is made when a step fails or is given up is there for [`Held::remove`].
    pub(super) async fn make(&mut self, pod: &Rc<Pod>, record: &Rc<Record>) -> Result<()> {
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

    pub(super) fn answer(&self) -> Vec<(Kind, PathBuf)> {
        Kind::ALL.map(|kind| (kind, self.request.path(kind))).into()
    }

    /// The answer to a later request.
    pub(super) fn answer_again(&self, request: &NamespacesRequest) -> Result<Vec<(Kind, PathBuf)>> {
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
    pub(super) fn is_useless(&self) -> bool {
        let ended = |holder: &Holder| holder.process().exit().is_some();
        self.request.kinds.pid && self.holder.as_ref().is_none_or(ended)
    }

    pub(super) async fn remove(mut self) {
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
