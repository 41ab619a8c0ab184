//! The span of one call.

use capnp::any_pointer;
use capnp::capability::Params;
use opentelemetry::trace::{Span, SpanKind, Status, TraceContextExt, Tracer};
use opentelemetry::{Context, KeyValue};
use opentelemetry_sdk::trace::Span as SdkSpan;

use super::TRACER;
use super::methods::{self, Request};

/// Begins when a call arrives and ends with its answer; dropped, when nobody waits for it any more.
pub struct CallSpan(SdkSpan);

impl CallSpan {
    /// None where no tracing was asked for, and for the many small calls of capabilities that a call has handed out:
    /// a piece of input is no span of its own.
    pub fn begin(interface: u64, method: u16, params: &Params<any_pointer::Owned>) -> Option<Self> {
        let tracer = TRACER.get()?;
        if !methods::is_bootstrap(interface) {
            return None;
        }
        let (service, name) = methods::name(interface, method);
        let request = Request::read(interface, method, params);
        let mut attributes = vec![
            KeyValue::new("rpc.system", "capnp"),
            KeyValue::new("rpc.service", service),
            KeyValue::new("rpc.method", name),
        ];
        attributes.extend(request.container.map(|id| KeyValue::new("container.id", id)));
        let span = tracer
            .span_builder(name)
            .with_kind(SpanKind::Server)
            .with_attributes(attributes);
        let parent = methods::parent(&request.metadata);
        debug_assert!(
            !Context::current().has_active_span(),
            "spans are not kept in threads"
        );
        Some(Self(tracer.build_with_context(span, &parent)))
    }

    /// Ends it with what the call came to.
    pub fn end(mut self, result: &capnp::Result<()>) {
        if let Err(error) = result {
            // `CODE: message`, see docs/errors.md.
            let code = error.extra.split(':').next().unwrap_or_default().to_owned();
            self.0.set_attribute(KeyValue::new("error.type", code));
            self.0.set_status(Status::error(error.extra.clone()));
        }
        self.0.end();
    }
}
