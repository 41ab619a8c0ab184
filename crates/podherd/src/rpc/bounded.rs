//! How many calls of one connection may be in flight: counted where calls are dispatched, whatever their method.

use std::cell::Cell;
use std::ops::Deref;
use std::rc::Rc;

use capnp::any_pointer;
use capnp::capability::{
    Client, DispatchCallResult, FromClientHook, FromServer, Params, Promise, Results, Server,
};
use capnp::private::capability::ClientHook;
use podherd_schema::podherd_capnp::podherd;

use super::Service;
use crate::error::{Code, Error};

/// The calls of one connection.
#[derive(Debug)]
pub struct Calls {
    in_flight: Cell<usize>,
    most: usize,
}

/// One call, from its dispatch until its answer is made or nobody waits for it.
struct Call(Rc<Calls>);

impl Calls {
    /// At most `most` at once.
    pub fn new(most: usize) -> Self {
        Self {
            in_flight: Cell::new(0),
            most,
        }
    }

    fn begin(self: &Rc<Self>) -> Result<Call, Error> {
        if self.in_flight.get() >= self.most {
            return Err(Error::new(
                Code::Overloaded,
                format!(
                    "{} calls of this connection are in flight (--calls-per-connection)",
                    self.most
                ),
            ));
        }
        self.in_flight.set(self.in_flight.get() + 1);
        Ok(Call(self.clone()))
    }
}

impl Drop for Call {
    fn drop(&mut self) {
        self.0.in_flight.set(self.0.in_flight.get() - 1);
    }
}

/// The client of a [`Service`] whose calls are counted.
pub struct Bounded(pub Client);

/// Dispatches calls as the generated code does, unless there are too many.
#[derive(Clone)]
pub struct Dispatch(podherd::ServerDispatch<Service>);

impl FromServer<Service> for Bounded {
    type Dispatch = Dispatch;

    fn from_server(service: Rc<Service>) -> Dispatch {
        Dispatch(<podherd::Client as FromServer<Service>>::from_server(service))
    }
}

impl Server for Dispatch {
    fn dispatch_call(
        self,
        interface: u64,
        method: u16,
        params: Params<any_pointer::Owned>,
        results: Results<any_pointer::Owned>,
    ) -> DispatchCallResult {
        let call = match self.calls.begin() {
            Ok(call) => call,
            Err(error) => return DispatchCallResult::new(Promise::err(error.into()), false),
        };
        #[cfg(feature = "tracing-export")]
        let span = crate::traces::CallSpan::begin(interface, method, &params);
        let dispatched = self.0.dispatch_call(interface, method, params, results);
        let counted = async move {
            let _call = call;
            let result = dispatched.promise.await;
            #[cfg(feature = "tracing-export")]
            if let Some(span) = span {
                span.end(&result);
            }
            result
        };
        DispatchCallResult::new(Promise::from_future(counted), dispatched.is_streaming)
    }

    fn as_ptr(&self) -> usize {
        self.0.as_ptr()
    }
}

impl Deref for Dispatch {
    type Target = Service;

    fn deref(&self) -> &Service {
        &self.0
    }
}

impl FromClientHook for Bounded {
    fn new(hook: Box<dyn ClientHook>) -> Self {
        Self(Client::new(hook))
    }

    fn into_client_hook(self) -> Box<dyn ClientHook> {
        self.0.into_client_hook()
    }

    fn as_client_hook(&self) -> &dyn ClientHook {
        self.0.as_client_hook()
    }
}
