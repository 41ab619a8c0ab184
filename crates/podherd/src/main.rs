//! The binary `podherd`; what it consists of stands in the library beside it.

use std::io::Write;
use std::process::ExitCode;

use clap::Parser;
use podherd::cli::{Cli, Command, VersionDetail};
use podherd::{daemon, server::BuildData};

fn main() -> ExitCode {
    let mut cli = Cli::parse();
    match cli.command.take() {
        Some(Command::Pause(pause)) => {
            return if pause.run() {
                ExitCode::SUCCESS
            } else {
                ExitCode::FAILURE
            };
        }
        Some(Command::Validate(validate)) => return validate.run(),
        Some(Command::Client(command)) => return command.run(cli.runtime_dir),
        None => {}
    }
    let build = BuildData::of_this_binary();
    let version = match (cli.version_json, cli.version) {
        (Some(detail), _) => Some(build.json(detail == VersionDetail::Full) + "\n"),
        (None, Some(detail)) => Some(build.text(detail == VersionDetail::Full)),
        (None, None) => None,
    };
    if let Some(text) = version {
        // A reader that has seen enough (`| head`) is no failure.
        let _ = std::io::stdout().write_all(text.as_bytes());
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
