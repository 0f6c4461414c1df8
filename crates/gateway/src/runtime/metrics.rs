//! Metrics of a server, for a recorder of the `metrics` crate. Without a recorder they cost
//! nothing.
//!
//! Labels are enums or literals in the code and never input of a client, so their number is bounded.
//! docs/metrics.md lists all metrics. The recorder must be installed before the server is built,
//! because the server looks up most of its metrics once.

use doorward_core::{Decision, DisconnectReason, Exception, RefusalCode};
use metrics::{Counter, Gauge, Histogram, counter, gauge, histogram};

/// Step that failed before the first request of a connection.
#[derive(Clone, Copy, Debug)]
pub(crate) enum SetupStep {
    ProxyProtocol,
    Tls,
    /// The client has left in the middle of the handshake.
    TlsLost,
}

/// Metrics that a server looks up once.
pub(crate) struct Metrics {
    /// Number of open links.
    pub(crate) links: Gauge,
    /// Number of registered sockets.
    pub(crate) sockets: Gauge,
    pub(crate) events: Counter,
    /// Bytes that wait in the outboxes of all links.
    pub(crate) outbox: Gauge,
    /// Durations of events whose client asked for an ack, from the start of their guards until the
    /// event is done. A handler that takes an `Ack` may go on after it. Handlers that time out are
    /// not recorded.
    pub(crate) ack: Histogram,
    /// Durations of admissions with any outcome.
    pub(crate) admission: Histogram,
    /// Durations of revocations, with the wait until their sockets have closed.
    pub(crate) revocation: Histogram,
    /// Number of nodes of the cluster.
    pub(crate) nodes: Gauge,
    /// Number of times that this node has lost its membership in the cluster.
    pub(crate) fenced: Counter,
    /// Durations of sweeps, each of which re-checks every connected socket once.
    pub(crate) sweep: Histogram,
}

/// Metrics of a dependency that may be unavailable.
#[derive(Debug)]
pub(crate) struct Outages {
    /// 1 during an outage, and 0 otherwise.
    away: Gauge,
    /// Number of failed requests.
    failures: Counter,
}

impl Metrics {
    pub(crate) fn new() -> Self {
        Self {
            links: gauge!(LINKS),
            sockets: gauge!(SOCKETS),
            events: counter!(EVENTS),
            outbox: gauge!(OUTBOX),
            ack: histogram!(ACK),
            admission: histogram!(ADMISSION),
            revocation: histogram!(REVOCATION),
            nodes: gauge!(NODES),
            fenced: counter!(FENCED),
            sweep: histogram!(SWEEP),
        }
    }

    /// Counts a decision about a client, such as an admission or a revocation.
    pub(crate) fn decided(decision: Decision) {
        match decision {
            Decision::Admitted => counter!(HANDSHAKES, "outcome" => "admitted").increment(1),
            Decision::Closed(reason) | Decision::Refused(reason) | Decision::Undecided(reason) => {
                counter!(HANDSHAKES, "outcome" => reason.as_str()).increment(1);
            }
            Decision::Denied(reason) => {
                counter!(DENIALS, "reason" => reason.as_str()).increment(1);
            }
            Decision::Ended(reason) => {
                counter!(ENDS, "reason" => reason.as_str()).increment(1);
                if reason == DisconnectReason::SlowConsumer {
                    counter!(SLOW_CLOSES).increment(1);
                }
            }
            Decision::Revoked => counter!(REVOCATIONS).increment(1),
            _ => {}
        }
    }

    /// Counts a refused client, by the code that the client receives.
    pub(crate) fn refused(code: RefusalCode) {
        let code = match code {
            RefusalCode::Application(_) => "application",
            code => code.as_str(),
        };
        counter!(REFUSALS, "code" => code).increment(1);
    }

    /// Counts a connection that was closed at once, or a refused request behind a proxy, by the
    /// bound that was reached: `address`, `client` or `proxy`.
    pub(crate) fn http_refused(bound: &'static str) {
        counter!(HTTP_REFUSED, "bound" => bound).increment(1);
    }

