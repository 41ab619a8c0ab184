//! What the runtime says when it fails: the last error of its JSON log, else the end of its
//! standard error. And what kind of failure its words mean.

use serde::Deserialize;

use crate::error::Code;

/// Enough for any message of a runtime; a core dump of text on stderr is cut to its end.
const LONGEST: usize = 4096;

#[derive(Deserialize)]
struct Entry {
    #[serde(default)]
    level: String,
    #[serde(default)]
    msg: String,
}

/// The runtime's own message. `log` is its JSON log (one object a line; lines that are not JSON are
/// taken as they are), `stderr` what it wrote there. None if it said nothing.
pub fn from_output(log: &[u8], stderr: &[u8]) -> Option<String> {
    let log = String::from_utf8_lossy(log);
    let mut last_error = None;
    let mut last_line = None;
    for line in log.lines().filter(|line| !line.trim().is_empty()) {
        match serde_json::from_str::<Entry>(line) {
            Ok(entry) if matches!(entry.level.as_str(), "error" | "fatal" | "panic") => {
                last_error = Some(entry.msg)
            }
            Ok(_) => {}
            Err(_) => last_line = Some(line.to_owned()),
        }
    }
    last_error
        .or(last_line)
        .or_else(|| Some(String::from_utf8_lossy(stderr).into_owned()))
        .map(|text| tidy(&text))
        .filter(|text| !text.is_empty())
}

/// The end of a long text, on one line.
fn tidy(text: &str) -> String {
    let text = text.trim();
    let mut start = text.len().saturating_sub(LONGEST);
    while !text.is_char_boundary(start) {
        start += 1;
    }
    text[start..]
        .lines()
        .map(str::trim)
        .filter(|line| !line.is_empty())
        .collect::<Vec<_>>()
        .join("; ")
}

/// The code for a failure of which the runtime said this. runc's words and crun's, for a program
/// looked up in PATH and for one given by its path.
pub fn classify(message: &str) -> Code {
    let text = message.to_ascii_lowercase();
    let about_program = text.contains("exec: \"") || text.contains("executable");
    if text.contains("executable file not found in $path")
        || (text.contains("executable file") && text.contains("not found"))
        || (about_program && text.contains("no such file or directory"))
    {
        Code::CommandNotFound
    } else if about_program && REFUSALS.iter().any(|words| text.contains(words)) {
        Code::CommandNotExecutable
    } else {
        Code::RuntimeFailed
    }
}

/// How the kernel's refusals to execute a file read.
const REFUSALS: [&str; 4] = [
    "permission denied",
    "operation not permitted",
    "is a directory",
    "exec format error",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn takes_the_last_error_of_the_log_and_not_a_warning_after_it() {
        let log = br#"{"level":"error","msg":"first","time":"t"}
{"level":"error","msg":"runc create failed: exec: \"nope\": executable file not found in $PATH","time":"t"}
{"level":"warning","msg":"late","time":"t"}"#;
        let message = from_output(log, b"noise").unwrap();
        assert!(
            message.ends_with("executable file not found in $PATH"),
            "{message}"
        );
        assert_eq!(classify(&message), Code::CommandNotFound);
    }

    #[test]
    fn falls_back_to_stderr_on_one_line_and_to_nothing() {
        assert_eq!(from_output(b"", b"  one\ntwo\n\n").as_deref(), Some("one; two"));
        assert_eq!(from_output(b"", b" \n"), None);
        assert_eq!(from_output(b"not json\n", b"").as_deref(), Some("not json"));
    }

    #[test]
    fn cuts_a_flood_to_its_end_at_a_character() {
        let flood = "ü".repeat(5000) + " the reason";
        let message = from_output(b"", flood.as_bytes()).unwrap();
        assert!(message.len() <= LONGEST && message.ends_with("the reason"));
    }

    #[test]
    fn tells_the_runtimes_words_apart() {
        for (text, code) in [
            (
                "executable file `nope` not found in $PATH: No such file or directory",
                Code::CommandNotFound,
            ),
            (
                "exec: \"/nope\": stat /nope: no such file or directory",
                Code::CommandNotFound,
            ),
            (
                "runc create failed: exec: \"/etc\": is a directory",
                Code::CommandNotExecutable,
            ),
            ("exec: \"/data\": permission denied", Code::CommandNotExecutable),
            (
                "open executable: Operation not permitted",
                Code::CommandNotExecutable,
            ),
            ("open `/etc/data`: Permission denied", Code::RuntimeFailed),
            ("cgroup: cannot allocate", Code::RuntimeFailed),
        ] {
            assert_eq!(classify(text), code, "{text}");
        }
    }
}
