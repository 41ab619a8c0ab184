//! From bytes to records.

use std::time::{Duration, UNIX_EPOCH};

use super::super::lines::Lines;
use super::super::records::cri::Cri;
use super::super::timestamp::Timestamp;
use super::super::{ContainerLog, LINE_BYTES, LogFormat, Stream};
use super::{LABEL, Random, Record, model, open, parse, records, target};
use crate::disk::scratch::{directory, on_event_loop};
use crate::disk::{BATCH_BYTES, Disk};

/// Encodes chunks of one stream, batch after batch, and closes the line.
fn encode<'a>(chunks: impl IntoIterator<Item = &'a [u8]>) -> Vec<u8> {
    let (mut encoder, mut log, mut batch) = (Lines::<Cri>::default(), Vec::new(), Vec::new());
    let mut next = |batch: &mut Vec<u8>| {
        assert!(batch.len() <= BATCH_BYTES, "a batch grew: {}", batch.len());
        log.append(batch);
    };
    for mut chunk in chunks {
        while !chunk.is_empty() {
            let done = encoder.encode(Stream::Stdout, Timestamp::now(), chunk, &mut batch);
            chunk = &chunk[done..];
            if !chunk.is_empty() {
                next(&mut batch);
            }
        }
    }
    next(&mut batch);
    encoder.end(Stream::Stdout, Timestamp::now(), &mut batch);
    next(&mut batch);
    log
}

#[test]
fn any_output_cut_anywhere_gives_the_records_of_its_lines() {
    for seed in 0..40 {
        let mut random = Random(seed);
        let output = random.output();
        let mut chunks = Vec::new();
        let mut rest = &output[..];
        let most = [1, 80, 5_000, LINE_BYTES, 65_536][random.below(5)];
        while !rest.is_empty() {
            let (chunk, after) = rest.split_at((1 + random.below(most)).min(rest.len()));
            chunks.push(chunk);
            rest = after;
        }
        let log = encode(chunks);
        assert!(parse(&log) == model("stdout", &output), "seed {seed}");
        let closed = u64::from(!output.is_empty() && !output.ends_with(b"\n"));
        assert_eq!(
            LogFormat::Cri.output_bytes(&log),
            output.len() as u64 + closed,
            "seed {seed}"
        );
    }
}

#[test]
fn two_streams_keep_their_own_lines_and_the_order_of_their_calls() {
    on_event_loop(async {
        let directory = directory();
        for seed in 0..5 {
            let mut random = Random(seed);
            let path = directory.path().join(seed.to_string());
            let log = open(&path).await;
            let mut written = [Vec::new(), Vec::new()];
            for _ in 0..40 {
                let stream = random.stream();
                let output = random.output();
                let chunk = &output[..output.len().min(65_536)];
                log.write(stream, chunk).await;
                written[stream as usize].extend_from_slice(chunk);
            }
            log.end(Stream::Stdout).await;
            log.end(Stream::Stderr).await;
            assert_eq!(log.flush().await.dropped_bytes, 0);
            let all = records(&path);
            for (stream, written) in ["stdout", "stderr"].into_iter().zip(&written) {
                let own: Vec<_> = all.iter().filter(|r| r.stream == stream).cloned().collect();
                assert!(own == model(stream, written), "seed {seed} {stream}");
            }
        }
    });
}

#[test]
fn a_line_of_16_kib_is_one_record_and_one_byte_more_is_two() {
    let tags = |length: usize, end: &str| {
        let output = [vec![b'x'; length], end.into()].concat();
        // Cut at the limit as well as not at all.
        let whole = encode([&output[..]]);
        let (head, tail) = output.split_at(LINE_BYTES.min(output.len()));
        assert_eq!(lengths(&whole), lengths(&encode([head, tail])));
        lengths(&whole)
    };
    let (limit, full, partial) = (LINE_BYTES, "F".to_owned(), "P".to_owned());
    for end in ["", "\n"] {
        assert_eq!(tags(limit - 1, end), [(full.clone(), limit - 1)]);
        assert_eq!(tags(limit, end), [(full.clone(), limit)]);
        let more = [(partial.clone(), limit), (full.clone(), 1)];
        assert_eq!(tags(limit + 1, end), more);
        let twice = [(partial.clone(), limit), (full.clone(), limit)];
        assert_eq!(tags(2 * limit, end), twice);
    }
    assert_eq!(tags(0, ""), []);
    assert_eq!(tags(0, "\n"), [(full, 0)]);
}

fn lengths(log: &[u8]) -> Vec<(String, usize)> {
    let of = |record: Record| (record.tag, record.content.len());
    parse(log).into_iter().map(of).collect()
}

#[test]
fn an_unfinished_line_waits_for_its_end_and_is_closed_once() {
    on_event_loop(async {
        let directory = directory();
        let path = directory.path().join("log");
        let log = open(&path).await;
        for piece in ["one ", "line\0 \x7f", " in pieces"] {
            log.write(Stream::Stdout, piece.as_bytes()).await;
            log.flush().await;
            assert_eq!(records(&path), []);
        }
        log.end(Stream::Stdout).await;
        log.end(Stream::Stdout).await;
        log.end(Stream::Stderr).await;
        log.flush().await;
        assert_eq!(records(&path), model("stdout", b"one line\0 \x7f in pieces"));
    });
}

#[test]
fn every_target_gets_everything() {
    on_event_loop(async {
        let (disk, directory) = (Disk::new(), directory());
        let paths = ["one", "two"].map(|name| directory.path().join(name));
        let targets = paths.iter().flat_map(|path| target(path)).collect();
        let log = ContainerLog::open(&disk, LABEL, targets).await.expect("a log");
        log.write(Stream::Stderr, b"a\nb\n").await;
        log.flush().await;
        for path in &paths {
            assert_eq!(records(path), model("stderr", b"a\nb\n"));
        }
    });
}

#[test]
fn times_are_rfc_3339_in_utc_with_nine_digits() {
    let text = |seconds, nanos| {
        let time = UNIX_EPOCH + Duration::new(seconds, nanos);
        String::from_utf8(Timestamp::at(time).rfc3339().to_vec()).expect("text")
    };
    assert_eq!(text(0, 0), "1970-01-01T00:00:00.000000000Z");
    assert_eq!(text(951_827_696, 7), "2000-02-29T12:34:56.000000007Z");
    assert_eq!(text(4_102_444_799, 999_999_999), "2099-12-31T23:59:59.999999999Z");
}
