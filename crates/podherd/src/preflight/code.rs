//! The closed list of what can be found. docs/preflight.md says of each what causes it and what to do.

use serde::{Deserialize, Serialize};

macro_rules! codes {
    ($($(#[doc = $text:literal])+ $name:ident = $written:literal,)+) => {
        /// What was found. A code never changes its meaning.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
        pub enum FindingCode {
            $($(#[doc = $text])+ #[serde(rename = $written)] $name,)+
        }

        impl FindingCode {
            /// All of them.
            pub const ALL: &[Self] = &[$(Self::$name,)+];

            /// As it is written on the wire.
            pub fn as_str(self) -> &'static str {
                match self {
                    $(Self::$name => $written,)+
                }
            }
        }
    };
}

codes! {
    /// There is no config.json, or no bundle.
    ConfigMissing = "CONFIG_MISSING",
    /// config.json can't be read.
    ConfigUnreadable = "CONFIG_UNREADABLE",
    /// config.json is larger than what is checked.
    ConfigTooLarge = "CONFIG_TOO_LARGE",
    /// config.json is not JSON.
    ConfigInvalid = "CONFIG_INVALID",
    /// `root` or its path is missing.
    RootMissing = "ROOT_MISSING",
    /// The rootfs does not exist.
    RootfsMissing = "ROOTFS_MISSING",
    /// The rootfs is no directory, or one that can't be a rootfs.
    RootfsInvalid = "ROOTFS_INVALID",
    /// `process` is missing.
    ProcessMissing = "PROCESS_MISSING",
    /// `process.args` is missing or empty.
    ArgsEmpty = "ARGS_EMPTY",
    /// The command is in no directory of PATH, or at its path there is nothing.
    CommandNotFound = "COMMAND_NOT_FOUND",
    /// The command exists and may not be executed, or is a directory.
    CommandNotExecutable = "COMMAND_NOT_EXECUTABLE",
    /// Whether the command exists can't be known.
    CommandUnknown = "COMMAND_UNKNOWN",
}
