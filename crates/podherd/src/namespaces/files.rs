//! Everything that stands for a pod outside of the server's own directory: five namespaces and a pid file.

use std::io::{self, ErrorKind};
use std::os::fd::AsFd;
use std::path::Path;
use std::rc::Rc;
use std::time::Duration;

use super::bound::{Bound, remove_left};
use super::file::{FileId, Found, look};
use super::pid_file::{PidFile, Taken};
use super::record::{Place, Record};
use super::{Kind, NamespacesRequest};
use crate::error::{Code, Error, Result};

/// The files of one pod. Their drop removes them.
#[derive(Debug)]
pub(super) struct Files {
    /// Unmounted first.
    bound: Vec<Bound>,
    /// Its lock keeps other servers away from the rest, so that it goes last.
    pid_file: Option<PidFile>,
    place: Place,
    record: Rc<Record>,
}

impl Files {
    /// Takes the place for a pod: the record knows of it, the directories are there, the pid file is ours, and
    /// what a server that lives no longer has left there is removed.
    pub(super) async fn claim(record: &Rc<Record>, request: &NamespacesRequest) -> Result<Self> {
        let place = Place {
            pod_id: request.pod_id.as_str().to_owned(),
            base_path: request.base.clone(),
        };
        record
            .enter(place.clone())
            .map_err(|error| Error::from_io(Code::RuntimeDirUnusable, "the record of namespaces", &error))?;
        let mut files = Self {
            bound: Vec::new(),
            pid_file: None,
            place,
            record: record.clone(),
        };
        let at = request.pid_file();
        let taken = files
            .making(request, || PidFile::take(&at, true))
            .map_err(|error| failed(&at, &error))?;
        let (ours, left) = match taken {
            Taken::Made(ours) => (ours, None),
            Taken::Left(ours, pid) => (ours, Some(pid)),
            Taken::InUse => {
                let why = "belongs to a server that lives; end it, or choose another pod id or base path";
                return Err(in_use(&at, why));
            }
            Taken::Foreign | Taken::Absent => return Err(in_use(&at, "is there and is no pid file")),
        };
        match left {
            // Whatever is there was not made by a server that writes pid files: not ours to touch.
            None => {
                files.pid_file = Some(ours);
                for kind in Kind::ALL {
                    expect_nothing(&request.path(kind))?;
                }
            }
            Some(pid) => {
                if let Err(error) = files.may_be_replaced(request, pid).await {
                    ours.keep();
                    return Err(error);
                }
                files.pid_file = Some(ours);
                for kind in Kind::ALL {
                    let at = request.path(kind);
                    remove_left(&at).map_err(|error| failed(&at, &error))?;
                }
                tracing::info!(pod = %request.pod_id, base = %request.base.display(), "what an earlier server left of the pod's namespaces is removed");
            }
        }
        Ok(files)
    }

    /// Writes the pid of the process that holds the namespaces.
    pub(super) fn write_pid(&mut self, request: &NamespacesRequest, pid: u32) -> Result<()> {
        match &mut self.pid_file {
            Some(file) => file
                .write(pid)
                .map_err(|error| failed(&request.pid_file(), &error)),
            None => Ok(()),
        }
    }

    /// Empties the pid file: the process has ended.
    pub(super) fn clear_pid(&self) {
        if let Some(Err(error)) = self.pid_file.as_ref().map(PidFile::clear) {
            tracing::warn!(%error, "a pid file can't be emptied");
        }
    }

    /// Mounts a namespace at its path.
    pub(super) fn mount(
        &mut self,
        request: &NamespacesRequest,
        kind: Kind,
        namespace: impl AsFd,
    ) -> Result<()> {
        let at = request.path(kind);
        let bound = self.making(request, || Bound::mount(&namespace, at.clone()));
        let bound = bound.map_err(|error| match error.kind() {
            ErrorKind::AlreadyExists => in_use(&at, "is there and was not made by this server"),
            _ => failed(&at, &error),
        })?;
        self.bound.push(bound);
        Ok(())
    }

    /// Makes a file in one of the directories. Another server that has made the directory removes it when it
    /// needs it no longer: then it is made again.
    fn making<T>(&self, request: &NamespacesRequest, make: impl Fn() -> io::Result<T>) -> io::Result<T> {
        let pid_file = request.pid_file();
        let paths = Kind::ALL.map(|kind| request.path(kind));
        for _ in 0..MOST_REMOVED {
            let directories = paths.iter().chain([&pid_file]).filter_map(|path| path.parent());
            self.record.make_directories(directories)?;
            match make() {
                Err(error) if error.kind() == ErrorKind::NotFound => {}
                made => return made,
            }
        }
        make()
    }

    /// Whether what stands at the pod's paths can go: nobody lives in it, and there is nothing else.
    async fn may_be_replaced(&self, request: &NamespacesRequest, pid: Option<u32>) -> Result<()> {
        let mut mounted = Vec::new();
        for kind in Kind::ALL {
            let at = request.path(kind);
            match look(&at).map_err(|error| failed(&at, &error))? {
                Found::Namespace(id) => mounted.push((kind, id)),
                Found::Nothing | Found::EmptyFile => {}
                Found::Other => return Err(in_use(&at, "is there and is no namespace")),
            }
        }
        let Some(pid) = pid else { return Ok(()) };
        let holds = || {
            mounted.iter().any(|(kind, id)| {
                let of = |who: &str| FileId::of_namespace(&format!("/proc/{who}/ns/{}", kind.name()));
                of("self") != Some(*id) && of(&pid.to_string()) == Some(*id)
            })
        };
        // That of a server that was killed a moment ago is about to end.
        if holds() && !podherd_reaper::stranger_ends(pid, HOLDER_ENDS).await && holds() {
            let why = format!("is of process {pid}, which lives and holds the pod's namespaces");
            return Err(in_use(&request.pid_file(), &why));
        }
        Ok(())
    }
}

impl Drop for Files {
    fn drop(&mut self) {
        self.bound.clear();
        self.pid_file.take();
        self.record.leave(&self.place);
    }
}

/// How long a process that holds namespaces may take to notice that its server has gone.
const HOLDER_ENDS: Duration = Duration::from_secs(1);

/// Directories are removed under us no more often than this.
const MOST_REMOVED: usize = 8;

fn expect_nothing(path: &Path) -> Result<()> {
    match FileId::at(path).map_err(|error| failed(path, &error))? {
        None => Ok(()),
        Some(_) => Err(in_use(path, "is there and was not made by this server")),
    }
}

fn in_use(path: &Path, why: &str) -> Error {
    Error::new(Code::NamespacesInUse, format!("{} {why}", path.display()))
}

fn failed(path: &Path, error: &io::Error) -> Error {
    Error::from_io(Code::NamespacesFailed, path.display(), error)
}
