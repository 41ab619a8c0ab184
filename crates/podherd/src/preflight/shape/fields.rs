//! The table of fields, in the order of the specification's pages.

use super::{Field, Type};
use Type::{AnyObject, Boolean, List, Map, Object, Text};

const U16: Type = Type::Unsigned(u16::MAX as u64);
const U32: Type = Type::Unsigned(u32::MAX as u64);
const U64: Type = Type::Unsigned(u64::MAX);
const I32: Type = Type::Signed(i32::MIN as i64, i32::MAX as i64);
const I64: Type = Type::Signed(i64::MIN, i64::MAX);
const TEXTS: Type = List(&Text);
const NUMBERS: Type = List(&U32);

/// The whole document.
pub const CONFIG: Type = Object(&[
    ("ociVersion", &Text),
    ("process", &Object(PROCESS)),
    ("root", &Object(&[("path", &Text), ("readonly", &Boolean)])),
    ("hostname", &Text),
    ("domainname", &Text),
    ("mounts", &List(&Object(MOUNT))),
    ("hooks", &Object(HOOKS)),
    ("annotations", &Map(&Text)),
    ("linux", &Object(LINUX)),
    ("solaris", &AnyObject),
    ("windows", &AnyObject),
    ("vm", &AnyObject),
    ("zos", &AnyObject),
]);

const PROCESS: &[Field] = &[
    ("terminal", &Boolean),
    ("consoleSize", &Object(&[("height", &U64), ("width", &U64)])),
    (
        "user",
        &Object(&[
            ("uid", &U32),
            ("gid", &U32),
            ("umask", &U32),
            ("additionalGids", &NUMBERS),
            ("username", &Text),
        ]),
    ),
    ("args", &TEXTS),
    ("commandLine", &Text),
    ("env", &TEXTS),
    ("cwd", &Text),
    (
        "capabilities",
        &Object(&[
            ("bounding", &TEXTS),
            ("effective", &TEXTS),
            ("inheritable", &TEXTS),
            ("permitted", &TEXTS),
            ("ambient", &TEXTS),
        ]),
    ),
    (
        "rlimits",
        &List(&Object(&[("type", &Text), ("hard", &U64), ("soft", &U64)])),
    ),
    ("noNewPrivileges", &Boolean),
    ("apparmorProfile", &Text),
    ("oomScoreAdj", &I32),
    ("scheduler", &AnyObject),
    ("selinuxLabel", &Text),
    ("ioPriority", &AnyObject),
    ("execCPUAffinity", &AnyObject),
];

const MAPPINGS: Type = List(&Object(&[
    ("containerID", &U32),
    ("hostID", &U32),
    ("size", &U32),
]));

const MOUNT: &[Field] = &[
    ("destination", &Text),
    ("type", &Text),
    ("source", &Text),
    ("options", &TEXTS),
    ("uidMappings", &MAPPINGS),
    ("gidMappings", &MAPPINGS),
];

const HOOK_LIST: Type = List(&Object(&[
    ("path", &Text),
    ("args", &TEXTS),
    ("env", &TEXTS),
    ("timeout", &I64),
]));

const HOOKS: &[Field] = &[
    ("prestart", &HOOK_LIST),
    ("createRuntime", &HOOK_LIST),
    ("createContainer", &HOOK_LIST),
    ("startContainer", &HOOK_LIST),
    ("poststart", &HOOK_LIST),
    ("poststop", &HOOK_LIST),
];

const LINUX: &[Field] = &[
    ("uidMappings", &MAPPINGS),
    ("gidMappings", &MAPPINGS),
    ("sysctl", &Map(&Text)),
    ("resources", &Object(RESOURCES)),
    ("cgroupsPath", &Text),
    ("namespaces", &List(&Object(&[("type", &Text), ("path", &Text)]))),
    (
        "devices",
        &List(&Object(&[
            ("path", &Text),
            ("type", &Text),
            ("major", &I64),
            ("minor", &I64),
            ("fileMode", &U32),
            ("uid", &U32),
            ("gid", &U32),
        ])),
    ),
    ("seccomp", &Object(SECCOMP)),
    ("rootfsPropagation", &Text),
    ("maskedPaths", &TEXTS),
    ("readonlyPaths", &TEXTS),
    ("mountLabel", &Text),
    (
        "intelRdt",
        &Object(&[
            ("closID", &Text),
            ("l3CacheSchema", &Text),
            ("memBwSchema", &Text),
            ("enableCMT", &Boolean),
            ("enableMBM", &Boolean),
        ]),
    ),
    ("personality", &Object(&[("domain", &Text), ("flags", &TEXTS)])),
    (
        "timeOffsets",
        &Map(&Object(&[("secs", &I64), ("nanosecs", &U32)])),
    ),
];

const DEVICE_RATES: Type = List(&Object(&[("major", &I64), ("minor", &I64), ("rate", &U64)]));

const RESOURCES: &[Field] = &[
    (
        "devices",
        &List(&Object(&[
            ("allow", &Boolean),
            ("type", &Text),
            ("major", &I64),
            ("minor", &I64),
            ("access", &Text),
        ])),
    ),
    (
        "memory",
        &Object(&[
            ("limit", &I64),
            ("reservation", &I64),
            ("swap", &I64),
            ("kernel", &I64),
            ("kernelTCP", &I64),
            ("swappiness", &U64),
            ("disableOOMKiller", &Boolean),
            ("useHierarchy", &Boolean),
            ("checkBeforeUpdate", &Boolean),
        ]),
    ),
    (
        "cpu",
        &Object(&[
            ("shares", &U64),
            ("quota", &I64),
            ("burst", &U64),
            ("period", &U64),
            ("realtimeRuntime", &I64),
            ("realtimePeriod", &U64),
            ("cpus", &Text),
            ("mems", &Text),
            ("idle", &I64),
        ]),
    ),
    ("pids", &Object(&[("limit", &I64)])),
    (
        "blockIO",
        &Object(&[
            ("weight", &U16),
            ("leafWeight", &U16),
            (
                "weightDevice",
                &List(&Object(&[
                    ("major", &I64),
                    ("minor", &I64),
                    ("weight", &U16),
                    ("leafWeight", &U16),
                ])),
            ),
            ("throttleReadBpsDevice", &DEVICE_RATES),
            ("throttleWriteBpsDevice", &DEVICE_RATES),
            ("throttleReadIOPSDevice", &DEVICE_RATES),
            ("throttleWriteIOPSDevice", &DEVICE_RATES),
        ]),
    ),
    (
        "hugepageLimits",
        &List(&Object(&[("pageSize", &Text), ("limit", &U64)])),
    ),
    (
        "network",
        &Object(&[
            ("classID", &U32),
            (
                "priorities",
                &List(&Object(&[("name", &Text), ("priority", &U32)])),
            ),
        ]),
    ),
    (
        "rdma",
        &Map(&Object(&[("hcaHandles", &U32), ("hcaObjects", &U32)])),
    ),
    ("unified", &Map(&Text)),
];

const SECCOMP: &[Field] = &[
    ("defaultAction", &Text),
    ("defaultErrnoRet", &U32),
    ("architectures", &TEXTS),
    ("flags", &TEXTS),
    ("listenerPath", &Text),
    ("listenerMetadata", &Text),
    (
        "syscalls",
        &List(&Object(&[
            ("names", &TEXTS),
            ("action", &Text),
            ("errnoRet", &U32),
            (
                "args",
                &List(&Object(&[
                    ("index", &U32),
                    ("value", &U64),
                    ("valueTwo", &U64),
                    ("op", &Text),
                ])),
            ),
        ])),
    ),
];
