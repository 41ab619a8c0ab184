//! Messages of the protocols `v4.channel.k8s.io`, `v5.channel.k8s.io` (binary: the channel's byte, then the data)
//! and `v4.base64.channel.k8s.io` (text: the channel's digit, then base64).

use bytes::Bytes;
use data_encoding::BASE64;
use tungstenite::Message;

use super::protocol::Protocol;

/// Standard input, from the client.
pub const STDIN: u8 = 0;
/// Standard output.
pub const STDOUT: u8 = 1;
/// Standard error.
pub const STDERR: u8 = 2;
/// The session's outcome, once.
pub const ERROR: u8 = 3;
/// Sizes of the terminal, from the client.
pub const RESIZE: u8 = 4;
/// Version 5: closes the channel in the second byte, from the client.
pub const CLOSE: u8 = 255;

/// Data of one message, at most.
pub const CHUNK: usize = 32 << 10;

/// How data and channel are put into a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Codec {
    /// A byte and the data.
    Binary,
    /// A digit and the data in base64.
    Base64,
}

impl Codec {
    /// That of a protocol with channels; a tunnel has none of its own, and is binary.
    pub fn of(protocol: Protocol) -> Self {
        match protocol {
            Protocol::Base64V4 => Self::Base64,
            Protocol::ChannelV4 | Protocol::ChannelV5 | Protocol::SpdyTunnel => Self::Binary,
        }
    }

    /// A message of this channel.
    pub fn encode(self, channel: u8, data: &[u8]) -> Message {
        match self {
            Self::Binary => {
                let mut message = Vec::with_capacity(1 + data.len());
                message.push(channel);
                message.extend_from_slice(data);
                Message::binary(message)
            }
            Self::Base64 => {
                let mut message = String::with_capacity(1 + BASE64.encode_len(data.len()));
                message.push(char::from(b'0' + channel));
                BASE64.encode_append(data, &mut message);
                Message::text(message)
            }
        }
    }

    /// Channel and data of a message. None: it is empty, or no base64, or of no channel.
    pub fn decode(self, message: Bytes) -> Option<(u8, Bytes)> {
        let channel = *message.first()?;
        let data = message.slice(1..);
        match self {
            Self::Binary => Some((channel, data)),
            Self::Base64 => {
                let channel = channel.checked_sub(b'0')?;
                Some((channel, BASE64.decode(&data).ok()?.into()))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_encoded_comes_back() {
        let all: Vec<u8> = (0..=255).collect();
        for codec in [Codec::Binary, Codec::Base64] {
            for data in [&[][..], b"\0", &all] {
                for channel in [STDIN, STDERR, 63] {
                    let message = codec.encode(channel, data);
                    assert_eq!(message.is_text(), codec == Codec::Base64);
                    let (to, decoded) = codec.decode(message.into_data()).unwrap();
                    assert_eq!((to, &*decoded), (channel, data));
                }
            }
        }
    }

    #[test]
    fn garbage_is_no_message() {
        assert!(Codec::Binary.decode(Bytes::new()).is_none());
        assert!(Codec::Base64.decode(Bytes::new()).is_none());
        assert!(Codec::Base64.decode(Bytes::from_static(b"0!!!")).is_none());
        assert!(Codec::Base64.decode(Bytes::from_static(b"\x01Zm9v")).is_none());
    }

    #[test]
    fn base64_is_the_alphabet_with_padding() {
        assert_eq!(Codec::Base64.encode(STDOUT, b"\n").into_data(), &b"1Cg=="[..]);
        let (channel, data) = Codec::Base64.decode(Bytes::from_static(b"0Zm9vCg==")).unwrap();
        assert_eq!((channel, &*data), (STDIN, &b"foo\n"[..]));
    }
}
