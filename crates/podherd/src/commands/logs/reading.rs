//! Going through the files of a log in order, and following them as they grow and are rotated.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::{self, ErrorKind, Read, Seek, SeekFrom};
use std::mem::MaybeUninit;
use std::os::fd::{AsRawFd, OwnedFd};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use rustix::fs::inotify::{self, CreateFlags, WatchFlags};
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;

use super::files;
use super::lines::{CHUNK_BYTES, Lines, Unread, each_record};
use super::record::Record;
use super::selection::{Selection, Tail};
use super::writing::Writer;
use crate::commands::failure::Failure;
use crate::readiness;

/// Device and inode.
type FileId = (u64, u64);

/// A log that is read.
#[derive(Debug)]
pub struct Reading {
    path: PathBuf,
    selection: Selection,
    writer: Writer,
    /// The file that is at the path, or was when we looked last.
    current: Option<Current>,
    /// Rotated files that are read, or were left out.
    done: BTreeSet<PathBuf>,
    events: Option<AsyncFd<OwnedFd>>,
}

/// An open file that may grow. It is held open, so that no other can have its number.
#[derive(Debug)]
struct Current {
    file: File,
    id: FileId,
    /// Of the last line, which has no newline yet.
    rest: Vec<u8>,
}

impl Reading {
    /// Of the log at this path; nothing is read yet.
    pub fn open(path: PathBuf, selection: Selection, writer: Writer) -> Self {
        Self {
            path,
            selection,
            writer,
            current: None,
            done: BTreeSet::new(),
            events: None,
        }
    }

    /// Hears of changes from now on.
    pub fn watch(&mut self) -> Result<(), Failure> {
        let watched = (|| {
            let events = inotify::init(CreateFlags::CLOEXEC | CreateFlags::NONBLOCK)?;
            let directory = self.path.parent().filter(|path| !path.as_os_str().is_empty());
            let flags = WatchFlags::CREATE | WatchFlags::MOVE;
            inotify::add_watch(&events, directory.unwrap_or(Path::new(".")), flags)?;
            readiness::register(events, Interest::READABLE)
        })();
        self.events = Some(watched.map_err(|error: io::Error| {
            Failure::failed(format!("{} can't be watched: {error}", self.path.display()))
        })?);
        Ok(())
    }

    /// Prints what there is.
    pub fn catch_up(&mut self) -> Result<(), Failure> {
        match self.selection.tail() {
            Some(tail) => self.last(tail)?,
            None => self.advance()?,
        }
        self.writer.flush()
    }

    /// Prints what comes, until that fails.
    pub async fn follow(&mut self) -> Failure {
        loop {
            if let Err(failure) = self.changed().await {
                return failure;
            }
            if let Err(failure) = self.advance().and_then(|()| self.writer.flush()) {
                return failure;
            }
        }
    }

    /// Prints what has come since, a last line without a newline too.
    pub fn rest(&mut self) -> Result<(), Failure> {
        self.advance()?;
        self.end_current()?;
        self.writer.flush()
    }

    async fn changed(&self) -> Result<(), Failure> {
        let Some(events) = &self.events else {
            return std::future::pending().await;
        };
        loop {
            let mut ready = events.readable().await?;
            let read = ready.try_io(|events| {
                let mut buffer = [MaybeUninit::uninit(); 4096];
                let mut reader = inotify::Reader::new(events.get_ref(), &mut buffer);
                reader.next()?;
                Ok(())
            });
            match read {
                Ok(Ok(())) => return Ok(()),
                Ok(Err(error)) => return Err(error.into()),
                Err(_) => {}
            }
        }
    }

    /// Goes on to the end of the newest file.
    fn advance(&mut self) -> Result<(), Failure> {
        loop {
            self.drain_current()?;
            // Renamed and not made anew yet: who writes it goes on with the old one.
            let Some((file, id)) = self.open_path()? else {
                return Ok(());
            };
            if self.current.as_ref().is_some_and(|current| current.id == id) {
                return Ok(());
            }
            // The file at the path is another one, so that nothing more is written to the old one.
            self.drain_current()?;
            self.end_current()?;
            let old = self.current.take().map(|current| current.id);
            for rotated in files::rotated(&self.path) {
                if self.done.contains(&rotated) {
                    continue;
                }
                let its = fs::metadata(&rotated).ok().map(|file| (file.dev(), file.ino()));
                // The one that we have opened as the newest has been rotated meanwhile: it is read next, and what
                // comes after it, after it.
                if its == Some(id) {
                    break;
                }
                if its != old || old.is_none() {
                    self.read_rotated(&rotated)?;
                }
                self.done.insert(rotated);
            }
            self.begin(file, id)?;
        }
    }

