//! OpenTelemetry traces of the calls that arrive, in builds with the feature `tracing-export`.
//!
//! - `call`: the span of one call, made where calls are dispatched. Its parent is what the request's
//!   `metadata` says (W3C Trace Context: `traceparent`, `tracestate`).
//! - `methods`: what a method is called, and where its request has metadata and a container's id.
//! - `export`: carries ended spans to the collector, on threads of its own.
//!
//! A call only puts its span into a bounded queue: a collector that hangs or is missing costs spans, not time.

mod call;
mod export;
mod methods;

use std::sync::OnceLock;

use opentelemetry_sdk::trace::SdkTracer;

pub use call::CallSpan;
pub use export::Export;

/// One for the process, as there is one server; set when tracing was asked for.
static TRACER: OnceLock<SdkTracer> = OnceLock::new();
