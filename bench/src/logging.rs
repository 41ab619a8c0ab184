//! Much output through the kubelet's log format: how fast, and at what cost to the monitor. The same
//! container writes to the server, to C conmon, and, as the floor, into a file.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Instant;

use crate::bundle::Rootfs;
use crate::client::NewContainer;
use crate::conmon::{Conmon, Cost};
use crate::figures::{Row, Samples, Section};
use crate::ground::Ground;
use crate::lines::Lines;
use crate::options::Options;
use crate::programs::{self, Running};
use crate::server::Server;
use crate::{Result, procfs};

/// Measures all three by turns.
pub async fn measure(options: &Options, ground: &Ground) -> Result<Section> {
    let conmon_directory = ground.state_folder("conmon")?;
    fs::create_dir_all(conmon_directory.join("root"))?;
    let bench = Bench {
        lines: Lines::write(ground.path("input"), options.megabytes)?,
        log: ground.path("output.log"),
        bundle: ground.path("logging-bundle"),
        server: Server::start(ground, "logging", &options.server, &options.runtime).await?,
        conmon: options.conmon.exists().then(|| Conmon {
            program: &options.conmon,
            runtime: &options.runtime,
            directory: conmon_directory,
        }),
    };
    Rootfs::make(ground, &options.busybox)?.write_bundle(
        &bench.bundle,
        &ground.cgroup_of("logging"),
        &["cat", "/data/input"],
        Some(bench.lines.path()),
    )?;

    let (mut copied, mut served, mut compared) = (Taken::default(), Taken::default(), Taken::default());
    for round in 0..options.rounds {
        copied.add(bench.copy(&options.busybox)?);
        // The second of two finds the machine in another state than the first: they change places.
        if round % 2 == 0 {
            served.add(bench.serve().await?);
            bench.compare()?.into_iter().for_each(|cost| compared.add(cost));
        } else {
            bench.compare()?.into_iter().for_each(|cost| compared.add(cost));
            served.add(bench.serve().await?);
        }
    }
    let megabytes = bench.lines.megabytes();
    let with_conmon = bench.conmon.is_some();
    bench.server.end().await?;

    let speed = |taken: &Taken| megabytes / taken.seconds.median();
    let mut rows = vec![
        Row::single("cat > file: speed", "median", speed(&copied), "MB/s"),
        Row::spread("cat > file: CPU of cat", &copied.cpu, "s"),
    ];
    let mut fast = Row::single("the server: speed", "median", speed(&served), "MB/s");
    let mut cheap = Row::spread("the server: CPU", &served.cpu, "s");
    let mut notes = vec!["every byte was found in every log".to_owned()];
    if with_conmon {
        rows.push(Row::single("C conmon: speed", "median", speed(&compared), "MB/s"));
        rows.push(Row::spread("C conmon: CPU", &compared.cpu, "s"));
        fast = fast.above(speed(&compared), "C conmon");
        cheap = cheap.under(compared.cpu.median(), "C conmon");
    } else {
        let path = options.conmon.display();
        notes.push(format!(
            "C conmon is not installed ({path}): not compared; on Debian: apt-get install conmon"
        ));
    }
    rows.extend([fast, cheap]);
    Ok(Section {
        title: format!(
            "{megabytes:.0} MB of 80-byte lines from a container, {} rounds",
            options.rounds
        ),
        rows,
        notes,
    })
}

struct Bench<'a> {
    lines: Lines,
    log: PathBuf,
    bundle: PathBuf,
    server: Server,
    conmon: Option<Conmon<'a>>,
}

#[derive(Default)]
struct Taken {
    seconds: Samples,
    cpu: Samples,
}

impl Taken {
    fn add(&mut self, cost: Cost) {
        self.seconds.push(cost.took.as_secs_f64());
        self.cpu.push(cost.cpu_seconds);
    }
}

impl Bench<'_> {
    /// What writing alone takes.
    fn copy(&self, busybox: &Path) -> Result<Cost> {
        let mut command = Command::new(busybox);
        command
            .arg("cat")
            .arg(self.lines.path())
            .stdin(Stdio::null())
            .stdout(File::create(&self.log)?);
        let started = Instant::now();
        let cat = Running::start(&mut command)?;
        programs::ended(cat.pid())?;
        let took = started.elapsed();
        let cpu_seconds = procfs::cpu_seconds(cat.pid())?;
        drop(cat);
        self.lines.compare_copy(&self.log)?;
        fs::remove_file(&self.log)?;
        Ok(Cost { took, cpu_seconds })
    }

    async fn serve(&self) -> Result<Cost> {
        let client = &self.server.client;
        let id = "logging";
        let new = NewContainer {
            id,
            bundle: self.bundle.clone(),
            log: Some(self.log.clone()),
            exit_file: None,
        };
        client.create(&new).await?;
        let cpu_before = procfs::cpu_seconds(self.server.pid())?;
        let started = Instant::now();
        client.start(id).await?;
        let complete = client.wait_for_end(id).await?;
        let took = started.elapsed();
        let cpu_seconds = procfs::cpu_seconds(self.server.pid())? - cpu_before;
        if !complete {
            return Err("the server says that the log is not complete".into());
        }
        self.lines.compare_log(&self.log)?;
        client.delete(id).await?;
        fs::remove_file(&self.log)?;
        Ok(Cost { took, cpu_seconds })
    }

    fn compare(&self) -> Result<Option<Cost>> {
        let Some(conmon) = &self.conmon else {
            return Ok(None);
        };
        let cost = conmon.log("compared", &self.bundle, &self.log)?;
        self.lines
            .compare_log(&self.log)
            .map_err(|error| format!("C conmon: {error}"))?;
        fs::remove_file(&self.log)?;
        Ok(Some(cost))
    }
}
