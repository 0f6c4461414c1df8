//! Tests for refusals, exceptions and verdicts: the parts that a client reads, and the parts that
//! only the audit record contains.

use std::time::Duration;

use doorward_core::{
    BoxError, Code, Exception, Fault, Part, Problem, Refusal, RefusalCode, RefusalReason, Retry,
    Verdict,
};

const WAIT: Duration = Duration::from_secs(9);

#[test]
fn what_is_added_to_a_refusal_replaces_its_default() {
    let fault = Fault::new(Part::Claim, "exp", Problem::Missing);
    let refusal = Refusal::forbidden()
        .retry(Retry::Later)
        .after(WAIT)
        .because(RefusalReason::UserUnknown)
        .about(fault);

    assert_eq!(refusal.code(), RefusalCode::Forbidden);
    assert_eq!((refusal.message(), &*refusal.to_string()), ("Forbidden", "Forbidden"));
    assert_eq!(refusal.retry_hint(), Some(Retry::Later));
    assert_eq!(refusal.retry_after(), Some(WAIT));
    assert_eq!(refusal.reason(), RefusalReason::UserUnknown);
    assert_eq!(refusal.fault(), Some(fault));
    assert_eq!(refusal.about(None).fault(), None);
}

#[test]
fn a_refusal_of_an_application_has_its_code_and_no_hint() {
    let refusal = Refusal::new("room_full", "The room is full");

    assert_eq!(refusal.code(), RefusalCode::Application(Code::new("room_full")));
    assert_eq!(refusal.code().as_str(), "room_full");
    assert_eq!(refusal.message(), "The room is full");
    assert_eq!((refusal.retry_hint(), refusal.retry_after()), (None, None));
    assert_eq!(refusal.reason(), RefusalReason::Application);
}

/// Operators read the reasons. Clients read only the codes, which are less specific.
#[test]
fn each_refusal_has_a_reason_for_the_audit() {
    for (refusal, reason) in [
        (Refusal::already_connected(), RefusalReason::SeatTaken),
        (Refusal::bad_handshake(), RefusalReason::AuthMalformed),
        (Refusal::forbidden(), RefusalReason::GuardDenied),
        (Refusal::invalid_namespace(), RefusalReason::NamespaceUnknown),
        (Refusal::reauthentication_required(), RefusalReason::ReauthenticationRequired),
        (Refusal::session_expired(), RefusalReason::SessionExpired),
        (Refusal::token_expired(), RefusalReason::TokenExpired),
        (Refusal::too_many_attempts(WAIT), RefusalReason::TooManyAttempts),
        (Refusal::too_many_namespaces(), RefusalReason::TooManyNamespaces),
        (Refusal::too_many_rooms(), RefusalReason::RoomDenied),
        (Refusal::unauthenticated(RefusalReason::UserUnknown), RefusalReason::UserUnknown),
    ] {
        assert_eq!(refusal.reason(), reason, "{refusal}");
    }
    let malformed = Some(Fault::new(Part::Member, "auth", Problem::Malformed));
    assert_eq!(Refusal::bad_handshake().fault(), malformed);
}

#[test]
fn a_refusal_of_an_event_becomes_the_exception_of_its_kind() {
    let codes = |refusal: Refusal| {
        let exception = Exception::from(refusal);
        (exception.code(), exception.message().to_owned(), exception.wait())
    };
    let coded = |code: &'static str, message: &str, wait| (code, message.to_owned(), wait);

    assert_eq!(
        codes(Refusal::new("room_full", "The room is full").after(WAIT)),
        coded("room_full", "The room is full", Some(WAIT))
    );
    assert_eq!(
        codes(Refusal::reauthentication_required()),
        coded("reauthentication_required", "Reauthentication required", None)
    );
    assert_eq!(codes(Refusal::too_many_rooms()), coded("too_many_rooms", "Too many rooms", None));
    assert_eq!(
        codes(Refusal::too_many_attempts(WAIT)),
        coded("rate_limited", "Too many requests", Some(WAIT))
    );
    // The client is authenticated, so its answer must not have the code of an unauthenticated
    // client.
    assert_eq!(codes(Refusal::token_expired()), coded("forbidden", "Forbidden", None));
}

#[test]
fn an_exception_says_what_it_was_made_of() {
    let exception = Exception::new("not_covered", "There is no money").retry_after(WAIT);

    assert_eq!((exception.code(), exception.message()), ("not_covered", "There is no money"));
    assert_eq!((exception.wait(), exception.details()), (Some(WAIT), &[][..]));
    assert_eq!(exception.to_string(), "There is no money");
    assert_eq!(Exception::rate_limited(WAIT).wait(), Some(WAIT));
    assert_eq!(Exception::forbidden().wait(), None);
}

#[test]
fn a_guard_that_fails_denies() {
    let reason = |verdict: Verdict| match verdict {
        Verdict::Deny(refusal) => Some(refusal.reason()),
        Verdict::Allow => None,
        other => panic!("{other:?}"),
    };

    assert_eq!(reason(true.into()), None);
    assert_eq!(reason(false.into()), Some(RefusalReason::GuardDenied));
    assert_eq!(reason(Ok::<_, BoxError>(true).into()), None);
    assert_eq!(reason(Ok::<_, BoxError>(false).into()), Some(RefusalReason::GuardDenied));
    assert_eq!(reason(Err::<bool, _>("no database").into()), Some(RefusalReason::GuardFailed));
}

#[test]
fn a_code_has_64_bytes_at_most() {
    let (longest, longer) = ("x".repeat(64).leak(), "x".repeat(65).leak());

    assert_eq!(Code::from(&*longest).as_str(), &*longest);
    assert_eq!(Code::from(&*longer), Code::INVALID);
}

#[test]
#[should_panic(expected = "a code is 1-64 letters")]
fn a_wrong_code_in_the_program_is_found_when_it_is_made() {
    assert!(Code::new("no code").as_str().is_empty());
}
