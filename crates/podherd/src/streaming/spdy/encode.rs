//! The frames that a server sends.

use super::dictionary;
use super::{FLAG_FIN, FRAME_HEADER, VERSION, kind};

/// Length of a data frame's header, which [`data_header`] makes.
pub const DATA_HEADER: usize = FRAME_HEADER;

/// Why a stream is reset (section 2.6.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ResetStatus {
    /// The client has broken the protocol.
    ProtocolError = 1,
    /// The stream is not wanted.
    RefusedStream = 3,
    /// The stream is of no more use.
    Cancel = 5,
}

/// The header of a data frame; the data follows.
pub fn data_header(stream: u32, length: usize, finished: bool) -> [u8; DATA_HEADER] {
    let flags = if finished { FLAG_FIN } else { 0 };
    // As a cast: a frame's data is bounded far below 24 bits.
    let word = length as u32 & 0xff_ffff | u32::from(flags) << 24;
    join(stream.to_be_bytes(), word.to_be_bytes())
}

/// RST_STREAM
pub fn reset_stream(stream: u32, status: ResetStatus) -> [u8; 16] {
    two_words(kind::RST_STREAM, stream, status as u32)
}

/// GOAWAY: the client has broken the protocol (status 1, section 2.6.6); `last` is the last stream that was taken.
pub fn go_away(last: u32) -> [u8; 16] {
    two_words(kind::GOAWAY, last, 1)
}

/// PING, as it came.
pub fn ping(id: u32) -> [u8; 12] {
    join(control_header(kind::PING, 4), id.to_be_bytes())
}

/// Writes header blocks. They are not compressed, which zlib allows and which spares its quarter of a
/// megabyte for each connection: all that is ever replied is an empty block.
#[derive(Debug, Default)]
pub struct HeaderWriter {
    begun: bool,
}

impl HeaderWriter {
    /// SYN_REPLY without headers.
    pub fn syn_reply(&mut self, stream: u32) -> Vec<u8> {
        let block = self.block(&0_u32.to_be_bytes());
        let mut frame = control_header(kind::SYN_REPLY, 4 + block.len()).to_vec();
        frame.extend_from_slice(&stream.to_be_bytes());
        frame.extend_from_slice(&block);
        frame
    }

    /// A stored block of deflate, and the empty one by which readers know that a block is whole (RFC 1951,
    /// section 3.2.4), preceded in the first one by zlib's header (RFC 1950).
    fn block(&mut self, plain: &[u8]) -> Vec<u8> {
        let mut bytes = Vec::new();
        if !std::mem::replace(&mut self.begun, true) {
            // Deflate with a window of 32 KiB, a dictionary, and the check bits of both bytes.
            bytes.extend_from_slice(&[0x78, 0xbb]);
            bytes.extend_from_slice(&dictionary::ID.to_be_bytes());
        }
        for stored in [plain, &[]] {
            // As a cast: an empty block of headers has four bytes.
            let length = stored.len() as u16;
            bytes.push(0);
            bytes.extend_from_slice(&length.to_le_bytes());
            bytes.extend_from_slice(&(!length).to_le_bytes());
            bytes.extend_from_slice(stored);
        }
        bytes
    }
}

fn control_header(kind: u16, length: usize) -> [u8; FRAME_HEADER] {
    let [a, b] = (VERSION | 0x8000).to_be_bytes();
    let [c, d] = kind.to_be_bytes();
    // As a cast: the frames here have a few bytes.
    join([a, b, c, d], (length as u32).to_be_bytes())
}

fn two_words(kind: u16, first: u32, second: u32) -> [u8; 16] {
    join(
        control_header(kind, 8),
        join::<4, 4, 8>(first.to_be_bytes(), second.to_be_bytes()),
    )
}

fn join<const A: usize, const B: usize, const C: usize>(first: [u8; A], second: [u8; B]) -> [u8; C] {
    let mut joined = [0; C];
    joined[..A].copy_from_slice(&first);
    joined[A..].copy_from_slice(&second);
    joined
}

#[cfg(test)]
mod tests {
    use super::super::headers::{HeaderReader, Headers};
    use super::*;

    #[test]
    fn replies_are_read_by_zlib_with_the_dictionary() {
        let (mut writer, mut reader) = (HeaderWriter::default(), HeaderReader::new());
        for stream in [1, 3, 5] {
            let frame = writer.syn_reply(stream);
            assert_eq!(frame[..4], [0x80, 3, 0, 2]);
            assert_eq!(usize::from(frame[7]), frame.len() - 8);
            assert_eq!(frame[8..12], stream.to_be_bytes());
            assert_eq!(reader.read(&frame[12..]), Some(Headers::default()));
        }
    }

    #[test]
    fn frames_are_as_the_specification_draws_them() {
        assert_eq!(data_header(3, 0x01_0203, true), [0, 0, 0, 3, 1, 1, 2, 3]);
        assert_eq!(ping(9), [0x80, 3, 0, 6, 0, 0, 0, 4, 0, 0, 0, 9]);
        assert_eq!(
            reset_stream(5, ResetStatus::RefusedStream),
            [0x80, 3, 0, 3, 0, 0, 0, 8, 0, 0, 0, 5, 0, 0, 0, 3]
        );
        assert_eq!(go_away(5), [0x80, 3, 0, 7, 0, 0, 0, 8, 0, 0, 0, 5, 0, 0, 0, 1]);
    }
}
