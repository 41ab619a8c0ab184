//! temp
pub mod channel;
pub mod http;
pub mod protocol;
pub mod request;
pub mod socket;
pub mod spdy;
pub mod status;
pub mod tokens;
