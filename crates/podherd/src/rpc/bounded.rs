//! How many calls of one connection may be in flight: counted where calls are dispatched, whatever their method
//! and whatever capability of the connection they go to.

use std::cell::Cell;
use std::marker::PhantomData;
use std::ops::Deref;
use std::rc::Rc;

use capnp::any_pointer;
use capnp::capability::{
    Client, DispatchCallResult, FromClientHook, FromServer, Params, Promise, Results, Server,
};
use capnp::private::capability::ClientHook;

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

    /// A client of `server`, for this connection: its calls count among the connection's. `C` is the generated
    /// client of the interface.
    pub fn client<C, S>(self: &Rc<Self>, server: S) -> C
    where
        C: FromServer<S> + 'static,
        S: 'static,
    {
        self.client_told(server, |_, _| {})
    }

    /// The same for an object whose calls depend on each other: it is told when one of them was refused.
    pub fn client_told<C, S>(self: &Rc<Self>, server: S, refused: fn(&S, &Error)) -> C
    where
        C: FromServer<S> + 'static,
        S: 'static,
    {
        let client: Bounded<C> = capnp_rpc::new_client(OfConnection {
            calls: self.clone(),
            server: Rc::new(server),
            refused,
        });
        C::new(client.client.hook)
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

/// An object that a connection calls.
struct OfConnection<S> {
    calls: Rc<Calls>,
    server: Rc<S>,
    refused: fn(&S, &Error),
}

/// The client of an object whose calls are counted; `C` is what the generated code makes of it.
struct Bounded<C> {
    client: Client,
    generated: PhantomData<C>,
}

/// Dispatches calls as the generated code does, unless there are too many.
struct Dispatch<C: FromServer<S>, S> {
    dispatch: C::Dispatch,
    object: Rc<OfConnection<S>>,
}

impl<C: FromServer<S>, S> Clone for Dispatch<C, S> {
    fn clone(&self) -> Self {
        Self {
            dispatch: self.dispatch.clone(),
            object: self.object.clone(),
        }
    }
}

impl<C: FromServer<S> + 'static, S: 'static> FromServer<OfConnection<S>> for Bounded<C> {
    type Dispatch = Dispatch<C, S>;

    fn from_server(object: Rc<OfConnection<S>>) -> Dispatch<C, S> {
        Dispatch {
            dispatch: C::from_server(object.server.clone()),
            object,
        }
    }
}

impl<C: FromServer<S> + 'static, S: 'static> Server for Dispatch<C, S> {
    /// None is a streaming call to capnp-rpc, which would keep those that follow, however many, until it is
    /// answered, and before they are counted. An object that gets streaming calls puts them in order itself.
    fn dispatch_call(
        self,
        interface: u64,
        method: u16,
        params: Params<any_pointer::Owned>,
        results: Results<any_pointer::Owned>,
    ) -> DispatchCallResult {
        let call = match self.object.calls.begin() {
            Ok(call) => call,
            Err(error) => {
                (self.object.refused)(&self.object.server, &error);
                return DispatchCallResult::new(Promise::err(error.into()), false);
            }
        };
        #[cfg(feature = "tracing-export")]
        let span = crate::traces::CallSpan::begin(interface, method, &params);
        let promise = self
            .dispatch
            .dispatch_call(interface, method, params, results)
            .promise;
        let counted = async move {
            let _call = call;
            let result = promise.await;
            #[cfg(feature = "tracing-export")]
            if let Some(span) = span {
                span.end(&result);
            }
            result
        };
        DispatchCallResult::new(Promise::from_future(counted), false)
    }

    fn as_ptr(&self) -> usize {
        self.dispatch.as_ptr()
    }
}

impl<C: FromServer<S>, S> Deref for Dispatch<C, S> {
    type Target = OfConnection<S>;

    fn deref(&self) -> &OfConnection<S> {
        &self.object
    }
}

impl<C> FromClientHook for Bounded<C> {
    fn new(hook: Box<dyn ClientHook>) -> Self {
        Self {
            client: Client::new(hook),
            generated: PhantomData,
        }
    }

    fn into_client_hook(self) -> Box<dyn ClientHook> {
        self.client.into_client_hook()
    }

    fn as_client_hook(&self) -> &dyn ClientHook {
        self.client.as_client_hook()
    }
}
