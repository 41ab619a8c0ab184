//! The interface that conmon-rs's clients speak. What is not here answers "unimplemented".

use std::rc::Rc;
use std::time::Duration;

use podherd_schema::conmon_capnp::conmon;

use super::{LARGE, Service, create, read, write};
use crate::attach::{self, AttachRequest};
use crate::container::{self, ExecRequest, ExecResult, ExecSpec, could_not_start, shell_code};
use crate::error::Result;
use crate::namespaces;
use crate::server::BuildData;
use crate::streaming::{self, AttachStreams, ExecStreams, Streams};

/// The exit code of a command that could not be started.
const NOT_STARTED: i32 = -2;
/// The exit code of a command that ran out of time; `timedOut` says it too.
const TIMED_OUT: i32 = -3;

impl conmon::Server for Service {
    async fn version(
        self: Rc<Self>,
        params: conmon::VersionParams,
        mut results: conmon::VersionResults,
    ) -> capnp::Result<()> {
        let verbose = params.get()?.get_request()?.get_verbose();
        let build = BuildData::of_this_binary();
        let mut response = results.get().init_response();
        response.set_process_id(std::process::id());
        response.set_version(build.version);
        response.set_tag(build.tag);
        response.set_commit(build.commit);
        response.set_build_date(build.date.as_str());
        response.set_target(build.target);
        response.set_rust_version(build.rust_version);
        response.set_cargo_version(build.cargo_version);
        response.set_cargo_tree(if verbose { build.packages } else { "" });
        Ok(())
    }

    async fn create_container(
        self: Rc<Self>,
        params: conmon::CreateContainerParams,
        mut results: conmon::CreateContainerResults,
    ) -> capnp::Result<()> {
        let request = create::compatible(params.get()?.get_request()?)?;
        let created = container::create(&self.pod, request).await?;
        results.get().init_response().set_container_pid(created.pid);
        Ok(())
    }

    async fn exec_sync_container(
        self: Rc<Self>,
        params: conmon::ExecSyncContainerParams,
        mut results: conmon::ExecSyncContainerResults,
    ) -> capnp::Result<()> {
        let request = exec_request(params.get()?.get_request()?)?;
        let mut response = results.get().init_response();
        match container::exec(&self.pod, request).await {
            Ok(result) => {
                let large = result.stdout.bytes().len() + result.stderr.bytes().len() > LARGE;
                let _turn = if large { self.outbox.turn().await } else { None };
                response.set_timed_out(result.exit.is_none());
                response.set_exit_code(
                    result
                        .exit
                        .as_ref()
                        .map_or(TIMED_OUT, |exit| shell_code(exit.status)),
                );
                response.set_stdout(result.stdout.bytes());
                match cut_note(&result) {
                    None => response.set_stderr(result.stderr.bytes()),
                    Some(note) => response.set_stderr(&[result.stderr.bytes(), note.as_bytes()].concat()),
                }
            }
            // Not an exception: conmon-rs's Go client closes its connection, and every call in
            // flight with it, when one call of it fails.
            Err(error) if could_not_start(&error) => {
                response.set_exit_code(NOT_STARTED);
                response.set_stderr(error.to_string().as_bytes());
            }
            Err(error) => return Err(error.into()),
        }
        Ok(())
    }

    async fn attach_container(
        self: Rc<Self>,
        params: conmon::AttachContainerParams,
        mut results: conmon::AttachContainerResults,
    ) -> capnp::Result<()> {
        let request = params.get()?.get_request()?;
        let exec_session = read::text("execSessionId", request.get_exec_session_id())?;
        let request = AttachRequest {
            id: read::id(request.get_id())?,
            path: read::path("socketPath", request.get_socket_path())?,
            exec_session: (!exec_session.is_empty()).then_some(exec_session),
            stop_after_stdin_eof: request.get_stop_after_stdin_eof(),
        };
        attach::attach(&self.pod, request)?;
        results.get().init_response();
        Ok(())
    }

    async fn start_fd_socket(
        self: Rc<Self>,
        _: conmon::StartFdSocketParams,
        mut results: conmon::StartFdSocketResults,
    ) -> capnp::Result<()> {
        let path = self.pod.fd_socket.start(&self.pod)?;
        results.get().init_response().set_path(&*path.to_string_lossy());
        Ok(())
    }

