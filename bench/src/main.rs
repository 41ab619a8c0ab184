//! Measures the server: what a call costs, what a container costs, how fast output is logged, how
//! soon an end is known. Every comparison is made in pairs within one run, since machines are noisy.
//!
//! * [`overhead`], [`memory`], [`logging`], [`latency`]: one figure each.
//! * [`server`] and [`client`] are the server under test and its caller; [`conmon`] the monitor that it
//!   is compared with; [`programs`] starts, watches and ends everything else.
//! * [`ground`] is the directory and the cgroup of a run, and removes both; [`bundle`] and [`lines`] make
//!   what containers run and what they print; [`procfs`] reads the kernel's accounts.
//! * [`priority`] keeps the machine's other programs out of figures of less than a millisecond.
//! * [`figures`] orders what was measured, [`report`] prints it.
#![allow(
    clippy::disallowed_methods,
    reason = "a benchmark starts programs without the server, to compare, and waits for them"
)]

mod bundle;
mod client;
mod conmon;
mod figures;
mod ground;
mod latency;
mod lines;
mod logging;
mod memory;
mod options;
mod overhead;
mod priority;
mod procfs;
mod programs;
mod report;
mod server;

use std::process::ExitCode;

use clap::Parser;
use tokio::signal::unix::{SignalKind, signal};
use tokio::task::LocalSet;

use figures::Section;
use ground::Ground;
use options::{Figure, Options};

/// Any failure ends the run: a figure with holes in it would mislead.
type Result<T> = std::result::Result<T, Box<dyn std::error::Error>>;

fn main() -> ExitCode {
    let options = Options::parse();
    match run(options) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("podherd-bench: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(options: Options) -> Result<()> {
    let event_loop = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    // Dropped last, when all guards of the figures are gone: it ends whatever is left.
    let ground = Ground::make()?;
    LocalSet::new().block_on(&event_loop, async {
        let (mut terminated, mut interrupted) =
            (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
        tokio::select! {
            biased;
            _ = terminated.recv() => Err("ended by SIGTERM".into()),
            _ = interrupted.recv() => Err("ended by SIGINT".into()),
            done = measure(&options, &ground) => done,
        }
    })
}

async fn measure(options: &Options, ground: &Ground) -> Result<()> {
    let machine = report::Machine::look();
    report::print_machine(&machine);
    let mut sections: Vec<Section> = Vec::new();
    for figure in options.figures() {
        let section = match figure {
            Figure::Overhead => overhead::measure(options, ground).await?,
            Figure::Memory => memory::measure(options, ground).await?,
            Figure::Logging => logging::measure(options, ground).await?,
            Figure::Latency => latency::measure(options, ground).await?,
        };
        report::print_section(&section);
        sections.push(section);
    }
    if let Some(path) = &options.json {
        report::write_json(path, &machine, &sections)?;
    }
    report::print_summary(&sections);
    Ok(())
}
