//! How records are printed.

use std::io::{self, Write};

use data_encoding::BASE64;
use serde::Serialize;

use super::record::Record;
use crate::commands::failure::Failure;
use crate::logs::Stream;

/// What is printed of a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// What the container wrote.
    Plain,
    /// With the time before each line.
    WithTimes,
    /// One JSON object a record.
    Json,
}

/// Collects output and writes it to the stream that it came from.
#[derive(Debug)]
pub struct Writer {
    form: Form,
    pending: Vec<u8>,
    to: Stream,
    /// Whether the next record of stdout, of stderr begins a line.
    begins: [bool; 2],
}

/// The keys of `--json`.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Line<'a> {
    timestamp: Option<&'a str>,
    stream: &'a str,
    partial: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    message: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    message_base64: Option<String>,
}

/// Past it, it is written.
const PENDING_BYTES: usize = 64 << 10;

impl Writer {
    /// Nothing is written yet.
    pub fn new(form: Form) -> Self {
        Self {
            form,
            pending: Vec::new(),
            to: Stream::Stdout,
            begins: [true; 2],
        }
    }

    /// Adds a record.
    pub fn add(&mut self, record: &Record) -> Result<(), Failure> {
        let to = match self.form {
            Form::Json => Stream::Stdout,
            Form::Plain | Form::WithTimes => record.stream,
        };
        if to != self.to || self.pending.len() > PENDING_BYTES {
            self.flush()?;
            self.to = to;
        }
        if self.form == Form::Json {
            let message = std::str::from_utf8(&record.content).ok();
            let line = Line {
                timestamp: Some(record.time.as_str()).filter(|time| !time.is_empty()),
                stream: match record.stream {
                    Stream::Stdout => "stdout",
                    Stream::Stderr => "stderr",
                },
                partial: record.partial,
                message,
                message_base64: message.is_none().then(|| BASE64.encode(&record.content)),
            };
            serde_json::to_writer(&mut self.pending, &line).map_err(io::Error::from)?;
            self.pending.push(b'\n');
            return Ok(());
        }
        let begins = std::mem::replace(&mut self.begins[record.stream as usize], !record.partial);
        if self.form == Form::WithTimes && begins && !record.time.is_empty() {
            self.pending.extend_from_slice(record.time.as_bytes());
            self.pending.push(b' ');
        }
        self.pending.extend_from_slice(&record.content);
        if !record.partial {
            self.pending.push(b'\n');
        }
        Ok(())
    }

    /// Writes what is collected.
    pub fn flush(&mut self) -> Result<(), Failure> {
        match self.to {
            Stream::Stdout => {
                let mut stdout = io::stdout().lock();
                stdout.write_all(&self.pending)?;
                stdout.flush()?;
            }
            Stream::Stderr => io::stderr().lock().write_all(&self.pending)?,
        }
        self.pending.clear();
        Ok(())
    }
}
