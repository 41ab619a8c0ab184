//! Our own interface.

use std::rc::Rc;
use std::time::Duration;

use podherd_schema::podherd_capnp::podherd;

use super::{Service, create, read, sessions as rpc_sessions, stats, watch, write};
use crate::container::{self, Created, KillTarget, Phase, StopRequest};
use crate::preflight;
use crate::server::BuildData;
use crate::sessions;

/// Raised with every addition to `schema/podherd.capnp`.
const SCHEMA_VERSION: u32 = 2;

impl podherd::Server for Service {
    async fn server_info(
        self: Rc<Self>,
        _: podherd::ServerInfoParams,
        mut results: podherd::ServerInfoResults,
    ) -> capnp::Result<()> {
        let mut info = results.get().init_info();
        info.set_schema_version(SCHEMA_VERSION);
        info.set_version(BuildData::of_this_binary().version);
        info.set_process_id(std::process::id());
        info.set_runtime_path(&*self.pod.runtime.path().to_string_lossy());
        info.set_runtime_dir(&*self.pod.runtime_dir.path().to_string_lossy());
        info.set_instance(self.pod.events.instance());
        if cfg!(feature = "tracing-export") {
            info.reborrow().init_features(1).set(0, "tracing-export");
        }
        let (name, version) = self.pod.runtime.words();
        info.set_runtime_name(name);
        info.set_runtime_version(version);
        write::timestamp(Some(self.pod.started_at), info.reborrow().init_started_at());
        if let Some(root) = self.pod.runtime.root() {
            info.set_runtime_root(&*root.to_string_lossy());
        }
        Ok(())
    }

    async fn create(
        self: Rc<Self>,
        params: podherd::CreateParams,
        mut results: podherd::CreateResults,
    ) -> capnp::Result<()> {
        let request = create::ours(params.get()?.get_request()?)?;
        let Created { pid, findings } = container::create(&self.pod, request).await?;
        let mut results = results.get();
        results.set_pid(pid);
        write::findings(&findings, results.init_findings(findings.len() as u32));
        Ok(())
    }

    async fn start(
        self: Rc<Self>,
        params: podherd::StartParams,
        _: podherd::StartResults,
    ) -> capnp::Result<()> {
        let id = read::id(params.get()?.get_id())?;
        Ok(container::start(&self.pod, &id).await?)
    }

    async fn kill(self: Rc<Self>, params: podherd::KillParams, _: podherd::KillResults) -> capnp::Result<()> {
        let params = params.get()?;
        let id = read::id(params.get_id())?;
        let target = match params.get_target() {
            Ok(podherd::KillTarget::Init) => KillTarget::Init,
            Ok(podherd::KillTarget::All) => KillTarget::All,
            Err(unknown) => return Err(read::invalid("target", unknown).into()),
        };
        let signal = read::signal("signal", params.get_signal())?;
        Ok(container::kill(&self.pod, &id, signal, target).await?)
    }

    async fn stop(
        self: Rc<Self>,
        params: podherd::StopParams,
        mut results: podherd::StopResults,
    ) -> capnp::Result<()> {
        let params = params.get()?;
        let id = read::id(params.get_id())?;
        let signal = match params.get_signal() {
            0 => None,
            signal => Some(read::signal("signal", signal)?),
        };
        let grace = match params.get_grace_millis() {
            -1 => None,
            millis => {
                let millis = u64::try_from(millis).map_err(|error| read::invalid("graceMillis", error))?;
                Some(Duration::from_millis(millis))
            }
        };
        let (container, killed) = container::stop(&self.pod, &id, StopRequest { signal, grace }).await?;
        let mut results = results.get();
        results.set_killed(killed);
        write::status(&container, results.init_status());
        Ok(())
    }

    async fn delete(
        self: Rc<Self>,
        params: podherd::DeleteParams,
        _: podherd::DeleteResults,
    ) -> capnp::Result<()> {
        let params = params.get()?;
        let id = read::id(params.get_id())?;
        Ok(container::delete(&self.pod, &id, params.get_force()).await?)
    }

    async fn shutdown(
        self: Rc<Self>,
        params: podherd::ShutdownParams,
        _: podherd::ShutdownResults,
    ) -> capnp::Result<()> {
        match params.get()?.get_mode() {
            Ok(podherd::ShutdownMode::Kill) => {}
            Err(unknown) => return Err(read::invalid("mode", unknown).into()),
        }
        self.pod.asked_to_end.notify_one();
        Ok(())
    }

    async fn container_status(
        self: Rc<Self>,
        params: podherd::ContainerStatusParams,
        mut results: podherd::ContainerStatusResults,
    ) -> capnp::Result<()> {
        let id = read::id(params.get()?.get_id())?;
        let container = self.pod.containers.get(&id)?;
        container::notice_start(&self.pod, &container).await;
        write::status(&container, results.get().init_status());
        Ok(())
    }

    async fn list_containers(
        self: Rc<Self>,
        params: podherd::ListContainersParams,
        mut results: podherd::ListContainersResults,
    ) -> capnp::Result<()> {
        let wanted = read::selection(params.get()?)?;
        for container in &self.pod.containers.list() {
            container::notice_start(&self.pod, container).await;
        }
        let _turn = self.outbox.turn().await;
        // From here on without a wait: what the list does not show is in the events that follow.
        let all = self.pod.containers.list();
        let shown: Vec<_> = all
            .iter()
            .filter(|container| container.phase() == Phase::Creating || container.is_announced())
            .filter(|container| wanted.has(container))
            .collect();
        let mut results = results.get();
        results.set_instance(self.pod.events.instance());
        results.set_next_sequence(self.pod.events.next_sequence());
        let mut to = results.init_containers(shown.len() as u32);
        for (index, container) in shown.iter().enumerate() {
            write::status(container, to.reborrow().get(index as u32));
        }
        Ok(())
    }

