//! Which containers a caller wants to see.

use super::{Container, Phase};

/// Containers in one of some states, with certain labels.
#[derive(Debug, Default)]
pub struct Selection {
    /// Any of them; empty: whatever their state.
    pub phases: Vec<Phase>,
    /// All of them.
    pub labels: Vec<LabelSelector>,
}

/// What a container's labels have to be.
#[derive(Debug, PartialEq, Eq)]
pub struct LabelSelector {
    /// It has a label of this key,
    pub key: String,
    /// with this value. None: whatever its value.
    pub value: Option<String>,
}

impl Selection {
    /// Whether it is one of them.
    pub fn has(&self, container: &Container) -> bool {
        let labels = &container.settings.labels;
        let matches = |wanted: &LabelSelector| match (labels.get(&wanted.key), &wanted.value) {
            (Some(found), Some(value)) => found == value,
            (found, None) => found.is_some(),
            (None, Some(_)) => false,
        };
        (self.phases.is_empty() || self.phases.contains(&container.phase()))
            && self.labels.iter().all(matches)
    }
}
