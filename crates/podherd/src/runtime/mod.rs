//! The OCI runtime: which one it is, how its command lines read, one run of it, and what it says
//! when it fails.

mod call;
mod identity;
mod message;
mod program;

pub use call::{CallFailure, RuntimeCall};
pub use identity::{Identity, Kind};
pub use program::{CgroupManager, Runtime};