    async fn watch_events(
        self: Rc<Self>,
        params: podherd::WatchEventsParams,
        mut results: podherd::WatchEventsResults,
    ) -> capnp::Result<()> {
        let params = params.get()?;
        let sink = params.get_sink()?;
        let events = &self.pod.events;
        let (from, resumed) = read::event_start(params.get_start()?, events.instance())?;
        if self.pod.ending.is_cancelled() {
            return Err(self.pod.cancelled().into());
        }
        let watcher = events.watch(from)?;
        let mut results = results.get();
        results.set_instance(events.instance());
        results.set_next_sequence(events.next_sequence());
        results.set_resumed(resumed);
        results.set_watch(watch::begin(&self, watcher, sink));
        Ok(())
    }

    async fn wait_container(
        self: Rc<Self>,
        params: podherd::WaitContainerParams,
        mut results: podherd::WaitContainerResults,
    ) -> capnp::Result<()> {
        let (id, until, timeout) = {
            let params = params.get()?;
            let timeout = Duration::from_millis(params.get_timeout_millis());
            (
                read::id(params.get_id())?,
                read::phase("until", params.get_until())?,
                timeout,
            )
        };
        // There may be many who wait, and nobody needs their messages any more.
        drop(params);
        let (container, reached) = container::wait(&self.pod, &id, until, timeout).await?;
        let mut results = results.get();
        results.set_reached(reached);
        write::status(&container, results.init_status());
        Ok(())
    }

    async fn exec(
        self: Rc<Self>,
        params: podherd::ExecParams,
        mut results: podherd::ExecResults,
    ) -> capnp::Result<()> {
        let (request, sinks) = {
            let params = params.get()?;
            let stdout = params.has_stdout().then(|| params.get_stdout()).transpose()?;
            let stderr = params.has_stderr().then(|| params.get_stderr()).transpose()?;
            let request = rpc_sessions::exec_request(params.get_request()?)?;
            (request, rpc_sessions::sinks(stdout, stderr, &self.outbox))
        };
        drop(params);
        let terminal = request.spec.terminal;
        let exec = sessions::exec(&self.pod, request, sinks).await?;
        let mut results = results.get();
        results.set_session(self.calls.client(rpc_sessions::SessionObject(exec.session)));
        if let Some(input) = exec.stdin {
            let stdin = rpc_sessions::StdinObject::of_exec(input, terminal);
            results.set_stdin(self.calls.client_told(stdin, rpc_sessions::StdinObject::refused));
        }
        results.set_exec_id(exec.exec_id);
        results.set_pid(exec.pid);
        Ok(())
    }

    async fn attach(
        self: Rc<Self>,
        params: podherd::AttachParams,
        mut results: podherd::AttachResults,
    ) -> capnp::Result<()> {
        let params = params.get()?;
        let stdout = params.has_stdout().then(|| params.get_stdout()).transpose()?;
        let stderr = params.has_stderr().then(|| params.get_stderr()).transpose()?;
        let request = rpc_sessions::attach_request(params.get_request()?)?;
        let sinks = rpc_sessions::sinks(stdout, stderr, &self.outbox);
        let attachment = sessions::attach(&self.pod, request, sinks)?;
        let mut results = results.get();
        results.set_session(self.calls.client(rpc_sessions::SessionObject(attachment.session)));
        if let Some(input) = attachment.stdin {
            let stdin = rpc_sessions::StdinObject::shared(input);
            results.set_stdin(self.calls.client_told(stdin, rpc_sessions::StdinObject::refused));
        }
        Ok(())
    }

    async fn reaper_status(
        self: Rc<Self>,
        _: podherd::ReaperStatusParams,
        mut results: podherd::ReaperStatusResults,
    ) -> capnp::Result<()> {
        let counters = self.pod.reaper.counters();
        let mut status = results.get().init_status();
        status.set_spawned(counters.spawned);
        status.set_reaped(counters.reaped);
        status.set_orphans(counters.orphans);
        status.set_open_claims(counters.open_claims);
        status.set_watched(counters.watched);
        status.set_zombies_now(counters.zombies_now);
        status.set_unclaimed_exits(counters.unclaimed_exits);
        status.set_longest_zombie_nanos(stats::nanos(counters.longest_zombie));
        Ok(())
    }

    async fn stats(
        self: Rc<Self>,
        params: podherd::StatsParams,
        mut results: podherd::StatsResults,
    ) -> capnp::Result<()> {
        stats::answer(&self, params.get()?, results.get()).await?;
        Ok(())
    }

    async fn validate_bundle(
        self: Rc<Self>,
        params: podherd::ValidateBundleParams,
        mut results: podherd::ValidateBundleResults,
    ) -> capnp::Result<()> {
        let params = params.get()?;
        let bundle = read::path("bundlePath", params.get_bundle_path())?;
        let findings = preflight::validate_bundle(&self.pod, bundle, params.get_terminal()).await?;
        write::findings(&findings, results.get().init_findings(findings.len() as u32));
        Ok(())
    }
}
