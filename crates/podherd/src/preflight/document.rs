//! config.json: read, within bounds, and parsed.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use rustix::fs::{FileType, Mode, OFlags, fstat, open};
use rustix::io::Errno;
use serde_json::Value;

use super::FindingCode as Code;
use super::finding::Findings;

/// Far more than any tool writes; parsed it takes some 20 times as much memory.
const LARGEST: u64 = 4 << 20;

/// The document, or nothing when a finding says why there is none.
pub fn read(bundle: &Path, findings: &mut Findings) -> Option<Value> {
    let path = bundle.join("config.json");
    let text = match read_file(&path) {
        Ok(text) => text,
        Err(error) => {
            match error.kind() {
                io::ErrorKind::NotFound if bundle.is_dir() => {
                    findings.error(
                        Code::ConfigMissing,
                        "",
                        format!(
                            "the bundle {} has no config.json; make one, `runc spec` writes an example",
                            bundle.display()
                        ),
                    );
                }
                io::ErrorKind::NotFound => {
                    findings.error(
                        Code::ConfigMissing,
                        "",
                        format!("there is no bundle at {}; correct the path", bundle.display()),
                    );
                }
                io::ErrorKind::FileTooLarge => {
                    findings.warning(
                        Code::ConfigTooLarge,
                        "",
                        format!(
                            "{} has more than {LARGEST} bytes and was not checked",
                            path.display()
                        ),
                    );
                }
                _ => findings.error(
                    Code::ConfigUnreadable,
                    "",
                    format!("{} can't be read: {error}", path.display()),
                ),
            }
            return None;
        }
    };
    match serde_json::from_slice(&text) {
        Ok(value) => Some(value),
        Err(error) => {
            findings.error(
                Code::ConfigInvalid,
                "",
                format!("config.json is not JSON: {error}"),
            );
            None
        }
    }
}

/// The content of a regular file. Anything else is an error at once: a FIFO would block.
fn read_file(path: &Path) -> io::Result<Vec<u8>> {
    let flags = OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NONBLOCK | OFlags::NOCTTY;
    let file = open(path, flags, Mode::empty())?;
    match FileType::from_raw_mode(fstat(&file)?.st_mode) {
        FileType::RegularFile => {}
        FileType::Directory => return Err(Errno::ISDIR.into()),
        _ => return Err(io::Error::other("it is no regular file")),
    }
    let mut text = Vec::new();
    File::from(file).take(LARGEST + 1).read_to_end(&mut text)?;
    if text.len() as u64 > LARGEST {
        return Err(io::ErrorKind::FileTooLarge.into());
    }
    Ok(text)
}
