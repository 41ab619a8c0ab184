//! Records from chunks of a stream, however it was cut into chunks: where lines end, and where one that
//! is too long is cut.

use memchr::memchr;

use super::Stream;
use super::timestamp::Timestamp;

/// Content of a record in a file, in bytes, at most: a longer line becomes several pieces, all but the
/// last marked as partial.
pub const LINE_BYTES: usize = 16 * 1024;

/// Whether a record ends its line.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Tag {
    /// The line's end.
    Full,
    /// More of the line follows in the next record of the stream.
    Partial,
}

/// How a line becomes a record of one format. Nothing here allocates, but for a batch to grow.
pub(super) trait Records {
    /// Content of a record, in bytes, at most.
    const LINE_BYTES: usize;

    /// What all records of a chunk have in common.
    type Head;

    /// Of a chunk that was read at one time.
    fn head(stream: Stream, time: Timestamp) -> Self::Head;

    /// Whether a record of so many bytes of content surely has room in the batch. Any has in an empty one.
    fn fits(batch: &[u8], content: usize) -> bool;

    /// How much of a line too long becomes its next piece: `held` and then `rest`, together
    /// [`Self::LINE_BYTES`] long, or some bytes less. Not nothing.
    fn piece(held: &[u8], rest: &[u8]) -> usize;

    /// Appends one record. Its content is `held` and then `rest`; of a full line, `rest` ends with the
    /// newline. `held` may be used up.
    fn append(head: &Self::Head, tag: Tag, held: &mut Vec<u8>, rest: &[u8], batch: &mut Vec<u8>);
}

/// The unfinished lines of one sink.
pub(super) struct Lines<R> {
    /// A line's bytes until its end is seen, at most [`Records::LINE_BYTES`]; without memory when there is
    /// none.
    held: [Vec<u8>; 2],
    records: std::marker::PhantomData<R>,
}

impl<R: Records> Lines<R> {
    /// Appends the records of `chunk` to `batch`, as far as they fit, and returns how many bytes of the
    /// chunk are done with. Bytes after the last newline are held for the next chunk.
    ///
    /// One time for all: the bytes were read at once.
    pub(super) fn encode(
        &mut self,
        stream: Stream,
        time: Timestamp,
        chunk: &[u8],
        batch: &mut Vec<u8>,
    ) -> usize {
        let head = R::head(stream, time);
        let held = &mut self.held[stream as usize];
        let mut rest = chunk;
        while !rest.is_empty() {
            let room = R::LINE_BYTES - held.len();
            // One byte past the room: a newline there makes the line a whole record still.
            let look = &rest[..rest.len().min(room + 1)];
            if let Some(newline) = memchr(b'\n', look) {
                if !R::fits(batch, held.len() + newline) {
                    break;
                }
                R::append(&head, Tag::Full, held, &rest[..=newline], batch);
                held.clear();
                rest = &rest[newline + 1..];
            } else if look.len() > room {
                if !R::fits(batch, R::LINE_BYTES) {
                    break;
                }
                let piece = R::piece(held, &rest[..room]);
                // Mostly nothing: the piece would have to end in front of the last bytes held.
                let kept = held.split_off(piece.min(held.len()));
                let (now, later) = rest.split_at(piece - held.len());
                R::append(&head, Tag::Partial, held, now, batch);
                held.clear();
                held.extend_from_slice(&kept);
                rest = later;
            } else {
                held.extend_from_slice(rest);
                rest = &[];
            }
        }
        if held.is_empty() {
            *held = Vec::new();
        }
        chunk.len() - rest.len()
    }

    /// Whether an unfinished line of the stream is held.
    pub(super) fn holds(&self, stream: Stream) -> bool {
        !self.held[stream as usize].is_empty()
    }

    /// Closes an unfinished line with a full record, if the batch has room for it.
    pub(super) fn end(&mut self, stream: Stream, time: Timestamp, batch: &mut Vec<u8>) {
        let held = &mut self.held[stream as usize];
        if held.is_empty() || !R::fits(batch, held.len()) {
            return;
        }
        R::append(&R::head(stream, time), Tag::Full, held, b"\n", batch);
        *held = Vec::new();
    }
}

impl<R> Default for Lines<R> {
    fn default() -> Self {
        Self {
            held: Default::default(),
            records: std::marker::PhantomData,
        }
    }
}

/// A piece that ends with a whole character: in two halves, neither piece would be text. For bytes that
/// are no text it makes no difference.
pub(super) fn whole_characters(held: &[u8], rest: &[u8]) -> usize {
    let length = held.len() + rest.len();
    let at = |index: usize| match index.checked_sub(held.len()) {
        None => held[index],
        Some(index) => rest[index],
    };
    // A character of UTF-8 has four bytes at most: its first one is among the last three, or it is whole.
    for back in 1..=3.min(length) {
        let bytes_of_character = match at(length - back) {
            0x80..=0xbf => continue,
            0xc0..=0xdf => 2,
            0xe0..=0xef => 3,
            0xf0..=0xf7 => 4,
            _ => 1,
        };
        return match back < bytes_of_character && length > back {
            true => length - back,
            false => length,
        };
    }
    length
}
