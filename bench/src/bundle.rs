//! What containers are made of.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use serde_json::json;

use crate::Result;
use crate::ground::Ground;

/// What the no-op runtime needs: a configuration that nobody obeys.
pub fn write_empty(directory: &Path) -> Result<()> {
    fs::create_dir_all(directory)?;
    let config = json!({ "ociVersion": "1.0.2", "root": { "path": "/" }, "process": { "args": ["true"] } });
    Ok(fs::write(directory.join("config.json"), config.to_string())?)
}

/// A root file system of one static busybox.
#[derive(Debug)]
pub struct Rootfs(PathBuf);

impl Rootfs {
    /// Makes it.
    pub fn make(ground: &Ground, busybox: &Path) -> Result<Self> {
        let path = ground.path("rootfs");
        for name in ["bin", "proc", "dev", "data"] {
            fs::create_dir_all(path.join(name))?;
        }
        let program = path.join("bin/busybox");
        fs::copy(busybox, &program).map_err(|error| format!("{}: {error}", busybox.display()))?;
        for applet in ["cat", "sleep"] {
            let link = path.join("bin").join(applet);
            if !link.exists() {
                symlink("busybox", link)?;
            }
        }
        Ok(Self(path))
    }

    /// Writes a bundle that runs `args`, with `data` at /data/input.
    pub fn write_bundle(
        &self,
        directory: &Path,
        cgroup: &str,
        args: &[&str],
        data: Option<&Path>,
    ) -> Result<()> {
        fs::create_dir_all(directory)?;
        let mut mounts = vec![
            json!({ "destination": "/proc", "type": "proc", "source": "proc" }),
            json!({ "destination": "/dev", "type": "tmpfs", "source": "tmpfs", "options": ["mode=755", "size=64k"] }),
        ];
        if let Some(data) = data {
            mounts.push(json!({ "destination": "/data", "type": "tmpfs", "source": "tmpfs", "options": ["size=64k"] }));
            mounts.push(json!({ "destination": "/data/input", "type": "bind", "source": data, "options": ["bind", "ro"] }));
        }
        let namespaces = ["pid", "ipc", "uts", "mount", "network"].map(|kind| json!({ "type": kind }));
        let config = json!({
            "ociVersion": "1.0.2",
            "process": {
                "user": { "uid": 0, "gid": 0 },
                "args": args,
                "env": ["PATH=/bin"],
                "cwd": "/",
                "noNewPrivileges": true,
            },
            "root": { "path": self.0, "readonly": true },
            "hostname": "bench",
            "mounts": mounts,
            "linux": { "cgroupsPath": cgroup, "namespaces": namespaces },
        });
        Ok(fs::write(directory.join("config.json"), config.to_string())?)
    }
}
