//! Names of signals (signal(7)), with the numbers of x86 and ARM.

/// `SIGKILL`, `SIGRTMIN+3`; the number where it has no name.
pub fn name(number: u32) -> String {
    const NAMES: [&str; 32] = [
        "", "HUP", "INT", "QUIT", "ILL", "TRAP", "ABRT", "BUS", "FPE", "KILL", "USR1", "SEGV", "USR2",
        "PIPE", "ALRM", "TERM", "STKFLT", "CHLD", "CONT", "STOP", "TSTP", "TTIN", "TTOU", "URG", "XCPU",
        "XFSZ", "VTALRM", "PROF", "WINCH", "IO", "PWR", "SYS",
    ];
    match number {
        1..=31 => format!("SIG{}", NAMES[number as usize]),
        34 => "SIGRTMIN".into(),
        35..=64 => format!("SIGRTMIN+{}", number - 34),
        _ => number.to_string(),
    }
}
