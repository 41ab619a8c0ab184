//! Traces of a real server, received as a collector receives them: OTLP over gRPC.
#![allow(
    clippy::disallowed_methods,
    reason = "a test starts its server, and waits for it"
)]
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use capnp_rpc::{RpcSystem, rpc_twoparty_capnp::Side, twoparty::VatNetwork};
use opentelemetry_proto::tonic::collector::trace::v1::trace_service_server::{
    TraceService, TraceServiceServer,
};
use opentelemetry_proto::tonic::collector::trace::v1::{
    ExportTraceServiceRequest, ExportTraceServiceResponse,
};
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::trace::v1::{Span, status::StatusCode};
use podherd_schema::conmon_capnp::conmon;
use tokio::sync::mpsc;
use tokio::task::LocalSet;
use tonic::{Request, Response, Status};

/// Where only a hang would show.
const HANG: Duration = Duration::from_secs(20);

/// A collector: hands on each request.
struct Collector(mpsc::UnboundedSender<ExportTraceServiceRequest>);

#[tonic::async_trait]
impl TraceService for Collector {
    async fn export(
        &self,
        request: Request<ExportTraceServiceRequest>,
    ) -> Result<Response<ExportTraceServiceResponse>, Status> {
        let _ = self.0.send(request.into_inner());
        Ok(Response::new(ExportTraceServiceResponse::default()))
    }
}

impl Collector {
    fn start(port: u16) -> mpsc::UnboundedReceiver<ExportTraceServiceRequest> {
        let (sender, receiver) = mpsc::unbounded_channel();
        let serving = tonic::transport::Server::builder()
            .add_service(TraceServiceServer::new(Self(sender)))
            .serve(SocketAddr::from(([127, 0, 0, 1], port)));
        tokio::task::spawn_local(async { serving.await.expect("the collector serves") });
        receiver
    }
}

/// A server that exports to a port; killed when dropped.
struct Server {
    child: Child,
    directory: tempfile::TempDir,
}

impl Server {
    fn start(port: u16) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let child = Command::new(env!("CARGO_BIN_EXE_podherd"))
            .arg("--runtime=/usr/sbin/runc")
            .arg(format!(
                "--runtime-dir={}",
                directory.path().join("run").display()
            ))
            .arg(format!(
                "--runtime-root={}",
                directory.path().join("root").display()
            ))
            .args(["--skip-fork", "--log-driver=stdout", "--enable-tracing"])
            .arg(format!("--tracing-endpoint=http://127.0.0.1:{port}"))
            .stdout(std::fs::File::create(directory.path().join("log")).unwrap())
            .stdin(Stdio::null())
            .spawn()
            .expect("the server starts");
        Self { child, directory }
    }

    fn log(&self) -> String {
        std::fs::read_to_string(self.directory.path().join("log")).unwrap()
    }

    async fn client(&self) -> conmon::Client {
        let socket = self.directory.path().join("run/conmon.sock");
        let connect = async {
            loop {
                match tokio::net::UnixStream::connect(&socket).await {
                    Ok(stream) => return stream,
                    Err(_) => tokio::time::sleep(Duration::from_millis(5)).await,
                }
            }
        };
        let stream = tokio::time::timeout(HANG, connect).await.expect("it listens");
        let (read, write) = stream.into_split();
        let (read, write) = (
            tokio_util::compat::TokioAsyncReadCompatExt::compat(read),
            tokio_util::compat::TokioAsyncWriteCompatExt::compat_write(write),
        );
        let network = VatNetwork::new(read, write, Side::Client, Default::default());
        let mut system = RpcSystem::new(Box::new(network), None);
        let client = system.bootstrap(Side::Server);
        tokio::task::spawn_local(system);
        client
    }

    /// Ends it as clients do; how it ended, and how long that took.
    async fn end(&mut self) -> (ExitStatus, Duration) {
        let began = Instant::now();
        let pid = self.child.id().to_string();
        assert!(
            Command::new("kill")
                .args(["-INT", &pid])
                .status()
                .unwrap()
                .success()
        );
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                return (status, began.elapsed());
            }
            assert!(began.elapsed() < HANG, "it does not end: {}", self.log());
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn run(test: impl AsyncFnOnce()) {
    let event_loop = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    LocalSet::new().block_on(&event_loop, test());
}

/// A port that nobody listens on.
fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap().port()
}

async fn version(client: &conmon::Client, metadata: &[(&str, &str)]) {
    let mut request = client.version_request();
    let mut entries = request.get().init_request().init_metadata(metadata.len() as u32);
    for (index, (key, value)) in metadata.iter().enumerate() {
        let mut entry = entries.reborrow().get(index as u32);
        entry.set_key(*key);
        entry.set_value(*value);
    }
    let answer = tokio::time::timeout(HANG, request.send().promise).await;
    answer.expect("an answer").expect("a version");
}

