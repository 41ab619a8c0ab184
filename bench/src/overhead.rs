//! What `createContainer` and `execSyncContainer` cost beyond the runtime itself. A pair is the no-op
//! runtime started alone and the same through the server; the difference is the server's.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use crate::client::NewContainer;
use crate::figures::{Row, Samples, Section};
use crate::ground::Ground;
use crate::options::Options;
use crate::priority::RealTime;
use crate::programs::{self, Repeated};
use crate::server::Server;
use crate::{Result, bundle, procfs};

/// What a call may cost.
const GOAL_MS: f64 = 0.5;

/// Pairs that warm the caches up and don't count.
const WARM_UP: usize = 20;

/// Between two measurements, so that what one leaves to be done doesn't land in the next.
const REST: Duration = Duration::from_millis(2);

/// Measures both calls.
pub async fn measure(options: &Options, ground: &Ground) -> Result<Section> {
    let priority = RealTime::begin();
    let server = Server::start(ground, "overhead", &options.server, &options.noop_runtime).await?;
    let bench = Bench {
        runtime: Repeated::new(&options.noop_runtime)?,
        bundle: server.path("bundle"),
        pid_file: server.path("pid"),
        server,
    };
    bundle::write_empty(&bench.bundle)?;

    let wire = bench.wire(options.pairs).await?;
    let create = bench.pairs(options.pairs, Call::Create).await?;
    bench.server.client.run(&bench.container("exec")).await?;
    let exec = bench.pairs(options.pairs, Call::Exec).await?;
    bench.server.end().await?;

    let mut rows = vec![Row::spread("a call that does nothing", &wire, "ms")];
    for (name, with, pairs) in [("create", " and delete", create), ("execSync", "", exec)] {
        rows.push(Row::spread(format!("{name}: runtime alone"), &pairs.alone, "ms"));
        rows.push(Row::spread(
            format!("{name}: through the server"),
            &pairs.served,
            "ms",
        ));
        let cpu = Row::single(
            format!("{name}{with}: CPU of the server"),
            "mean",
            pairs.cpu,
            "ms",
        );
        rows.push(cpu);
        let difference = pairs.served.less(&pairs.alone);
        rows.push(Row::spread(format!("{name}: overhead"), &difference, "ms").below(GOAL_MS));
    }
    Ok(Section {
        title: format!("Overhead of a call, no-op runtime, {} pairs", options.pairs),
        rows,
        notes: priority.note().into_iter().collect(),
    })
}

#[derive(Clone, Copy)]
enum Call {
    Create,
    Exec,
}

struct Bench<'a> {
    runtime: Repeated<'a>,
    bundle: PathBuf,
    pid_file: PathBuf,
    server: Server,
}

#[derive(Default)]
struct Pairs {
    alone: Samples,
    served: Samples,
    /// CPU milliseconds of the server for each call, with what it does after the answer.
    cpu: f64,
}

impl Bench<'_> {
    async fn wire(&self, count: usize) -> Result<Samples> {
        let mut samples = Samples::default();
        for _ in 0..count {
            let started = Instant::now();
            self.server.client.nothing().await?;
            samples.push(milliseconds(started.elapsed()));
        }
        Ok(samples)
    }

    /// Both ways by turns, each first in every other pair.
    async fn pairs(&self, count: usize, call: Call) -> Result<Pairs> {
        let mut pairs = Pairs::default();
        let cpu_before = procfs::cpu_seconds(self.server.pid())?;
        for number in 0..WARM_UP + count {
            let (alone, served);
            if number % 2 == 0 {
                alone = self.alone(call, number).await?;
                served = self.served(call, number).await?;
            } else {
                served = self.served(call, number).await?;
                alone = self.alone(call, number).await?;
            }
            if number >= WARM_UP {
                pairs.alone.push(milliseconds(alone));
                pairs.served.push(milliseconds(served));
            }
        }
        let cpu = procfs::cpu_seconds(self.server.pid())? - cpu_before;
        pairs.cpu = cpu * 1e3 / (WARM_UP + count) as f64;
        Ok(pairs)
    }

    async fn alone(&self, call: Call, number: usize) -> Result<Duration> {
        tokio::time::sleep(REST).await;
        let id = format!("alone-{number}");
        let took = match call {
            Call::Create => self.runtime.run(&self.create_arguments(&id))?,
            Call::Exec => self.runtime.run(&self.exec_arguments())?,
        };
        programs::end(programs::read_pid(&self.pid_file)?);
        if let Call::Create = call {
            std::fs::remove_dir_all(self.server.runtime_root().join(id))?;
        }
        Ok(took)
    }

    async fn served(&self, call: Call, number: usize) -> Result<Duration> {
        tokio::time::sleep(REST).await;
        let id = format!("served-{number}");
        let new = self.container(&id);
        let client = &self.server.client;
        let started = Instant::now();
        match call {
            Call::Create => {
                client.create(&new).await?;
                let took = started.elapsed();
                client.delete(&id).await?;
                Ok(took)
            }
            Call::Exec => {
                let code = client.exec("exec", EXEC).await?;
                let took = started.elapsed();
                if code == 7 {
                    Ok(took)
                } else {
                    Err(format!("the exec ended with {code} instead of 7").into())
                }
            }
        }
    }

    fn container<'id>(&self, id: &'id str) -> NewContainer<'id> {
        NewContainer {
            id,
            bundle: self.bundle.clone(),
            log: Some(self.server.path("log")),
            exit_file: None,
        }
    }

    /// What the server says to the runtime, as far as a runtime of this kind reads it.
    fn create_arguments(&self, id: &str) -> Vec<OsString> {
        let words = ["create".as_ref(), "--bundle".as_ref(), self.bundle.as_path()];
        let mut arguments = self.global_arguments();
        arguments.extend(words.map(|word: &Path| word.as_os_str().to_owned()));
        arguments.extend(["--pid-file".into(), self.pid_file.clone().into(), id.into()]);
        arguments
    }

    fn exec_arguments(&self) -> Vec<OsString> {
        let mut arguments = self.global_arguments();
        let mut pid_file = OsString::from("--pid-file=");
        pid_file.push(&self.pid_file);
        arguments.extend(["exec".into(), "-d".into(), pid_file, "exec".into()]);
        arguments.extend(EXEC.iter().map(OsString::from));
        arguments
    }

    fn global_arguments(&self) -> Vec<OsString> {
        let mut root = OsString::from("--root=");
        root.push(self.server.runtime_root());
        let rest = ["--log", "/dev/null", "--log-format", "json"].map(OsString::from);
        std::iter::once(root).chain(rest).collect()
    }
}

/// The no-op runtime's only command.
const EXEC: &[&str] = &["exit", "7"];

fn milliseconds(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1e3
}
