//! The process that holds a pod's namespaces, as the server sees it. The process's own side is `pause`.
//!
//! Its standard input is its lease: one byte lets it go on once its ids are mapped, the end of the pipe ends
//! it. Its standard output is its report: `ready`, or what went wrong.

use std::fs::File;
use std::io::{self, Write};
use std::os::fd::OwnedFd;
use std::time::Duration;

use podherd_reaper::{Process, Program, Reaper};
use rustix::fs::{Mode, OFlags};
use tokio::io::Interest;

use super::pause::READY;
use super::{IdMaps, Kind, NamespacesRequest};
use crate::error::{Code, Error, Result};
use crate::{readiness, stdio};

/// A process that holds namespaces. Dropped, it ends by itself.
#[derive(Debug)]
pub(super) struct Holder {
    process: Process,
    /// Nobody else has this end: with the server it is closed, whatever the server dies of.
    lease: OwnedFd,
    /// Read once.
    report: Option<OwnedFd>,
}

/// Longer than a process that does a dozen system calls ever takes.
const READY_TIMEOUT: Duration = Duration::from_secs(10);

/// How long it may take to end by itself.
const END_TIMEOUT: Duration = Duration::from_secs(1);

/// More is not read of what it says.
const LONGEST_REPORT: usize = 4096;

impl Holder {
    /// Starts it in the namespaces that are to be new.
    pub(super) fn spawn(reaper: &Reaper, request: &NamespacesRequest) -> Result<Self> {
        let exhausted = |error: io::Error| Error::from_io(Code::NamespacesFailed, "a pipe", &error);
        let (leased, lease) = stdio::pipe().map_err(exhausted)?;
        let (report, reported) = stdio::pipe().map_err(exhausted)?;
        // By this path it is the server's own binary, also when that has been replaced or can't be reached in
        // a user namespace.
        let mut program = Program::new("/proc/self/exe")
            .arg("pause")
            .arg(format!("--pod-id={}", request.pod_id))
            .env_clear()
            .current_dir("/")
            .stdin(leased)
            .stdout(reported)
            .new_namespaces(request.kinds);
        if let Some(IdMaps { users, groups }) = &request.ids {
            program = program
                .arg(format!("--uid={}", users.lowest()))
                .arg(format!("--gid={}", groups.lowest()));
        }
        let process = reaper.spawn(program).map_err(|error| {
            let errno = rustix::io::Errno::from_io_error(error.io_error());
            let code = errno.map_or(Code::NamespacesFailed, |errno| {
                Code::NamespacesFailed.or_exhausted(errno)
            });
            Error::new(
                code,
                format!("starting the process that holds the namespaces: {error}"),
            )
        })?;
        let report = Some(report);
        Ok(Self {
            process,
            lease,
            report,
        })
    }

    /// The process.
    pub(super) fn process(&self) -> &Process {
        &self.process
    }

    /// Opens one of its namespaces.
    pub(super) fn namespace(&self, kind: Kind) -> Result<OwnedFd> {
        let path = format!("/proc/{}/ns/{}", self.process.pid(), kind.name());
        rustix::fs::open(&path, OFlags::RDONLY | OFlags::CLOEXEC, Mode::empty())
            .map_err(|error| Error::from_io(Code::NamespacesFailed, path, &error.into()))
    }

    /// Maps the ids of its user namespace, from outside. `setgroups(2)` stays allowed in it: who may map any
    /// group need not forbid it (user_namespaces(7)).
    pub(super) fn map_ids(&self, maps: &IdMaps) -> Result<()> {
        for (name, map) in [("gid_map", &maps.groups), ("uid_map", &maps.users)] {
            let path = format!("/proc/{}/{name}", self.process.pid());
            File::options()
                .write(true)
                .open(&path)
                .and_then(|mut file| file.write_all(map.text().as_bytes()))
                .map_err(|error| {
                    let what = format!("the kernel refuses this {name}: {:?}", map.text());
                    Error::from_io(Code::NamespacesFailed, what, &error)
                })?;
        }
        Ok(())
    }

    /// Lets it go on, and waits until it is fit to be joined.
    pub(super) async fn begin(&mut self) -> Result<()> {
        let failed = |error: io::Error| {
            let what = "talking to the process that holds the namespaces";
            Error::from_io(Code::NamespacesFailed, what, &error)
        };
        // If it has ended, its report says why.
        let _ = rustix::io::write(&self.lease, b"\n");
        let report = match self.report.take() {
            Some(report) => tokio::time::timeout(READY_TIMEOUT, read(report))
                .await
                .unwrap_or_else(|_| Ok("it did not get ready in time".into()))
                .map_err(failed)?,
            None => return Ok(()),
        };
        match report.as_str() {
            READY => Ok(()),
            "" => {
                let exit = tokio::time::timeout(END_TIMEOUT, self.process.wait()).await;
                let how = exit.map_or("is silent".into(), |exit| format!("ended: {:?}", exit.status));
                let message = format!("the process that holds the namespaces {how}");
                Err(Error::new(Code::NamespacesFailed, message))
            }
            why => {
                let message = format!("the process that holds the namespaces failed: {}", why.trim_end());
                Err(Error::new(Code::NamespacesFailed, message))
            }
        }
    }

    /// Ends it, and waits until it is collected; with it ends all that is in its pid namespace.
    pub(super) async fn end(self) {
        let Self { process, lease, .. } = self;
        drop(lease);
        if tokio::time::timeout(END_TIMEOUT, process.wait()).await.is_ok() {
            return;
        }
        if let Err(error) = process.kill_tree(END_TIMEOUT).await {
            tracing::error!(code = %Code::Internal, %error, pid = process.pid(), "ending the process that holds the namespaces");
        }
    }
}

/// Reads to the end.
async fn read(report: OwnedFd) -> io::Result<String> {
    rustix::io::ioctl_fionbio(&report, true)?;
    let report = readiness::register(report, Interest::READABLE)?;
    let mut text = Vec::new();
    while text.len() < LONGEST_REPORT {
        let mut ready = report.readable().await?;
        let mut piece = [0; 512];
        match ready.try_io(|report| Ok(rustix::io::read(report, &mut piece)?)) {
            Ok(Ok(0)) => break,
            Ok(Ok(count)) => text.extend_from_slice(&piece[..count]),
            Ok(Err(error)) => return Err(error),
            Err(_would_block) => {}
        }
    }
    Ok(String::from_utf8_lossy(&text).into_owned())
}
