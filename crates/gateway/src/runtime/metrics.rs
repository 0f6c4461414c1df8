//! Counts what happens, for whoever installed a recorder of the `metrics` crate; without one it costs
//! nothing.
//!
//! Labels come from enums only: nothing that a client has sent becomes one, so their number is bounded.
//! docs/metrics.md lists what there is. A recorder must be installed before the server is built.

use std::time::Duration;

use doorward_core::{Decision, DisconnectReason, Exception, RefusalCode};
use metrics::{Counter, Gauge, Histogram, counter, gauge, histogram};

/// What a server counts.
pub(crate) struct Metrics {
    pub(crate) links: Gauge,
    pub(crate) sockets: Gauge,
    pub(crate) events: Counter,
    pub(crate) outbox: Gauge,
    ack: Histogram,
    admission: Histogram,
    revocation: Histogram,
    sweep: Histogram,
}

/// What is counted of something that may be away.
#[derive(Debug)]
pub(crate) struct Outages {
    away: Gauge,
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
            sweep: histogram!(SWEEP),
        }
    }

    /// Every socket was asked after once.
    pub(crate) fn swept(&self, took: Duration) {
        self.sweep.record(took);
    }

    /// A decision was made.
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

    /// A client was refused, and reads this code.
    pub(crate) fn refused(code: RefusalCode) {
        let code = match code {
            RefusalCode::Application(_) => "application",
            code => code.as_str(),
        };
        counter!(REFUSALS, "code" => code).increment(1);
    }

    /// A connection was closed at once, or a request behind a proxy was refused.
    pub(crate) fn http_refused(bound: HttpBound) {
        let bound = match bound {
            HttpBound::Address => "address",
            HttpBound::Client => "client",
            HttpBound::Proxy => "proxy",
        };
        counter!(HTTP_REFUSED, "bound" => bound).increment(1);
    }

    /// A request was not complete, or not answered, in time.
    pub(crate) fn http_timed_out() {
        counter!(HTTP_TIMEOUTS).increment(1);
    }

    /// An admission was decided, either way.
    pub(crate) fn decided_in(&self, took: Duration) {
        self.admission.record(took);
    }

    /// An event was answered with an exception.
    pub(crate) fn failed(code: &str) {
        let known = Exception::CODES.into_iter().find(|known| *known == code);
        counter!(EVENT_FAILURES, "code" => known.unwrap_or("application")).increment(1);
    }

    /// A limit was hit that neither a decision nor an answer to a client shows.
    pub(crate) fn hit(limit: &'static str) {
        counter!(LIMITS_HIT, "limit" => limit).increment(1);
    }

    /// An event was answered.
    pub(crate) fn answered(&self, took: Duration) {
        self.ack.record(took);
    }

    /// A revocation is done.
    pub(crate) fn revoked(&self, took: Duration) {
        self.revocation.record(took);
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

/// Which bound a connection or a request that is no link yet has met.
#[derive(Clone, Copy)]
pub(crate) enum HttpBound {
    /// Connections of one address.
    Address,
    /// Requests of one client behind a trusted proxy.
    Client,
    /// Connections of one trusted proxy.
    Proxy,
}

/// The gauge of connections that are open; says at once how many may be.
pub(crate) fn connections(limit: usize) -> Gauge {
    gauge!(CONNECTIONS_LIMIT).set(limit as f64);
    gauge!(CONNECTIONS)
}

/// The gauge of sockets that are counted for a policy of connections.
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
const HANDSHAKES: &str = "doorward_handshakes_total";
const HTTP_REFUSED: &str = "doorward_http_connections_refused_total";
const HTTP_TIMEOUTS: &str = "doorward_http_timeouts_total";
const LIMITS_HIT: &str = "doorward_limits_hit_total";
const LINKS: &str = "doorward_links";
const OUTBOX: &str = "doorward_outbox_bytes";
const REFUSALS: &str = "doorward_refusals_total";
const REVOCATION: &str = "doorward_revocation_seconds";
const REVOCATIONS: &str = "doorward_revocations_total";
const SEATS: &str = "doorward_seats";
const SLOW_CLOSES: &str = "doorward_slow_closes_total";
const SOCKETS: &str = "doorward_sockets";
const SWEEP: &str = "doorward_sweep_seconds";
const UNANSWERED: &str = "doorward_unanswered_total";
