//! Formats that somebody has registered with the kernel, with a program that runs them
//! (Documentation/admin-guide/binfmt-misc.rst of the kernel).

use std::fs;
use std::path::Path;

/// One registered format.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Format {
    name: String,
    rule: Rule,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Rule {
    Extension(Vec<u8>),
    Magic {
        offset: usize,
        magic: Vec<u8>,
        mask: Option<Vec<u8>>,
    },
}

/// The name of a registered format that this file is of. Where the list is not mounted, none is known.
pub fn handler(path: &[u8], head: &[u8]) -> Option<String> {
    let directory = Path::new("/proc/sys/fs/binfmt_misc");
    if fs::read_to_string(directory.join("status")).ok()?.trim() != "enabled" {
        return None;
    }
    let entries = fs::read_dir(directory).ok()?.flatten();
    let mut formats = entries.filter_map(|entry| {
        let text = fs::read_to_string(entry.path()).ok()?;
        parse(&entry.file_name().to_string_lossy(), &text)
    });
    formats
        .find(|format| format.rule.matches(path, head))
        .map(|format| format.name)
}

/// Reads one entry; nothing if it is disabled or not understood.
fn parse(name: &str, text: &str) -> Option<Format> {
    let mut lines = text.lines();
    if lines.next()? != "enabled" {
        return None;
    }
    let field = |key: &str| {
        text.lines()
            .find_map(|line| line.strip_prefix(key))
            .map(str::trim)
    };
    let rule = match field("extension .") {
        Some(extension) => Rule::Extension(extension.as_bytes().to_vec()),
        None => Rule::Magic {
            offset: field("offset ")?.parse().ok()?,
            magic: bytes(field("magic ")?)?,
            mask: match field("mask ") {
                Some(mask) => Some(bytes(mask)?),
                None => None,
            },
        },
    };
    Some(Format {
        name: name.to_owned(),
        rule,
    })
}

impl Rule {
    fn matches(&self, path: &[u8], head: &[u8]) -> bool {
        match self {
            Self::Extension(extension) => path
                .iter()
                .rposition(|byte| *byte == b'.')
                .is_some_and(|dot| path[dot + 1..] == extension[..]),
            Self::Magic { offset, magic, mask } => {
                let Some(bytes) = offset
                    .checked_add(magic.len())
                    .and_then(|end| head.get(*offset..end))
                else {
                    return false;
                };
                bytes
                    .iter()
                    .zip(magic)
                    .enumerate()
                    .all(|(index, (byte, wanted))| {
                        let mask = mask
                            .as_ref()
                            .and_then(|mask| mask.get(index))
                            .copied()
                            .unwrap_or(0xff);
                        (byte ^ wanted) & mask == 0
                    })
            }
        }
    }
}

/// Bytes written in hexadecimal.
fn bytes(text: &str) -> Option<Vec<u8>> {
    if !text.is_ascii() || !text.len().is_multiple_of(2) {
        return None;
    }
    (0..text.len())
        .step_by(2)
        .map(|at| u8::from_str_radix(&text[at..at + 2], 16).ok())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const QEMU: &str = "enabled\ninterpreter /usr/bin/qemu-aarch64-static\nflags: OCF\noffset 0\nmagic 7f454c460201010000000000000000000200b700\nmask ffffffffffffff00fffffffffffffffffeffffff\n";

    #[test]
    fn matches_by_magic_and_mask_and_by_extension() {
        let format = parse("qemu-aarch64", QEMU).unwrap();
        let mut head = b"\x7fELF\x02\x01\x01\x03\0\0\0\0\0\0\0\0\x03\0\xb7\0".to_vec();
        assert!(format.rule.matches(b"/bin/x", &head));
        head[18] = 62;
        assert!(!format.rule.matches(b"/bin/x", &head));
        assert!(!format.rule.matches(b"/bin/x", b"\x7fELF"));
        let jar = parse(
            "jar",
            "enabled\ninterpreter /usr/bin/jexec\nflags: \nextension .jar\n",
        )
        .unwrap();
        assert!(jar.rule.matches(b"/a/b.jar", b"PK") && !jar.rule.matches(b"/a/bjar", b"PK"));
    }

    #[test]
    fn takes_no_entry_that_is_off_or_odd() {
        for text in [
            "",
            "disabled\noffset 0\nmagic 7f\n",
            "enabled\noffset x\nmagic 7f\n",
            "enabled\noffset 0\nmagic 7\n",
            "enabled\n",
        ] {
            assert_eq!(parse("x", text), None, "{text:?}");
        }
        assert!(
            !parse("x", "enabled\noffset 18446744073709551615\nmagic 7f45\n")
                .unwrap()
                .rule
                .matches(b"", b"\x7f")
        );
    }
}
