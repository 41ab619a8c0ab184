//! Carrying spans to a collector: OTLP over gRPC.

use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use opentelemetry::trace::TracerProvider;
use opentelemetry_otlp::{ExporterBuildError, WithExportConfig};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::trace::{SdkTracerProvider, SpanData, SpanExporter};
use tokio::sync::oneshot;

use super::TRACER;
use crate::server::BuildData;

/// The export, from the server's start to its end.
#[derive(Debug)]
pub struct Export {
    provider: SdkTracerProvider,
    /// Dropped, it ends the thread of the connection to the collector.
    _connection: oneshot::Sender<()>,
}

/// Why there is none.
#[derive(Debug, thiserror::Error)]
pub enum ExportError {
    /// The endpoint is not an `http://` URL.
    #[error("{0}")]
    Endpoint(#[from] ExporterBuildError),
    /// The machine has no room for the threads.
    #[error("starting its threads: {0}")]
    Io(#[from] io::Error),
}

impl Export {
    /// Starts exporting to `endpoint`, such as `http://127.0.0.1:4317`. Whether a collector is there shows
    /// when there is something to send.
    pub fn start(endpoint: &str) -> Result<Self, ExportError> {
        // The connection gets an event loop of its own: the server's must not wait for it, nor be waited for.
        let event_loop = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        let exporter = {
            let _here = event_loop.enter();
            opentelemetry_otlp::SpanExporter::builder()
                .with_tonic()
                .with_endpoint(endpoint)
                .with_timeout(SEND_TIMEOUT)
                .build()?
        };
        let build = BuildData::of_this_binary();
        let resource = Resource::builder()
            .with_service_name("podherd")
            .with_attribute(opentelemetry::KeyValue::new("service.version", build.version))
            .with_attribute(opentelemetry::KeyValue::new(
                "process.pid",
                i64::from(std::process::id()),
            ))
            .build();
        let provider = SdkTracerProvider::builder()
            .with_resource(resource)
            .with_batch_exporter(Told {
                exporter,
                fails: AtomicBool::new(false),
            })
            .build();
        let (connection, ended) = oneshot::channel();
        std::thread::Builder::new().name("traces".into()).spawn(move || {
            let _ = event_loop.block_on(ended);
            // A name that is still being looked up is not waited for.
            event_loop.shutdown_background();
        })?;
        let _ = TRACER.set(provider.tracer("podherd"));
        Ok(Self {
            provider,
            _connection: connection,
        })
    }

    /// Sends what is left, for a bounded time.
    pub fn end(self) {
        if let Err(error) = self.provider.shutdown_with_timeout(END_TIMEOUT) {
            tracing::warn!(%error, "the last traces were not exported");
        }
    }
}

/// How long a collector may take to answer.
const SEND_TIMEOUT: Duration = Duration::from_secs(5);

/// How long the end of a server may be delayed.
const END_TIMEOUT: Duration = Duration::from_secs(1);

/// Says once that exporting fails, and once that it works again.
#[derive(Debug)]
struct Told<E> {
    exporter: E,
    fails: AtomicBool,
}

impl<E: SpanExporter> SpanExporter for Told<E> {
    async fn export(&self, batch: Vec<SpanData>) -> OTelSdkResult {
        let spans = batch.len();
        let result = self.exporter.export(batch).await;
        match (&result, self.fails.swap(result.is_err(), Ordering::Relaxed)) {
            (Err(error), false) => tracing::warn!(%error, spans, "traces are not exported"),
            (Ok(()), true) => tracing::info!("traces are exported again"),
            _ => {}
        }
        result
    }

    fn shutdown_with_timeout(&self, timeout: Duration) -> OTelSdkResult {
        self.exporter.shutdown_with_timeout(timeout)
    }

    fn force_flush(&self) -> OTelSdkResult {
        self.exporter.force_flush()
    }

    fn set_resource(&mut self, resource: &Resource) {
        self.exporter.set_resource(resource);
    }
}
