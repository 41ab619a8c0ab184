//! One small file that appears whole, under its final name only.

use std::ffi::{OsStr, OsString};
use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::path::Path;

use rustix::fs::{AtFlags, CWD, Mode, OFlags, linkat, open, openat, renameat, unlinkat};
use rustix::io::{Errno, write};

/// The code is no secret, and whoever the directory lets in may read it.
const MODE: Mode = Mode::from_raw_mode(0o644);

/// Tries against somebody else who makes the same name at the same time.
const TRIES: usize = 8;

/// Makes `path` a file with this content. Waits for the disk: for writer threads.
///
/// The file is written without a name (`O_TMPFILE`) and then linked, so its directory shows one event,
/// the final name, and no other name ever. A file that has the name already is of an earlier container
/// and wrong; `linkat(2)` can't replace it, so it is unlinked just before: for that moment there is no
/// file, never an empty one.
///
/// A filesystem without `O_TMPFILE` (NFS, FUSE, older overlayfs) gets a hidden name beside it and
/// `rename(2)`, which is whole too, and replaces. The hidden name is always the same one for a name: what a
/// killed server left is used again.
pub(super) fn publish(path: &Path, content: &[u8]) -> io::Result<()> {
    let name = path.file_name().ok_or(Errno::INVAL)?;
    let parent = path
        .parent()
        .filter(|parent| !parent.as_os_str().is_empty())
        .unwrap_or(Path::new("."));
    let directory = open(
        parent,
        OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC,
        Mode::empty(),
    )?;
    match by_link(directory.as_fd(), name, content) {
        Err(Errno::OPNOTSUPP | Errno::ISDIR | Errno::XDEV) => by_rename(directory.as_fd(), name, content)?,
        done => done?,
    }
    Ok(())
}

fn by_link(directory: BorrowedFd<'_>, name: &OsStr, content: &[u8]) -> Result<(), Errno> {
    let file = openat(
        directory,
        ".",
        OFlags::TMPFILE | OFlags::WRONLY | OFlags::CLOEXEC,
        MODE,
    )?;
    write_all(&file, content)?;
    for _ in 0..TRIES {
        match link(&file, directory, name) {
            Err(Errno::EXIST) => match unlinkat(directory, name, AtFlags::empty()) {
                // A directory of that name is not ours to replace, by a rename neither.
                Err(Errno::ISDIR) => return Err(Errno::EXIST),
                Ok(()) | Err(Errno::NOENT) => {}
                Err(errno) => return Err(errno),
            },
            done => return done,
        }
    }
    Err(Errno::EXIST)
}

/// Gives the file its name through /proc, or, where that is not mounted, by its descriptor, which takes
/// `CAP_DAC_READ_SEARCH` (open(2), `O_TMPFILE`).
fn link(file: &OwnedFd, directory: BorrowedFd<'_>, name: &OsStr) -> Result<(), Errno> {
    let own = format!("/proc/self/fd/{}", file.as_raw_fd());
    match linkat(CWD, own, directory, name, AtFlags::SYMLINK_FOLLOW) {
        Err(Errno::NOENT) => linkat(file, "", directory, name, AtFlags::EMPTY_PATH),
        done => done,
    }
}

pub(super) fn by_rename(directory: BorrowedFd<'_>, name: &OsStr, content: &[u8]) -> Result<(), Errno> {
    let mut hidden = OsString::from(".");
    hidden.push(name);
    hidden.push(".podherd");
    let flags = OFlags::CREATE | OFlags::TRUNC | OFlags::WRONLY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let file = openat(directory, &hidden, flags, MODE)?;
    let done = write_all(&file, content).and_then(|()| renameat(directory, &hidden, directory, name));
    if done.is_err() {
        let _ = unlinkat(directory, &hidden, AtFlags::empty());
    }
    done
}

fn write_all(file: &OwnedFd, mut content: &[u8]) -> Result<(), Errno> {
    while !content.is_empty() {
        match write(file, content) {
            Ok(0) => return Err(Errno::IO),
            Ok(count) => content = &content[count..],
            Err(Errno::INTR) => {}
            Err(errno) => return Err(errno),
        }
    }
    Ok(())
}
