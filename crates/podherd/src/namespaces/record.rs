//! What this server has made outside of its runtime directory, written down before it is made, so that the
//! next server on the directory can remove what a killed one left.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::fs;
use std::io::{self, ErrorKind};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use rustix::fs::OFlags;
use serde::{Deserialize, Serialize};

/// The file `namespaces` in the runtime directory: one JSON object. There only while there is something in it.
#[derive(Debug)]
pub(super) struct Record {
    path: PathBuf,
    kept: RefCell<Kept>,
}

#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Kept {
    pods: Vec<Place>,
    /// Made by us, and to be removed when they are empty.
    directories: BTreeSet<PathBuf>,
}

/// Where the namespaces of one pod are.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Place {
    pub(super) pod_id: String,
    pub(super) base_path: PathBuf,
}

impl Record {
    /// Reads what an earlier server has left.
    pub(super) fn open(runtime_dir: &Path) -> Self {
        let path = runtime_dir.join("namespaces");
        let kept = read(&path).unwrap_or_else(|error| {
            tracing::warn!(path = %path.display(), %error, "which namespaces an earlier server has left is not known");
            Kept::default()
        });
        let kept = RefCell::new(kept);
        Self { path, kept }
    }

    /// The pods that stand in it.
    pub(super) fn places(&self) -> Vec<Place> {
        self.kept.borrow().pods.clone()
    }

    /// Writes a pod down.
    pub(super) fn enter(&self, place: Place) -> io::Result<()> {
        self.kept.borrow_mut().pods.push(place.clone());
        self.save().inspect_err(|_| self.strike(&place))
    }

    /// Strikes a pod out whose things are removed, and removes the directories that are no longer needed.
    pub(super) fn leave(&self, place: &Place) {
        self.strike(place);
        self.kept.borrow_mut().remove_empty_directories();
        if let Err(error) = self.save() {
            tracing::warn!(path = %self.path.display(), %error, "the record of namespaces is out of date");
        }
    }

    /// Makes directories that are absent, with those above them.
    pub(super) fn make_directories<'a>(&self, paths: impl IntoIterator<Item = &'a Path>) -> io::Result<()> {
        let absent: BTreeSet<PathBuf> = paths
            .into_iter()
            .flat_map(Path::ancestors)
            .filter(|path| !path.as_os_str().is_empty() && !path.exists())
            .map(Path::to_owned)
            .collect();
        if absent.is_empty() {
            return Ok(());
        }
        let new: Vec<_> = absent
            .difference(&self.kept.borrow().directories)
            .cloned()
            .collect();
        self.kept.borrow_mut().directories.extend(new);
        self.save()?;
        // In the order of a set each comes after the one that it is in.
        for path in &absent {
            match fs::DirBuilder::new().mode(0o755).create(path) {
                Ok(()) => {}
                // Made by somebody else meanwhile, and theirs.
                Err(error) if error.kind() == ErrorKind::AlreadyExists => {
                    self.kept.borrow_mut().directories.remove(path);
                }
                Err(source) => {
                    let path = path.clone();
                    return Err(io::Error::new(source.kind(), Named { path, source }));
                }
            }
        }
        Ok(())
    }

    fn strike(&self, place: &Place) {
        let mut kept = self.kept.borrow_mut();
        if let Some(index) = kept.pods.iter().position(|other| other == place) {
            kept.pods.remove(index);
        }
    }

    /// The whole file or none.
    fn save(&self) -> io::Result<()> {
        let kept = self.kept.borrow();
        if kept.pods.is_empty() && kept.directories.is_empty() {
            return match fs::remove_file(&self.path) {
                Err(error) if error.kind() != ErrorKind::NotFound => Err(error),
                _ => Ok(()),
            };
        }
        let fresh = self.path.with_extension("new");
        let written =
            fs::write(&fresh, serde_json::to_vec(&*kept)?).and_then(|()| fs::rename(&fresh, &self.path));
        if written.is_err() {
            let _ = fs::remove_file(&fresh);
        }
        written
    }
}

impl Kept {
    /// Those that are not empty stay, and are tried again; so do those of which only the kernel knows why.
    fn remove_empty_directories(&mut self) {
        let gone: Vec<_> = self
            .directories
            .iter()
            .rev()
            .filter(|path| match fs::remove_dir(path) {
                Ok(()) => true,
                Err(error) => error.kind() == ErrorKind::NotFound,
            })
            .cloned()
            .collect();
        for path in gone {
            self.directories.remove(&path);
        }
        // Somebody else's files in them are not waited for.
        if self.pods.is_empty() {
            self.directories.clear();
        }
    }
}

/// A failure with the path that it is about.
#[derive(Debug, thiserror::Error)]
#[error("{}: {source}", path.display())]
struct Named {
    path: PathBuf,
    source: io::Error,
}

/// More is not read: no server wrote it.
const READ_BYTES: u64 = 16 << 20;

fn read(path: &Path) -> io::Result<Kept> {
    let no_link = OFlags::NOFOLLOW.bits().cast_signed();
    match fs::OpenOptions::new().read(true).custom_flags(no_link).open(path) {
        Ok(file) => Ok(serde_json::from_reader(io::Read::take(file, READ_BYTES))?),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(Kept::default()),
        Err(error) => Err(error),
    }
}
