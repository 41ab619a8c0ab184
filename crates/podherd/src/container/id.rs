//! Container ids: checked once, where they come in, since they become file names and arguments.

use std::fmt;
use std::rc::Rc;

use crate::error::{Code, Error, Result};
use crate::file_name;

/// An id that the runtimes accept: letters, digits, `_`, `+`, `-`, `.`, not beginning with `-`
/// (it would be read as a flag), neither `.` nor `..`, at most 255 bytes (NAME_MAX: the runtimes
/// make a directory of it).
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct ContainerId(Rc<str>);

impl ContainerId {
    /// Checks `text`.
    pub fn parse(text: &str) -> Result<Self> {
        let invalid = |why: String| Error::new(Code::InvalidId, format!("container id {text:?} {why}"));
        file_name::check(text, LONGEST).map_err(invalid)?;
        if text.starts_with('-') {
            return Err(invalid("can't be an argument: it begins with '-'".into()));
        }
        Ok(Self(text.into()))
    }

    /// The id as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for ContainerId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for ContainerId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

const LONGEST: usize = 255;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accepts_what_orchestrators_use() {
        for id in [
            "web",
            "a",
            "3f2b…".trim_end_matches('…'),
            "web-1.2_3+x",
            &"f".repeat(255),
        ] {
            assert_eq!(ContainerId::parse(id).unwrap().as_str(), id);
        }
    }

    #[test]
    fn refuses_what_a_runtime_would_or_a_path_could_not_bear() {
        for id in [
            "",
            ".",
            "..",
            "a/b",
            "../x",
            "a b",
            "ü",
            "a\0b",
            "a\nb",
            "--force",
            "a:b",
            &"f".repeat(256),
        ] {
            assert_eq!(
                ContainerId::parse(id).unwrap_err().code,
                Code::InvalidId,
                "{id:?}"
            );
        }
    }
}
