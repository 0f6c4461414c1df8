//! Limits the number of audit records that unauthenticated clients can cause. Counts the records
//! above the limit.

use std::{
    collections::HashMap,
    mem,
    sync::Mutex,
    time::{Duration, SystemTime},
};

use doorward_core::{Audit, AuditRecord, BoxFuture, Decision, DecisionId, lock};

/// Audit sink that limits the records that any client can cause to 1,000 in ten seconds.
///
/// A client that is refused, or that enters and leaves a public namespace, can cause any number of
/// records ([`AuditRecord::is_by_stranger`]). Records above the limit are not passed on, but
/// counted by their reason or outcome. Each count is recorded as one [`Decision::LeftOut`]. This
/// happens before the first record after the ten seconds, and when [`written`](Audit::written) is
/// called. So the numbers still add up. Admissions, sign-ins, revocations and ends of authenticated
/// clients are always recorded one by one.
///
/// # Examples
/// ```
/// use doorward::{audit::{BoundedAudit, TracingAudit}, prelude::*};
///
/// let builder = Doorward::builder().audit(BoundedAudit::new(TracingAudit));
/// ```
#[derive(Debug)]
pub struct BoundedAudit<A> {
    sink: A,
    /// `true` if admissions, sign-ins and revocations wait until their records are kept.
    records_first: bool,
    /// Counts of the current window. The lock is held for one update of the counts.
    window: Mutex<Window>,
}

/// Counts of the records that were made in one period of [`WINDOW`].
#[derive(Debug)]
struct Window {
    /// Wall-clock time at which the window ends.
    ends: SystemTime,
    /// Number of records in this window that any client can cause.
    strangers: u64,
    /// Numbers of records that were not passed on, by their reason or outcome.
    left_out: HashMap<&'static str, u64>,
    /// Id and time of the last decision that was left out.
    last: Option<(DecisionId, SystemTime)>,
}

impl<A: Audit> BoundedAudit<A> {
    /// Creates a sink that passes records on to `sink`. It limits the number of records that any
    /// client can cause.
    #[must_use]
    pub fn new(sink: A) -> Self {
        let (ends, left_out) = (SystemTime::UNIX_EPOCH, HashMap::new());
        let window = Window { ends, strangers: 0, left_out, last: None };
        Self { sink, records_first: false, window: Mutex::new(window) }
    }

    /// Makes admissions, sign-ins and revocations wait until the sink has kept their records.
    ///
    /// A client is neither admitted nor signed in if its record is not kept. A revocation waits for
    /// at most two seconds, and then ends its sockets even if its record was not kept.
    #[must_use]
    pub fn record_first(self) -> Self {
        Self { records_first: true, ..self }
    }

    /// Returns the inner sink.
    pub fn sink(&self) -> &A {
        &self.sink
    }

    /// Counts a record. Returns `true` if the record must be passed on, and the numbers of earlier
    /// records that were left out. The caller must record these numbers first.
    fn count(&self, record: &AuditRecord<'_>) -> (bool, HashMap<&'static str, u64>) {
        let mut window = lock(&self.window);
        // A new window also begins if the clock was set back.
        let is_over = record.at >= window.ends || record.at + WINDOW < window.ends;
        let left_out = if is_over { mem::take(&mut window.left_out) } else { HashMap::new() };
        if is_over {
            window.ends = record.at + WINDOW;
            window.strangers = 0;
        }
        if !record.is_by_stranger() {
            return (true, left_out);
        }
        window.strangers += 1;
        if window.strangers <= LIMIT {
            return (true, left_out);
        }
        let name = record.outcome.reason().unwrap_or(record.outcome.as_str());
        *window.left_out.entry(name).or_default() += 1;
        window.last = Some((record.id, record.at));
        metrics::counter!("doorward_audit_left_out_total", "reason" => name).increment(1);
        (false, left_out)
    }

