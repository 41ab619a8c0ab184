//! From bytes to JSON records.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::time::{Duration, UNIX_EPOCH};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

use super::super::lines::Lines;
use super::super::records::json::Json;
use super::super::timestamp::Timestamp;
use super::super::{ContainerLog, LINE_BYTES, LogFormat, Stream};
use super::{LABEL, Random, Record, file, model, output};
use crate::disk::scratch::{directory, on_event_loop};
use crate::disk::{BATCH_BYTES, Disk};

/// Every record of a JSON log, parsed by a library. Panics at what is not a whole record.
pub(super) fn records(log: &[u8]) -> Vec<Record> {
    assert!(log.is_empty() || log.ends_with(b"\n"), "a torn last line");
    let lines = log.split_inclusive(|&byte| byte == b'\n');
    lines.map(record).collect()
}

fn record(line: &[u8]) -> Record {
    let shown = String::from_utf8_lossy(line);
    let fields: BTreeMap<String, Value> = serde_json::from_slice(line).expect(&shown);
    let text = |name: &str| {
        fields
            .get(name)
            .map(|value| value.as_str().expect(&shown).to_owned())
    };
    let seconds = fields["timestamp"].as_u64().expect(&shown);
    let nanos: u128 = text("timestampNanos").expect(&shown).parse().expect(&shown);
    assert_eq!(nanos / 1_000_000_000, seconds.into(), "{shown}");
    let content = match (text("message"), text("messageBase64")) {
        (Some(text), None) => text.into_bytes(),
        (None, Some(code)) => {
            let mut bytes = vec![0; code.len()];
            let decoded = STANDARD.decode_slice(code, &mut bytes);
            bytes.truncate(decoded.expect(&shown));
            assert!(
                String::from_utf8(bytes.clone()).is_err(),
                "text in base64: {shown}"
            );
            bytes
        }
        _ => panic!("not one message: {shown}"),
    };
    let partial = fields
        .get("partial")
        .inspect(|partial| assert_eq!(**partial, true));
    assert_eq!(fields.len(), 4 + usize::from(partial.is_some()), "{shown}");
    Record {
        stream: text("pipe").expect(&shown),
        tag: if partial.is_some() { "P" } else { "F" }.into(),
        content,
    }
}

fn encode<'a>(chunks: impl IntoIterator<Item = &'a [u8]>) -> Vec<u8> {
    let (mut lines, mut log, mut batch) = (Lines::<Json>::default(), Vec::new(), Vec::new());
    let mut next = |batch: &mut Vec<u8>| {
        assert!(batch.len() <= BATCH_BYTES, "a batch grew: {}", batch.len());
        log.append(batch);
    };
    for mut chunk in chunks {
        while !chunk.is_empty() {
            let done = lines.encode(Stream::Stdout, Timestamp::now(), chunk, &mut batch);
            chunk = &chunk[done..];
            if !chunk.is_empty() {
                next(&mut batch);
            }
        }
    }
    next(&mut batch);
    lines.end(Stream::Stdout, Timestamp::now(), &mut batch);
    next(&mut batch);
    log
}

#[test]
fn any_output_cut_anywhere_is_in_the_records_byte_for_byte() {
    for seed in 0..16 {
        let mut random = Random(seed);
        let bytes = random.output();
        let most = [1, 80, 5_000, LINE_BYTES, 65_536][random.below(5)];
        let mut chunks = Vec::new();
        let mut rest = &bytes[..];
        while !rest.is_empty() {
            let (chunk, after) = rest.split_at((1 + random.below(most)).min(rest.len()));
            chunks.push(chunk);
            rest = after;
        }
        let log = encode(chunks);
        let all = records(&log);
        let mut expected = bytes.clone();
        if !bytes.is_empty() && !bytes.ends_with(b"\n") {
            expected.push(b'\n');
        }
        assert!(output(&all, "stdout") == expected, "seed {seed}");
        for piece in all.iter().filter(|record| record.tag == "P") {
            let length = piece.content.len();
            assert!((LINE_BYTES - 3..=LINE_BYTES).contains(&length), "{length}");
        }
        assert_eq!(
            LogFormat::Json.output_bytes(&log),
            expected.len() as u64,
            "seed {seed}"
        );
    }
}