    fn begin(&mut self, file: File, id: FileId) -> Result<(), Failure> {
        if let Some(events) = &self.events {
            let open = format!("/proc/self/fd/{}", file.as_raw_fd());
            let added = inotify::add_watch(events.get_ref(), open, WatchFlags::MODIFY);
            added.map_err(|error| {
                Failure::failed(format!("{} can't be watched: {error}", self.path.display()))
            })?;
        }
        self.current = Some(Current {
            file,
            id,
            rest: Vec::new(),
        });
        Ok(())
    }

    fn open_path(&self) -> Result<Option<(File, FileId)>, Failure> {
        match File::open(&self.path).and_then(|file| Ok((file.metadata()?, file))) {
            Ok((metadata, file)) => Ok(Some((file, (metadata.dev(), metadata.ino())))),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(error) => Err(self.unreadable(&self.path, &error)),
        }
    }

    fn unreadable(&self, path: &Path, error: &io::Error) -> Failure {
        Failure::failed(format!("{} can't be read: {error}", path.display()))
    }

    fn drain_current(&mut self) -> Result<(), Failure> {
        let Some(mut current) = self.current.take() else {
            return Ok(());
        };
        let read = self.drain(&mut current);
        self.current = Some(current);
        read
    }

    fn drain(&mut self, current: &mut Current) -> Result<(), Failure> {
        // Cut short under us, by somebody who copies it and truncates.
        let length = current.file.metadata().map_or(0, |file| file.len());
        if current.file.stream_position().is_ok_and(|at| at > length) {
            let _ = current.file.seek(SeekFrom::Start(0));
            current.rest.clear();
        }
        let mut chunk = vec![0; CHUNK_BYTES];
        loop {
            match current.file.read(&mut chunk) {
                Ok(0) => return Ok(()),
                Ok(count) => {
                    let mut lines = Lines::new(&mut current.rest, &chunk[..count]);
                    while let Some(record) = lines.next_record() {
                        if self.selection.has(&record) {
                            self.writer.add(&record)?;
                        }
                    }
                }
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(self.unreadable(&self.path, &error)),
            }
        }
    }

    /// A last line that its writer did not finish.
    fn end_current(&mut self) -> Result<(), Failure> {
        if let Some(current) = &mut self.current
            && !current.rest.is_empty()
        {
            let record = Record::parse(&std::mem::take(&mut current.rest));
            if self.selection.has(&record) {
                self.writer.add(&record)?;
            }
        }
        Ok(())
    }

    fn read_rotated(&mut self, path: &Path) -> Result<(), Failure> {
        let (selection, writer) = (&self.selection, &mut self.writer);
        let read = each_record(path, |record| {
            if selection.has(&record) {
                writer.add(&record)?;
            }
            Ok(())
        });
        match read {
            // Removed meanwhile, by a bound on how many are kept.
            Err(Unread::Io(error)) if error.kind() == ErrorKind::NotFound => Ok(()),
            Err(Unread::Io(error)) => Err(self.unreadable(path, &error)),
            Err(Unread::Failure(failure)) => Err(failure),
            Ok(()) => Ok(()),
        }
    }

    /// The last lines only: from the newest file back, as far as need be.
    fn last(&mut self, tail: Tail) -> Result<(), Failure> {
        let mut tail = tail;
        if let Some((file, id)) = self.open_path()? {
            self.begin(file, id)?;
        }
        let rotated = files::rotated(&self.path);
        if let Some(mut current) = self.current.take() {
            let mut bytes = Vec::new();
            let read = current.file.read_to_end(&mut bytes);
            read.map_err(|error| self.unreadable(&self.path, &error))?;
            let mut lines = Lines::new(&mut current.rest, &bytes);
            while let Some(record) = lines.next_record() {
                if self.selection.has(&record) {
                    tail.push(record);
                }
            }
            self.current = Some(current);
        }
        for path in rotated.iter().rev() {
            let id = fs::metadata(path).ok().map(|file| (file.dev(), file.ino()));
            let is_current = self
                .current
                .as_ref()
                .is_some_and(|current| Some(current.id) == id);
            if !tail.is_full() && !is_current {
                let Some(mut older) = self.selection.tail() else {
                    break;
                };
                let read = each_record(path, |record| {
                    if self.selection.has(&record) {
                        older.push(record);
                    }
                    Ok(())
                });
                match read {
                    Ok(()) => tail = tail.after(older),
                    Err(Unread::Io(error)) if error.kind() == ErrorKind::NotFound => {}
                    Err(Unread::Io(error)) => return Err(self.unreadable(path, &error)),
                    Err(Unread::Failure(failure)) => return Err(failure),
                }
            }
        }
        for record in tail.into_records() {
            self.writer.add(&record)?;
        }
        // What is newer than the file that was read is still to come.
        self.done.extend(rotated);
        self.advance()
    }
}
