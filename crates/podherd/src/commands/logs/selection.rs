//! What of a log is wanted.

use std::collections::VecDeque;
use std::time::SystemTime;

use super::record::Record;
use crate::logs::Stream;

/// Which records are printed.
#[derive(Debug)]
pub struct Selection {
    since: Option<SystemTime>,
    stream: Option<Stream>,
    /// How many lines at most of what there is already.
    tail: Option<usize>,
}

/// The last lines so far.
#[derive(Debug)]
pub struct Tail {
    most: usize,
    lines: usize,
    records: VecDeque<Record>,
}

impl Selection {
    /// All of a log, but for what these leave out.
    pub fn new(since: Option<SystemTime>, stream: Option<Stream>, tail: Option<usize>) -> Self {
        Self { since, stream, tail }
    }

    /// Whether a record is wanted. One without a time is.
    pub fn has(&self, record: &Record) -> bool {
        self.stream.is_none_or(|stream| stream == record.stream)
            && self
                .since
                .is_none_or(|since| record.at().is_none_or(|at| at >= since))
    }

    /// For the last lines of what there is.
    pub fn tail(&self) -> Option<Tail> {
        self.tail.map(|most| Tail {
            most,
            lines: 0,
            records: VecDeque::new(),
        })
    }
}

impl Tail {
    /// Adds a record, and lets go of the lines that are too many.
    pub fn push(&mut self, record: Record) {
        self.lines += usize::from(!record.partial);
        self.records.push_back(record);
        // A line that has not ended counts as one.
        let unended = usize::from(self.records.back().is_some_and(|last| last.partial));
        while self.lines + unended > self.most {
            match self.records.pop_front() {
                Some(gone) => self.lines -= usize::from(!gone.partial),
                None => break,
            }
            if self.lines + unended > self.most && self.lines == 0 {
                self.records.clear();
                break;
            }
        }
    }

    /// Whether older files can add nothing.
    pub fn is_full(&self) -> bool {
        self.lines >= self.most
    }

    /// Puts those of an older file before them.
    pub fn after(self, mut older: Self) -> Self {
        for record in self.records {
            older.push(record);
        }
        older
    }

    /// The records, oldest first.
    pub fn into_records(self) -> VecDeque<Record> {
        self.records
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kept(most: usize, lines: &[&str]) -> Vec<String> {
        let mut tail = Selection::new(None, None, Some(most)).tail().unwrap();
        for line in lines {
            tail.push(Record::parse(
                format!("2024-05-01T12:00:00Z stdout {line}").as_bytes(),
            ));
        }
        let records = tail.into_records().into_iter();
        records
            .map(|record| String::from_utf8(record.content).unwrap())
            .collect()
    }

    #[test]
    fn the_last_lines_are_kept_with_all_their_pieces() {
        let lines = ["F a", "P b", "F c", "F d"];
        assert_eq!(kept(0, &lines), [""; 0]);
        assert_eq!(kept(1, &lines), ["d"]);
        assert_eq!(kept(2, &lines), ["b", "c", "d"]);
        assert_eq!(kept(9, &lines), ["a", "b", "c", "d"]);
        assert_eq!(kept(1, &["F a", "P b", "P c"]), ["b", "c"]);
    }
}
