//! What a container is created with and keeps for its life: its status shows it, and later calls go by it.

use std::rc::Rc;
use std::time::Duration;

use crate::error::{Code, Error, Result};

/// Bytes that a container's labels may have in all, keys and values together: they are kept as long as its exit
/// state.
pub const LABEL_BYTES: usize = 64 << 10;

/// The settings of one container.
#[derive(Clone, Debug, Default)]
pub struct Settings {
    /// What its creator calls it.
    pub labels: Labels,
    /// How it is stopped.
    pub stopping: Stopping,
    /// How much it may write.
    pub rate_limit: Option<RateLimit>,
}

/// Keys with values, in the order in which they were given. A key is there once and not empty.
/// Clones share them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Labels(Rc<[(String, String)]>);

/// What `stop` does unless it is told otherwise.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stopping {
    /// The first signal, 1 to 64.
    pub signal: i32,
    /// The time between it and the kill of all processes.
    pub grace: Duration,
}

/// A bound on what a container writes. Past it its output is not read, so that it waits as for a full pipe.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RateLimit {
    /// Above zero.
    pub bytes_per_second: u64,
    /// What may come at once after a silence; above zero.
    pub burst_bytes: u64,
}

impl Labels {
    /// Checks them.
    pub fn new(labels: Vec<(String, String)>) -> Result<Self> {
        let invalid = |why: String| Err(Error::new(Code::InvalidArgument, format!("labels: {why}")));
        let bytes: usize = labels.iter().map(|(key, value)| key.len() + value.len()).sum();
        if bytes > LABEL_BYTES {
            return invalid(format!("{bytes} bytes, and a container may have {LABEL_BYTES}"));
        }
        if labels.iter().any(|(key, _)| key.is_empty()) {
            return invalid("a key is empty".into());
        }
        let mut keys: Vec<_> = labels.iter().map(|(key, _)| key).collect();
        keys.sort_unstable();
        if let Some(twice) = keys.windows(2).find(|pair| pair[0] == pair[1]) {
            return invalid(format!("{:?} is there twice", twice[0]));
        }
        Ok(Self(labels.into()))
    }

    /// The value of a label.
    pub fn get(&self, key: &str) -> Option<&str> {
        let found = self.0.iter().find(|(name, _)| name == key);
        found.map(|(_, value)| value.as_str())
    }

    /// All of them.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (&str, &str)> {
        self.0.iter().map(|(key, value)| (key.as_str(), value.as_str()))
    }
}

/// As the Kubernetes default for a container's end would have it, with the time of Docker's.
impl Default for Stopping {
    fn default() -> Self {
        Self {
            signal: SIGTERM,
            grace: Duration::from_secs(10),
        }
    }
}

const SIGTERM: i32 = 15;

#[cfg(test)]
mod tests {
    use super::*;

    fn labels(pairs: &[(&str, &str)]) -> Result<Labels> {
        let owned = pairs.iter().map(|(key, value)| ((*key).into(), (*value).into()));
        Labels::new(owned.collect())
    }

    #[test]
    fn labels_keep_their_order_and_are_found() {
        let found = labels(&[("z", "1"), ("a", ""), ("m", "2")]).unwrap();
        assert_eq!(
            found.iter().map(|(key, _)| key).collect::<Vec<_>>(),
            ["z", "a", "m"]
        );
        assert_eq!((found.get("a"), found.get("b")), (Some(""), None));
    }

    #[test]
    fn labels_that_would_be_ambiguous_or_huge_are_refused() {
        let long = "x".repeat(LABEL_BYTES);
        let cases = [
            (labels(&[("", "1")]), "empty"),
            (labels(&[("a", "1"), ("b", "2"), ("a", "3")]), "twice"),
            (labels(&[("a", &long)]), "bytes"),
        ];
        for (refused, word) in cases {
            let error = refused.unwrap_err();
            assert_eq!(error.code, Code::InvalidArgument);
            assert!(error.message.contains(word), "{error}");
        }
    }
}
