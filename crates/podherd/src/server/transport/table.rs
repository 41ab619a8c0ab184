//! The head of a message: how many segments it has, and how long each is ("Serialization Over a Stream" of
//! Cap'n Proto's encoding specification).

use crate::error::{Code, Error, Result};

/// As many as any implementation takes.
const MOST_SEGMENTS: usize = 512;

/// Bytes of a word.
pub const WORD: usize = 8;

/// Where the segments of a message are.
#[derive(Debug, PartialEq, Eq)]
pub struct Table {
    /// The word at which each ends, counted from the first segment's beginning.
    ends: Vec<usize>,
    /// Bytes of the head itself.
    pub head: usize,
}

impl Table {
    /// Reads the head from what has come so far. None: more of it is needed.
    pub fn parse(bytes: &[u8], most_bytes: usize) -> Result<Option<Self>> {
        let Some(count) = number(bytes, 0) else {
            return Ok(None);
        };
        let count = count as usize + 1;
        if count > MOST_SEGMENTS {
            return Err(Error::new(
                Code::BadMessage,
                format!("a message of {count} segments is none of Cap'n Proto's RPC"),
            ));
        }
        // The count and the lengths, filled up to a whole word.
        let head = (1 + count).next_multiple_of(2) * size_of::<u32>();
        if bytes.len() < head {
            return Ok(None);
        }
        let mut words = 0;
        let lengths = (1..=count).filter_map(|index| number(bytes, index));
        let ends: Vec<usize> = lengths
            .map(|length| {
                words += length as usize;
                words
            })
            .collect();
        let claimed = head + words * WORD;
        if claimed > most_bytes {
            return Err(Error::new(
                Code::BadMessage,
                format!(
                    "a message of {claimed} bytes is too large; {most_bytes} are allowed (--message-bytes)"
                ),
            ));
        }
        Ok(Some(Self { ends, head }))
    }

    /// Words of all segments.
    pub fn words(&self) -> usize {
        self.ends.last().copied().unwrap_or_default()
    }

    /// How many segments there are.
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    /// The words of a segment.
    pub fn range(&self, index: usize) -> Option<std::ops::Range<usize>> {
        let end = *self.ends.get(index)?;
        let start = index.checked_sub(1).map_or(0, |before| self.ends[before]);
        Some(start..end)
    }
}

/// The head of a message of these segments, given by their bytes.
pub fn head_of(segments: &[&[u8]]) -> Vec<u8> {
    let lengths = segments.iter().map(|segment| (segment.len() / WORD) as u32);
    let numbers = std::iter::once(segments.len() as u32 - 1).chain(lengths);
    let mut head: Vec<u8> = numbers.flat_map(u32::to_le_bytes).collect();
    head.resize(head.len().next_multiple_of(WORD), 0);
    head
}

fn number(bytes: &[u8], index: usize) -> Option<u32> {
    let at = index * size_of::<u32>();
    let bytes = bytes.get(at..at + size_of::<u32>())?;
    Some(u32::from_le_bytes(bytes.try_into().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn head(lengths: &[u32]) -> Vec<u8> {
        let segments: Vec<Vec<u8>> = lengths
            .iter()
            .map(|words| vec![0; *words as usize * WORD])
            .collect();
        head_of(&segments.iter().map(Vec::as_slice).collect::<Vec<_>>())
    }

    fn claim(count: u32, length: u32) -> Vec<u8> {
        [count - 1, length]
            .into_iter()
            .flat_map(u32::to_le_bytes)
            .collect()
    }

    #[test]
    fn segments_are_found_where_they_are() {
        for lengths in [&[3][..], &[0], &[1, 2], &[1, 0, 4], &[5, 6, 7, 8]] {
            let bytes = head(lengths);
            let table = Table::parse(&bytes, 1 << 20).expect("valid").expect("whole");
            assert_eq!(table.head, bytes.len());
            assert_eq!(table.len(), lengths.len());
            assert_eq!(table.words(), lengths.iter().sum::<u32>() as usize);
            let found: Vec<_> = (0..table.len()).filter_map(|at| table.range(at)).collect();
            assert_eq!(
                found.iter().map(|range| range.len() as u32).collect::<Vec<_>>(),
                lengths
            );
            assert_eq!(table.range(table.len()), None);
        }
    }

    #[test]
    fn a_part_of_a_head_is_waited_for() {
        let bytes = head(&[1, 2, 3]);
        for end in 0..bytes.len() {
            assert_eq!(Table::parse(&bytes[..end], 1 << 20).expect("no fault yet"), None);
        }
    }

    #[test]
    fn what_claims_too_much_is_refused_at_once() {
        let most = 64;
        assert!(Table::parse(&claim(1, 7), most).expect("fits").is_some());
        assert_eq!(
            Table::parse(&claim(1, 8), most)
                .expect_err("one word too many")
                .code,
            Code::BadMessage
        );
        assert!(Table::parse(&claim(1, u32::MAX), most).is_err());
        assert!(Table::parse(&512_u32.to_le_bytes(), most).is_err());
        assert!(Table::parse(&u32::MAX.to_le_bytes(), most).is_err());
        assert_eq!(
            Table::parse(&511_u32.to_le_bytes(), most).expect("may come"),
            None
        );
    }
}
