//! The servers that live: where each works, and what it answers.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use futures::future::join_all;
use podherd_schema::conmon_capnp::conmon;
use podherd_schema::podherd_capnp::podherd;
use serde::Serialize;

use super::finding::{Code, Details, Finding};
use super::look::Look;
use super::monitors::Kind;
use super::processes::{Process, Processes};
use super::sockets::Sockets;
use crate::commands::{Connection, SOCKET};

/// A server.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Server {
    /// Its process.
    pub pid: u32,
    /// `podherd` or `conmon-rs`.
    pub kind: &'static str,
    /// Of its answer; null without one.
    pub version: Option<String>,
    /// Where its sockets are.
    pub runtime_dir: Option<PathBuf>,
    /// The runtime's binary.
    pub runtime_path: Option<PathBuf>,
    /// Null: the runtime's own default.
    pub runtime_root: Option<PathBuf>,
    /// Version of the runtime, as the server knows it.
    pub runtime_version: Option<String>,
    /// Whether it answers.
    pub answers: bool,
    /// Why not.
    pub failure: Option<String>,
    /// Clients that were connected when it was looked at.
    pub clients: usize,
    /// Ids of the containers that it knows, ended ones included; null where it can't tell.
    pub containers: Option<Vec<String>>,
    /// The directory as this process reaches it, whatever the server's root is.
    #[serde(skip)]
    pub reached_dir: Option<PathBuf>,
    /// Nobody can reach it: why.
    #[serde(skip)]
    pub unreachable: Option<String>,
    #[serde(skip)]
    identity: String,
    #[serde(skip)]
    program_replaced: bool,
}

impl Server {
    /// All that live, asked at the same time.
    pub async fn look(
        processes: &Processes,
        is_server: impl Fn(&Process) -> Option<Kind>,
        sockets: &Sockets,
        within: Duration,
    ) -> Vec<Self> {
        let servers = processes.iter().filter_map(|process| {
            is_server(process)
                .filter(|kind| matches!(kind, Kind::Podherd | Kind::ConmonRs))
                .map(|kind| Self::of(process, kind, sockets))
        });
        let mut servers: Vec<_> = servers.collect();
        join_all(servers.iter_mut().map(|server| server.ask(within))).await;
        servers
    }

    fn of(process: &Process, kind: Kind, sockets: &Sockets) -> Self {
        let named = process
            .flag("--runtime-dir")
            .map(PathBuf::from)
            .filter(|path| path.is_absolute());
        let runtime_dir = named.or_else(|| open_runtime_dir(process.pid));
        let reached_dir = runtime_dir.as_deref().map(|path| seen_by(process.pid, path));
        let clients = reached_dir
            .as_ref()
            .map_or(0, |directory| sockets.clients(&directory.join(SOCKET)));
        Self {
            pid: process.pid,
            kind: kind.as_str(),
            version: None,
            runtime_path: process
                .flag("--runtime")
                .or_else(|| process.flag("-r"))
                .map(PathBuf::from),
            runtime_root: process.flag("--runtime-root").map(PathBuf::from),
            runtime_version: None,
            answers: false,
            failure: None,
            clients,
            containers: None,
            runtime_dir,
            reached_dir,
            unreachable: None,
            identity: process.identity(),
            program_replaced: process.program_replaced,
        }
    }

    async fn ask(&mut self, within: Duration) {
        let Some(directory) = self.reached_dir.clone() else {
            self.failure = Some("its runtime directory can't be found out".into());
            self.unreachable = Some("its runtime directory is gone".into());
            return;
        };
        let socket = directory.join(SOCKET);
        if fs::symlink_metadata(&socket).is_err() {
            let why = format!("its socket {SOCKET} is gone");
            self.failure = Some(why.clone());
            self.unreachable = Some(why);
            return;
        }
        match tokio::time::timeout(within, self.talk(&socket)).await {
            Ok(Ok(())) => self.answers = self.unreachable.is_none(),
            Ok(Err(error)) => self.failure = Some(error),
            Err(_) => self.failure = Some(format!("no answer in {} s", within.as_secs_f64())),
        }
    }

    async fn talk(&mut self, socket: &Path) -> Result<(), String> {
        let connection = Connection::open(socket)
            .await
            .map_err(|error| error.to_string())?;
        if let Some(peer) = connection.peer.filter(|&peer| peer != self.pid) {
            let why = format!("process {peer} listens at its socket instead");
            self.failure = Some(why.clone());
            self.unreachable = Some(why);
            return Ok(());
        }
        let told = match self.kind {
            "podherd" => self.ask_ours(&connection.podherd).await,
            _ => self.ask_compatible(&connection.podherd).await,
        };
        told.map_err(|error| error.to_string())
    }

