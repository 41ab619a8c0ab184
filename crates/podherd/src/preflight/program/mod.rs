//! Whether a program in the container can be started: found in PATH, allowed, of a format that the kernel runs,
//! its interpreter and loader there.
//!
//! - `credentials`: who will run it. `search`: PATH, as the runtimes look. `image`: what the file is and needs.
//! - `script`: `#!`. `elf`: the head of an ELF file. `host`: what this machine runs. `binfmt`: formats that
//!   somebody has registered.

mod binfmt;
mod credentials;
mod elf;
mod host;
mod image;
mod script;
mod search;

pub use credentials::{Credentials, Range, ranges};
pub use image::{Loading, Trouble};
pub use search::{Program, Quirk, search};
