//! Tests for audit records: their names, which of them an unauthenticated client can cause, and the
//! personal data that they contain.

use std::{
    future::Future,
    pin::pin,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    task::{Context, Poll, Waker},
    time::SystemTime,
};

use doorward_core::{
    Action, Anonymous, Audit, AuditRecord, BoxFuture, Decision, DecisionId, DisconnectReason,
    Fault, Part, Problem, RefusalReason, SessionId, UserId, network_prefix,
};

use super::Filled;

fn record(outcome: Decision) -> AuditRecord<'static> {
    AuditRecord::new(DecisionId::generate(&Filled(0)), SystemTime::UNIX_EPOCH, outcome)
}

/// Operators search for these names, so renaming a decision changes the interface.
#[test]
fn each_decision_has_its_name_and_its_reason() {
    let denied = RefusalReason::GuardDenied;
    for (decision, name, reason) in [
        (Decision::AccountDisabled, "account_disabled", None),
        (Decision::AccountEnabled, "account_enabled", None),
        (Decision::AccountRemoved, "account_removed", None),
        (Decision::Admitted, "admitted", None),
        (Decision::Closed(denied), "closed", Some("guard_denied")),
        (Decision::Denied(denied), "denied", Some("guard_denied")),
        (Decision::Ended(DisconnectReason::Revoked), "ended", Some("revoked")),
        (Decision::Joined, "joined", None),
        (Decision::LeftOut("token_signature", 7), "left_out", Some("token_signature")),
        (Decision::PasskeyAdded, "passkey_added", None),
        (Decision::PasskeyRemoved, "passkey_removed", None),
        (Decision::RecoveryCodesMade, "recovery_codes_made", None),
        (Decision::Refreshed, "refreshed", None),
        (Decision::Refused(denied), "refused", Some("guard_denied")),
        (Decision::Revoked, "revoked", None),
        (Decision::SignedIn, "signed_in", None),
        (Decision::SignedOut, "signed_out", None),
        (Decision::SignedUp, "signed_up", None),
        (Decision::Undecided(denied), "undecided", Some("guard_denied")),
    ] {
        assert_eq!((decision.as_str(), decision.reason()), (name, reason), "{decision:?}");
        let count = if name == "left_out" { 7 } else { 1 };
        assert_eq!(decision.count(), count, "{decision:?}");
    }
}

#[test]
fn refusals_and_anonymous_clients_are_records_of_strangers() {
    let (anonymous, alice) = (UserId::new(Anonymous::USER), UserId::new("alice"));
    let denied = RefusalReason::GuardDenied;
    for (outcome, user, is_stranger) in [
        (Decision::Refused(denied), None, true),
        (Decision::Closed(denied), Some(&alice), true),
        (Decision::Denied(denied), Some(&alice), true),
        (Decision::Undecided(denied), Some(&alice), true),
        (Decision::Admitted, Some(&anonymous), true),
        (Decision::Ended(DisconnectReason::ClientLeft), Some(&anonymous), true),
        (Decision::Admitted, Some(&alice), false),
        (Decision::Revoked, None, false),
    ] {
        let record = AuditRecord { user, ..record(outcome) };
        assert_eq!(record.is_by_stranger(), is_stranger, "{record:?}");
    }
}

#[test]
fn a_session_is_named_by_the_beginning_of_its_hash() {
    let session = SessionId::new("secret session");
    let of_session = AuditRecord { session: Some(&session), ..record(Decision::SignedIn) };

    // The prefix is the first four bytes of the SHA-256 of the id.
    assert_eq!(of_session.session_prefix().as_deref(), Some("80d7a8dd"));
    assert_eq!(record(Decision::SignedIn).session_prefix(), None);
    assert_eq!(record(Decision::SignedIn).peer_prefix(), None);
}

#[test]
fn an_ipv4_address_in_ipv6_form_has_its_ipv4_network() {
    let network = |address: &str| network_prefix(address.parse().unwrap()).to_string();

    assert_eq!(network("::ffff:203.0.113.77"), "203.0.113.0");
    assert_eq!(network("2001:db8:a:b:c:d:e:f"), "2001:db8:a::");
}

#[test]
fn a_fault_is_found_by_its_part() {
    let fault = Fault::new(Part::Claim, "exp", Problem::Missing);
    let with = AuditRecord { fault: Some(fault), ..record(Decision::Admitted) };

    assert_eq!(
        (fault.part(), fault.name(), fault.problem()),
        (Part::Claim, "exp", Problem::Missing)
    );
    assert_eq!(fault.to_string(), "claim exp: missing");
    assert_eq!((with.at_fault(Part::Claim), with.at_fault(Part::Header)), (Some("exp"), None));
    assert_eq!(record(Decision::Admitted).at_fault(Part::Claim), None);
}

#[test]
fn an_action_names_its_kind_and_its_subject() {
    for (action, name, about, text) in [
        (Action::Connect, "connect", None, "connect"),
        (Action::Event("say"), "event", Some("say"), "event say"),
        (Action::Join("r"), "join", Some("r"), "join r"),
        (Action::Leave("r"), "leave", Some("r"), "leave r"),
    ] {
        assert_eq!((action.as_str(), action.about(), &*action.to_string()), (name, about, text));
    }
}

/// Sink that counts records and keeps the default methods of the trait.
#[derive(Default)]
struct Counting(AtomicUsize);

impl Audit for Counting {
    fn record(&self, _: &AuditRecord<'_>) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

/// Sink that has lost its records and has no room for further records.
struct Lost;

impl Audit for Lost {
    fn record(&self, _: &AuditRecord<'_>) {}

    fn written(&self) -> BoxFuture<'_, bool> {
        Box::pin(std::future::ready(false))
    }

    fn has_room(&self) -> bool {
        false
    }

    fn kept_first(&self) -> Option<BoxFuture<'_, bool>> {
        Some(self.written())
    }
}

fn now<T>(future: impl Future<Output = T>) -> Option<T> {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(value) => Some(value),
        Poll::Pending => None,
    }
}

#[test]
fn a_shared_sink_answers_as_the_sink_does() {
    let (counting, lost) = (Arc::new(Counting::default()), Arc::new(Lost));
    Audit::record(&counting, &record(Decision::Admitted));

    assert_eq!(counting.0.load(Ordering::Relaxed), 1);
    assert_eq!(now(Audit::written(&counting)), Some(true));
    assert!(Audit::has_room(&counting) && Audit::kept_first(&counting).is_none());
    assert_eq!(now(Audit::written(&lost)), Some(false));
    assert!(!Audit::has_room(&lost));
    assert_eq!(Audit::kept_first(&lost).map(now), Some(Some(false)));
}
