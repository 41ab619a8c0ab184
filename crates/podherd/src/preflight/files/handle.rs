//! A file that was found: held open, but not for reading, so that finding it never blocks and has no effect on it.

use std::ffi::OsStr;
use std::fs::File;
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::FileExt;
use std::path::Path;

use rustix::fs::{
    CWD, FileType, Mode, OFlags, ResolveFlags, Stat, fstat, getxattr, openat, openat2, readlinkat,
};
use rustix::io::Errno;

/// A file of any type, by a descriptor that only names it (open(2), `O_PATH`).
#[derive(Debug)]
pub struct Handle {
    descriptor: OwnedFd,
    stat: Stat,
}

const NAMED: OFlags = OFlags::PATH.union(OFlags::CLOEXEC);

impl Handle {
    /// A file of the host, its symbolic links followed.
    pub fn open(path: &Path) -> Result<Self, Errno> {
        Self::new(openat(CWD, path, NAMED, Mode::empty())?)
    }

    /// What a directory has under this name, which is no path: one step that nothing can lead elsewhere. A
    /// symbolic link is found itself. Unless `crossing`, a mount in the way is an error, `EXDEV`.
    pub fn child(&self, name: &[u8], crossing: bool) -> Result<Self, Errno> {
        let name = OsStr::from_bytes(name);
        let flags = NAMED.union(OFlags::NOFOLLOW);
        if !crossing {
            let stay = ResolveFlags::NO_XDEV.union(ResolveFlags::BENEATH);
            match openat2(&self.descriptor, name, flags, Mode::empty(), stay) {
                // Linux before 5.6, or a filter that doesn't know it: mounts are crossed then.
                Err(Errno::NOSYS | Errno::PERM) => {}
                other => return Self::new(other?),
            }
        }
        Self::new(openat(&self.descriptor, name, flags, Mode::empty())?)
    }

    fn new(descriptor: OwnedFd) -> Result<Self, Errno> {
        let stat = fstat(&descriptor)?;
        Ok(Self { descriptor, stat })
    }

    /// Of which type it is.
    pub fn file_type(&self) -> FileType {
        FileType::from_raw_mode(self.stat.st_mode)
    }

    /// Whether it is a directory.
    pub fn is_directory(&self) -> bool {
        self.file_type() == FileType::Directory
    }

    /// Owner, group and mode bits.
    pub fn stat(&self) -> &Stat {
        &self.stat
    }

    /// Where a symbolic link leads.
    pub fn target(&self) -> Result<Vec<u8>, Errno> {
        Ok(readlinkat(&self.descriptor, "", Vec::new())?.into_bytes())
    }

    /// Whether both are the same file.
    pub fn is(&self, other: &Self) -> bool {
        (self.stat.st_dev, self.stat.st_ino) == (other.stat.st_dev, other.stat.st_ino)
    }

    /// Whether more than the mode bits may decide who has rights to it (acl(5)).
    pub fn has_access_list(&self) -> bool {
        getxattr(self.by_number(), "system.posix_acl_access", &mut [0u8; 0][..]).is_ok()
    }

    /// Opens it to be read. For regular files only: others may block, or do something when they are opened.
    pub fn reader(&self) -> Result<Reader, Errno> {
        if self.file_type() != FileType::RegularFile {
            return Err(Errno::INVAL);
        }
        let flags = OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NONBLOCK;
        Ok(Reader(File::from(openat(
            CWD,
            self.by_number(),
            flags,
            Mode::empty(),
        )?)))
    }

    /// The descriptor as a path, which leads to the file itself (proc_pid_fd(5)).
    fn by_number(&self) -> String {
        format!("/proc/self/fd/{}", self.descriptor.as_fd().as_raw_fd())
    }
}

/// A regular file that can be read.
#[derive(Debug)]
pub struct Reader(File);

impl Reader {
    /// At most `length` bytes from `offset` on; fewer at the file's end.
    pub fn read(&self, offset: u64, length: usize) -> std::io::Result<Vec<u8>> {
        let mut bytes = vec![0; length];
        let mut filled = 0;
        while filled < length {
            match self
                .0
                .read_at(&mut bytes[filled..], offset.saturating_add(filled as u64))
            {
                Ok(0) => break,
                Ok(count) => filled += count,
                Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        bytes.truncate(filled);
        Ok(bytes)
    }
}