    async fn serve_exec_container(
        self: Rc<Self>,
        params: conmon::ServeExecContainerParams,
        mut results: conmon::ServeExecContainerResults,
    ) -> capnp::Result<()> {
        let request = params.get()?.get_request()?;
        let request = ExecStreams {
            id: read::id(request.get_id())?,
            command: read::command(request.get_command())?,
            terminal: request.get_tty(),
            streams: Streams {
                stdin: request.get_stdin(),
                stdout: request.get_stdout(),
                stderr: request.get_stderr(),
            },
            cgroup_manager: read::cgroup_manager(request.get_cgroup_manager())?,
        };
        let url = streaming::serve_exec(&self.pod, request).await?;
        results.get().init_response().set_url(url);
        Ok(())
    }

    async fn serve_attach_container(
        self: Rc<Self>,
        params: conmon::ServeAttachContainerParams,
        mut results: conmon::ServeAttachContainerResults,
    ) -> capnp::Result<()> {
        let request = params.get()?.get_request()?;
        let request = AttachStreams {
            id: read::id(request.get_id())?,
            streams: Streams {
                stdin: request.get_stdin(),
                stdout: request.get_stdout(),
                stderr: request.get_stderr(),
            },
        };
        let url = streaming::serve_attach(&self.pod, request).await?;
        results.get().init_response().set_url(url);
        Ok(())
    }

    async fn serve_port_forward_container(
        self: Rc<Self>,
        params: conmon::ServePortForwardContainerParams,
        mut results: conmon::ServePortForwardContainerResults,
    ) -> capnp::Result<()> {
        let request = params.get()?.get_request()?;
        let namespace = read::path("netNsPath", request.get_net_ns_path())?;
        let url = streaming::serve_port_forward(&self.pod, namespace).await?;
        results.get().init_response().set_url(url);
        Ok(())
    }

    async fn reopen_log_container(
        self: Rc<Self>,
        params: conmon::ReopenLogContainerParams,
        mut results: conmon::ReopenLogContainerResults,
    ) -> capnp::Result<()> {
        let id = read::id(params.get()?.get_request()?.get_id())?;
        self.pod.containers.get(&id)?.reopen_log().await?;
        results.get().init_response();
        Ok(())
    }

    async fn set_window_size_container(
        self: Rc<Self>,
        params: conmon::SetWindowSizeContainerParams,
        mut results: conmon::SetWindowSizeContainerResults,
    ) -> capnp::Result<()> {
        let request = params.get()?.get_request()?;
        let container = self.pod.containers.get(&read::id(request.get_id())?)?;
        container.resize(request.get_width(), request.get_height())?;
        results.get().init_response();
        Ok(())
    }

    async fn create_namespaces(
        self: Rc<Self>,
        params: conmon::CreateNamespacesParams,
        mut results: conmon::CreateNamespacesResults,
    ) -> capnp::Result<()> {
        let request = read::namespaces(params.get()?.get_request()?)?;
        let made = namespaces::create(&self.pod, request).await?;
        write::namespaces(&made, results.get().init_response());
        Ok(())
    }
}

fn exec_request(request: conmon::exec_sync_container_request::Reader<'_>) -> Result<ExecRequest> {
    Ok(ExecRequest {
        spec: ExecSpec {
            id: read::id(request.get_id())?,
            command: read::command(request.get_command())?,
            terminal: request.get_terminal(),
            env: read::env(request.get_env_vars())?,
            cgroup_manager: read::cgroup_manager(request.get_cgroup_manager())?,
            process: None,
        },
        timeout: match request.get_timeout_sec() {
            0 => None,
            seconds => Some(Duration::from_secs(seconds)),
        },
    })
}

/// What the caller has to know when output was cut; the protocol has no other place for it.
fn cut_note(result: &ExecResult) -> Option<String> {
    let note = |name: &str, cut: u64| {
        (cut > 0).then(|| format!("podherd: OUTPUT_TRUNCATED: {cut} bytes of {name} were not kept\n"))
    };
    let notes = [
        note("stdout", result.stdout.cut),
        note("stderr", result.stderr.cut),
    ];
    let text: String = notes.into_iter().flatten().collect();
    (!text.is_empty()).then(|| format!("\n{text}"))
}
