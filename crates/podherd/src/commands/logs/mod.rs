//! `podherd logs`: reads the files that the server names, not the server.
//!
//! `files` are those of one log, rotated ones included; `lines` are theirs, `record` is what one says; `reading` goes through them in
//! order and follows them; `selection` is what of it is wanted, `writing` how it is printed.

mod files;
mod lines;
mod reading;
mod record;
mod selection;
mod writing;

use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use podherd_schema::podherd_capnp::podherd;

use super::failure::{FINE, Failure};
use super::output::reader_gone;
use super::{Connection, Target, status};
use crate::logs::Stream;
use reading::Reading;
use selection::Selection;
use writing::{Form, Writer};

/// Print what a container has written: its standard output to standard output, its standard error to standard
/// error. Exit code 4: no such container
#[derive(Debug, clap::Args)]
pub struct Logs {
    #[command(flatten)]
    target: Target,

    /// The container
    id: String,

    /// Go on until the container has ended
    #[arg(short, long)]
    follow: bool,

    /// Only from this moment on: RFC 3339, Unix seconds, or how long ago, as 90s, 10m, 2h, 1d
    #[arg(long, value_name = "MOMENT", value_parser = super::time::moment)]
    since: Option<SystemTime>,

    /// Only the last lines, so many
    #[arg(short = 'n', long, value_name = "LINES")]
    tail: Option<usize>,

    /// Only this stream: stdout or stderr
    #[arg(long, value_parser = stream)]
    stream: Option<Stream>,

    /// Print the time before each line
    #[arg(short, long, conflicts_with = "json")]
    timestamps: bool,

    /// Print a JSON object for each record, all to standard output
    #[arg(long)]
    json: bool,

    /// Which of the container's log files, if it has several
    #[arg(long, value_name = "PATH")]
    file: Option<PathBuf>,
}

fn stream(text: &str) -> Result<Stream, String> {
    match text {
        "stdout" => Ok(Stream::Stdout),
        "stderr" => Ok(Stream::Stderr),
        _ => Err(format!("{text:?} is neither stdout nor stderr")),
    }
}

impl Logs {
    /// Runs it to its end.
    pub async fn run(self, fallback: Option<&Path>) -> Result<u8, Failure> {
        let connection = self.target.connect(fallback).await?;
        let container = self.target.answer(status::ask(&connection, &self.id)).await?;
        let path = self.choose(&container.log_paths)?;
        let form = match (self.json, self.timestamps) {
            (true, _) => Form::Json,
            (false, true) => Form::WithTimes,
            (false, false) => Form::Plain,
        };
        let selection = Selection::new(self.since, self.stream, self.tail);
        let mut reading = Reading::open(path, selection, Writer::new(form));
        // Watched before it is read, so that nothing falls in between.
        if self.follow && !container.has_ended() {
            reading.watch()?;
        }
        reading.catch_up()?;
        if self.follow && !container.has_ended() {
            tokio::select! {
                ended = ended(&connection, &self.id) => ended?,
                failed = reading.follow() => return Err(failed),
                () = reader_gone() => return Err(Failure::ReaderGone),
            }
            // An end is published when the log is written.
            reading.rest()?;
        }
        Ok(FINE)
    }

    fn choose(&self, paths: &[String]) -> Result<PathBuf, Failure> {
        if let Some(file) = &self.file {
            return match paths.iter().any(|path| Path::new(path) == file) {
                true => Ok(file.clone()),
                false => Err(Failure::failed(format!(
                    "{} is no log of this container; it has: {}",
                    file.display(),
                    paths.join(", ")
                ))),
            };
        }
        paths.first().map(PathBuf::from).ok_or_else(|| {
            Failure::failed(format!(
                "this container has no log file; if it logs to journald: journalctl CONTAINER_ID={}",
                self.id
            ))
        })
    }
}

/// How long one call waits at most; the server's bound is ten minutes.
const WAIT: Duration = Duration::from_secs(300);

/// Waits until the container has ended, or is forgotten.
async fn ended(connection: &Connection, id: &str) -> Result<(), Failure> {
    loop {
        let mut request = connection.podherd.wait_container_request();
        let mut params = request.get();
        params.set_id(id);
        params.set_until(podherd::ContainerState::Exited);
        params.set_timeout_millis(u64::try_from(WAIT.as_millis()).unwrap_or(u64::MAX));
        let answer = request.send().promise.await;
        let reached = answer.and_then(|answer| Ok(answer.get()?.get_reached()));
        match reached.map_err(Failure::from) {
            Ok(true) => return Ok(()),
            Ok(false) => {}
            Err(failure) if failure.is_unknown_container() => return Ok(()),
            Err(failure) => return Err(failure),
        }
    }
}
