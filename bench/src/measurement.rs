//! What `load` tells `compare` of one run.

use serde::{Deserialize, Serialize};

/// One run. Times are microseconds.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(default)]
pub struct Measurement {
    /// Connections, refusals or answered events.
    pub operations: u64,
    /// How many a second.
    pub rate: f64,
    /// Processor time of the server for each, its own and the kernel's.
    pub cpu: f64,
    /// Its own part of it.
    pub cpu_user: f64,
    /// Half of the operations took at most this long.
    pub p50: f64,
    /// 99 of 100 took at most this long.
    pub p99: f64,
    /// Answers that were overtaken by a later one.
    pub out_of_order: u64,
    /// Memory of the server for each connection, where connections stay.
    pub bytes: f64,
    /// Which part of its core the client itself has used: near 1 it measures itself.
    pub load_busy: f64,
}
