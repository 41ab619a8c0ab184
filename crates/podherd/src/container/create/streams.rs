//! The standard streams of a container that is being created.

use std::io;
use std::os::fd::OwnedFd;

use podherd_reaper::FileId;

use super::CreateRequest;
use crate::stdio::{self, OutputReader};

/// The server's ends of the standard streams; none where there is a terminal.
#[derive(Debug)]
pub struct Streams {
    /// The write end of its standard input, if it is kept open.
    pub stdin: Option<OwnedFd>,
    /// Its standard output.
    pub stdout: Option<OutputReader>,
    /// Its standard error.
    pub stderr: Option<OutputReader>,
}

/// The ends that the runtime, and through it the container's init, gets.
#[derive(Debug)]
pub struct ChildEnds {
    /// Standard input.
    pub stdin: OwnedFd,
    /// Standard output.
    pub stdout: OwnedFd,
    /// Standard error.
    pub stderr: OwnedFd,
}

impl Streams {
    /// Makes them.
    pub fn open(request: &CreateRequest) -> io::Result<(Self, ChildEnds)> {
        let (stdin, child_stdin) = match request.stdin && !request.terminal {
            true => stdio::pipe().map(|(read, write)| (Some(write), read))?,
            false => (None, stdio::null()?),
        };
        let (stdout, child_stdout) = stdio::pipe()?;
        let (stderr, child_stderr) = stdio::pipe()?;
        let streams = Self {
            stdin,
            stdout: Some(OutputReader::new(stdout)?),
            stderr: Some(OutputReader::new(stderr)?),
        };
        Ok((
            streams,
            ChildEnds {
                stdin: child_stdin,
                stdout: child_stdout,
                stderr: child_stderr,
            },
        ))
    }
}

impl ChildEnds {
    /// By which the holders of these ends are found.
    pub fn traces(&self) -> io::Result<Vec<FileId>> {
        Ok(vec![FileId::of(&self.stdout)?, FileId::of(&self.stderr)?])
    }
}
