//! The few fields of a bundle's `config.json` that a monitor has to know. Whether the rest is right
//! is the runtime's to say (OCI runtime specification, config.md).

use std::path::{Path, PathBuf};

use serde::Deserialize;

use crate::error::{Code, Error, Result};

/// What was read of a bundle.
#[derive(Clone, Debug)]
pub struct Bundle {
    /// The bundle's directory.
    pub path: PathBuf,
    /// `linux.cgroupsPath`, if given.
    pub cgroups_path: Option<PathBuf>,
}

#[derive(Deserialize)]
struct Config {
    #[serde(rename = "ociVersion")]
    oci_version: Option<String>,
    linux: Option<Linux>,
}

#[derive(Deserialize)]
struct Linux {
    #[serde(rename = "cgroupsPath")]
    cgroups_path: Option<PathBuf>,
}

impl Bundle {
    /// Reads `path`/config.json. Blocks on the disk: to be called on a writer thread.
    pub fn read(path: &Path) -> Result<Self> {
        let file = path.join("config.json");
        let invalid =
            |why: String| Error::new(Code::BundleInvalid, format!("bundle {}: {why}", path.display()));
        let text = match std::fs::read(&file) {
            Ok(text) => text,
            Err(error) if !path.is_dir() => {
                return Err(Error::from_io(
                    Code::BundleInvalid,
                    format!("bundle {}", path.display()),
                    &error,
                ));
            }
            Err(error) => return Err(Error::from_io(Code::BundleInvalid, file.display(), &error)),
        };
        let config: Config = serde_json::from_slice(&text)
            .map_err(|error| invalid(format!("config.json is not valid: {error}")))?;
        match config.oci_version {
            None => return Err(invalid("config.json has no ociVersion".into())),
            Some(version) if !version.starts_with("1.") => {
                return Err(invalid(format!(
                    "config.json has ociVersion {version:?}, expected 1.x"
                )));
            }
            Some(_) => {}
        }
        let cgroups_path = config
            .linux
            .and_then(|linux| linux.cgroups_path)
            .filter(|path| !path.as_os_str().is_empty());
        Ok(Self {
            path: path.to_owned(),
            cgroups_path,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(config: &str) -> Result<Bundle> {
        let directory = tempfile::tempdir().unwrap();
        std::fs::write(directory.path().join("config.json"), config).unwrap();
        Bundle::read(directory.path())
    }

    #[test]
    fn takes_the_cgroup_path_and_ignores_what_it_does_not_know() {
        let bundle =
            read(r#"{"ociVersion":"1.0.2-dev","linux":{"cgroupsPath":"/a/b","x":1},"process":{}}"#).unwrap();
        assert_eq!(bundle.cgroups_path.as_deref(), Some(Path::new("/a/b")));
        assert!(read(r#"{"ociVersion":"1.2.0"}"#).unwrap().cgroups_path.is_none());
    }

    #[test]
    fn says_what_is_wrong_with_a_bundle() {
        for (config, words) in [
            ("{", "config.json is not valid"),
            ("[]", "config.json is not valid"),
            ("{}", "no ociVersion"),
            (r#"{"ociVersion":"0.9"}"#, "expected 1.x"),
        ] {
            let error = read(config).unwrap_err();
            assert_eq!(error.code, Code::BundleInvalid);
            assert!(error.message.contains(words), "{error}");
        }
        let missing = Bundle::read(Path::new("/nonexistent/bundle")).unwrap_err();
        assert!(
            missing.message.contains("/nonexistent/bundle") && missing.message.contains("No such file"),
            "{missing}"
        );
    }
}
