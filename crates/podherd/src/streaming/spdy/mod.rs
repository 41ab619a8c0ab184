//! Frames of SPDY/3.1 (draft-mbelshe-httpbis-spdy-00, and version 3.1 of the same), as far as the clients of
//! Kubernetes use them: streams that are opened by the client, with headers and without priorities.
//!
//! - `decode` makes frames of bytes that come in pieces; `headers` the header blocks within them.
//! - `encode` makes the frames that a server sends.
//!
//! Flow control is left to the connection beneath: those clients neither send WINDOW_UPDATE nor heed it.

mod decode;
mod dictionary;
mod encode;
mod headers;

pub use decode::{Decoder, Frame, ProtocolError};
pub use encode::{DATA_HEADER, HeaderWriter, ResetStatus, data_header, go_away, ping, reset_stream};
pub use headers::Headers;

/// Types of control frames that matter here (section 2.6).
mod kind {
    pub const SYN_STREAM: u16 = 1;
    pub const SYN_REPLY: u16 = 2;
    pub const RST_STREAM: u16 = 3;
    pub const PING: u16 = 6;
    pub const GOAWAY: u16 = 7;
    pub const HEADERS: u16 = 8;
}

/// The sender's last frame of a stream.
const FLAG_FIN: u8 = 1;
/// The receiver may not send on this stream.
const FLAG_UNIDIRECTIONAL: u8 = 2;

/// Version in control frames.
const VERSION: u16 = 3;

/// A frame's header: type or stream, flags and length.
const FRAME_HEADER: usize = 8;
