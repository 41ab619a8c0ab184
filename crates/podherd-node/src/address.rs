//! From a path of any length to a socket address.

use std::os::fd::{AsRawFd, OwnedFd};
use std::path::Path;

use rustix::fs::{Mode, OFlags};
use rustix::io::{Errno, Result};
use rustix::net::SocketAddrUnix;

/// An address, and what has to stay open until it was used.
pub struct Address {
    pub unix: SocketAddrUnix,
    _directory: Option<OwnedFd>,
}

/// The address of the socket at `path`. A path that is longer than an address holds (107 bytes, unix(7)) goes
/// through a descriptor of its directory.
///
/// # Errors
///
/// `ENAMETOOLONG` when the file's name alone is too long, `EINVAL` for a path with a zero byte or without a name,
/// and those of open(2) for the directory.
pub fn of(path: &Path) -> Result<Address> {
    match SocketAddrUnix::new(path) {
        Ok(unix) => {
            return Ok(Address {
                unix,
                _directory: None,
            });
        }
        Err(Errno::NAMETOOLONG) => {}
        Err(error) => return Err(error),
    }
    let (Some(directory), Some(name)) = (path.parent(), path.file_name()) else {
        return Err(Errno::INVAL);
    };
    // That of a bare name is the working directory.
    let directory = if directory.as_os_str().is_empty() {
        Path::new(".")
    } else {
        directory
    };
    let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let directory = rustix::fs::open(directory, flags, Mode::empty())?;
    let short = Path::new("/proc/self/fd")
        .join(directory.as_raw_fd().to_string())
        .join(name);
    Ok(Address {
        unix: SocketAddrUnix::new(short)?,
        _directory: Some(directory),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_that_is_too_long_even_in_its_directory_is_said() {
        let path = std::env::temp_dir().join("n".repeat(120));
        assert_eq!(of(&path).err(), Some(Errno::NAMETOOLONG));
        assert_eq!(of(Path::new(&"n".repeat(120))).err(), Some(Errno::NAMETOOLONG));
    }

    #[test]
    fn a_long_path_to_nowhere_is_said() {
        let path = Path::new("/no-such-directory")
            .join("d".repeat(120))
            .join("socket");
        assert_eq!(of(&path).err(), Some(Errno::NOENT));
    }

    #[test]
    fn zero_bytes_are_refused() {
        assert_eq!(of(Path::new("/tmp/a\0b")).err(), Some(Errno::INVAL));
    }
}
