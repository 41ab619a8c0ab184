//! Accompanying a container from its creation to its published end. In this order: init's status,
//! its execs' ends, its output to the end, OOM files and exit files, the state, the cleanup command.

use std::path::PathBuf;
use std::rc::Rc;
use std::time::Duration;

use podherd_reaper::Program;
use tokio::sync::watch;
use tokio_util::task::AbortOnDropHandle;

use super::losses::Losses;
use super::output::{Output, read};
use super::start::settle;
use super::{Container, ExitState, Pod, shell_code};
use crate::cgroup::ContainerCgroup;
use crate::error::Code;
use crate::exit_files;
use crate::stdio::End;

/// What is done when a container has ended.
#[derive(Debug)]
pub struct Ending {
    /// Files that get the exit code.
    pub exit_paths: Vec<PathBuf>,
    /// Files that are made if it was killed for memory.
    pub oom_exit_paths: Vec<PathBuf>,
    /// A program to run, with its arguments; empty: none.
    pub cleanup_command: Vec<String>,
}

/// Runs until the end of `container` is published and its cleanup command has ended.
pub async fn supervise(
    pod: Rc<Pod>,
    container: Rc<Container>,
    ending: Ending,
    env: Vec<(String, String)>,
    outputs: Vec<Output>,
) {
    let Some(parts) = container.parts.borrow().clone() else {
        return;
    };
    let owner = watch::Sender::new(Some(parts.init.clone()));
    let reading: Vec<_> = outputs
        .into_iter()
        .map(|output| {
            let (log, hub) = (parts.log.clone(), parts.stdio.hub.clone());
            let task = read(
                pod.clone(),
                container.clone(),
                log,
                hub,
                owner.subscribe(),
                output,
            );
            tokio::task::spawn_local(task)
        })
        .collect();

    let losses = Rc::new(Losses::new(container.clone(), parts.log.clone()));
    let telling = {
        let (losses, pod) = (losses.clone(), pod.clone());
        AbortOnDropHandle::new(tokio::task::spawn_local(async move { losses.follow(&pod).await }))
    };
    let cgroup = container.cgroup.get();
    let oom_watch = cgroup.map(|cgroup| pod.oom_events.watch(cgroup.oom_kills()));
    let exit = parts.init.wait().await;
    // The count has to be read before a caller deletes the container, and its cgroup with it.
    let oom_killed = cgroup.is_some_and(ContainerCgroup::was_oom_killed);
    drop(oom_watch);
    container.execs.close();
    if tokio::time::timeout(EXECS_TIMEOUT, container.execs.wait())
        .await
        .is_err()
    {
        tracing::error!(container = %container.id, code = %Code::Internal, "an exec has not ended with its container; its process may hang in the kernel");
    }
    let mut complete = true;
    for task in reading {
        complete &= matches!(task.await, Ok(End::Complete));
    }
    container.output.end();
    parts.stdio.hub.end();
    pod.attach.end(&parts.stdio.hub);
    let dropped = parts.log.flush().await.dropped_bytes;
    complete &= dropped == 0;
    losses.tell(&pod);
    drop((parts, owner, losses, telling));

    if oom_killed {
        report(
            &container,
            exit_files::write_oom_files(&pod.disk, ending.oom_exit_paths).await,
        );
    }
    let code = shell_code(exit.status);
    report(
        &container,
        exit_files::write_exit_files(&pod.disk, code, ending.exit_paths).await,
    );

    settle(&pod, &container, exit.status).await;
    let state = ExitState::known(&exit, oom_killed, complete, dropped);
    tracing::info!(container = %container.id, code, oom_killed, log_complete = complete, "exited");
    container.has_exited(&pod, state);
    clean_up(&pod, &container, ending.cleanup_command, env).await;
    pod.asked.notify_one();
}

/// An exec ends soon after its container: its process is killed, its output drained for a bounded time.
const EXECS_TIMEOUT: Duration = Duration::from_secs(10);

fn report(container: &Container, failures: Vec<(PathBuf, std::io::Error)>) {
    for (path, error) in failures {
        tracing::error!(container = %container.id, %error, path = %path.display(), "an exit file could not be written");
    }
}

async fn clean_up(pod: &Pod, container: &Container, command: Vec<String>, env: Vec<(String, String)>) {
    let mut words = command.into_iter();
    let Some(name) = words.next() else { return };
    let mut program = Program::new(&name).args(words).env_clear();
    if let Some(path) = std::env::var_os("PATH") {
        program = program.env("PATH", path);
    }
    for (key, value) in env {
        program = program.env(key, value);
    }
    match pod.reaper.spawn(program) {
        Err(error) => {
            tracing::error!(container = %container.id, %error, "the cleanup command could not be started")
        }
        Ok(process) => {
            let _killed_if_the_server_ends = process.clone().kill_on_drop();
            match tokio::time::timeout(pod.limits.runtime_timeout, process.wait()).await {
                Ok(exit) => {
                    tracing::debug!(container = %container.id, status = ?exit.status, "the cleanup command ended")
                }
                Err(_) => {
                    tracing::error!(container = %container.id, "the cleanup command did not end in time and is killed")
                }
            }
        }
    }
}
