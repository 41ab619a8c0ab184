//! One value of config.json and where it stands. Reading one of another type than wanted gives nothing: `shape`
//! has said that already.

use serde_json::{Map, Value};

/// A value, or the place where there is none.
#[derive(Clone, Debug)]
pub struct Node<'a> {
    value: Option<&'a Value>,
    /// RFC 6901.
    pointer: String,
}

impl<'a> Node<'a> {
    /// The whole document.
    pub fn root(value: &'a Value) -> Self {
        Self {
            value: Some(value),
            pointer: String::new(),
        }
    }

    /// A value at this place. `null` is as good as absent: so it is to Go's parser.
    pub fn at(value: Option<&'a Value>, pointer: String) -> Self {
        Self {
            value: value.filter(|value| !value.is_null()),
            pointer,
        }
    }

    /// The member of an object.
    pub fn get(&self, key: &str) -> Node<'a> {
        let value = self.value.and_then(|value| value.as_object()?.get(key));
        Self::at(value, join(&self.pointer, key))
    }

    /// The member at the end of this path of keys.
    pub fn path(&self, keys: &[&str]) -> Node<'a> {
        keys.iter().fold(self.clone(), |node, key| node.get(key))
    }

    /// The items of a list; none if it is no list.
    pub fn items(&self) -> impl Iterator<Item = Node<'a>> + use<'a> {
        let list = self
            .value
            .and_then(Value::as_array)
            .map_or(&[][..], Vec::as_slice);
        let pointer = self.pointer.clone();
        list.iter()
            .enumerate()
            .map(move |(index, value)| Self::at(Some(value), format!("{pointer}/{index}")))
    }

    /// The members of an object; none if it is no object.
    pub fn members(&self) -> impl Iterator<Item = (&'a str, Node<'a>)> + use<'a> {
        let pointer = self.pointer.clone();
        self.object()
            .into_iter()
            .flatten()
            .map(move |(key, value)| (key.as_str(), Self::at(Some(value), join(&pointer, key))))
    }

    /// The JSON pointer.
    pub fn pointer(&self) -> &str {
        &self.pointer
    }

    /// The value itself.
    pub fn value(&self) -> Option<&'a Value> {
        self.value
    }

    /// Whether there is a value.
    pub fn exists(&self) -> bool {
        self.value.is_some()
    }

    /// A text.
    pub fn text(&self) -> Option<&'a str> {
        self.value.and_then(Value::as_str)
    }

    /// A text that is not empty.
    pub fn filled_text(&self) -> Option<&'a str> {
        self.text().filter(|text| !text.is_empty())
    }

    /// True or false.
    pub fn boolean(&self) -> Option<bool> {
        self.value.and_then(Value::as_bool)
    }

    /// A number of at least zero.
    pub fn unsigned(&self) -> Option<u64> {
        self.value.and_then(Value::as_u64)
    }

    /// A whole number.
    pub fn signed(&self) -> Option<i64> {
        self.value.and_then(Value::as_i64)
    }

    /// The texts of a list.
    pub fn texts(&self) -> impl Iterator<Item = &'a str> + use<'a> {
        self.items().filter_map(|item| item.text())
    }

    fn object(&self) -> Option<&'a Map<String, Value>> {
        self.value.and_then(Value::as_object)
    }
}

/// A pointer to a member of what `pointer` points at.
pub fn join(pointer: &str, key: &str) -> String {
    format!("{pointer}/{}", key.replace('~', "~0").replace('/', "~1"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pointer_leads_back_to_the_value() {
        let value: Value = serde_json::from_str(r#"{"a/b":[{"c~d":5}],"n":null}"#).unwrap();
        let root = Node::root(&value);
        let item = root.get("a/b").items().next().unwrap().get("c~d");
        assert_eq!(item.pointer(), "/a~1b/0/c~0d");
        assert_eq!(value.pointer(item.pointer()), Some(&Value::from(5)));
        assert_eq!(item.unsigned(), Some(5));
        assert!(item.text().is_none() && !root.get("n").exists() && !root.get("a/b").get("x").exists());
    }
}
