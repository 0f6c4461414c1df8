//! Samples of processor time, and the difference of two samples.

use std::io;

use doorward_bench::{measurement::Measurement, process::Cpu};
use tokio::time::Instant;

use crate::{latency::Latencies, target::Target};

/// Processor time that the server and this client have used until a moment.
pub(crate) struct Sample {
    at: Instant,
    server: Cpu,
    own: Cpu,
}

impl Sample {
    pub(crate) fn take(target: Target) -> io::Result<Self> {
        let (server, own) = (Cpu::of(target.pid)?, Cpu::of(std::process::id())?);
        Ok(Self { at: Instant::now(), server, own })
    }

    /// Returns the average cost of each of the `operations` operations since `earlier`, and their latencies.
    pub(crate) fn since(&self, earlier: &Self, operations: u64, times: &Latencies) -> Measurement {
        let (elapsed, count) = ((self.at - earlier.at).as_secs_f64(), operations as f64);
        let server = self.server.since(earlier.server);
        Measurement {
            operations,
            rate: count / elapsed,
            cpu: server.total().as_secs_f64() * 1e6 / count,
            cpu_user: server.user.as_secs_f64() * 1e6 / count,
            p50: times.percentile(50),
            p99: times.percentile(99),
            load_busy: self.own.since(earlier.own).total().as_secs_f64() / elapsed,
            ..Measurement::default()
        }
    }
}