    /// Records how many decisions were left out, with one record for each reason or outcome. `id`
    /// and `at` are the id and the time of these records.
    fn tell(&self, left_out: HashMap<&'static str, u64>, id: DecisionId, at: SystemTime) {
        for (name, count) in left_out {
            self.sink.record(&AuditRecord::new(id, at, Decision::LeftOut(name, count)));
        }
    }
}

impl<A: Audit> Audit for BoundedAudit<A> {
    fn record(&self, record: &AuditRecord<'_>) {
        let (is_passed_on, left_out) = self.count(record);
        self.tell(left_out, record.id, record.at);
        if is_passed_on {
            self.sink.record(record);
        }
    }

    fn written(&self) -> BoxFuture<'_, bool> {
        // Called first, so that the record that is made here counts, too.
        let written = self.sink.written();
        let mut window = lock(&self.window);
        let (left_out, last) = (mem::take(&mut window.left_out), window.last);
        drop(window);
        if let Some((id, at)) = last {
            self.tell(left_out, id, at);
        }
        written
    }

    fn has_room(&self) -> bool {
        self.sink.has_room()
    }

    fn kept_first(&self) -> Option<BoxFuture<'_, bool>> {
        if self.records_first { Some(self.sink.written()) } else { self.sink.kept_first() }
    }
}

/// Length of a window in which records are counted.
const WINDOW: Duration = Duration::from_secs(10);

/// Maximum number of records that any client can cause in one [`WINDOW`].
const LIMIT: u64 = 1_000;

#[cfg(test)]
mod tests {
    use doorward_core::{Anonymous, DisconnectReason, RefusalReason, UserId};

    use super::*;
    use crate::runtime::system::OsEntropy;

    #[derive(Default)]
    struct Kept(Mutex<Vec<Decision>>);

    impl Audit for Kept {
        fn record(&self, record: &AuditRecord<'_>) {
            self.0.lock().unwrap().push(record.outcome);
        }
    }

    fn record(audit: &BoundedAudit<Kept>, second: u64, outcome: Decision) {
        record_of(audit, second, outcome, "alice");
    }

    fn record_of(audit: &BoundedAudit<Kept>, second: u64, outcome: Decision, user: &str) {
        let at = SystemTime::UNIX_EPOCH + Duration::from_secs(1_000 + second);
        audit.record(&AuditRecord {
            user: Some(&UserId::new(user)),
            ..AuditRecord::new(DecisionId::generate(&OsEntropy), at, outcome)
        });
    }

    #[test]
    fn only_refusals_above_the_ceiling_are_counted_together() {
        let audit = BoundedAudit::new(Kept::default());
        let forged = Decision::Refused(RefusalReason::TokenSignature);
        let ended = Decision::Ended(DisconnectReason::TransportClosed);

        for _ in 0..5_000 {
            record(&audit, 0, forged);
            record(&audit, 1, Decision::Admitted);
            record(&audit, 1, ended);
        }
        record(&audit, 10, forged);
        for _ in 0..2_000 {
            record(&audit, 11, forged);
        }
        drop(audit.written());

        let kept = audit.sink.0.lock().unwrap();
        let count = |wanted| kept.iter().filter(|outcome| **outcome == wanted).count();
        assert_eq!((count(Decision::Admitted), count(ended), count(forged)), (5_000, 5_000, 2_000));
        assert_eq!(count(Decision::LeftOut("token_signature", 4_000)), 1);
        assert_eq!(count(Decision::LeftOut("token_signature", 1_001)), 1);
    }

    /// A public namespace admits every client, any number of times.
    #[test]
    fn visits_of_anonymous_clients_are_counted_together_too() {
        let audit = BoundedAudit::new(Kept::default());

        for _ in 0..2_000 {
            record_of(&audit, 0, Decision::Admitted, Anonymous::USER);
        }
        record(&audit, 0, Decision::Admitted);
        drop(audit.written());

        let kept = audit.sink.0.lock().unwrap();
        let count = |wanted| kept.iter().filter(|outcome| **outcome == wanted).count();
        assert_eq!(count(Decision::Admitted), 1_001);
        assert_eq!(count(Decision::LeftOut("admitted", 1_000)), 1);
    }
}
