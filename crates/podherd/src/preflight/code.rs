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
    /// A value is of another type than the specification's.
    FieldType = "FIELD_TYPE",
    /// A number does not fit.
    FieldRange = "FIELD_RANGE",
    /// A field that the specification requires is missing.
    FieldMissing = "FIELD_MISSING",
    /// A field's name is written with other capitals.
    FieldCase = "FIELD_CASE",
    /// A text has a NUL character.
    TextHasNul = "TEXT_HAS_NUL",
    /// The version of the specification is one that can't be used.
    OciVersionUnsupported = "OCI_VERSION_UNSUPPORTED",
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
    /// `process.cwd` is missing or empty.
    CwdMissing = "CWD_MISSING",
    /// `process.cwd` is a relative path.
    CwdNotAbsolute = "CWD_NOT_ABSOLUTE",
    /// The working directory does not exist; runtimes make it.
    CwdNotFound = "CWD_NOT_FOUND",
    /// The working directory is none.
    CwdNotDirectory = "CWD_NOT_DIRECTORY",
    /// An entry of `process.env` is not `NAME=value`.
    EnvInvalid = "ENV_INVALID",
    /// The command is in no directory of PATH, or at its path there is nothing.
    CommandNotFound = "COMMAND_NOT_FOUND",
    /// The command exists and may not be executed, or is a directory.
    CommandNotExecutable = "COMMAND_NOT_EXECUTABLE",
    /// The command is of no format that the kernel runs.
    CommandFormat = "COMMAND_FORMAT",
    /// The command is for another machine.
    CommandArchitecture = "COMMAND_ARCHITECTURE",
    /// The interpreter of a script is missing or can't be executed.
    InterpreterUnusable = "INTERPRETER_UNUSABLE",
    /// The loader of an ELF program is missing or can't be executed.
    LoaderUnusable = "LOADER_UNUSABLE",
    /// A script begins with `#!/usr/bin/env NAME`, and NAME is not found.
    ScriptCommandNotFound = "SCRIPT_COMMAND_NOT_FOUND",
    /// Whether the command can be started can't be known.
    CommandUnknown = "COMMAND_UNKNOWN",
    /// `process.terminal` is not as create will be asked.
    TerminalMismatch = "TERMINAL_MISMATCH",
    /// `process.consoleSize` has no terminal to be the size of.
    ConsoleSizeWithoutTerminal = "CONSOLE_SIZE_WITHOUT_TERMINAL",
    /// `process.user.username` is for Windows only.
    UsernameIgnored = "USERNAME_IGNORED",
    /// The user or a group of the process has no id in its user namespace.
    UserNotMapped = "USER_NOT_MAPPED",
    /// A capability that is not known.
    CapabilityUnknown = "CAPABILITY_UNKNOWN",
    /// A capability is in a set that another set has to allow.
    CapabilityNotAllowed = "CAPABILITY_NOT_ALLOWED",
    /// A capability that can't be given away here.
    CapabilityUnavailable = "CAPABILITY_UNAVAILABLE",
    /// A resource limit that is not known.
    RlimitUnknown = "RLIMIT_UNKNOWN",
    /// A resource limit that is there twice.
    RlimitRepeated = "RLIMIT_REPEATED",
    /// A soft limit above the hard one.
    RlimitSoftAboveHard = "RLIMIT_SOFT_ABOVE_HARD",
    /// A hard limit that can't be given away here.
    RlimitUnavailable = "RLIMIT_UNAVAILABLE",
    /// An OOM score adjustment out of its range.
    OomScoreOutOfRange = "OOM_SCORE_OUT_OF_RANGE",
    /// An OOM score adjustment that can't be set here.
    OomScoreUnavailable = "OOM_SCORE_UNAVAILABLE",
    /// More mounts than are looked at.
    MountsTooMany = "MOUNTS_TOO_MANY",
    /// There is no list of mounts.
    MountsMissing = "MOUNTS_MISSING",
    /// A mount has no destination.
    MountDestinationMissing = "MOUNT_DESTINATION_MISSING",
    /// A destination is a relative path, or leads above the rootfs.
    MountDestinationUnclear = "MOUNT_DESTINATION_UNCLEAR",
    /// A destination where nothing can be mounted.
    MountDestinationInvalid = "MOUNT_DESTINATION_INVALID",
    /// The source of a bind mount does not exist.
    MountSourceMissing = "MOUNT_SOURCE_MISSING",
    /// A directory over a file, or a file over a directory.
    MountKindMismatch = "MOUNT_KIND_MISMATCH",
    /// A mount that is no bind mount has no type.
    MountTypeMissing = "MOUNT_TYPE_MISSING",
    /// A file system that the kernel does not have, or has not loaded.
    MountTypeUnknown = "MOUNT_TYPE_UNKNOWN",
    /// There is no /proc in the container.
    ProcNotMounted = "PROC_NOT_MOUNTED",
    /// A namespace of unknown type.
    NamespaceUnknown = "NAMESPACE_UNKNOWN",
    /// A namespace that is there twice.
    NamespaceRepeated = "NAMESPACE_REPEATED",
    /// The path of a namespace does not exist, or can't be opened.
    NamespacePathMissing = "NAMESPACE_PATH_MISSING",
    /// At the path of a namespace there is none, or one of another type.
    NamespacePathKind = "NAMESPACE_PATH_KIND",
    /// A user namespace without mappings.
    MappingsMissing = "MAPPINGS_MISSING",
    /// Mappings that the kernel or the runtime refuses.
    MappingsInvalid = "MAPPINGS_INVALID",
    /// Mappings that nothing uses.
    MappingsUnused = "MAPPINGS_UNUSED",
    /// A host or domain name without a UTS namespace of its own.
    HostnameWithoutNamespace = "HOSTNAME_WITHOUT_NAMESPACE",
    /// A host or domain name longer than the kernel takes.
    HostnameTooLong = "HOSTNAME_TOO_LONG",
    /// A sysctl of the whole machine.
    SysctlNotNamespaced = "SYSCTL_NOT_NAMESPACED",
    /// A sysctl whose namespace is not the container's own.
    SysctlWithoutNamespace = "SYSCTL_WITHOUT_NAMESPACE",
    /// A sysctl that this kernel does not have.
    SysctlUnknown = "SYSCTL_UNKNOWN",
    /// A cgroup path that leads above its root, or is the root.
    CgroupsPathInvalid = "CGROUPS_PATH_INVALID",
    /// A resource limit of cgroups that contradicts another.
    ResourcesInvalid = "RESOURCES_INVALID",
    /// A device of unknown type.
    DeviceInvalid = "DEVICE_INVALID",
    /// A hook's program is missing or can't be executed.
    HookUnusable = "HOOK_UNUSABLE",
    /// A hook's path is relative.
    HookNotAbsolute = "HOOK_NOT_ABSOLUTE",
    /// A hook that has no time.
    HookTimeout = "HOOK_TIMEOUT",
    /// A word of the seccomp profile that is not known.
    SeccompUnknown = "SECCOMP_UNKNOWN",
    /// The seccomp profile needs an agent that does not listen.
    SeccompListener = "SECCOMP_LISTENER",
    /// This host has no AppArmor, or not this profile.
    ApparmorUnavailable = "APPARMOR_UNAVAILABLE",
    /// This host has no SELinux.
    SelinuxUnavailable = "SELINUX_UNAVAILABLE",
    /// A propagation that is not known.
    RootfsPropagationUnknown = "ROOTFS_PROPAGATION_UNKNOWN",
}