#[test]
fn a_character_is_never_cut_into_two_pieces() {
    for character in ["ä", "€", "🦀"] {
        for shift in 0..4 {
            let line = "x".repeat(shift) + &character.repeat(3 * LINE_BYTES / character.len());
            // At once, and byte by byte.
            for log in [encode([line.as_bytes()]), encode(line.as_bytes().chunks(1))] {
                let all = records(&log);
                assert!(all.iter().all(|record| str::from_utf8(&record.content).is_ok()));
                assert!(output(&all, "stdout") == (line.clone() + "\n").into_bytes());
                assert_eq!(
                    all.len(),
                    3 + usize::from(all[3..].len() == 1),
                    "{character} {shift}"
                );
            }
        }
    }
}

// conmon-rs cuts lines at 4,096 bytes, unmarked, and trims white space.
#[test]
fn nothing_is_trimmed_and_what_needs_it_is_escaped() {
    let lines = [
        "  both sides \t",
        "",
        "\r",
        "\"quoted\" \\ \u{8}\u{c}\u{0}\u{1b}[0m\u{7f} ä\u{2028}",
    ];
    let log = encode([(lines.join("\n") + "\n").as_bytes()]);
    assert_eq!(
        records(&log),
        model("stdout", (lines.join("\n") + "\n").as_bytes())
    );
    // Every byte that is a character of its own.
    let plain: Vec<u8> = (0..128).filter(|&byte| byte != b'\n').collect();
    assert_eq!(records(&encode([&plain[..]])), model("stdout", &plain));
}

#[test]
fn a_record_has_the_keys_of_conmon_rs_and_more() {
    let time = Timestamp::at(UNIX_EPOCH + Duration::new(1_700_000_000, 42));
    let mut batch = Vec::new();
    let mut lines = Lines::<Json>::default();
    lines.encode(Stream::Stdout, time, b"text\n\xff\n", &mut batch);
    lines.encode(Stream::Stderr, time, &[b'x'; LINE_BYTES + 1], &mut batch);
    let text = String::from_utf8(batch).expect("text");
    let (first, rest) = text.split_once('\n').expect("a line");
    let head = r#"{"timestamp":1700000000,"timestampNanos":"1700000000000000042","pipe":"#;
    assert_eq!(first, format!(r#"{head}"stdout","message":"text"}}"#));
    let (second, rest) = rest.split_once('\n').expect("a line");
    assert_eq!(second, format!(r#"{head}"stdout","messageBase64":"/w=="}}"#));
    let long = "x".repeat(LINE_BYTES);
    assert_eq!(
        rest,
        format!("{head}\"stderr\",\"partial\":true,\"message\":\"{long}\"}}\n")
    );
}

#[test]
fn every_target_gets_everything_in_its_own_format() {
    on_event_loop(async {
        let (disk, directory) = (Disk::new(), directory());
        let path = |name: &str| directory.path().join(name);
        let targets = vec![
            file(&path("cri"), LogFormat::Cri, 0),
            file(&path("json"), LogFormat::Json, 0),
            // Refuses each write.
            file(Path::new("/dev/full"), LogFormat::Json, 0),
        ];
        let log = ContainerLog::open(&disk, LABEL, targets).await.expect("a log");
        log.write(Stream::Stderr, b"a\nb\nunfinished").await;
        log.end(Stream::Stderr).await;
        let outcome = log.flush().await;
        assert_eq!(outcome.dropped_bytes, 15, "of the sink that lacks most");
        let expected = model("stderr", b"a\nb\nunfinished");
        assert_eq!(super::records(&path("cri")), expected);
        assert_eq!(records(&fs::read(path("json")).expect("log")), expected);
    });
}
