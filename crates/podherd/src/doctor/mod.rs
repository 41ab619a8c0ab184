//! Looks over a machine for what this project is about: processes, sockets, files, cgroups, mounts and runtime
//! state that nobody owns any more.
//!
//! - [`Look`] reads everything there is at one moment: `processes`, `sockets`, `servers` (the only ones that are
//!   asked something), `states` of the runtimes, `cgroups`, `mounts`; `places` says where, [`Scope`] what of it.
//! - The checks judge it: `zombies`, `containers`, `monitors`, `servers`, `runtime_dirs`, `cgroups`, `namespaces`,
//!   `mounts`, `versions`. Each gives [`Finding`]s.
//! - [`Doctor`] looks twice: what is on its way looks wrong at one moment, and what is wrong stays so. A process is
//!   told by pid and start time, a file by its inode, so that nothing is taken for another thing in between.
//! - [`Report`] is what is told; `fix` cleans what is provably dead; `changes` tells when it is worth to look again.
//!
//! Nothing here signals a process.

mod cgroups;
mod changes;
mod containers;
mod finding;
mod fix;
mod look;
mod monitors;
mod mounts;
mod namespaces;
mod places;
mod processes;
mod report;
mod runtime_dirs;
mod scope;
mod servers;
mod sockets;
mod states;
mod versions;
mod zombies;

use std::collections::HashMap;
use std::io;
use std::time::{Duration, Instant, SystemTime};

use podherd_reaper::{ChildDefaults, Reaper};

pub use changes::Changes;
pub use finding::{Code, Finding, Severity};
pub use look::Look;
pub use report::{Found, Report};
pub use scope::Scope;

use fix::Tools;
use versions::RuntimeProgram;

/// Looks, and remembers since when something looks wrong.
pub struct Doctor {
    scope: Scope,
    /// None where `/proc` is another pid namespace's: no program is run then.
    reaper: Option<Reaper>,
    runtimes: Vec<RuntimeProgram>,
    seen: HashMap<(Code, String), (Instant, SystemTime)>,
    /// Whether something looks wrong that may be on its way.
    unsettled: bool,
}

impl Doctor {
    /// Has to be called inside a `LocalSet`.
    pub fn new(scope: Scope) -> Self {
        let made = ChildDefaults::capture().and_then(Reaper::new);
        let reaper = made.ok().map(|(reaper, reap_loop)| {
            tokio::task::spawn_local(reap_loop.run());
            reaper
        });
        Self {
            scope,
            reaper,
            runtimes: Vec::new(),
            seen: HashMap::new(),
            unsettled: false,
        }
    }

    /// Looks, twice if need be, and reports what stays wrong.
    pub async fn examine(&mut self) -> io::Result<Report> {
        let report = self.look().await?;
        if !self.unsettled {
            return Ok(report);
        }
        tokio::time::sleep(self.scope.settle).await;
        self.look().await
    }

    /// Looks once, and reports what has been wrong for long enough by now.
    pub async fn look(&mut self) -> io::Result<Report> {
        let look = Look::take(&self.scope).await?;
        if let Some(reaper) = &self.reaper {
            self.runtimes = versions::runtimes(reaper, &look.servers).await;
        }
        let mut findings = look.findings();
        findings.extend(versions::mixed_runtimes(&self.runtimes));
        findings.sort_by_cached_key(|finding| (finding.code.order(), finding.identity.clone()));
        findings.dedup_by_key(|finding| finding.key());
        let now = (Instant::now(), SystemTime::now());
        let mut seen = HashMap::new();
        for finding in &findings {
            let key = finding.key();
            let since = self.seen.get(&key).copied().unwrap_or(now);
            seen.insert(key, since);
        }
        let total = findings.len();
        let settle = self.scope.settle;
        let found: Vec<_> = findings
            .into_iter()
            .filter_map(|finding| {
                let (since, at) = seen[&finding.key()];
                let stayed = now.0.duration_since(since);
                (!finding.code.may_pass() || stayed >= settle).then(|| Found::new(finding, at, stayed))
            })
            .collect();
        self.unsettled = found.len() < total;
        self.seen = seen;
        Ok(Report::new(&look, found, &self.runtimes, now.1))
    }

    /// How long until it is worth to look again, if nothing happens: at once when something has yet to show
    /// whether it stays.
    pub fn next_look(&self, interval: Duration) -> Duration {
        if self.unsettled {
            self.scope.settle.min(interval)
        } else {
            interval
        }
    }

    /// Cleans those findings of a report that can be.
    pub async fn fix(&self, report: &mut Report) {
        let tools = Tools {
            reaper: self.reaper.as_ref(),
            runtimes: &self.runtimes,
        };
        for found in &mut report.findings {
            if let Some(fix) = found.finding.fix.clone() {
                found.fixed(fix.apply(&tools).await);
            }
        }
        report.judge();
    }
}
