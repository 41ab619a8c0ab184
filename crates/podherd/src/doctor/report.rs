//! What a look is told as, for programs and for people.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use serde::Serialize;

use super::finding::{Finding, Severity};
use super::look::Look;
use super::servers::Server;
use super::versions::RuntimeProgram;
use crate::commands::rfc3339;

/// Raised with every change that a reader has to know of.
const SCHEMA: u32 = 1;

/// The whole answer.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Report {
    schema: u32,
    at: String,
    /// No problem is left.
    pub healthy: bool,
    problems: usize,
    notes: usize,
    /// What was found, what is worst first.
    pub findings: Vec<Found>,
    servers: Vec<Server>,
    runtimes: Vec<RuntimeProgram>,
    looked: Looked,
    missing: Vec<String>,
}

/// How much was looked at.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Looked {
    processes: usize,
    containers: usize,
    mounts: usize,
    runtime_roots: Vec<PathBuf>,
    runtime_dirs: Vec<PathBuf>,
}

/// A finding that has stayed, and what became of it.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Found {
    /// What it is.
    #[serde(flatten)]
    pub finding: Finding,
    first_seen_at: String,
    seen_for_ms: u64,
    /// Null: nobody tried.
    fixed: Option<bool>,
    /// What was done, or why it was left.
    fix_result: Option<String>,
}

impl Found {
    pub(super) fn new(finding: Finding, first_seen: SystemTime, seen_for: Duration) -> Self {
        Self {
            finding,
            first_seen_at: rfc3339(first_seen),
            seen_for_ms: u64::try_from(seen_for.as_millis()).unwrap_or(u64::MAX),
            fixed: None,
            fix_result: None,
        }
    }

    pub(super) fn fixed(&mut self, result: Result<String, String>) {
        self.fixed = Some(result.is_ok());
        self.fix_result = Some(match result {
            Ok(done) => done,
            Err(why) => why,
        });
    }

    /// Whether it was cleaned; None: nobody tried.
    pub fn is_fixed(&self) -> Option<bool> {
        self.fixed
    }

    /// For people.
    pub fn text(&self) -> String {
        let finding = &self.finding;
        let severity = match finding.severity {
            Severity::Problem => "problem",
            Severity::Note => "note",
        };
        let mut text = format!(
            "{severity:<8} {}  {}\n         {}\n         do: {}\n",
            finding.code, finding.subject, finding.message, finding.advice
        );
        if let (Some(fixed), Some(result)) = (self.fixed, &self.fix_result) {
            let word = if fixed { "fixed" } else { "left" };
            let _ = writeln!(text, "         {word}: {result}");
        }
        text
    }
}

impl Report {
    pub(super) fn new(
        look: &Look<'_>,
        found: Vec<Found>,
        runtimes: &[RuntimeProgram],
        at: SystemTime,
    ) -> Self {
        let mut report = Self {
            schema: SCHEMA,
            at: rfc3339(at),
            healthy: true,
            problems: 0,
            notes: 0,
            findings: found,
            servers: look.servers.clone(),
            runtimes: runtimes.to_vec(),
            looked: Looked {
                processes: look
                    .processes
                    .iter()
                    .filter(|process| look.is_in_scope(process))
                    .count(),
                containers: look.states.read.len(),
                mounts: look.mounts.len(),
                runtime_roots: look.runtime_roots.iter().cloned().collect(),
                runtime_dirs: look.runtime_dirs.iter().cloned().collect(),
            },
            missing: look.missing(),
        };
        report.judge();
        report
    }

    /// Counts what is left.
    pub(super) fn judge(&mut self) {
        let left = |wanted: Severity| {
            let of_it = |found: &&Found| found.finding.severity == wanted && found.fixed != Some(true);
            self.findings.iter().filter(of_it).count()
        };
        (self.problems, self.notes) = (left(Severity::Problem), left(Severity::Note));
        self.healthy = self.problems == 0;
    }

    /// Directories in which something changes when it is worth to look again.
    pub fn watched_directories(&self) -> impl Iterator<Item = &Path> {
        let looked = self.looked.runtime_roots.iter().chain(&self.looked.runtime_dirs);
        looked.map(PathBuf::as_path)
    }

    /// Processes whose end is worth another look.
    pub fn watched_pids(&self) -> impl Iterator<Item = u32> {
        let servers = self.servers.iter().map(|server| server.pid);
        servers.chain(
            self.findings
                .iter()
                .filter_map(|found| found.finding.details.parent_pid),
        )
    }

    /// For people: what was found, then what was looked at.
    pub fn text(&self) -> String {
        let mut text = String::new();
        for found in &self.findings {
            text.push_str(&found.text());
        }
        for missing in &self.missing {
            let _ = writeln!(text, "not seen  {missing}");
        }
        for server in &self.servers {
            let directory = server
                .runtime_dir
                .as_deref()
                .map(|path| path.display().to_string());
            let _ = writeln!(
                text,
                "server   {} {} (pid {}), {}, {}",
                server.kind,
                server.version.as_deref().unwrap_or("of unknown version"),
                server.pid,
                directory.as_deref().unwrap_or("without a directory"),
                match &server.containers {
                    Some(ids) => format!("{} containers", ids.len()),
                    None => "containers not known".into(),
                }
            );
        }
        for runtime in &self.runtimes {
            let version = Some(runtime.version.as_str()).filter(|version| !version.is_empty());
            let _ = writeln!(
                text,
                "runtime  {} {} at {}",
                Some(runtime.name.as_str())
                    .filter(|name| !name.is_empty())
                    .unwrap_or("unknown"),
                version.unwrap_or("of unknown version"),
                runtime.path.display()
            );
        }
        let verdict = if self.healthy { "healthy" } else { "not healthy" };
        let _ = writeln!(
            text,
            "{verdict} (problems: {}, notes: {}); looked at {} processes and {} containers",
            self.problems, self.notes, self.looked.processes, self.looked.containers
        );
        text
    }
}
