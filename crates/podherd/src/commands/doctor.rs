//! `podherd doctor`.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use serde::Serialize;
use tokio::signal::unix::{Signal, SignalKind, signal};

use super::failure::{ENDED, FAILED, FINE, Failure};
use super::output::{print, print_json, reader_gone};
use super::rfc3339;
use crate::doctor::{Changes, Code, Doctor, Found, Report, Scope};

/// Looks for zombies, monitors without containers, containers without a monitor, and what dead ones have left:
/// sockets, pid files, runtime state, cgroups, namespaces, mounts. Exit code 0: healthy; 1: problems were found;
/// 2: usage; 3: it could not look
#[derive(Debug, clap::Args)]
pub struct DoctorCommand {
    /// Print one JSON object; with --watch one a line for each change
    #[arg(long)]
    json: bool,

    /// Go on looking, and print what changes
    #[arg(long)]
    watch: bool,

    /// Seconds between two looks of --watch, when nothing tells of a change
    #[arg(long, value_name = "SECONDS", value_parser = super::seconds, default_value = "10")]
    interval: Duration,

    /// Clean what is provably dead, and say each thing; nothing that lives is touched
    #[arg(long)]
    fix: bool,

    #[command(flatten)]
    scope: Scope,
}

impl DoctorCommand {
    /// Runs it to its end.
    pub async fn run(self) -> Result<u8, Failure> {
        if !rustix::process::geteuid().is_root() {
            return Err(Failure::Told(
                ENDED,
                "doctor has to be root to see other users' processes".into(),
            ));
        }
        let doctor = Doctor::new(self.scope.clone());
        if self.watch {
            self.watch(doctor).await
        } else {
            self.look_once(doctor).await
        }
    }

    async fn look_once(&self, mut doctor: Doctor) -> Result<u8, Failure> {
        let mut report = doctor.examine().await.map_err(|error| blind(&error))?;
        if self.fix {
            doctor.fix(&mut report).await;
        }
        if self.json {
            print_json(&report, true)?;
        } else {
            print(report.text())?;
        }
        Ok(verdict(report.healthy))
    }

    async fn watch(&self, mut doctor: Doctor) -> Result<u8, Failure> {
        let failed = |error| Failure::failed(format!("signals can't be heard: {error}"));
        let mut ends = Ends {
            interrupt: signal(SignalKind::interrupt()).map_err(failed)?,
            terminate: signal(SignalKind::terminate()).map_err(failed)?,
        };
        let mut known = BTreeMap::new();
        let (mut watched, mut changes) = (Watched::default(), None);
        let mut healthy = true;
        loop {
            let looked = tokio::select! {
                looked = doctor.look() => looked,
                () = ends.next() => return Ok(verdict(healthy)),
            };
            let mut report = looked.map_err(|error| blind(&error))?;
            if self.fix {
                doctor.fix(&mut report).await;
            }
            healthy = report.healthy;
            let wanted = Watched::of(&report);
            self.tell(&mut known, report)?;
            if wanted != watched {
                // What has changed since the look is not heard of: look again, now that it would be.
                changes = wanted.begin();
                watched = wanted;
                continue;
            }
            let changed = async {
                match &mut changes {
                    Some(changes) => changes.next().await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                () = tokio::time::sleep(doctor.next_look(self.interval)) => {}
                () = changed => {}
                () = ends.next() => return Ok(verdict(healthy)),
                () = reader_gone() => return Err(Failure::ReaderGone),
            }
        }
    }

    /// Tells what has come and what has gone since the last look.
    fn tell(&self, known: &mut BTreeMap<(Code, String), Found>, report: Report) -> Result<(), Failure> {
        let at = rfc3339(SystemTime::now());
        let mut now = BTreeMap::new();
        for found in report.findings {
            let key = found.finding.key();
            let change = match found.is_fixed() {
                Some(true) => Some("fixed"),
                Some(false) if !known.contains_key(&key) => Some("notFixed"),
                None if !known.contains_key(&key) => Some("found"),
                _ => None,
            };
            if let Some(change) = change {
                self.tell_one(change, &at, &found)?;
            }
            if found.is_fixed() != Some(true) {
                now.insert(key, found);
            }
        }
        for (key, found) in std::mem::take(known) {
            if !now.contains_key(&key) {
                self.tell_one("gone", &at, &found)?;
            }
        }
        *known = now;
        Ok(())
    }

    fn tell_one(&self, change: &'static str, at: &str, found: &Found) -> Result<(), Failure> {
        if self.json {
            return print_json(
                &Change {
                    at,
                    change,
                    finding: found,
                },
                false,
            );
        }
        if change == "gone" {
            let finding = &found.finding;
            return print(format!(
                "{at} gone\nnow gone {}  {}\n",
                finding.code, finding.subject
            ));
        }
        print(format!("{at} {change}\n{}", found.text()))
    }
}

/// A line of `--watch --json`.
#[derive(Serialize)]
struct Change<'a> {
    at: &'a str,
    /// `found`, `gone`, `fixed`, `notFixed`.
    change: &'a str,
    finding: &'a Found,
}

/// What tells of changes.
#[derive(Default, PartialEq, Eq)]
struct Watched {
    directories: Vec<PathBuf>,
    pids: Vec<u32>,
}

impl Watched {
    fn of(report: &Report) -> Self {
        Self {
            directories: report.watched_directories().map(Path::to_owned).collect(),
            pids: report.watched_pids().collect(),
        }
    }

    /// None: there are no inotify instances left, so that only the interval remains.
    fn begin(&self) -> Option<Changes> {
        Changes::watch(
            self.directories.iter().map(PathBuf::as_path),
            self.pids.iter().copied(),
        )
        .ok()
    }
}

/// What ends a watch.
struct Ends {
    interrupt: Signal,
    terminate: Signal,
}

impl Ends {
    async fn next(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
        }
    }
}

fn verdict(healthy: bool) -> u8 {
    if healthy { FINE } else { FAILED }
}

fn blind(error: &std::io::Error) -> Failure {
    Failure::Told(ENDED, format!("the machine can't be looked at: {error}"))
}
