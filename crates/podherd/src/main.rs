//! The binary `podherd`; what it consists of stands in the library beside it.

use std::process::ExitCode;

use clap::Parser;
use podherd::cli::{Cli, VersionDetail};
use podherd::{daemon, server::BuildData};

fn main() -> ExitCode {
    let cli = Cli::parse();
    if let Some(detail) = cli.version_json {
        println!(
            "{}",
            BuildData::of_this_binary().json(detail == VersionDetail::Full)
        );
        return ExitCode::SUCCESS;
    }
    if let Some(detail) = cli.version {
        print!(
            "{}",
            BuildData::of_this_binary().text(detail == VersionDetail::Full)
        );
        return ExitCode::SUCCESS;
    }
    match daemon::start(cli) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("podherd: {error}");
            ExitCode::FAILURE
        }
    }
}
