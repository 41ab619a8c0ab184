//! The files of one log: the one at its path, and those that rotation has set aside as `PATH.TIME`: ours
//! (`20240501-120000.123456789`), and those that the kubelet renames and compresses (`20240501-120000.gz`).

use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use flate2::read::GzDecoder;

/// The rotated files of the log at `path`, oldest first.
pub fn rotated(path: &Path) -> Vec<PathBuf> {
    let (Some(directory), Some(name)) = (path.parent(), path.file_name().and_then(|name| name.to_str()))
    else {
        return Vec::new();
    };
    let entries = fs::read_dir(directory).into_iter().flatten().flatten();
    let names = entries.filter_map(|entry| entry.file_name().into_string().ok());
    let mut names: Vec<_> = names
        .filter(|other| {
            let suffix = other.strip_prefix(name).and_then(|rest| rest.strip_prefix('.'));
            suffix.is_some_and(is_suffix)
        })
        .collect();
    // Times sort as text.
    names.sort();
    names.into_iter().map(|name| directory.join(name)).collect()
}

/// `YYYYMMDD-HHMMSS`, with or without a fraction, compressed or not.
fn is_suffix(text: &str) -> bool {
    let text = text.strip_suffix(".gz").unwrap_or(text);
    let (time, fraction) = text.split_once('.').unwrap_or((text, "0"));
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let time = time.split_once('-');
    digits(fraction)
        && time.is_some_and(|(day, time)| day.len() == 8 && time.len() == 6 && digits(day) && digits(time))
}

/// Opens a rotated file, and undoes its compression.
pub fn open(path: &Path) -> io::Result<Box<dyn Read>> {
    let file = File::open(path)?;
    if path.extension().is_some_and(|extension| extension == "gz") {
        return Ok(Box::new(GzDecoder::new(file)));
    }
    Ok(Box::new(file))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_what_rotation_makes_and_nothing_else() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("0.log");
        let names = [
            "0.log.20240501-120000.000000002",
            "0.log.20240501-120000.000000001",
            "0.log.20240430-235959.gz",
            "0.log.20240430-235959.tmp",
            "0.log.bak",
            "0.log.old.20240501-120000",
            "10.log.20240501-120000",
            "0.log",
        ];
        for name in names {
            fs::write(directory.path().join(name), name).unwrap();
        }
        let found: Vec<_> = rotated(&path)
            .iter()
            .map(|path| path.file_name().unwrap().to_owned())
            .collect();
        assert_eq!(found, [names[2], names[1], names[0]]);
    }
}
