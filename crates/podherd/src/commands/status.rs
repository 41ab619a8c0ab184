//! `podherd status`.

use std::path::Path;

use super::failure::{ENDED, FINE, Failure};
use super::output::{print, print_json};
use super::view::ContainerView;
use super::{Connection, Target};

/// Tell all that is known of a container. Exit code 0: it lives; 3: it has ended; 4: no such container
#[derive(Debug, clap::Args)]
pub struct Status {
    #[command(flatten)]
    target: Target,

    /// The container
    id: String,

    /// Print a JSON object
    #[arg(long)]
    json: bool,
}

impl Status {
    /// Runs it to its end.
    pub async fn run(self, fallback: Option<&Path>) -> Result<u8, Failure> {
        let connection = self.target.connect(fallback).await?;
        let container = self.target.answer(ask(&connection, &self.id)).await?;
        if self.json {
            print_json(&container, true)?;
        } else {
            let lines = container.lines();
            let width = lines.iter().map(|(name, _)| name.len()).max().unwrap_or(0);
            let text = lines
                .iter()
                .map(|(name, value)| format!("{name:<width$}  {value}\n"));
            print(text.collect::<String>())?;
        }
        Ok(if container.has_ended() { ENDED } else { FINE })
    }
}

/// What a server knows of a container.
pub async fn ask(connection: &Connection, id: &str) -> capnp::Result<ContainerView> {
    let mut request = connection.podherd.container_status_request();
    request.get().set_id(id);
    let answer = request.send().promise.await?;
    ContainerView::of(answer.get()?.get_status()?)
}
