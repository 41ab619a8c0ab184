//! The standard streams of one container or exec, as its attach clients share them.

use super::hub::{Follower, Hub, Pace};
use super::{Stdin, Terminal};

/// What attach clients share. Clones are the same streams.
#[derive(Clone, Debug)]
pub struct Stdio {
    /// Its output.
    pub hub: Hub,
    /// Its input, if it has one.
    pub stdin: Option<Stdin>,
    /// Its terminal, if it has one.
    pub terminal: Option<Terminal>,
}

/// One client's part in the streams.
#[derive(Debug)]
pub struct Session {
    /// The output from now on.
    pub output: Follower,
    /// The input, if there is one.
    pub stdin: Option<Stdin>,
    terminal: Option<Terminal>,
}

impl Stdio {
    /// The streams of a process with or without a terminal; `stdin` is the write end of its pipe. A
    /// terminal always has an input.
    pub fn new(hub: Hub, stdin: Option<Stdin>, terminal: Option<Terminal>) -> Self {
        Self {
            hub,
            stdin: terminal.as_ref().map(Terminal::stdin).or(stdin),
            terminal,
        }
    }

    /// Takes part in the streams. None: the output has ended.
    pub fn attach(&self, pace: Pace) -> Option<Session> {
        Some(self.part(self.hub.follow(pace)?))
    }

    /// The part of one who follows the output already.
    pub fn part(&self, output: Follower) -> Session {
        Session {
            output,
            stdin: self.stdin.clone(),
            terminal: self.terminal.clone(),
        }
    }
}

impl Session {
    /// The terminal, if there is one.
    pub fn terminal(&self) -> Option<&Terminal> {
        self.terminal.as_ref()
    }
}
