//! From bytes, in whatever pieces they come, to frames.

use bytes::{Buf, Bytes, BytesMut};

use super::headers::{HeaderReader, Headers};
use super::{FLAG_FIN, FLAG_UNIDIRECTIONAL, FRAME_HEADER, VERSION, kind};

/// Bytes of a control frame, at most. Data frames may have any length, since they are not kept.
const MAX_CONTROL: usize = 16 << 10;

/// What a client sends. Streams are numbered with 31 bits.
#[derive(Debug, PartialEq, Eq)]
pub enum Frame {
    /// SYN_STREAM
    Open {
        /// The new stream.
        stream: u32,
        /// The client sends nothing on it.
        finished: bool,
        /// The server may send nothing on it.
        unidirectional: bool,
        /// What it is for.
        headers: Headers,
    },
    /// DATA, or a part of one.
    Data {
        /// The stream.
        stream: u32,
        /// What has come; empty at its end.
        bytes: Bytes,
        /// The client sends nothing more on it.
        finished: bool,
    },
    /// HEADERS, of which only the flag matters here.
    Finished {
        /// The stream.
        stream: u32,
    },
    /// RST_STREAM
    Reset {
        /// The stream.
        stream: u32,
    },
    /// PING
    Ping {
        /// The client's number for it.
        id: u32,
    },
    /// GOAWAY: the client opens no more streams.
    GoAway,
}

/// What can't be understood: the connection is of no more use.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum ProtocolError {
    /// A control frame of another version than 3.
    #[error("a SPDY frame of version {0}")]
    Version(u16),
    /// A control frame that is too long, or too short for what it is.
    #[error("a SPDY control frame of type {kind} with {length} bytes")]
    Length {
        /// Its type.
        kind: u16,
        /// Bytes that it has, or claims.
        length: usize,
    },
    /// A header block that can't be decompressed or parsed.
    #[error("a broken SPDY header block")]
    Headers,
    /// A frame of stream 0.
    #[error("a SPDY frame of stream 0")]
    StreamZero,
}

/// Takes bytes and gives frames.
pub struct Decoder {
    received: BytesMut,
    headers: HeaderReader,
    /// The data frame of which parts are still to come.
    data: Option<OpenData>,
}

#[derive(Clone, Copy)]
struct OpenData {
    stream: u32,
    left: usize,
    finished: bool,
}

impl Decoder {
    /// For a new connection.
    pub fn new() -> Self {
        Self {
            received: BytesMut::new(),
            headers: HeaderReader::new(),
            data: None,
        }
    }

    /// Takes what has come.
    pub fn push(&mut self, bytes: Bytes) {
        if self.received.is_empty() {
            self.received = bytes.into();
        } else {
            self.received.extend_from_slice(&bytes);
        }
    }

    /// The next frame. `None`: there is more to come.
    pub fn next(&mut self) -> Result<Option<Frame>, ProtocolError> {
        loop {
            if let Some(data) = self.data {
                return Ok(self.next_data(data));
            }
            let Some(header) = self.received.first_chunk::<FRAME_HEADER>() else {
                return Ok(None);
            };
            let [a, b, c, d, flags, length @ ..] = *header;
            let length = usize::from(length[0]) << 16 | usize::from(length[1]) << 8 | usize::from(length[2]);
            if a & 0x80 == 0 {
                let stream = stream(u32::from_be_bytes([a, b, c, d]))?;
                self.received.advance(FRAME_HEADER);
                self.data = Some(OpenData {
                    stream,
                    left: length,
                    finished: flags & FLAG_FIN != 0,
                });
                continue;
            }
            let (version, kind) = (u16::from_be_bytes([a & 0x7f, b]), u16::from_be_bytes([c, d]));
            if version != VERSION {
                return Err(ProtocolError::Version(version));
            }
            if length > MAX_CONTROL {
                return Err(ProtocolError::Length { kind, length });
            }
            if self.received.len() < FRAME_HEADER + length {
                return Ok(None);
            }
            self.received.advance(FRAME_HEADER);
            let payload = self.received.split_to(length);
            if let Some(frame) = self.control(kind, flags, &payload)? {
                return Ok(Some(frame));
            }
        }
    }

