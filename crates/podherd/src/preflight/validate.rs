//! `podherd validate`: the checks as a program, for people and for the server.

use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::ValueEnum;
use serde::{Deserialize, Serialize};

use super::{Finding, Options, Severity, check};
use crate::runtime::Kind;

/// The command line.
#[derive(Debug, clap::Args)]
pub struct Validate {
    /// Directory with a config.json
    #[arg(value_name = "BUNDLE")]
    bundle: PathBuf,

    /// Whether create will be asked for a terminal; not compared with config.json if not given
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    terminal: Option<bool>,

    /// Judge as this runtime would; without it, what either of the known ones refuses is an error
    #[arg(long = "for", value_name = "RUNTIME", value_enum)]
    runtime: Option<RuntimeName>,

    /// Print one JSON object
    #[arg(long)]
    json: bool,

    /// End with 1 for warnings too
    #[arg(long)]
    strict: bool,

    /// End with 0 whatever is found
    #[arg(long, conflicts_with = "strict")]
    exit_zero: bool,
}

/// A runtime by its name.
#[derive(Clone, Copy, Debug, ValueEnum)]
#[allow(
    missing_docs,
    reason = "the names say it all, and clap would print the text as help"
)]
pub enum RuntimeName {
    Runc,
    Crun,
    Youki,
    Other,
}

/// What `--json` prints.
#[derive(Debug, Serialize, Deserialize)]
pub struct Report {
    /// The bundle, as it was given.
    pub bundle: String,
    /// What was found.
    pub findings: Vec<Finding>,
}

impl Validate {
    /// Checks and prints. 0: no error (with `--strict`: nothing), 1: something was found.
    pub fn run(self) -> ExitCode {
        let bundle = std::path::absolute(&self.bundle).unwrap_or_else(|_| self.bundle.clone());
        let findings = check(
            &bundle,
            Options {
                terminal: self.terminal,
                runtime: self.runtime.map(Kind::from),
            },
        );
        let worst = if self.strict {
            Severity::Warning
        } else {
            Severity::Error
        };
        let failed = findings
            .iter()
            .any(|finding| finding.severity == Severity::Error || finding.severity == worst);
        // A reader that has seen enough (`| head`) is no failure.
        let _ = std::io::stdout().write_all(self.text(findings).as_bytes());
        if failed && !self.exit_zero {
            ExitCode::FAILURE
        } else {
            ExitCode::SUCCESS
        }
    }

    fn text(&self, findings: Vec<Finding>) -> String {
        if self.json {
            let bundle = self.bundle.to_string_lossy().into_owned();
            let report = Report { bundle, findings };
            // There is nothing in it that JSON can't have.
            return serde_json::to_string(&report).unwrap_or_default() + "\n";
        }
        findings.iter().map(line).collect()
    }
}

/// `error CODE /place: sentence`. What the bundle says of itself can't steer the terminal.
fn line(finding: &Finding) -> String {
    let place = match finding.place.as_str() {
        "" => String::new(),
        place => format!(" {place}"),
    };
    let (severity, code) = (finding.severity.as_str(), finding.code.as_str());
    let mut line = String::new();
    for character in format!("{severity} {code}{place}: {}", finding.message).chars() {
        if character.is_control() {
            line.extend(character.escape_default());
        } else {
            line.push(character);
        }
    }
    line + "\n"
}

impl From<RuntimeName> for Kind {
    fn from(name: RuntimeName) -> Self {
        match name {
            RuntimeName::Runc => Self::Runc,
            RuntimeName::Crun => Self::Crun,
            RuntimeName::Youki => Self::Youki,
            RuntimeName::Other => Self::Other,
        }
    }
}

/// The name that `--for` takes.
pub fn name_of(kind: Kind) -> &'static str {
    match kind {
        Kind::Runc => "runc",
        Kind::Crun => "crun",
        Kind::Youki => "youki",
        Kind::Other => "other",
    }
}

#[cfg(test)]
mod tests {
    use super::super::FindingCode;
    use super::*;

    #[test]
    fn a_line_is_one_line_whatever_the_bundle_says() {
        let finding = Finding {
            severity: Severity::Error,
            code: FindingCode::FieldType,
            place: "/annotations/\u{1b}[2J\n".into(),
            message: "is a number".into(),
        };
        assert_eq!(
            line(&finding),
            "error FIELD_TYPE /annotations/\\u{1b}[2J\\n: is a number\n"
        );
    }
}
