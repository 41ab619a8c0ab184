//! Which programs this machine's kernel runs by itself.

use std::path::Path;

use super::elf::Elf;

/// Whether it runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Runs {
    /// It does.
    Yes,
    /// It does not; for which machine it is.
    No(String),
    /// That depends on how the kernel was built, or on the processor.
    Perhaps(String),
}

/// Machine numbers (`e_machine`; linux/elf-em.h).
const X86: u16 = 3;
const ARM: u16 = 40;
const X86_64: u16 = 62;
const AARCH64: u16 = 183;

const NAMES: &[(u16, &str)] = &[
    (X86, "x86 (32 bits)"),
    (8, "MIPS"),
    (20, "PowerPC"),
    (21, "PowerPC (64 bits)"),
    (22, "S390"),
    (ARM, "ARM (32 bits)"),
    (X86_64, "x86-64"),
    (AARCH64, "ARM (64 bits, aarch64)"),
    (243, "RISC-V"),
    (258, "LoongArch"),
];

/// Whether this machine runs such a file.
pub fn runs(elf: &Elf) -> Runs {
    runs_on(std::env::consts::ARCH, elf, || {
        // There with the kernel's support for 32-bit programs, and only then.
        Path::new("/proc/sys/abi/vsyscall32").exists()
    })
}

fn runs_on(arch: &str, elf: &Elf, has_x86: impl FnOnce() -> bool) -> Runs {
    let (name, own) = (name_of(elf.machine), own_machine(arch));
    match (own, elf.machine, elf.bits) {
        // The kernel has checks of its own for machines that are not listed.
        (None, ..) => Runs::Perhaps(name),
        (Some(own), machine, 64) if own == machine => Runs::Yes,
        (Some(X86_64), X86, _) if has_x86() => Runs::Yes,
        (Some(X86_64), X86, _) | (Some(X86_64), X86_64, _) | (Some(AARCH64), ARM, _) => Runs::Perhaps(name),
        _ => Runs::No(name),
    }
}

/// This machine's number.
pub fn machine() -> Option<u16> {
    own_machine(std::env::consts::ARCH)
}

fn own_machine(arch: &str) -> Option<u16> {
    match arch {
        "x86_64" => Some(X86_64),
        "aarch64" => Some(AARCH64),
        "riscv64" => Some(243),
        "loongarch64" => Some(258),
        _ => None,
    }
}

fn name_of(number: u16) -> String {
    NAMES
        .iter()
        .find(|(known, _)| *known == number)
        .map_or_else(|| format!("machine {number}"), |(_, name)| (*name).to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn on(arch: &str, machine: u16, bits: u8, x86: bool) -> Runs {
        runs_on(
            arch,
            &Elf {
                bits,
                big_endian: false,
                machine,
                loader: None,
            },
            || x86,
        )
    }

    #[test]
    fn knows_its_own_and_what_the_kernel_may_run_beside_it() {
        assert_eq!(on("x86_64", X86_64, 64, false), Runs::Yes);
        assert_eq!(on("x86_64", X86, 32, true), Runs::Yes);
        assert!(matches!(on("x86_64", X86, 32, false), Runs::Perhaps(_)));
        assert!(matches!(on("x86_64", X86_64, 32, true), Runs::Perhaps(_)));
        assert_eq!(
            on("x86_64", AARCH64, 64, true),
            Runs::No("ARM (64 bits, aarch64)".into())
        );
        assert!(matches!(on("x86_64", ARM, 32, true), Runs::No(_)));
        assert_eq!(on("aarch64", AARCH64, 64, false), Runs::Yes);
        assert!(matches!(on("aarch64", ARM, 32, false), Runs::Perhaps(_)));
        assert!(matches!(on("aarch64", X86_64, 64, false), Runs::No(_)));
        assert!(matches!(on("s390x", 22, 64, false), Runs::Perhaps(_)));
    }
}
