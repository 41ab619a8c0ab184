//! Reading the small files of /proc and of cgroups.

use std::io;
use std::path::Path;

use rustix::fs::{Mode, OFlags};

/// Reads a file whose size the kernel gives as 0: open, one read where 4 KiB suffice, one for the end.
pub fn read(path: impl AsRef<Path>) -> io::Result<String> {
    let file = rustix::fs::open(path.as_ref(), OFlags::RDONLY | OFlags::CLOEXEC, Mode::empty())?;
    let mut bytes = vec![0; 4096];
    let mut length = 0;
    loop {
        let count = rustix::io::read(&file, &mut bytes[length..])?;
        if count == 0 {
            break;
        }
        length += count;
        if length == bytes.len() {
            bytes.resize(2 * length, 0);
        }
    }
    bytes.truncate(length);
    String::from_utf8(bytes).map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_files_of_any_length() {
        let directory = tempfile::tempdir().unwrap();
        for length in [0, 1, 4095, 4096, 4097, 100_000] {
            let path = directory.path().join(length.to_string());
            std::fs::write(&path, "x".repeat(length)).unwrap();
            assert_eq!(read(&path).unwrap(), "x".repeat(length));
        }
        assert_eq!(
            read(directory.path().join("missing")).unwrap_err().kind(),
            io::ErrorKind::NotFound
        );
        assert!(read("/proc/self/mountinfo").unwrap().contains(" / "));
    }
}
