//! Directories and filesystems of a test's own, gone when it ends, also by a panic.

use std::future::Future;
use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;
use tokio::runtime::Builder;
use tokio::task::LocalSet;

/// Runs a test in an event loop like the server's.
pub(crate) fn on_event_loop<T>(test: impl Future<Output = T>) -> T {
    let runtime = Builder::new_current_thread().enable_all().build();
    runtime
        .expect("an event loop")
        .block_on(LocalSet::new().run_until(test))
}

/// A directory that is gone at the end.
pub(crate) fn directory() -> TempDir {
    TempDir::with_prefix("podherd-disk-").expect("a directory in /tmp")
}

/// A mounted filesystem of the test's own. Takes root.
pub(crate) struct Filesystem {
    frozen: bool,
    mounted: PathBuf,
    /// Holds the mount point, and the image of an ext4.
    _directory: TempDir,
}

impl Filesystem {
    /// A tmpfs with these mount options, `size=64k` for one.
    pub(crate) fn tmpfs(options: &str) -> Self {
        Self::mount(directory(), &["-t", "tmpfs", "-o", options, "tmpfs"])
    }

    /// An ext4 in a file of 16 MiB: a device that can be frozen.
    pub(crate) fn ext4() -> Self {
        let directory = directory();
        let image = directory.path().join("image");
        let file = std::fs::File::create(&image).expect("an image");
        file.set_len(16 << 20).expect("16 MiB");
        let image = image.to_str().expect("a plain path");
        command("mkfs.ext4", &["-q", "-F", image]);
        Self::mount(directory, &["-o", "loop", image])
    }

    fn mount(directory: TempDir, arguments: &[&str]) -> Self {
        let mounted = directory.path().join("mounted");
        std::fs::create_dir(&mounted).expect("a mount point");
        let mut all = arguments.to_vec();
        all.push(mounted.to_str().expect("a plain path"));
        command("mount", &all);
        Self {
            frozen: false,
            mounted,
            _directory: directory,
        }
    }

    pub(crate) fn path(&self) -> &Path {
        &self.mounted
    }

    /// Makes every write wait until [`Self::thaw`].
    pub(crate) fn freeze(&mut self) {
        command("fsfreeze", &["-f", self.text()]);
        self.frozen = true;
    }

    pub(crate) fn thaw(&mut self) {
        self.frozen = false;
        command("fsfreeze", &["-u", self.text()]);
    }

    pub(crate) fn remount(&self, options: &str) {
        command("mount", &["-o", &format!("remount,{options}"), self.text()]);
    }

    fn text(&self) -> &str {
        self.mounted.to_str().expect("a plain path")
    }
}

impl Drop for Filesystem {
    fn drop(&mut self) {
        // No panic here: the test's own message is the one to read.
        if self.frozen {
            let _ = run("fsfreeze", &["-u", self.text()]);
        }
        // Lazy: a writer thread may still close its file.
        let _ = run("umount", &["-l", self.text()]);
    }
}

fn command(program: &str, arguments: &[&str]) {
    let output = run(program, arguments).expect(program);
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{program} {arguments:?}: {error}");
}

#[expect(
    clippy::disallowed_methods,
    reason = "mounting is the test's, there is no reaper"
)]
pub(crate) fn run(program: &str, arguments: &[&str]) -> std::io::Result<std::process::Output> {
    Command::new(program).args(arguments).output()
}