    async fn ask_ours(&mut self, server: &podherd::Client) -> capnp::Result<()> {
        let answer = server.server_info_request().send().promise.await?;
        let info = answer.get()?.get_info()?;
        self.version = Some(info.get_version()?.to_string()?);
        self.runtime_path = Some(info.get_runtime_path()?.to_string()?.into());
        let root = info.get_runtime_root()?.to_string()?;
        self.runtime_root = Some(PathBuf::from(root)).filter(|root| !root.as_os_str().is_empty());
        let runtime = format!(
            "{} {}",
            info.get_runtime_name()?.to_str()?,
            info.get_runtime_version()?.to_str()?
        );
        self.runtime_version = Some(runtime.trim().to_owned()).filter(|text| !text.is_empty());
        let answer = server.list_containers_request().send().promise.await?;
        let list = answer.get()?.get_containers()?;
        let ids = list.iter().map(|status| Ok(status.get_id()?.to_string()?));
        self.containers = Some(ids.collect::<capnp::Result<_>>()?);
        Ok(())
    }

    async fn ask_compatible(&mut self, server: &podherd::Client) -> capnp::Result<()> {
        let compatible = conmon::Client {
            client: server.client.clone(),
        };
        let answer = compatible.version_request().send().promise.await?;
        self.version = Some(answer.get()?.get_response()?.get_version()?.to_string()?);
        Ok(())
    }
}

/// A path as a process sees it: it may live in another mount namespace.
fn seen_by(pid: u32, path: &Path) -> PathBuf {
    let same = |name: &str| {
        fs::read_link(format!("/proc/{pid}/ns/{name}")).ok()
            == fs::read_link(format!("/proc/self/ns/{name}")).ok()
    };
    if same("mnt") {
        return path.to_owned();
    }
    Path::new(&format!("/proc/{pid}/root")).join(path.strip_prefix("/").unwrap_or(path))
}

/// The directory with a server's sockets that a process has open.
fn open_runtime_dir(pid: u32) -> Option<PathBuf> {
    let entries = fs::read_dir(format!("/proc/{pid}/fd")).ok()?;
    let targets = entries
        .flatten()
        .filter_map(|entry| fs::read_link(entry.path()).ok());
    let mut directories = targets.filter(|target| target.is_absolute());
    directories.find(|target| fs::symlink_metadata(seen_by(pid, target).join(SOCKET)).is_ok())
}

/// Servers that can't be reached or don't answer, and those whose binary is no longer there.
pub fn silent(look: &Look<'_>) -> Vec<Finding> {
    look.servers
        .iter()
        .flat_map(|server| server.findings(look))
        .collect()
}

impl Server {
    fn findings(&self, look: &Look<'_>) -> Vec<Finding> {
        let subject = look.processes.tell(self.pid);
        let details = Details {
            pid: Some(self.pid),
            name: look.processes.get(self.pid).map(|process| process.name.clone()),
            runtime_dir: self.runtime_dir.clone(),
            ..Details::default()
        };
        let pid = self.pid;
        let mut findings = Vec::new();
        let containers = look.processes.children(pid).count();
        if let Some(why) = &self.unreachable {
            findings.push(
                Finding::problem(Code::ServerUnreachable, &self.identity, &subject)
                    .says(format!(
                        "no client can reach this server: {why}; it has {containers} child processes"
                    ))
                    .advises(format!(
                        "end it in order (its containers end with it): kill -INT {pid}"
                    ))
                    .with(details.clone()),
            );
        } else if let Some(why) = &self.failure {
            findings.push(
                Finding::problem(Code::ServerNotAnswering, &self.identity, &subject)
                    .says(format!("this server does not answer: {why}"))
                    .advises(format!(
                        "see what holds it (cat /proc/{pid}/stack, its log, whether it is stopped); kill -INT {pid} ends it with its containers"
                    ))
                    .with(details.clone()),
            );
        }
        if self.program_replaced {
            findings.push(
                Finding::note(Code::BinaryReplaced, &self.identity, &subject)
                    .says("its binary was replaced or removed since it was started")
                    .advises("nothing; new servers run the new binary, and this one ends with its pod")
                    .with(details),
            );
        }
        findings
    }
}
