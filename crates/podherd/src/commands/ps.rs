//! `podherd ps`.

use std::path::Path;

use super::failure::{FINE, Failure};
use super::output::{print, print_json};
use super::table::table;
use super::view::{ContainerView, ExitView, ago};
use super::{Connection, Target};

/// List a server's containers, ended ones included while their exit state is kept
#[derive(Debug, clap::Args)]
pub struct Ps {
    #[command(flatten)]
    target: Target,

    /// Only containers in this state: creating, created, running or exited (repeatable)
    #[arg(long = "state", value_name = "STATE", value_parser = ["creating", "created", "running", "exited"])]
    states: Vec<String>,

    /// Print ids only
    #[arg(short, long, conflicts_with = "json")]
    quiet: bool,

    /// Print a JSON array
    #[arg(long)]
    json: bool,
}

impl Ps {
    /// Runs it to its end.
    pub async fn run(self, fallback: Option<&Path>) -> Result<u8, Failure> {
        let connection = self.target.connect(fallback).await?;
        let mut containers = self.target.answer(list(&connection)).await?;
        containers.retain(|container| {
            self.states.is_empty() || self.states.iter().any(|state| state == container.state)
        });
        if self.json {
            print_json(&containers, true)?;
        } else if self.quiet {
            let ids = containers.iter().map(|container| container.id.clone() + "\n");
            print(ids.collect::<String>())?;
        } else {
            let rows: Vec<_> = containers.iter().map(row).collect();
            print(table(&["ID", "STATE", "PID", "AGE", "EXIT"], &rows))?;
        }
        Ok(FINE)
    }
}

async fn list(connection: &Connection) -> capnp::Result<Vec<ContainerView>> {
    let answer = connection
        .podherd
        .list_containers_request()
        .send()
        .promise
        .await?;
    let list = answer.get()?.get_containers()?;
    list.iter().map(ContainerView::of).collect()
}

fn row(container: &ContainerView) -> Vec<String> {
    vec![
        container.id.clone(),
        container.state.to_owned(),
        container.pid.map(|pid| pid.to_string()).unwrap_or_default(),
        container.created_at.as_deref().map(ago).unwrap_or_default(),
        container.exit.as_ref().map(ExitView::text).unwrap_or_default(),
    ]
}