    /// The next part of a data frame. `None`: nothing of it is there yet.
    fn next_data(&mut self, data: OpenData) -> Option<Frame> {
        let length = data.left.min(self.received.len());
        let left = data.left - length;
        if length == 0 && left > 0 {
            return None;
        }
        self.data = (left > 0).then_some(OpenData { left, ..data });
        Some(Frame::Data {
            stream: data.stream,
            bytes: self.received.split_to(length).freeze(),
            finished: data.finished && left == 0,
        })
    }

    /// A whole control frame. `None`: one that says nothing that matters here.
    fn control(&mut self, kind: u16, flags: u8, payload: &[u8]) -> Result<Option<Frame>, ProtocolError> {
        let finished = flags & FLAG_FIN != 0;
        let too_short = ProtocolError::Length {
            kind,
            length: payload.len(),
        };
        let number = |at: usize| -> Result<u32, ProtocolError> {
            let word = payload.get(at..).and_then(|rest| rest.first_chunk());
            word.map(|word| u32::from_be_bytes(*word))
                .ok_or(ProtocolError::Length {
                    kind,
                    length: payload.len(),
                })
        };
        Ok(match kind {
            kind::SYN_STREAM => {
                // After the stream: the associated stream, priority and slot.
                let block = payload.get(10..).ok_or(too_short)?;
                Some(Frame::Open {
                    stream: stream(number(0)?)?,
                    finished,
                    unidirectional: flags & FLAG_UNIDIRECTIONAL != 0,
                    headers: self.headers.read(block).ok_or(ProtocolError::Headers)?,
                })
            }
            // A client has nothing to reply to; the block is read all the same, for the sake of the next one.
            kind::HEADERS | kind::SYN_REPLY => {
                let block = payload.get(4..).ok_or(too_short)?;
                let stream = stream(number(0)?)?;
                self.headers.read(block).ok_or(ProtocolError::Headers)?;
                finished.then_some(Frame::Finished { stream })
            }
            kind::RST_STREAM => Some(Frame::Reset {
                stream: stream(number(0)?)?,
            }),
            kind::PING => Some(Frame::Ping { id: number(0)? }),
            kind::GOAWAY => Some(Frame::GoAway),
            // Unknown types are to be ignored (section 2.2.1), and SETTINGS and WINDOW_UPDATE say nothing here.
            _ => None,
        })
    }
}

/// The stream of a word whose first bit means something else.
fn stream(word: u32) -> Result<u32, ProtocolError> {
    match word & 0x7fff_ffff {
        0 => Err(ProtocolError::StreamZero),
        stream => Ok(stream),
    }
}

#[cfg(test)]
mod tests {
    use super::super::encode::{self, ResetStatus};
    use super::super::headers::tests::{Compressor, block};
    use super::*;

    fn control(kind: u16, flags: u8, payload: &[u8]) -> Vec<u8> {
        let mut frame = vec![0x80, 3];
        frame.extend_from_slice(&kind.to_be_bytes());
        frame.extend_from_slice(&((payload.len() as u32) | u32::from(flags) << 24).to_be_bytes());
        frame.extend_from_slice(payload);
        frame
    }

    fn open(compressor: &mut Compressor, stream: u32, fields: &[(&str, &str)]) -> Vec<u8> {
        let mut payload = stream.to_be_bytes().to_vec();
        payload.extend_from_slice(&[0; 6]);
        payload.extend_from_slice(&compressor.compress(&block(fields)));
        control(kind::SYN_STREAM, 0, &payload)
    }

    fn data(stream: u32, bytes: &[u8], finished: bool) -> Vec<u8> {
        [&encode::data_header(stream, bytes.len(), finished)[..], bytes].concat()
    }

    /// All frames of these bytes in pieces of this size, data of one frame put together.
    fn decode(bytes: &[u8], piece: usize) -> Result<Vec<Frame>, ProtocolError> {
        let mut decoder = Decoder::new();
        let mut frames = Vec::new();
        for piece in bytes.chunks(piece) {
            decoder.push(Bytes::copy_from_slice(piece));
            while let Some(frame) = decoder.next()? {
                frames.push(frame);
            }
        }
        Ok(frames)
    }

