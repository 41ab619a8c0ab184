//! The command line.

use std::path::PathBuf;

use clap::{Parser, ValueEnum};

/// Measures the podherd server
#[derive(Debug, Parser)]
#[command(name = "podherd-bench")]
pub struct Options {
    /// The server: a static release build
    #[arg(long, value_name = "PATH")]
    pub server: PathBuf,

    /// The runtime that does next to nothing (a test fixture)
    #[arg(long, value_name = "PATH")]
    pub noop_runtime: PathBuf,

    /// A real runtime: the one of real containers
    #[arg(long, value_name = "PATH", default_value = "/usr/sbin/runc")]
    pub runtime: PathBuf,

    /// A static busybox for real containers
    #[arg(long, value_name = "PATH", default_value = "/bin/busybox")]
    pub busybox: PathBuf,

    /// C conmon, to compare with; left out where it is not installed
    #[arg(long, value_name = "PATH", default_value = "/usr/bin/conmon")]
    pub conmon: PathBuf,

    /// Pairs of each call
    #[arg(long, value_name = "COUNT", default_value_t = 300, value_parser = at_least_one)]
    pub pairs: usize,

    /// Further containers beside the first one
    #[arg(long, value_name = "COUNT", default_value_t = 50, value_parser = at_least_one)]
    pub containers: usize,

    /// Times that the output is logged by each
    #[arg(long, value_name = "COUNT", default_value_t = 5, value_parser = at_least_one)]
    pub rounds: usize,

    /// Output of one round, in megabytes of 80-byte lines
    #[arg(long, value_name = "MB", default_value_t = 200, value_parser = at_least_one)]
    pub megabytes: usize,

    /// Containers whose end is timed
    #[arg(long, value_name = "COUNT", default_value_t = 200, value_parser = at_least_one)]
    pub ends: usize,

    /// Of real containers, whose end takes the kernel longer
    #[arg(long, value_name = "COUNT", default_value_t = 50, value_parser = at_least_one)]
    pub real_ends: usize,

    /// Write the figures to this file, too
    #[arg(long, value_name = "FILE")]
    pub json: Option<PathBuf>,

    /// What to measure; all of it if not given
    #[arg(value_enum)]
    pub only: Vec<Figure>,
}

/// What can be measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Figure {
    /// What a call costs beyond the runtime
    Overhead,
    /// What the server and each container take
    Memory,
    /// Much output, logged
    Logging,
    /// From an end to those who wait for it
    Latency,
}

impl Options {
    /// What was asked for, in the order of the report.
    pub fn figures(&self) -> Vec<Figure> {
        let all = Figure::value_variants().iter().copied();
        all.filter(|figure| self.only.is_empty() || self.only.contains(figure))
            .collect()
    }
}

fn at_least_one(text: &str) -> Result<usize, String> {
    text.parse()
        .ok()
        .filter(|count| *count > 0)
        .ok_or_else(|| format!("{text:?} is not a number above zero"))
}
