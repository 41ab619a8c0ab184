//! The first line of a script, as the kernel reads it (execve(2), "Interpreter scripts"; fs/binfmt_script.c).

/// What the kernel looks at of a file (`BINPRM_BUF_SIZE`; 128 before Linux 5.1).
pub const HEAD: usize = 256;

/// `#!interpreter argument`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Script {
    /// The path of the interpreter.
    pub interpreter: Vec<u8>,
    /// All the rest of the line.
    pub argument: Option<Vec<u8>>,
}

impl Script {
    /// `NAME` of `#!/usr/bin/env NAME`, where it is nothing more complicated.
    pub fn env_command(&self) -> Option<String> {
        let name = self.interpreter.rsplit(|byte| *byte == b'/').next()?;
        let argument = std::str::from_utf8(self.argument.as_ref()?).ok()?;
        let plain = name == b"env" && !argument.starts_with('-') && !argument.contains(['=', ' ', '\t']);
        plain.then(|| argument.to_owned())
    }
}

/// Reads the head of a file that begins with `#!`. The error says why the kernel will not run it.
pub fn parse(head: &[u8]) -> Result<Script, String> {
    let head = &head[..head.len().min(HEAD)];
    let rest = head.get(2..).unwrap_or_default();
    let end = rest.iter().position(|byte| *byte == b'\n');
    // Of a line that is longer, the interpreter at least has to be whole.
    let line = &rest[..end.unwrap_or(rest.len())];
    let blank = |byte: &u8| *byte == b' ' || *byte == b'\t';
    let start = line.iter().position(|byte| !blank(byte)).unwrap_or(line.len());
    let line = &line[start..];
    let stop = line.iter().position(|byte| blank(byte) || *byte == 0);
    if stop.is_none() && end.is_none() && head.len() == HEAD {
        return Err(format!("its first line is longer than {HEAD} bytes"));
    }
    let interpreter = &line[..stop.unwrap_or(line.len())];
    if interpreter.is_empty() {
        return Err("its first line names no interpreter".into());
    }
    let argument = line[interpreter.len()..].trim_ascii();
    Ok(Script {
        interpreter: interpreter.to_vec(),
        argument: (!argument.is_empty()).then(|| argument.to_vec()),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(text: &str) -> (String, Option<String>) {
        let script = parse(text.as_bytes()).unwrap();
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        (text(script.interpreter), script.argument.map(text))
    }

    #[test]
    fn takes_the_interpreter_and_all_the_rest_as_one_argument() {
        assert_eq!(parsed("#!/bin/sh\necho"), ("/bin/sh".into(), None));
        assert_eq!(
            parsed("#! \t/usr/bin/env  -S a  b \nx"),
            ("/usr/bin/env".into(), Some("-S a  b".into()))
        );
        assert_eq!(parsed("#!sh"), ("sh".into(), None));
        assert_eq!(parsed("#!/bin/sh\r\n").0, "/bin/sh\r");
    }

    #[test]
    fn refuses_what_the_kernel_refuses() {
        for text in ["#!", "#!\n", "#!   \nsh"] {
            assert!(parse(text.as_bytes()).is_err(), "{text:?}");
        }
        assert!(parse(format!("#!/{}\n", "x".repeat(300)).as_bytes()).is_err());
        assert!(parse(format!("#!{}/bin/sh\n", " ".repeat(300)).as_bytes()).is_err());
        assert!(parse(format!("#!/bin/sh {}\n", "x".repeat(300)).as_bytes()).is_ok());
    }

    #[test]
    fn any_bytes_are_read_without_a_panic() {
        let mut state = 0x9e37_79b9_7f4a_7c15_u64;
        for length in 0..2000 {
            let mut bytes = b"#!".to_vec();
            for _ in 0..length % 300 {
                state = state
                    .wrapping_mul(6364136223846793005)
                    .wrapping_add(1442695040888963407);
                bytes.push(b"\0 \t\n/#!ab\xff"[(state >> 33) as usize % 10]);
            }
            if let Ok(script) = parse(&bytes) {
                assert!(!script.interpreter.is_empty() && script.interpreter.len() < HEAD);
            }
        }
    }
}