    #[test]
    fn frames_come_whole_from_any_pieces() {
        let mut compressor = Compressor::new();
        let bytes = [
            open(&mut compressor, 1, &[("streamtype", "error"), ("port", "80")]),
            control(4, 0, &[0, 0, 0, 0]),
            data(1, b"", true),
            open(&mut compressor, 3, &[("streamtype", "data"), ("port", "80")]),
            encode::ping(7).to_vec(),
            control(99, 0, b"unknown"),
            encode::reset_stream(3, ResetStatus::Cancel).to_vec(),
            encode::go_away(3).to_vec(),
        ]
        .concat();
        let whole = decode(&bytes, bytes.len()).unwrap();
        let Frame::Open {
            stream: 3,
            finished: false,
            headers,
            ..
        } = &whole[2]
        else {
            panic!("{whole:?}");
        };
        assert_eq!(headers.get("streamtype"), Some("data"));
        assert_eq!(
            whole[1],
            Frame::Data {
                stream: 1,
                bytes: Bytes::new(),
                finished: true
            }
        );
        let ends = [Frame::Ping { id: 7 }, Frame::Reset { stream: 3 }, Frame::GoAway];
        assert_eq!(whole[3..], ends);
        for piece in 1..20 {
            assert_eq!(decode(&bytes, piece).unwrap(), whole, "in pieces of {piece}");
        }
    }

    #[test]
    fn data_is_given_as_it_comes_and_not_kept() {
        let sent: Vec<u8> = (0..100_000_u32).map(|number| number as u8).collect();
        let mut received = Vec::new();
        let frames = decode(&data(5, &sent, true), 1000).unwrap();
        let last = frames.len() - 1;
        for (index, frame) in frames.into_iter().enumerate() {
            let Frame::Data {
                stream: 5,
                bytes,
                finished,
            } = frame
            else {
                panic!("{frame:?}");
            };
            assert!(bytes.len() <= 1000);
            assert_eq!(finished, index == last);
            received.extend_from_slice(&bytes);
        }
        assert_eq!(received, sent);
    }

    #[test]
    fn garbage_is_an_error() {
        let error = |bytes: &[u8]| decode(bytes, bytes.len()).unwrap_err();
        assert_eq!(error(&[0x80, 2, 0, 1, 0, 0, 0, 0]), ProtocolError::Version(2));
        assert_eq!(
            error(&[0x80, 3, 0, 1, 0, 255, 255, 255]),
            ProtocolError::Length {
                kind: 1,
                length: 0xff_ffff
            }
        );
        assert_eq!(
            error(&control(kind::SYN_STREAM, 0, &[0; 9])),
            ProtocolError::Length { kind: 1, length: 9 }
        );
        assert_eq!(
            error(&control(kind::PING, 0, &[0; 3])),
            ProtocolError::Length { kind: 6, length: 3 }
        );
        assert_eq!(error(&data(0, b"x", false)), ProtocolError::StreamZero);
        assert_eq!(
            error(&control(kind::RST_STREAM, 0, &[0; 8])),
            ProtocolError::StreamZero
        );
        let stream_one = [&[0, 0, 0, 1][..], &[0; 6], b"no zlib stream"].concat();
        assert_eq!(
            error(&control(kind::SYN_STREAM, 0, &stream_one)),
            ProtocolError::Headers
        );
    }

    #[test]
    fn random_bytes_never_panic() {
        let mut state = 1_u64;
        for _ in 0..2_000 {
            let bytes: Vec<u8> = (0..200)
                .map(|_| {
                    state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                    (state >> 33) as u8
                })
                .collect();
            let _ = decode(&bytes, 7);
            // The same with a plausible beginning, which gets further.
            let _ = decode(
                &[&[0x80, 3, 0, bytes[0] % 10, 0, 0, 0, 180][..], &bytes].concat(),
                50,
            );
        }
    }
}
