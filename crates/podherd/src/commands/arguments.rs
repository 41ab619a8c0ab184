//! The commands on the command line. What a derived enum would describe for each start of the binary, dozens of
//! options, is described only when the command is used: a server's start makes none of it.

use clap::{ArgMatches, Args, Command, Error, FromArgMatches, Subcommand};

use super::{ClientCommand, DoctorCommand, Logs, Ps, Status};

/// Name, one line of help, options.
type Entry = (&'static str, &'static str, fn(Command) -> Command);

const COMMANDS: [Entry; 4] = [
    ("ps", "List a server's containers", Ps::augment_args),
    (
        "status",
        "Tell all that is known of a container",
        Status::augment_args,
    ),
    ("logs", "Print what a container has written", Logs::augment_args),
    (
        "doctor",
        "Look over the whole machine for what nobody owns any more",
        DoctorCommand::augment_args,
    ),
];

impl Subcommand for ClientCommand {
    fn augment_subcommands(command: Command) -> Command {
        COMMANDS.iter().fold(command, |command, &(name, about, options)| {
            command.subcommand(Command::new(name).about(about).defer(options))
        })
    }

    fn augment_subcommands_for_update(command: Command) -> Command {
        Self::augment_subcommands(command)
    }

    fn has_subcommand(name: &str) -> bool {
        COMMANDS.iter().any(|(known, ..)| *known == name)
    }
}

impl FromArgMatches for ClientCommand {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, Error> {
        match matches.subcommand() {
            Some(("ps", matches)) => Ok(Self::Ps(Ps::from_arg_matches(matches)?)),
            Some(("status", matches)) => Ok(Self::Status(Status::from_arg_matches(matches)?)),
            Some(("logs", matches)) => Ok(Self::Logs(Logs::from_arg_matches(matches)?)),
            Some(("doctor", matches)) => Ok(Self::Doctor(DoctorCommand::from_arg_matches(matches)?)),
            _ => Err(Error::new(clap::error::ErrorKind::InvalidSubcommand)),
        }
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), Error> {
        *self = Self::from_arg_matches(matches)?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use clap::{CommandFactory, Parser};

    use super::*;
    use crate::cli::{self, Cli};

    #[test]
    fn each_command_is_found_and_described() {
        Cli::command().debug_assert();
        for (name, ..) in COMMANDS {
            assert!(ClientCommand::has_subcommand(name));
            let words = ["podherd", name, "c1"];
            let words = &words[..if matches!(name, "status" | "logs") { 3 } else { 2 }];
            let cli = Cli::try_parse_from(words).unwrap();
            assert!(matches!(cli.command, Some(cli::Command::Client(_))), "{name}");
            let help = Cli::try_parse_from(["podherd", name, "--help"])
                .unwrap_err()
                .to_string();
            assert!(help.contains("--json"), "{help}");
        }
        assert!(!ClientCommand::has_subcommand("pause"));
    }
}
