//! Forgetting a container, and making the runtime forget it.

use std::ffi::OsStr;
use std::path::Path;
use std::rc::Rc;

use super::stop::end;
use super::{Container, ContainerId, Phase, Pod};
use crate::error::{Code, Error, Result};

/// Deletes an ended container: the runtime's state of it and the exit state kept here. With `force`
/// one that lives is killed first. Once begun it is carried through, whatever becomes of the caller.
pub async fn delete(pod: &Rc<Pod>, id: &ContainerId, force: bool) -> Result<()> {
    let container = pod.containers.get(id)?;
    let shared = pod.clone();
    pod.call(move |_| async move { run(&shared, &container, force).await })
        .await
}

async fn run(pod: &Pod, container: &Rc<Container>, force: bool) -> Result<()> {
    if container.phase() == Phase::Creating {
        return Err(Error::new(
            Code::ContainerAlive,
            format!("container {} is being created", container.id),
        ));
    }
    if container.phase() < Phase::Exited && !force {
        return Err(Error::new(
            Code::ContainerAlive,
            format!(
                "container {} lives; kill it first, or delete with force",
                container.id
            ),
        ));
    }
    end_and_remove(pod, container).await?;
    tracing::info!(container = %container.id, "deleted");
    Ok(())
}

/// Ends a container if it lives, and removes what the runtime and the server keep of it. One that is
/// being created is left to the call that creates it.
pub async fn end_and_remove(pod: &Pod, container: &Rc<Container>) -> Result<()> {
    if container.phase() == Phase::Creating {
        return Ok(());
    }
    end(pod, container).await?;
    remove_runtime_state(pod, container).await?;
    container.is_deleted(pod);
    Ok(())
}

/// Makes the runtime forget the container, unless somebody else has done that already.
async fn remove_runtime_state(pod: &Pod, container: &Container) -> Result<()> {
    let identity = pod.runtime.identity(&pod.reaper).await?;
    let id = container.id.as_str();
    if pod
        .runtime
        .state_dir(identity, id)
        .as_deref()
        .is_none_or(Path::exists)
    {
        let args = [OsStr::new("--force"), OsStr::new(id)];
        let deleted = pod.runtime.run(&pod.reaper, "delete", &args).await;
        // The runtime's own answer decides: a state that is gone is what was wanted.
        if let Err(error) = deleted
            && pod.runtime.run(&pod.reaper, "state", &args[1..]).await.is_ok()
        {
            return Err(error);
        }
    }
    if let Some(cgroup) = container.cgroup.get() {
        cgroup.remove();
    }
    Ok(())
}
