//! Pod ids: checked once, where they come in, since they become file names.

use std::fmt;
use std::rc::Rc;

use crate::error::{Code, Error, Result};
use crate::file_name;

/// An id that can name a file: letters, digits, `_`, `+`, `-`, `.`, neither `.` nor `..`, at most 251
/// bytes (NAME_MAX less `.pid`).
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct PodId(Rc<str>);

/// `.pid` has to fit behind it.
const LONGEST: usize = 255 - ".pid".len();

impl PodId {
    /// Checks `text`.
    pub fn parse(text: &str) -> Result<Self> {
        file_name::check(text, LONGEST)
            .map_err(|why| Error::new(Code::InvalidId, format!("pod id {text:?} {why}")))?;
        Ok(Self(text.into()))
    }

    /// The id as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for PodId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for PodId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pod_id_is_a_file_name_with_room_for_its_suffix() {
        for id in ["a", "-", "web.1", &"f".repeat(251)] {
            assert_eq!(PodId::parse(id).unwrap().as_str(), id);
        }
        for id in [
            "",
            ".",
            "..",
            "a/b",
            "/",
            "a b",
            "ü",
            "a\0",
            "a\n",
            &"f".repeat(252),
        ] {
            assert_eq!(PodId::parse(id).unwrap_err().code, Code::InvalidId, "{id:?}");
        }
    }
}
