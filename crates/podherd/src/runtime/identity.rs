//! Which runtime this is. Its optional flags are used only where the version at hand has them, and
//! its state directory is looked at only where its layout is known.

use std::path::{Path, PathBuf};

/// The runtimes whose habits are known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// <https://github.com/opencontainers/runc>
    Runc,
    /// <https://github.com/containers/crun>
    Crun,
    /// <https://github.com/youki-dev/youki>
    Youki,
    /// Anything else: only what the OCI command line promises is used.
    Other,
}

/// What a runtime's `--version` told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Identity {
    /// The product.
    pub kind: Kind,
    /// Major and minor version; zero where not known.
    pub version: (u32, u32),
}

impl Identity {
    /// Reads the first line of `RUNTIME --version`: `runc version 1.1.5+ds1`.
    pub fn parse(output: &str) -> Self {
        let mut words = output.lines().next().unwrap_or_default().split_whitespace();
        let kind = match words.next() {
            Some("runc") => Kind::Runc,
            Some("crun") => Kind::Crun,
            Some("youki") => Kind::Youki,
            _ => Kind::Other,
        };
        let mut numbers = words
            .find(|word| word.starts_with(|c: char| c.is_ascii_digit()))
            .unwrap_or_default()
            .split('.')
            .map(|part| {
                part.chars()
                    .take_while(char::is_ascii_digit)
                    .collect::<String>()
                    .parse()
                    .unwrap_or(0)
            });
        let version = (numbers.next().unwrap_or(0), numbers.next().unwrap_or(0));
        Self { kind, version }
    }

    /// Name and version as that line has them; empty where it has none.
    pub fn words(output: &str) -> (String, String) {
        let mut words = output.lines().next().unwrap_or_default().split_whitespace();
        let name = words.next().unwrap_or_default();
        let version = words.find(|word| word.starts_with(|c: char| c.is_ascii_digit()));
        (name.to_owned(), version.unwrap_or_default().to_owned())
    }

    /// Whether `--log FILE --log-format json` stand among the global options.
    pub fn has_json_log(self) -> bool {
        self.kind != Kind::Other
    }

    /// Whether `exec --cgroup PATH` places a process in a sub-cgroup (runc 1.1, crun 1.0).
    pub fn has_exec_cgroup(self) -> bool {
        match self.kind {
            Kind::Runc => self.version >= (1, 1),
            Kind::Crun => self.version >= (1, 5),
            Kind::Youki | Kind::Other => false,
        }
    }

    /// Whether `exec --cgroup` of version 1 takes one path for all controllers (crun), so that a
    /// sub-cgroup has to be there in each: a process is placed nowhere in those where it isn't.
    pub fn exec_cgroup_is_in_all(self) -> bool {
        self.kind == Kind::Crun
    }

    /// Where this runtime keeps `ID/…` when no root was given. None: not known.
    pub fn default_root(self) -> Option<PathBuf> {
        let path = match self.kind {
            Kind::Runc => "/run/runc",
            Kind::Crun => "/run/crun",
            Kind::Youki => "/run/youki",
            Kind::Other => return None,
        };
        Some(Path::new(path).to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_debian_and_upstream_builds_print() {
        let runc = Identity::parse("runc version 1.1.5+ds1\ncommit: 1.1.5\n");
        assert_eq!(
            runc,
            Identity {
                kind: Kind::Runc,
                version: (1, 1)
            }
        );
        assert_eq!(
            Identity::parse("crun version 1.8.1\n"),
            Identity {
                kind: Kind::Crun,
                version: (1, 8)
            }
        );
        assert_eq!(Identity::parse("crun 1.14.4\n").version, (1, 14));
        assert_eq!(Identity::words("runc version 1.1.5+ds1\n").1, "1.1.5+ds1");
        assert_eq!(Identity::words(""), (String::new(), String::new()));
        assert_eq!(Identity::parse("youki version 0.5.3").kind, Kind::Youki);
    }

    #[test]
    fn assumes_nothing_of_an_unknown_program() {
        for text in ["", "\n", "runsc version release-1", "runcx version 9.9"] {
            let other = Identity::parse(text);
            assert_eq!(other.kind, Kind::Other, "{text:?}");
            assert!(!other.has_json_log() && !other.has_exec_cgroup() && other.default_root().is_none());
        }
    }
}