    /// Counts a connection that was closed before its first request, by the step that failed.
    pub(crate) fn http_failed(step: SetupStep) {
        let step = match step {
            SetupStep::ProxyProtocol => "proxy_protocol",
            SetupStep::Tls => "tls",
            SetupStep::TlsLost => "tls_lost",
        };
        counter!(HTTP_FAILED, "step" => step).increment(1);
    }

    /// Counts a refused request of a Socket.IO client, by the reason.
    pub(crate) fn http_rejected(reason: &'static str) {
        counter!(HTTP_REJECTED, "reason" => reason).increment(1);
    }

    /// Counts a request that was not complete, or not answered, in time.
    pub(crate) fn http_timed_out() {
        counter!(HTTP_TIMEOUTS).increment(1);
    }

    /// Counts an event that was answered with an exception, by the code of the exception. All codes
    /// of applications are counted as `application`.
    pub(crate) fn failed(code: &str) {
        let known = Exception::CODES.into_iter().find(|known| *known == code);
        counter!(EVENT_FAILURES, "code" => known.unwrap_or("application")).increment(1);
    }

    /// Counts an action that reached a limit. `limit` is the name of the limit.
    pub(crate) fn hit(limit: &'static str) {
        counter!(LIMITS_HIT, "limit" => limit).increment(1);
    }
}

impl Outages {
    pub(crate) fn new(what: &'static str) -> Self {
        Self { away: gauge!(AWAY, "what" => what), failures: counter!(UNANSWERED, "what" => what) }
    }

    pub(crate) fn failed(&self) {
        self.failures.increment(1);
    }

    pub(crate) fn away(&self, is_away: bool) {
        self.away.set(if is_away { 1.0 } else { 0.0 });
    }
}

/// Returns the gauge of open connections, and sets the gauge of their limit.
pub(crate) fn connections(limit: usize) -> Gauge {
    gauge!(CONNECTIONS_LIMIT).set(limit as f64);
    gauge!(CONNECTIONS)
}

/// Returns the gauge of sockets that are counted for a limit of connections per user.
pub(crate) fn seats() -> Gauge {
    gauge!(SEATS)
}

const ACK: &str = "doorward_ack_seconds";
const ADMISSION: &str = "doorward_admission_seconds";
const AWAY: &str = "doorward_away";
const CONNECTIONS: &str = "doorward_connections";
const CONNECTIONS_LIMIT: &str = "doorward_connections_limit";
const DENIALS: &str = "doorward_denials_total";
const ENDS: &str = "doorward_ends_total";
const EVENT_FAILURES: &str = "doorward_event_failures_total";
const EVENTS: &str = "doorward_events_total";
const FENCED: &str = "doorward_cluster_fenced_total";
const HANDSHAKES: &str = "doorward_handshakes_total";
const HTTP_FAILED: &str = "doorward_http_connections_failed_total";
const HTTP_REFUSED: &str = "doorward_http_connections_refused_total";
const HTTP_REJECTED: &str = "doorward_http_requests_refused_total";
const HTTP_TIMEOUTS: &str = "doorward_http_timeouts_total";
const LIMITS_HIT: &str = "doorward_limits_hit_total";
const LINKS: &str = "doorward_links";
const NODES: &str = "doorward_cluster_nodes";
const OUTBOX: &str = "doorward_outbox_bytes";
const REFUSALS: &str = "doorward_refusals_total";
const REVOCATION: &str = "doorward_revocation_seconds";
const REVOCATIONS: &str = "doorward_revocations_total";
const SEATS: &str = "doorward_seats";
const SLOW_CLOSES: &str = "doorward_slow_closes_total";
const SOCKETS: &str = "doorward_sockets";
const SWEEP: &str = "doorward_sweep_seconds";
const UNANSWERED: &str = "doorward_unanswered_total";
