//! The tokens in the URLs: 256 random bits, good for one use within a time, and a bound on how many sessions
//! there are.

use std::cell::{Cell, RefCell};
use std::collections::{HashMap, VecDeque};
use std::rc::Rc;
use std::time::Duration;

use data_encoding::HEXLOWER;
use rustix::rand::{GetRandomFlags, getrandom};
use tokio::sync::Notify;
use tokio::time::Instant;

use super::request::{Kind, Request};
use crate::error::{Code, Error, Result};

/// Bytes of a token before they are written in hexadecimal.
const TOKEN_BYTES: usize = 32;

/// The open tokens. Clones are the same.
#[derive(Clone, Debug)]
pub struct Tokens {
    shared: Rc<Shared>,
}

#[derive(Debug)]
struct Shared {
    open: RefCell<HashMap<String, Open>>,
    /// Those that were issued, the oldest first. Used ones stay until their time has come.
    by_age: RefCell<VecDeque<(Instant, String)>>,
    /// Whether a task waits for the oldest to expire.
    expiring: Cell<bool>,
    /// Told when all have expired.
    all_expired: Notify,
    slots: Rc<Cell<usize>>,
    bound: usize,
    lifetime: Duration,
}

#[derive(Debug)]
struct Open {
    request: Request,
    slot: Slot,
    until: Instant,
}

/// The place of one session among those that are allowed, from the call that asked for it to its end.
#[derive(Debug)]
pub struct Slot {
    taken: Rc<Cell<usize>>,
}

impl Tokens {
    /// At most `bound` sessions, open tokens among them; a token is good for `lifetime`.
    pub fn new(bound: usize, lifetime: Duration) -> Self {
        Self {
            shared: Rc::new(Shared {
                open: RefCell::default(),
                by_age: RefCell::default(),
                expiring: Cell::new(false),
                all_expired: Notify::new(),
                slots: Rc::default(),
                bound,
                lifetime,
            }),
        }
    }

    /// A token for this request. To be called within the event loop, where a task forgets it in time.
    pub fn issue(&self, request: Request) -> Result<String> {
        let shared = &self.shared;
        if shared.slots.get() >= shared.bound {
            return Err(Error::new(
                Code::Overloaded,
                format!(
                    "{} streaming sessions are open or asked for (--streaming-tokens); wait for some to end",
                    shared.bound
                ),
            ));
        }
        let token = random()?;
        let until = Instant::now() + shared.lifetime;
        let slot = Slot::take(&shared.slots);
        let open = Open { request, slot, until };
        shared.open.borrow_mut().insert(token.clone(), open);
        shared.by_age.borrow_mut().push_back((until, token.clone()));
        if !shared.expiring.replace(true) {
            tokio::task::spawn_local(expire(shared.clone()));
        }
        Ok(token)
    }

    /// Waits until the time of every token has come that was ever issued, used or not.
    pub async fn all_expired(&self) {
        while !self.shared.by_age.borrow().is_empty() {
            self.shared.all_expired.notified().await;
        }
    }

    /// Uses a token up. None: there is none for this kind of session, any more or at all.
    pub fn redeem(&self, kind: Kind, token: &str) -> Option<(Request, Slot)> {
        let mut open = self.shared.open.borrow_mut();
        open.get(token)
            .filter(|open| open.request.kind() == kind && open.until > Instant::now())?;
        open.remove(token).map(|open| (open.request, open.slot))
    }
}

/// Forgets tokens when their time has come, until there are none.
async fn expire(shared: Rc<Shared>) {
    loop {
        let oldest = shared.by_age.borrow().front().map(|(until, _)| *until);
        let Some(until) = oldest else {
            break;
        };
        tokio::time::sleep_until(until).await;
        if let Some((_, token)) = shared.by_age.borrow_mut().pop_front() {
            shared.open.borrow_mut().remove(&token);
        }
    }
    // What a burst of tokens took goes back.
    shared.by_age.borrow_mut().shrink_to_fit();
    shared.open.borrow_mut().shrink_to_fit();
    shared.expiring.set(false);
    shared.all_expired.notify_one();
}

impl Slot {
    fn take(taken: &Rc<Cell<usize>>) -> Self {
        taken.set(taken.get() + 1);
        Self { taken: taken.clone() }
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        self.taken.set(self.taken.get() - 1);
    }
}

/// From the kernel; it waits only in the first moments after a boot (getrandom(2)).
fn random() -> Result<String> {
    let mut bytes = [0; TOKEN_BYTES];
    let length = getrandom(&mut bytes, GetRandomFlags::empty())
        .map_err(|error| Error::from_io(Code::ResourcesExhausted, "drawing a token", &error.into()))?;
    if length != TOKEN_BYTES {
        return Err(Error::new(Code::Internal, "the kernel gave too few random bytes"));
    }
    Ok(HEXLOWER.encode(&bytes))
}

#[cfg(test)]
mod tests {
    use futures::FutureExt;
    use tokio::task::LocalSet;

    use super::*;

    fn request() -> Request {
        Request::PortForward("/proc/self/ns/net".into())
    }

    async fn within(bound: usize, lifetime: Duration, test: impl AsyncFnOnce(Tokens)) {
        LocalSet::new()
            .run_until(test(Tokens::new(bound, lifetime)))
            .await;
    }

    #[tokio::test(flavor = "current_thread")]
    async fn a_token_is_good_once_and_for_its_kind_alone() {
        within(4, Duration::from_secs(60), async |tokens| {
            let token = tokens.issue(request()).unwrap();
            assert_eq!(token.len(), 64);
            assert_ne!(token, tokens.issue(request()).unwrap());
            assert!(tokens.redeem(Kind::Exec, &token).is_none());
            assert!(tokens.redeem(Kind::PortForward, &token).is_some());
            assert!(tokens.redeem(Kind::PortForward, &token).is_none());
            assert!(tokens.redeem(Kind::PortForward, "").is_none());
        })
        .await;
    }

    #[tokio::test(flavor = "current_thread", start_paused = true)]
    async fn a_token_expires_and_nothing_of_it_stays() {
        within(1, Duration::from_secs(60), async |tokens| {
            let token = tokens.issue(request()).unwrap();
            tokio::time::sleep(Duration::from_secs(59)).await;
            assert_eq!(tokens.issue(request()).unwrap_err().code, Code::Overloaded);
            tokio::time::sleep(Duration::from_secs(2)).await;
            assert!(tokens.redeem(Kind::PortForward, &token).is_none());
            assert!(tokens.shared.open.borrow().is_empty());
            assert!(tokens.all_expired().now_or_never().is_some());
            assert!(tokens.issue(request()).is_ok());
        })
        .await;
    }

    #[tokio::test(flavor = "current_thread")]
    async fn sessions_count_until_they_end() {
        within(2, Duration::from_secs(60), async |tokens| {
            let token = tokens.issue(request()).unwrap();
            let (_, slot) = tokens.redeem(Kind::PortForward, &token).unwrap();
            tokens.issue(request()).unwrap();
            assert_eq!(tokens.issue(request()).unwrap_err().code, Code::Overloaded);
            drop(slot);
            tokens.issue(request()).unwrap();
        })
        .await;
    }
}
