//! What the server takes with one idle container, what each further one adds, and what is given back.

use std::time::Duration;

use crate::client::NewContainer;
use crate::figures::{Row, Section};
use crate::ground::Ground;
use crate::options::Options;
use crate::procfs::Memory;
use crate::server::Server;
use crate::{Result, bundle};

const GOAL_RSS: f64 = 1500.0;
const GOAL_ANONYMOUS: f64 = 300.0;
const GOAL_FURTHER: f64 = 10.0;

/// After it a server that nobody calls is idle: its writer threads have freed their buffers.
const SETTLE: Duration = Duration::from_secs(2);

/// Measures a fresh server.
pub async fn measure(options: &Options, ground: &Ground) -> Result<Section> {
    let server = Server::start(ground, "memory", &options.server, &options.noop_runtime).await?;
    bundle::write_empty(&server.path("bundle"))?;
    let empty = settled(&server).await?;
    run(&server, 0).await?;
    let one = settled(&server).await?;
    for number in 1..=options.containers {
        run(&server, number).await?;
    }
    let many = settled(&server).await?;
    for number in 1..=options.containers {
        server.client.delete(&id(number)).await?;
    }
    let again = settled(&server).await?;
    server.end().await?;

    let each = |value: fn(&Memory) -> f64| (value(&many) - value(&one)) / options.containers as f64;
    let kept = |value: fn(&Memory) -> f64| value(&again) - value(&one);
    let kb = |name: &str, value: f64| Row::single(name, "", value, "kB");
    let count = |name: &str, value: f64| Row::single(name, "", value, "");
    Ok(Section {
        title: format!(
            "Memory, no-op runtime, one container and {} more",
            options.containers
        ),
        rows: vec![
            kb("no container: RSS", empty.rss),
            kb("no container: RssAnon", empty.anonymous),
            kb("one container: RSS", one.rss).below(GOAL_RSS),
            kb("one container: RssAnon", one.anonymous).below(GOAL_ANONYMOUS),
            kb("one container: PSS", one.proportional),
            kb("each further one: RSS", each(|memory| memory.rss)).below(GOAL_FURTHER),
            kb("each further one: RssAnon", each(|memory| memory.anonymous)),
            kb("kept after deleting those: RSS", kept(|memory| memory.rss)),
            kb(
                "kept after deleting those: RssAnon",
                kept(|memory| memory.anonymous),
            ),
            count("one container: descriptors", one.descriptors),
            count("each further one: descriptors", each(|memory| memory.descriptors)),
            count(
                "kept after deleting those: descriptors",
                kept(|memory| memory.descriptors),
            ),
        ],
        notes: Vec::new(),
    })
}

async fn run(server: &Server, number: usize) -> Result<()> {
    let id = id(number);
    let new = NewContainer {
        id: &id,
        bundle: server.path("bundle"),
        log: Some(server.path(&format!("{id}.log"))),
        exit_file: Some(server.path(&format!("{id}.exit"))),
    };
    server.client.run(&new).await?;
    Ok(())
}

fn id(number: usize) -> String {
    format!("container-{number}")
}

async fn settled(server: &Server) -> Result<Memory> {
    tokio::time::sleep(SETTLE).await;
    Memory::of(server.pid())
}
