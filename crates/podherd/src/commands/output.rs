//! Writing to standard output, and noticing that nobody reads it any more.

use std::io::{self, Write};
use std::os::fd::AsFd;

use serde::Serialize;
use tokio::io::Interest;

use super::failure::Failure;
use crate::readiness;

/// Writes all of it at once.
pub fn print(text: impl AsRef<[u8]>) -> Result<(), Failure> {
    let mut stdout = io::stdout().lock();
    stdout.write_all(text.as_ref())?;
    Ok(stdout.flush()?)
}

/// Writes a value as JSON and a newline: in one line, or over several for the eyes.
pub fn print_json(value: &impl Serialize, pretty: bool) -> Result<(), Failure> {
    let text = if pretty {
        serde_json::to_string_pretty(value)
    } else {
        serde_json::to_string(value)
    };
    let text = text.map_err(|error| Failure::failed(format!("the answer has no JSON form: {error}")))?;
    print(text + "\n")
}

/// Waits until nobody reads the output any more; for ever where that can't be told, as of a file.
pub async fn reader_gone() {
    let Ok(copy) = io::stdout().as_fd().try_clone_to_owned() else {
        return std::future::pending().await;
    };
    match readiness::register(copy, Interest::ERROR) {
        Ok(stdout) => drop(stdout.ready(Interest::ERROR).await),
        Err(_) => std::future::pending().await,
    }
}
