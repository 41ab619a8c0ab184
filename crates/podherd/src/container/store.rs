//! The containers that a server keeps: those that live, and a bounded number of ended ones, whose
//! exit states late readers still get.

use std::cell::{Cell, OnceCell, RefCell};
use std::collections::{HashMap, VecDeque};
use std::path::PathBuf;
use std::rc::Rc;
use std::time::SystemTime;

use tokio::sync::{Notify, watch};
use tokio_util::task::TaskTracker;

use super::{Container, ContainerId, OutputCount, Phase, Settings, State};
use crate::error::{Code, Error, Result};

/// All containers by their id.
pub struct Store {
    containers: RefCell<HashMap<ContainerId, Rc<Container>>>,
    /// Ended ones, the oldest first; may name some that were deleted since.
    ended: RefCell<VecDeque<Rc<Container>>>,
    keep_ended: usize,
    next: Cell<u64>,
    /// Told when there may be a living container more or less; the server waits on it to find itself idle.
    changed: Rc<Notify>,
}

/// What a new container is reserved with.
#[derive(Debug)]
pub struct NewContainer {
    /// Its id.
    pub id: ContainerId,
    /// Its bundle's directory.
    pub bundle: PathBuf,
    /// Whether it gets a terminal.
    pub terminal: bool,
    /// Files of its log.
    pub log_paths: Vec<PathBuf>,
    /// What it keeps of its creation.
    pub settings: Settings,
}

impl Store {
    /// Keeps the exit states of `keep_ended` containers.
    pub fn new(keep_ended: usize, changed: Rc<Notify>) -> Self {
        Self {
            containers: RefCell::default(),
            ended: RefCell::default(),
            keep_ended,
            next: Cell::new(1),
            changed,
        }
    }

    /// Takes an id for a container that is about to be created.
    pub fn reserve(&self, new: NewContainer) -> Result<Rc<Container>> {
        let mut containers = self.containers.borrow_mut();
        if let Some(holder) = containers.get(&new.id) {
            let why = match holder.phase() {
                Phase::Creating => "is being created",
                Phase::Exited => "has ended and was not deleted",
                Phase::Created | Phase::Running | Phase::Gone => "exists",
            };
            return Err(Error::new(
                Code::IdInUse,
                format!("container {} {why} in this pod", new.id),
            ));
        }
        let sequence = self.next.get();
        self.next.set(sequence + 1);
        let state = State {
            phase: Phase::Creating,
            started_at: None,
            exit: None,
        };
        let container = Rc::new(Container {
            id: new.id.clone(),
            bundle: new.bundle,
            terminal: new.terminal,
            created_at: SystemTime::now(),
            sequence,
            log_paths: new.log_paths,
            settings: new.settings,
            state: watch::Sender::new(state),
            parts: RefCell::new(None),
            cgroup: OnceCell::new(),
            execs: TaskTracker::new(),
            exec_sessions: RefCell::default(),
            output: OutputCount::default(),
            starting: Cell::new(false),
            announced: Cell::new(false),
        });
        containers.insert(new.id, container.clone());
        self.changed.notify_one();
        Ok(container)
    }

    /// The container of this id.
    pub fn get(&self, id: &ContainerId) -> Result<Rc<Container>> {
        self.containers.borrow().get(id).cloned().ok_or_else(|| {
            Error::new(
                Code::ContainerNotFound,
                format!("container {id} is not known in this pod"),
            )
        })
    }

    /// All containers, in the order of their creation.
    pub fn list(&self) -> Vec<Rc<Container>> {
        let mut all: Vec<_> = self.containers.borrow().values().cloned().collect();
        all.sort_by_key(|container| container.sequence);
        all
    }

    /// Whether a container lives, or is being created.
    pub fn has_living(&self) -> bool {
        self.containers
            .borrow()
            .values()
            .any(|container| container.phase() < Phase::Exited)
    }

    /// Forgets a container and frees its id. Those who still wait for it are told. False: it was forgotten before.
    pub fn forget(&self, container: &Rc<Container>) -> bool {
        let mut containers = self.containers.borrow_mut();
        let was_kept = containers
            .get(&container.id)
            .is_some_and(|kept| Rc::ptr_eq(kept, container));
        if was_kept {
            containers.remove(&container.id);
        }
        drop(containers);
        container.state.send_modify(|state| state.phase = Phase::Gone);
        self.changed.notify_one();
        was_kept
    }

    /// Counts a container as ended. Past the bound, the oldest ended ones are forgotten; returned,
    /// for their records and for those who watch.
    pub fn mark_ended(&self, container: &Rc<Container>) -> Vec<Rc<Container>> {
        let mut ended = self.ended.borrow_mut();
        self.changed.notify_one();
        ended.retain(|kept| kept.phase() != Phase::Gone);
        ended.push_back(container.clone());
        let surplus = ended.len().saturating_sub(self.keep_ended);
        let oldest: Vec<_> = ended.drain(..surplus).collect();
        drop(ended);
        for container in &oldest {
            self.forget(container);
        }
        oldest
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reserve(store: &Store, id: &str) -> Result<Rc<Container>> {
        store.reserve(NewContainer {
            id: ContainerId::parse(id)?,
            bundle: "/bundle".into(),
            terminal: false,
            log_paths: Vec::new(),
            settings: Settings::default(),
        })
    }

    fn ids(store: &Store) -> Vec<String> {
        store
            .list()
            .iter()
            .map(|container| container.id.to_string())
            .collect()
    }

    #[test]
    fn an_id_is_one_container_s_until_it_is_forgotten() {
        let store = Store::new(8, Rc::default());
        let first = reserve(&store, "web").unwrap();
        let refused = reserve(&store, "web").err().unwrap();
        assert_eq!(refused.code, Code::IdInUse);
        assert!(refused.message.contains("is being created"), "{refused}");

        store.forget(&first);
        assert_eq!(first.phase(), Phase::Gone);
        let second = reserve(&store, "web").unwrap();
        // A late undo of the first must not take the id from the second.
        store.forget(&first);
        assert!(Rc::ptr_eq(&store.get(&second.id).unwrap(), &second));
    }

    #[test]
    fn lists_in_the_order_of_creation() {
        let store = Store::new(8, Rc::default());
        for id in ["c", "a", "b"] {
            reserve(&store, id).unwrap();
        }
        assert_eq!(ids(&store), ["c", "a", "b"]);
    }

    #[test]
    fn forgets_the_oldest_ended_ones_past_the_bound() {
        let store = Store::new(2, Rc::default());
        let all: Vec<_> = ["a", "b", "c", "d"]
            .iter()
            .map(|id| reserve(&store, id).unwrap())
            .collect();
        assert!(store.mark_ended(&all[1]).is_empty());
        assert!(store.mark_ended(&all[0]).is_empty());
        let forgotten = store.mark_ended(&all[3]);
        assert_eq!(forgotten.len(), 1);
        assert_eq!(forgotten[0].id.as_str(), "b");
        assert_eq!(ids(&store), ["a", "c", "d"]);

        // One that was deleted since doesn't count against the bound.
        store.forget(&all[0]);
        assert!(store.mark_ended(&all[2]).is_empty());
    }
}
