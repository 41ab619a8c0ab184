//! A client that adds as little as can be to what is measured.

use std::fmt;
use std::path::{Path, PathBuf};

use capnp_rpc::rpc_twoparty_capnp::Side;
use capnp_rpc::{RpcSystem, twoparty};
use podherd_schema::conmon_capnp::conmon;
use podherd_schema::podherd_capnp::podherd;
use rustix::process::Pid;
use tokio::net::UnixStream;
use tokio_util::compat::{TokioAsyncReadCompatExt, TokioAsyncWriteCompatExt};

use crate::{Result, programs};

/// A connection to a server.
pub struct Client {
    podherd: podherd::Client,
    conmon: conmon::Client,
}

/// A container to create.
#[derive(Debug, Default)]
pub struct NewContainer<'a> {
    /// Its id.
    pub id: &'a str,
    /// Its bundle.
    pub bundle: PathBuf,
    /// Its log, in the kubelet's format.
    pub log: Option<PathBuf>,
    /// Its exit file.
    pub exit_file: Option<PathBuf>,
}

impl Client {
    /// Connects.
    pub async fn connect(socket: &Path) -> Result<Self> {
        let (reader, writer) = UnixStream::connect(socket).await?.into_split();
        let network = twoparty::VatNetwork::new(
            reader.compat(),
            writer.compat_write(),
            Side::Client,
            capnp::message::ReaderOptions::new(),
        );
        let mut rpc = RpcSystem::new(Box::new(network), None);
        let podherd = rpc.bootstrap(Side::Server);
        let conmon = rpc.bootstrap(Side::Server);
        // Ends with the connection.
        tokio::task::spawn_local(rpc);
        Ok(Self { podherd, conmon })
    }

    /// A call that does nothing: what the wire alone costs.
    pub async fn nothing(&self) -> Result<()> {
        self.podherd.server_info_request().send().promise.await?;
        Ok(())
    }

    /// Creates a container and returns the pid of its init.
    pub async fn create(&self, new: &NewContainer<'_>) -> Result<Pid> {
        let mut call = self.conmon.create_container_request();
        let mut request = call.get().init_request();
        request.set_id(new.id);
        request.set_bundle_path(text(&new.bundle)?);
        request.set_cgroup_manager(conmon::CgroupManager::Cgroupfs);
        if let Some(log) = &new.log {
            let mut driver = request.reborrow().init_log_drivers(1).get(0);
            driver.set_type(conmon::log_driver::Type::ContainerRuntimeInterface);
            driver.set_path(text(log)?);
        }
        if let Some(exit_file) = &new.exit_file {
            request.init_exit_paths(1).set(0, text(exit_file)?);
        }
        let answer = call.send().promise.await?;
        programs::pid(answer.get()?.get_response()?.get_container_pid())
    }

    /// Starts a container.
    pub async fn start(&self, id: &str) -> Result<()> {
        let mut call = self.podherd.start_request();
        call.get().set_id(id);
        call.send().promise.await?;
        Ok(())
    }

    /// Creates and starts a container.
    pub async fn run(&self, new: &NewContainer<'_>) -> Result<Pid> {
        let init = self.create(new).await?;
        self.start(new.id).await?;
        Ok(init)
    }

    /// Runs a command in a container, and returns its exit code.
    pub async fn exec(&self, id: &str, command: &[&str]) -> Result<i32> {
        let mut call = self.conmon.exec_sync_container_request();
        let mut request = call.get().init_request();
        request.set_id(id);
        request.set_cgroup_manager(conmon::CgroupManager::Cgroupfs);
        request.set_command(command)?;
        let answer = call.send().promise.await?;
        Ok(answer.get()?.get_response()?.get_exit_code())
    }

    /// Waits for a container's end, and says whether all of its output is in the log.
    pub async fn wait_for_end(&self, id: &str) -> Result<bool> {
        let mut call = self.podherd.wait_container_request();
        let mut params = call.get();
        params.set_id(id);
        params.set_until(podherd::ContainerState::Exited);
        params.set_timeout_millis(LONGEST_WAIT_MS);
        let answer = call.send().promise.await?;
        let answer = answer.get()?;
        if !answer.get_reached() {
            return Err(format!("container {id} did not end").into());
        }
        Ok(answer.get_status()?.get_exit()?.get_log_complete())
    }

    /// Ends a container if it lives, and has the server forget it.
    pub async fn delete(&self, id: &str) -> Result<()> {
        let mut call = self.podherd.delete_request();
        call.get().set_id(id);
        call.get().set_force(true);
        call.send().promise.await?;
        Ok(())
    }
}

/// Nothing here takes longer unless it hangs.
const LONGEST_WAIT_MS: u64 = 120_000;

fn text(path: &Path) -> Result<&str> {
    path.to_str()
        .ok_or_else(|| format!("{} is not UTF-8", path.display()).into())
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client").finish_non_exhaustive()
    }
}
