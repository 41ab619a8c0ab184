//! Owns processes.
