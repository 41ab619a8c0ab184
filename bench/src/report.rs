//! The table on the terminal, and the same as JSON.

use std::fs;
use std::io::IsTerminal;
use std::path::Path;

use serde_json::{Map, Value, json};

use crate::Result;
use crate::figures::{Goal, Row, Section};

/// What the figures were measured on.
#[derive(Debug)]
pub struct Machine {
    cpus: usize,
    kernel: String,
    load: f64,
    at: u64,
}

impl Machine {
    /// The machine as it is now.
    pub fn look() -> Self {
        let load = fs::read_to_string("/proc/loadavg").unwrap_or_default();
        let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
        Self {
            cpus: std::thread::available_parallelism().map_or(0, usize::from),
            kernel: rustix::system::uname().release().to_string_lossy().into_owned(),
            load: load
                .split(' ')
                .next()
                .and_then(|first| first.parse().ok())
                .unwrap_or(f64::NAN),
            at: now.map_or(0, |now| now.as_secs()),
        }
    }

    fn is_busy(&self) -> bool {
        self.load > self.cpus as f64
    }
}

/// Says what is measured on.
pub fn print_machine(machine: &Machine) {
    println!(
        "{} CPUs, Linux {}, load {:.1}",
        machine.cpus, machine.kernel, machine.load
    );
    if machine.is_busy() {
        println!("the machine is busy: figures of real containers say something only within a pair");
    }
}

/// Prints a section as soon as it is measured.
pub fn print_section(section: &Section) {
    println!("\n{}", bold(&section.title));
    for row in &section.rows {
        println!("  {}", line(row));
    }
    for note in &section.notes {
        println!("  {note}");
    }
}

/// Prints how many goals are reached, and which are not.
pub fn print_summary(sections: &[Section]) {
    let goals = || {
        let rows = sections.iter().flat_map(|section| &section.rows);
        rows.filter_map(|row| row.goal.as_ref().map(|goal| (row, goal)))
    };
    let reached = goals().filter(|(_, goal)| goal.reached).count();
    println!("\n{reached} of {} goals reached", goals().count());
    for (row, goal) in goals().filter(|(_, goal)| !goal.reached) {
        println!("  not reached: {} ({})", row.name, goal.words);
    }
}

/// Writes all of it to a file.
pub fn write_json(path: &Path, machine: &Machine, sections: &[Section]) -> Result<()> {
    let sections: Vec<Value> = sections.iter().map(section_json).collect();
    let document = json!({
        "measuredAt": machine.at,
        "machine": {
            "cpus": machine.cpus,
            "kernel": machine.kernel,
            "loadBefore": machine.load,
            "busy": machine.is_busy(),
        },
        "sections": sections,
    });
    fs::write(path, format!("{document:#}\n")).map_err(|error| format!("{}: {error}", path.display()).into())
}

fn section_json(section: &Section) -> Value {
    let rows: Vec<Value> = section.rows.iter().map(row_json).collect();
    json!({ "title": section.title, "rows": rows, "notes": section.notes })
}

fn row_json(row: &Row) -> Value {
    let values: Map<String, Value> = row
        .values
        .iter()
        .map(|(label, value)| ((*label).to_owned(), json!(value)))
        .collect();
    let goal = row
        .goal
        .as_ref()
        .map(|Goal { words, reached }| json!({ "words": words, "reached": reached }));
    json!({ "name": row.name, "unit": row.unit, "values": values, "goal": goal })
}

fn line(row: &Row) -> String {
    let values: Vec<String> = row
        .values
        .iter()
        .map(|(label, value)| format!("{label} {:>9}", number(*value)))
        .collect();
    let figures = format!("{:<40}{} {}", row.name, values.join("  "), row.unit);
    match &row.goal {
        None => figures,
        Some(Goal { words, reached: true }) => format!("{figures:<100}{words}: reached"),
        Some(Goal { words, .. }) => format!("{figures:<100}{}", bold(&format!("{words}: not reached"))),
    }
}

/// Three significant digits or all before the point.
fn number(value: f64) -> String {
    match value.abs() {
        size if size >= 100.0 => format!("{value:.0}"),
        size if size >= 10.0 => format!("{value:.1}"),
        size if size >= 1.0 => format!("{value:.2}"),
        _ => format!("{value:.3}"),
    }
}

fn bold(text: &str) -> String {
    if std::io::stdout().is_terminal() {
        format!("\u{1b}[1m{text}\u{1b}[0m")
    } else {
        text.to_owned()
    }
}
