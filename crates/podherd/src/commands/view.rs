//! What is told of a container: the keys of `--json`, and lines for people.

use std::collections::BTreeMap;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use podherd_schema::podherd_capnp::podherd as schema;
use serde::Serialize;

use super::rfc3339;
use super::signals;

/// A container, with the keys that the TypeScript client uses too.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ContainerView {
    /// The container.
    pub id: String,
    /// `creating`, `created`, `running` or `exited`.
    pub state: &'static str,
    /// Of init, while it lives.
    pub pid: Option<u32>,
    bundle: String,
    terminal: bool,
    /// When it was created.
    pub created_at: Option<String>,
    started_at: Option<String>,
    /// Null until it has ended.
    pub exit: Option<ExitView>,
    /// Files of its log.
    pub log_paths: Vec<String>,
    dropped_log_bytes: u64,
    labels: BTreeMap<String, String>,
    stop_signal: Option<String>,
    stop_grace_ms: u64,
    rate_limit: Option<RateLimitView>,
    held_back_ms: u64,
    execs: u32,
}

/// How a container ended.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ExitView {
    known: bool,
    reason: Option<&'static str>,
    exit_code: Option<i32>,
    signal: Option<String>,
    core_dumped: bool,
    oom_killed: bool,
    log_complete: bool,
    journaled: bool,
    exited_at: Option<String>,
}

#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct RateLimitView {
    bytes_per_second: u64,
    burst_bytes: u64,
}

impl ContainerView {
    /// What a server has answered.
    pub fn of(status: schema::container_status::Reader<'_>) -> capnp::Result<Self> {
        let state = match status.get_state()? {
            schema::ContainerState::Creating => "creating",
            schema::ContainerState::Created => "created",
            schema::ContainerState::Running => "running",
            schema::ContainerState::Exited => "exited",
        };
        let has_ended = state == "exited" && status.has_exit();
        let paths = status.get_log_paths()?.iter();
        let labels = status.get_labels()?.iter();
        let limit = status
            .has_rate_limit()
            .then(|| status.get_rate_limit())
            .transpose()?;
        Ok(Self {
            id: status.get_id()?.to_string()?,
            state,
            pid: Some(status.get_pid()).filter(|&pid| pid != 0),
            bundle: status.get_bundle_path()?.to_string()?,
            terminal: status.get_terminal(),
            created_at: moment(status.get_created_at()?),
            started_at: moment(status.get_started_at()?),
            exit: has_ended.then(|| ExitView::of(status.get_exit()?)).transpose()?,
            log_paths: paths
                .map(|path| Ok(path?.to_string()?))
                .collect::<capnp::Result<_>>()?,
            dropped_log_bytes: status.get_dropped_log_bytes(),
            labels: labels
                .map(|label| Ok((text(label.get_key()?)?, text(label.get_value()?)?)))
                .collect::<capnp::Result<_>>()?,
            stop_signal: Some(status.get_stop_signal())
                .filter(|&signal| signal != 0)
                .map(signals::name),
            stop_grace_ms: status.get_stop_grace_millis(),
            rate_limit: limit.map(|limit| RateLimitView {
                bytes_per_second: limit.get_bytes_per_second(),
                burst_bytes: limit.get_burst_bytes(),
            }),
            held_back_ms: status.get_held_back_nanos() / 1_000_000,
            execs: status.get_execs(),
        })
    }

    /// Whether it has ended.
    pub fn has_ended(&self) -> bool {
        self.state == "exited"
    }

    /// Names and values, for people.
    pub fn lines(&self) -> Vec<(&'static str, String)> {
        let mut lines = vec![("id", self.id.clone()), ("state", self.state.into())];
        let mut add = |name, value: Option<String>| {
            if let Some(value) = value {
                lines.push((name, value));
            }
        };
        add("pid", self.pid.map(|pid| pid.to_string()));
        add("exit", self.exit.as_ref().map(ExitView::text));
        add("created", self.created_at.clone());
        add("started", self.started_at.clone());
        add(
            "exited",
            self.exit.as_ref().and_then(|exit| exit.exited_at.clone()),
        );
        add("bundle", Some(self.bundle.clone()));
        add("terminal", self.terminal.then(|| "yes".into()));
        for path in &self.log_paths {
            add("log", Some(path.clone()));
        }
        add(
            "log lost",
            (self.dropped_log_bytes > 0).then(|| format!("{} bytes", self.dropped_log_bytes)),
        );
        let incomplete = self.exit.as_ref().is_some_and(|exit| !exit.log_complete);
        add("log end", incomplete.then(|| "not complete".into()));
        for (key, value) in &self.labels {
            add("label", Some(format!("{key}={value}")));
        }
        add(
            "held back",
            (self.held_back_ms > 0).then(|| format!("{} ms", self.held_back_ms)),
        );
        add("execs", (self.execs > 0).then(|| self.execs.to_string()));
        lines
    }
}

impl ExitView {
    fn of(exit: schema::exit_state::Reader<'_>) -> capnp::Result<Self> {
        let reason = match exit.get_knowledge()? {
            schema::ExitKnowledge::Known => None,
            schema::ExitKnowledge::EndedUnwatched => Some("ended-unwatched"),
            schema::ExitKnowledge::StatusUnavailable => Some("status-unavailable"),
        };
        let signal = Some(exit.get_signal()).filter(|&signal| signal != 0 && reason.is_none());
        Ok(Self {
            known: reason.is_none(),
            reason,
            exit_code: (reason.is_none() && signal.is_none()).then(|| exit.get_exit_code()),
            signal: signal.map(signals::name),
            core_dumped: exit.get_core_dumped(),
            oom_killed: exit.get_oom_killed(),
            log_complete: exit.get_log_complete(),
            journaled: exit.get_journaled(),
            exited_at: moment(exit.get_exited_at()?),
        })
    }

    /// `0`, `SIGKILL (killed for memory)`, `not known (ended-unwatched)`.
    pub fn text(&self) -> String {
        let mut text = match (&self.reason, &self.signal, self.exit_code) {
            (Some(reason), ..) => format!("not known ({reason})"),
            (None, Some(signal), _) => signal.clone(),
            (None, None, code) => code.unwrap_or(-1).to_string(),
        };
        if self.core_dumped {
            text.push_str(" (core dumped)");
        }
        if self.oom_killed {
            text.push_str(" (killed for memory)");
        }
        text
    }
}

fn text(text: capnp::text::Reader<'_>) -> capnp::Result<String> {
    Ok(text.to_string()?)
}

/// None: not known, or not yet.
fn moment(at: schema::timestamp::Reader<'_>) -> Option<String> {
    let seconds = u64::try_from(at.get_seconds()).ok()?;
    let since = Duration::new(seconds, at.get_nanoseconds().min(999_999_999));
    (!since.is_zero()).then(|| rfc3339(UNIX_EPOCH + since))
}

/// How long ago something was, for people: `12 s`, `3 min`, `5 h`, `2 d`.
pub fn ago(at: &str) -> String {
    let then = super::time::parse_rfc3339(at).unwrap_or(UNIX_EPOCH);
    let seconds = SystemTime::now()
        .duration_since(then)
        .unwrap_or_default()
        .as_secs();
    match seconds {
        0..60 => format!("{seconds} s"),
        60..3_600 => format!("{} min", seconds / 60),
        3_600..86_400 => format!("{} h", seconds / 3_600),
        _ => format!("{} d", seconds / 86_400),
    }
}
