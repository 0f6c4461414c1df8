//! Result of a run, as `load` passes it to `compare`.

use serde::{Deserialize, Serialize};

/// Result of one run. Times are in microseconds.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(default)]
pub struct Measurement {
    /// Number of operations: connections, refusals, answered events or deliveries.
    pub operations: u64,
    /// Operations per second.
    pub rate: f64,
    /// Processor time of the server per operation, in user mode and in the kernel, in microseconds.
    pub cpu: f64,
    /// Processor time of the server per operation, in user mode only, in microseconds.
    pub cpu_user: f64,
    /// Median latency, in microseconds.
    pub p50: f64,
    /// 99th percentile of the latency, in microseconds.
    pub p99: f64,
    /// Number of answers that arrived after the answer to a later event.
    pub out_of_order: u64,
    /// Memory of the server per connection, in bytes. It is 0 in runs without lasting connections.
    pub bytes: f64,
    /// Share of its core that the client has used. Near 1, the client is the bottleneck and measures itself.
    pub load_busy: f64,
}
