//! What goes over an attach socket: to the client, packets of at most 8,192 bytes whose first byte names the
//! stream; from the client, raw bytes.

use crate::logs::Stream;

/// The longest packet to a client.
const LONGEST: usize = 8192;

/// The last packet: nothing follows.
pub const DONE: [u8; 1] = [0];

/// Cuts a chunk of output into packets.
pub fn packets(stream: Stream, chunk: &[u8]) -> impl Iterator<Item = Vec<u8>> {
    let name = match stream {
        Stream::Stdout => 2,
        Stream::Stderr => 3,
    };
    chunk.chunks(LONGEST - 1).map(move |piece| {
        let mut packet = Vec::with_capacity(1 + piece.len());
        packet.push(name);
        packet.extend_from_slice(piece);
        packet
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cuts_output_into_packets_of_at_most_8192_bytes() {
        let chunk: Vec<u8> = (0..20_000_u32).map(|number| (number % 256) as u8).collect();
        let packets: Vec<_> = packets(Stream::Stderr, &chunk).collect();
        assert_eq!(
            packets.iter().map(Vec::len).collect::<Vec<_>>(),
            [8192, 8192, 20_000 - 2 * 8191 + 1]
        );
        assert!(packets.iter().all(|packet| packet[0] == 3));
        let joined: Vec<u8> = packets.iter().flat_map(|packet| &packet[1..]).copied().collect();
        assert_eq!(joined, chunk);
    }
}
