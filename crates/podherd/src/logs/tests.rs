//! What readers of a log rely on, over real files and filesystems.

mod errors;
mod files;
mod journald;
mod json;
mod records;
mod retention;
mod rotation;
mod speed;

use std::fs;
use std::num::NonZeroU64;
use std::path::Path;

use super::{ContainerLog, LINE_BYTES, LogFileTarget, LogFormat, LogTarget, Stream};
use crate::disk::Disk;

const LABEL: &str = "container";

fn target(path: &Path) -> Vec<LogTarget> {
    vec![file(path, LogFormat::Cri, 0)]
}

fn file(path: &Path, format: LogFormat, max_size: u64) -> LogTarget {
    LogTarget::File(LogFileTarget {
        path: path.to_owned(),
        format,
        max_size: NonZeroU64::new(max_size),
        max_files: None,
    })
}

async fn open(path: &Path) -> ContainerLog {
    let opened = ContainerLog::open(&Disk::new(), LABEL, target(path)).await;
    opened.expect("a log")
}

/// A record of a log, parsed by what the CRI format says and not by what the encoder does.
#[derive(Clone, PartialEq, Eq, Debug)]
struct Record {
    stream: String,
    tag: String,
    content: Vec<u8>,
}

/// Every record of a log file. Panics at what is not a whole record.
fn records(path: &Path) -> Vec<Record> {
    parse(&fs::read(path).expect("the log"))
}

fn parse(log: &[u8]) -> Vec<Record> {
    assert!(log.is_empty() || log.ends_with(b"\n"), "a torn last line");
    let lines = log.split_inclusive(|&byte| byte == b'\n');
    lines.map(|line| record(&line[..line.len() - 1])).collect()
}

fn record(line: &[u8]) -> Record {
    let shown = String::from_utf8_lossy(line);
    let mut fields = line.splitn(4, |&byte| byte == b' ');
    let mut next = || fields.next().unwrap_or_else(|| panic!("not a record: {shown}"));
    let (time, stream, tag, content) = (next(), next(), next(), next());
    assert!(is_time(time), "not a time: {shown}");
    assert!(matches!(stream, b"stdout" | b"stderr"), "{shown}");
    assert!(matches!(tag, b"F" | b"P"), "{shown}");
    let text = |bytes| String::from_utf8_lossy(bytes).into_owned();
    Record {
        stream: text(stream),
        tag: text(tag),
        content: content.to_vec(),
    }
}

fn is_time(time: &[u8]) -> bool {
    let shape = b"0000-00-00T00:00:00.000000000Z";
    let same = |(byte, shape): (&u8, &u8)| match shape {
        b'0' => byte.is_ascii_digit(),
        _ => byte == shape,
    };
    time.len() == shape.len() && time.iter().zip(shape).all(same)
}

/// The output of a stream, put together from its records again; and its last line's end, if that had none.
fn output(records: &[Record], stream: &str) -> Vec<u8> {
    let mut bytes = Vec::new();
    for record in records.iter().filter(|record| record.stream == stream) {
        bytes.extend_from_slice(&record.content);
        if record.tag == "F" {
            bytes.push(b'\n');
        }
    }
    bytes
}

/// What a log of this output has to be, worked out slowly: line by line, piece by piece.
fn model(stream: &str, output: &[u8]) -> Vec<Record> {
    let mut all = Vec::new();
    let mut lines: Vec<_> = output.split(|&byte| byte == b'\n').collect();
    if lines.last().is_some_and(|last| last.is_empty()) {
        lines.pop();
    }
    for line in lines {
        let mut pieces: Vec<_> = line.chunks(LINE_BYTES).collect();
        if pieces.is_empty() {
            pieces.push(b"");
        }
        let last = pieces.len() - 1;
        for (number, piece) in pieces.into_iter().enumerate() {
            all.push(Record {
                stream: stream.into(),
                tag: if number == last { "F" } else { "P" }.into(),
                content: piece.to_vec(),
            });
        }
    }
    all
}

/// Numbers that look random and are the same in each run (Knuth's MMIX generator).
struct Random(u64);

impl Random {
    fn below(&mut self, limit: usize) -> usize {
        let (a, c) = (6_364_136_223_846_793_005, 1_442_695_040_888_963_407);
        self.0 = self.0.wrapping_mul(a).wrapping_add(c);
        (self.0 >> 33) as usize % limit
    }

    /// Lines of all lengths, any bytes, NUL and invalid UTF-8 among them.
    fn output(&mut self) -> Vec<u8> {
        let mut bytes = Vec::new();
        for _ in 0..self.below(60) {
            let limit = [1, 3, 200, 4_096, LINE_BYTES + 3, 4 * LINE_BYTES][self.below(6)];
            let near = [0, LINE_BYTES - 2, 2 * LINE_BYTES - 2][self.below(3)];
            let length = if self.below(4) == 0 {
                near + self.below(4)
            } else {
                self.below(limit)
            };
            // Newlines come only where a line is to end.
            let any = (0..length).map(|_| self.below(256) as u8);
            bytes.extend(any.map(|byte| if byte == b'\n' { 0 } else { byte }));
            if self.below(8) > 0 {
                bytes.push(b'\n');
            }
        }
        bytes
    }

    fn stream(&mut self) -> Stream {
        [Stream::Stdout, Stream::Stderr][self.below(2)]
    }
}
