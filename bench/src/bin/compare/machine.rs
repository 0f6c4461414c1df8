//! Describes the machine and its load.

use std::{fs, process::Command, thread};

use crate::runs::Pins;

/// Returns the lines to print above the table.
pub(crate) fn describe(pins: Pins) -> String {
    let cores = thread::available_parallelism().map_or(0, usize::from);
    let pinned = match pins {
        Pins::OneCoreEach => "server on core 0, load on core 1",
        Pins::Unpinned => "not pinned, because `taskset -c 1` does not work here",
    };
    format!(
        "{}, {cores} cores, {pinned}\n{}\n{}\nload average before: {}\n",
        line("/proc/cpuinfo", "model name"),
        line("/proc/version", "Linux"),
        compiler(),
        line("/proc/loadavg", ""),
    )
}

/// Returns the first line of a file that begins with `beginning`, or `unknown`.
fn line(path: &str, beginning: &str) -> String {
    let text = fs::read_to_string(path).unwrap_or_default();
    text.lines().find(|line| line.starts_with(beginning)).unwrap_or("unknown").to_owned()
}

fn compiler() -> String {
    let output = Command::new("rustc").arg("--version").output();
    let version = output.ok().and_then(|output| String::from_utf8(output.stdout).ok());
    version.map_or_else(|| "unknown compiler".to_owned(), |version| version.trim().to_owned())
}
