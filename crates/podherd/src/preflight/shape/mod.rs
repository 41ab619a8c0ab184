//! The types of config.json's fields (OCI runtime specification, config.md and config-linux.md; schema/*.json
//! there). Fields that are not of the specification are left alone, as it demands.
//!
//! - `fields`: the table.
//!
//! runc refuses every value of another type. crun refuses numbers that don't fit, lists of numbers with something
//! else in them and maps of texts with something else; all other values of a wrong type it takes as absent.

mod fields;

use serde_json::{Number, Value};

use super::FindingCode as Code;
use super::finding::{Findings, Refusal, Severity};
use super::node::{Node, join};

/// What a value has to be.
#[derive(Debug)]
pub enum Type {
    /// A text.
    Text,
    /// True or false.
    Boolean,
    /// A whole number of at most this.
    Unsigned(u64),
    /// A whole number within these.
    Signed(i64, i64),
    /// An object with these members.
    Object(&'static [Field]),
    /// A list of these.
    List(&'static Type),
    /// An object with any members, of this type.
    Map(&'static Type),
    /// An object that is not looked into.
    AnyObject,
}

/// A member of an object.
pub type Field = (&'static str, &'static Type);

/// Says which values are of another type than the specification's. False: so much is wrong that nothing else
/// should be said.
pub fn check(document: &Value, findings: &mut Findings) -> bool {
    if !document.is_object() {
        let message = format!("config.json is {}, expected an object", described(document));
        findings.error(Code::FieldType, "", message);
        return false;
    }
    let mut walk = Walk {
        findings,
        other_case: false,
    };
    walk.value(document, &fields::CONFIG, "", false);
    !walk.other_case
}

/// Those that crun misses when they are of another type.
const NEEDED: [&str; 9] = [
    "/linux",
    "/mounts",
    "/ociVersion",
    "/process",
    "/process/args",
    "/process/args/0",
    "/process/cwd",
    "/root",
    "/root/path",
];

struct Walk<'a> {
    findings: &'a mut Findings,
    other_case: bool,
}

impl Walk<'_> {
    /// `strict`: where crun is as strict as runc.
    fn value(&mut self, value: &Value, wanted: &Type, pointer: &str, strict: bool) {
        match (wanted, value) {
            // As good as absent.
            (_, Value::Null)
            | (Type::Text, Value::String(_))
            | (Type::Boolean, Value::Bool(_))
            | (Type::AnyObject, Value::Object(_)) => {}
            (Type::Unsigned(most), Value::Number(number)) => {
                let fits = number.as_u64().is_some_and(|number| number <= *most);
                self.number(fits, number, pointer, || format!("0 to {most}"));
            }
            (Type::Signed(least, most), Value::Number(number)) => {
                let fits = number
                    .as_i64()
                    .is_some_and(|number| (*least..=*most).contains(&number));
                self.number(fits, number, pointer, || format!("{least} to {most}"));
            }
            (Type::Object(fields), Value::Object(members)) => {
                for (key, member) in members {
                    let pointer = join(pointer, key);
                    match fields.iter().find(|(name, _)| name == key) {
                        Some((_, wanted)) => self.value(member, wanted, &pointer, false),
                        None => self.unknown(key, fields, &pointer),
                    }
                }
            }
            (Type::List(wanted), Value::Array(items)) => {
                let strict = matches!(wanted, Type::Unsigned(_) | Type::Signed(..));
                for (index, item) in items.iter().enumerate() {
                    self.value(item, wanted, &format!("{pointer}/{index}"), strict);
                }
            }
            (Type::Map(wanted), Value::Object(members)) => {
                for (key, member) in members {
                    self.value(member, wanted, &join(pointer, key), true);
                }
            }
            _ => {
                let by = if strict || NEEDED.contains(&pointer) {
                    Refusal::All
                } else {
                    Refusal::Runc
                };
                let message = format!(
                    "{} is {}, expected {}",
                    named(pointer),
                    described(value),
                    wanted.described()
                );
                self.findings
                    .refused(by, Some(Severity::Warning), Code::FieldType, pointer, message);
            }
        }
    }

    fn number(&mut self, fits: bool, number: &Number, pointer: &str, range: impl FnOnce() -> String) {
        if !fits {
            let message = format!(
                "{} is {number}, expected a whole number from {}",
                named(pointer),
                range()
            );
            self.findings.error(Code::FieldRange, pointer, message);
        }
    }

    /// Go's parser takes the name of a field in any case, others don't.
    fn unknown(&mut self, key: &str, fields: &[Field], pointer: &str) {
        if let Some((name, _)) = fields.iter().find(|(name, _)| name.eq_ignore_ascii_case(key)) {
            self.other_case = true;
            let message = format!(
                "the field {key:?} is written {name:?} in the specification; runc takes both, others only that one; correct it. The rest of the bundle was not checked"
            );
            self.findings.warning(Code::FieldCase, pointer, message);
        }
    }
}

impl Type {
    fn described(&self) -> &'static str {
        match self {
            Self::Text => "a text",
            Self::Boolean => "true or false",
            Self::Unsigned(_) | Self::Signed(..) => "a number",
            Self::Object(_) | Self::Map(_) | Self::AnyObject => "an object",
            Self::List(_) => "a list",
        }
    }
}

fn described(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "true or false",
        Value::Number(_) => "a number",
        Value::String(_) => "a text",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    }
}

/// The field by the last part of its pointer that says something to people: `process.user.uid`.
fn named(pointer: &str) -> String {
    pointer.trim_start_matches('/').replace('/', ".")
}

/// Says that a field which has to be there is not; one of a wrong type has been said already.
pub fn require(node: &Node<'_>, by: Refusal, findings: &mut Findings) {
    if !node.exists() {
        let message = format!(
            "{} is missing; the specification requires it",
            named(node.pointer())
        );
        findings.refused(
            by,
            Some(Severity::Warning),
            Code::FieldMissing,
            node.pointer(),
            message,
        );
    }
}