/// A create that fails, since there is no bundle.
async fn create(client: &conmon::Client, id: &str, bundle: &Path) -> capnp::Error {
    let mut request = client.create_container_request();
    let mut create = request.get().init_request();
    create.set_id(id);
    create.set_bundle_path(bundle.to_str().unwrap());
    let answer = tokio::time::timeout(HANG, request.send().promise).await;
    answer.expect("an answer").err().expect("there is no bundle")
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn attribute(span: &Span, key: &str) -> Option<String> {
    let found = span.attributes.iter().find(|attribute| attribute.key == key)?;
    match found.value.as_ref()?.value.as_ref()? {
        Value::StringValue(text) => Some(text.clone()),
        _ => None,
    }
}

#[test]
fn a_call_is_a_span_in_its_callers_trace() {
    run(async || {
        let port = free_port();
        let mut requests = Collector::start(port);
        let mut server = Server::start(port);
        let client = server.client().await;
        let (trace, parent) = ("0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331");
        let traceparent = format!("00-{trace}-{parent}-01");
        version(
            &client,
            &[("traceparent", &traceparent), ("tracestate", "vendor=a")],
        )
        .await;
        let error = create(&client, "lost", &PathBuf::from("/nonexistent")).await;
        // What is left is sent at the end.
        let (status, _) = server.end().await;
        assert!(status.success(), "{status}");

        let mut spans = Vec::new();
        while let Ok(request) = requests.try_recv() {
            for resource in request.resource_spans {
                let attributes = resource.resource.unwrap().attributes;
                assert!(attributes.iter().any(|attribute| attribute.key == "service.name"));
                spans.extend(resource.scope_spans.into_iter().flat_map(|scope| scope.spans));
            }
        }
        assert_eq!(
            spans.iter().map(|span| span.name.as_str()).collect::<Vec<_>>(),
            ["version", "createContainer"]
        );
        let (version, created) = (&spans[0], &spans[1]);
        assert_eq!(hex(&version.trace_id), trace);
        assert_eq!(hex(&version.parent_span_id), parent);
        assert_eq!(version.trace_state, "vendor=a");
        assert_eq!(attribute(version, "rpc.service").as_deref(), Some("Conmon"));
        assert_eq!(attribute(version, "container.id"), None);
        assert!(version.end_time_unix_nano > version.start_time_unix_nano);

        assert_eq!(hex(&created.parent_span_id), "");
        assert_ne!(hex(&created.trace_id), trace);
        assert_eq!(attribute(created, "container.id").as_deref(), Some("lost"));
        assert_eq!(
            attribute(created, "error.type").as_deref(),
            Some("BUNDLE_INVALID")
        );
        let status = created.status.as_ref().unwrap();
        assert_eq!(status.code(), StatusCode::Error);
        assert!(
            error.extra.ends_with(&status.message),
            "{} / {}",
            error.extra,
            status.message
        );
    });
}

#[test]
fn a_collector_that_is_missing_or_hangs_delays_nothing() {
    run(async || {
        // One accepts connections and says nothing; the other is not there.
        let hangs = TcpListener::bind("127.0.0.1:0").unwrap();
        for port in [hangs.local_addr().unwrap().port(), free_port()] {
            let mut server = Server::start(port);
            let client = server.client().await;
            let began = Instant::now();
            // More than the queue of spans holds.
            for _ in 0..3_000 {
                version(&client, &[]).await;
            }
            let each = began.elapsed() / 3_000;
            // About 0.2 ms in a debug build; an export that is waited for takes 5 s.
            assert!(each < Duration::from_millis(5), "{each:?} a call");
            let (status, took) = server.end().await;
            assert!(status.success(), "{status}");
            // One second is its bound.
            assert!(took < Duration::from_secs(5), "{took:?}");
            let log = server.log();
            assert!(
                log.contains("traces were not exported") || log.contains("traces are not exported"),
                "{log}"
            );
        }
    });
}

#[test]
fn an_endpoint_that_is_none_is_said_and_the_server_starts() {
    run(async || {
        let directory = tempfile::tempdir().unwrap();
        let log = directory.path().join("log");
        let child = Command::new(env!("CARGO_BIN_EXE_podherd"))
            .arg("--runtime=/usr/sbin/runc")
            .arg(format!(
                "--runtime-dir={}",
                directory.path().join("run").display()
            ))
            .args(["--skip-fork", "--log-driver=stdout", "--enable-tracing"])
            .arg("--tracing-endpoint=not a url")
            .stdout(std::fs::File::create(&log).unwrap())
            .stdin(Stdio::null())
            .spawn()
            .unwrap();
        let mut server = Server { child, directory };
        version(&server.client().await, &[]).await;
        let (status, _) = server.end().await;
        assert!(status.success(), "{status}");
        assert!(
            server.log().contains("no traces are exported"),
            "{}",
            server.log()
        );
    });
}
