//! One thing that was found, and the list of them.

use serde::{Deserialize, Serialize};

use super::FindingCode;
use crate::runtime::Kind;

/// How sure it is that the container will not start.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// It may fail, or can't be known, or is not what was meant.
    Warning,
    /// The runtime will refuse it, or the command will not start.
    Error,
}

/// Something that is wrong with a bundle.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Finding {
    /// How sure it is.
    pub severity: Severity,
    /// What it is.
    pub code: FindingCode,
    /// A JSON pointer into config.json (RFC 6901); empty: the bundle as a whole.
    pub place: String,
    /// A sentence that says what is wrong and what to do.
    pub message: String,
}

/// Who refuses it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// Every runtime, or the kernel.
    All,
    /// runc, and not crun.
    Runc,
    /// crun, and not runc.
    Crun,
}

/// What was found so far.
#[derive(Debug)]
pub struct Findings {
    runtime: Option<Kind>,
    found: Vec<Finding>,
    /// How long the report is so far, as JSON.
    length: usize,
}

/// More than anybody reads. A bundle made to be wrong in a million places must not make a report of that size.
const MOST: usize = 200;

impl Severity {
    /// `warning` or `error`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Warning => "warning",
            Self::Error => "error",
        }
    }
}

impl Findings {
    /// None yet, for this runtime.
    pub fn new(runtime: Option<Kind>) -> Self {
        Self {
            runtime,
            found: Vec::new(),
            length: 0,
        }
    }

    /// The runtime that will refuse it, if known.
    pub fn runtime(&self) -> Option<Kind> {
        self.runtime
    }

    /// Something that every runtime refuses.
    pub fn error(&mut self, code: FindingCode, place: impl Into<String>, message: impl Into<String>) {
        self.add(Severity::Error, code, place.into(), message.into());
    }

    /// Something that may be wrong.
    pub fn warning(&mut self, code: FindingCode, place: impl Into<String>, message: impl Into<String>) {
        self.add(Severity::Warning, code, place.into(), message.into());
    }

    /// Something that these runtimes refuse. The other one takes it: for that one it is `otherwise`, or nothing.
    pub fn refused(
        &mut self,
        by: Refusal,
        otherwise: Option<Severity>,
        code: FindingCode,
        place: impl Into<String>,
        message: impl Into<String>,
    ) {
        let (place, message) = (place.into(), message.into());
        let (who, other) = match by {
            Refusal::All => return self.add(Severity::Error, code, place, message),
            Refusal::Runc => (Kind::Runc, Kind::Crun),
            Refusal::Crun => (Kind::Crun, Kind::Runc),
        };
        let named = format!("{message} ({} refuses it, {} does not)", name(who), name(other));
        match self.runtime {
            Some(runtime) if runtime == who => self.add(Severity::Error, code, place, message),
            Some(runtime) if runtime == other => {
                if let Some(severity) = otherwise {
                    self.add(severity, code, place, named);
                }
            }
            // Of which nothing is known.
            Some(_) => self.add(Severity::Warning, code, place, named),
            None => self.add(Severity::Error, code, place, named),
        }
    }

    /// All of them, in the order in which they were found.
    pub fn into_vec(self) -> Vec<Finding> {
        self.found
    }

    fn add(&mut self, severity: Severity, code: FindingCode, place: String, message: String) {
        let (place, message) = (shorten(place), shorten(message));
        let length = ENTRY + json_length(&place) + json_length(&message);
        if self.found.len() >= MOST || self.length + length > LONGEST_REPORT {
            return;
        }
        self.length += length;
        self.found.push(Finding {
            severity,
            code,
            place,
            message,
        });
    }
}

/// The server reads 256 KiB of a report ([`crate::runtime::RuntimeCall`]); the rest is for the bundle's path.
const LONGEST_REPORT: usize = 200 << 10;

/// The names of its fields, severity and code.
const ENTRY: usize = 120;

/// At most as long as it is as JSON, where control characters are written `\u0000`.
fn json_length(text: &str) -> usize {
    text.bytes()
        .map(|byte| {
            if byte < b' ' || byte == b'"' || byte == b'\\' {
                6
            } else {
                1
            }
        })
        .sum()
}

/// What a bundle says, for a message: quoted, and not longer than a line.
pub fn quoted(text: impl AsRef<[u8]>) -> String {
    let text = String::from_utf8_lossy(text.as_ref());
    let short: String = text.chars().take(LONGEST_QUOTE).collect();
    let dots = if short.len() < text.len() { "…" } else { "" };
    format!("{short:?}{dots}")
}

const LONGEST_QUOTE: usize = 200;

/// A message quotes what it is about; still, a pointer through a long key or a dozen quotes stays bounded.
const LONGEST: usize = 1000;

fn shorten(mut text: String) -> String {
    if text.len() > LONGEST {
        let mut end = LONGEST;
        while !text.is_char_boundary(end) {
            end -= 1;
        }
        text.truncate(end);
        text.push('…');
    }
    text
}

fn name(kind: Kind) -> &'static str {
    match kind {
        Kind::Runc => "runc",
        Kind::Crun => "crun",
        Kind::Youki => "youki",
        Kind::Other => "the runtime",
    }
}
