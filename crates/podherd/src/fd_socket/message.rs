//! The protocol of the fd socket, that of conmon-rs. Integers are little-endian.
//!
//! A request is one packet: a u64, `(request id << 32) | number of descriptors`, with the descriptors in
//! its SCM_RIGHTS (unix(7)). The answer is the same u64 and a u64 for the slot of each; on failure the
//! lower half is all ones and a text follows. A request of 0 and 0 closes what its connection still
//! holds, and has no answer.

use crate::error::Error;

/// Descriptors that the kernel passes at once (`SCM_MAX_FD`).
pub const MOST_AT_ONCE: usize = 253;

/// Bytes of a request.
pub const REQUEST: usize = size_of::<u64>();

const FAILED: u64 = u32::MAX as u64;

/// The head of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Head(u64);

impl Head {
    /// From the bytes of a packet, as many as there are: one that is too short, or too long, has a head all
    /// the same, for the answer that says so.
    pub fn of(packet: &[u8]) -> Self {
        let mut bytes = [0; REQUEST];
        let there = packet.len().min(REQUEST);
        bytes[..there].copy_from_slice(&packet[..there]);
        Self(u64::from_le_bytes(bytes))
    }

    /// How many descriptors it says that it brings.
    pub fn descriptors(self) -> usize {
        (self.0 & FAILED) as usize
    }

    /// Whether it asks to close what the connection holds.
    pub fn closes(self) -> bool {
        self.0 == 0
    }

    /// The answer that tells the slots.
    pub fn answer(self, slots: &[u64]) -> Vec<u8> {
        let words = [self.0].into_iter().chain(slots.iter().copied());
        words.flat_map(u64::to_le_bytes).collect()
    }

    /// The answer that tells of a failure.
    pub fn failure(self, error: &Error) -> Vec<u8> {
        let mut bytes = (self.0 | FAILED).to_le_bytes().to_vec();
        bytes.extend_from_slice(error.to_string().as_bytes());
        bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Code;

    #[test]
    fn a_head_keeps_its_id_in_both_answers() {
        let head = Head::of(&0x0000_0007_0000_0002_u64.to_le_bytes());
        assert_eq!(head.descriptors(), 2);
        assert_eq!(
            head.answer(&[5, 6]),
            [
                2, 0, 0, 0, 7, 0, 0, 0, 5, 0, 0, 0, 0, 0, 0, 0, 6, 0, 0, 0, 0, 0, 0, 0
            ]
        );
        let failure = head.failure(&Error::new(Code::Overloaded, "x"));
        assert_eq!(
            failure,
            [&[0xff, 0xff, 0xff, 0xff, 7, 0, 0, 0][..], b"OVERLOADED: x"].concat()
        );
    }

    #[test]
    fn only_zero_and_zero_closes() {
        assert!(Head::of(&[0; 8]).closes());
        assert!(!Head::of(&(1_u64 << 32).to_le_bytes()).closes());
        assert!(!Head::of(&1_u64.to_le_bytes()).closes());
    }

    #[test]
    fn a_short_packet_has_the_id_that_is_there() {
        assert_eq!(Head::of(&[1, 0, 0, 0, 9]), Head::of(&[1, 0, 0, 0, 9, 0, 0, 0]));
    }
}
