//! Behaviour of a link. The tests set the time.

use std::{borrow::Cow, time::Duration};

use super::*;
use crate::{JsonError, Message};

mod binary;

const SECOND: Duration = Duration::from_secs(1);

/// Returns a link and the time at which it was opened.
fn open() -> (Link, Instant) {
    #[expect(clippy::disallowed_methods, reason = "any instant will do, and there is no other way")]
    let now = Instant::now();
    (Link::open(Arc::new(LinkConfig::default()), now), now)
}

fn text<'m>(link: &mut Link, now: Instant, text: &'m str) -> Result<Received<'m>, Violation> {
    link.receive(Message::Text(text), now)
}

/// Sends a CONNECT and returns the slot of the admission that it starts.
fn connect(link: &mut Link, now: Instant, packet: &str) -> SlotId {
    assert!(matches!(text(link, now, packet), Ok(Received::Nothing)));
    match link.poll_admission() {
        Some(Admission::Start { slot, .. }) => slot,
        other => panic!("{packet} gave {other:?}"),
    }
}

fn admitted() -> (Link, Instant, SlotId) {
    let (mut link, now) = open();
    let slot = connect(&mut link, now, "40");
    link.admitted(slot, Trust::Known);
    (link, now, slot)
}

/// Attack 31.
#[test]
fn a_link_without_a_connect_times_out_after_five_seconds() {
    let (mut link, now) = open();

    assert_eq!(link.deadline(), Some(now + 5 * SECOND));
    assert_eq!(link.handle_timeout(now + 4 * SECOND), None);
    assert_eq!(link.handle_timeout(now + 5 * SECOND), Some(Timeout::NoConnect));
}

#[test]
fn an_admission_stops_the_deadline_for_a_connect() {
    let (mut link, now) = open();

    connect(&mut link, now, "40");

    assert_eq!(link.handle_timeout(now + 6 * SECOND), None);
}

#[test]
fn the_first_ping_comes_after_one_interval_and_the_next_one_interval_after_the_pong() {
    let (mut link, now, _) = admitted();
    assert_eq!(link.deadline(), Some(now + 25 * SECOND));
    assert_eq!(link.handle_timeout(now + 24 * SECOND), None);

    assert_eq!(link.handle_timeout(now + 25 * SECOND), Some(Timeout::Ping));
    assert!(matches!(text(&mut link, now + 30 * SECOND, "3"), Ok(Received::Nothing)));

    assert_eq!(link.deadline(), Some(now + 55 * SECOND));
}

#[test]
fn a_missing_pong_ends_the_link() {
    let (mut link, now, _) = admitted();

    assert_eq!(link.handle_timeout(now + 25 * SECOND), Some(Timeout::Ping));

    assert_eq!(link.handle_timeout(now + 44 * SECOND), None);
    assert_eq!(link.handle_timeout(now + 45 * SECOND), Some(Timeout::NoPong));
}

/// Attack 52.
#[test]
fn an_unsolicited_pong_extends_nothing() {
    let (mut link, now, _) = admitted();

    assert!(matches!(text(&mut link, now + 24 * SECOND, "3"), Ok(Received::Nothing)));

    assert_eq!(link.deadline(), Some(now + 25 * SECOND));
}

#[test]
fn the_heartbeat_pauses_while_nothing_is_read() {
    let (mut link, now, _) = admitted();
    assert_eq!(link.handle_timeout(now + 25 * SECOND), Some(Timeout::Ping));

    link.pause(now + 30 * SECOND);
    assert_eq!(link.deadline(), None);
    assert_eq!(link.handle_timeout(now + 100 * SECOND), None);
    link.resume(now + 100 * SECOND);

    assert_eq!(link.deadline(), Some(now + 115 * SECOND));
}

/// Attacks 33 and 34.
#[test]
fn an_event_before_admission_is_a_violation() {
    let (mut link, now) = open();
    assert!(matches!(text(&mut link, now, r#"42["e"]"#), Err(Violation::NotAdmitted)));

    connect(&mut link, now, "40");
    assert!(matches!(text(&mut link, now, r#"42["e"]"#), Err(Violation::NotAdmitted)));
    assert!(matches!(text(&mut link, now, "430[]"), Err(Violation::NotAdmitted)));
}

/// Attack 37.
#[test]
fn an_event_for_another_namespace_is_ignored_only_beside_an_admitted_one() {
    let (mut link, now, _) = admitted();

    assert!(matches!(text(&mut link, now, r#"42/other,["e"]"#), Ok(Received::Nothing)));
    connect(&mut link, now, "40/other,");

    assert!(matches!(text(&mut link, now, r#"42/other,["e"]"#), Err(Violation::NotAdmitted)));
}

/// Attack 37.
#[test]
fn an_event_after_a_disconnect_is_a_violation() {
    let (mut link, now, slot) = admitted();
    let Ok(Received::Left(left)) = text(&mut link, now, "41") else { panic!("not left") };
    assert_eq!(left, slot);
    link.left(slot, now);

    assert!(matches!(text(&mut link, now, r#"42["e"]"#), Err(Violation::NotAdmitted)));
}

#[test]
fn a_second_connect_to_the_same_namespace_changes_nothing() {
    let (mut link, now) = open();
    let slot = connect(&mut link, now, "40");

    for _ in 0..200 {
        assert!(matches!(text(&mut link, now, r#"40{"token":"x"}"#), Ok(Received::Nothing)));
        assert!(link.poll_admission().is_none());
    }
    link.admitted(slot, Trust::Known);

    assert!(matches!(text(&mut link, now, "40"), Ok(Received::Nothing)));
    assert!(link.poll_admission().is_none());
}

#[test]
fn a_refused_link_closes_when_no_other_socket_is_on_it() {
    let (mut link, now) = open();
    let first = connect(&mut link, now, "40");
    let second = connect(&mut link, now, "40/b,");

    link.refused(first);
    assert!(!link.is_refused());
    link.admitted(second, Trust::Known);
    assert!(!link.is_refused());
    link.left(second, now);

    assert!(link.is_refused());
}

/// Attack 36.
#[test]
fn no_more_than_three_admissions_of_a_link_are_refused() {
    let (mut link, now) = open();
    for name in ["/a", "/b", "/c", "/d"] {
        let packet = format!("40{name},");
        assert!(matches!(link.receive(Message::Text(&packet), now), Ok(Received::Nothing)));
    }

    let mut started = Vec::new();
    while let Some(Admission::Start { slot, .. }) = link.poll_admission() {
        started.push(slot);
    }
    assert_eq!(started.len(), 3);
    for slot in started {
        link.refused(slot);
    }

    assert!(matches!(link.poll_admission(), Some(Admission::Exhausted { .. })));
}

/// Attack 36.
#[test]
fn an_abandoned_admission_counts_as_a_refusal() {
    for is_started in [true, false] {
        let (mut link, now) = open();
        assert!(matches!(text(&mut link, now, "40"), Ok(Received::Nothing)));
        if is_started {
            assert!(matches!(link.poll_admission(), Some(Admission::Start { .. })));
        }
        let Ok(Received::Left(slot)) = text(&mut link, now, "41") else { panic!("not left") };

        link.left(slot, now);

        assert!(link.is_refused());
    }
}

/// Attack 36.
#[test]
fn reconnecting_gives_an_anonymous_client_no_fresh_bytes() {
    let (mut link, now) = open();
    assert_eq!(link.count(64 * 1024), Ok(()));
    let slot = connect(&mut link, now, "40");
    link.admitted(slot, Trust::Anonymous);

    link.left(slot, now);

    assert_eq!(link.count(1), Err(Violation::Unauthenticated));
}

#[test]
fn admissions_that_succeed_use_up_no_budget() {
    let (mut link, now) = open();

    for number in 0..20 {
        let slot = connect(&mut link, now, &format!("40/{number},"));
        link.admitted(slot, Trust::Known);
    }

    assert!(matches!(
        text(&mut link, now, "40/one-more,"),
        Ok(Received::Crowded { namespace: Cow::Borrowed("/one-more") })
    ));
}

/// Attack 35.
#[test]
fn an_unauthenticated_client_that_asks_for_too_many_namespaces_is_refused_and_then_closed() {
    let (mut link, now) = open();
    for number in 0..20 {
        let packet = format!("40/{number},");
        assert!(link.receive(Message::Text(&packet), now).is_ok());
    }

    for number in 20..24 {
        assert!(!link.is_refused());
        let connect = format!("40/{number},");
        assert!(matches!(text(&mut link, now, &connect), Ok(Received::Crowded { .. })));
    }
    assert!(link.is_refused());
}

#[test]
fn an_unauthenticated_client_may_send_little() {
    let (mut link, now) = open();
    assert_eq!(link.message_limit(), 16 * 1024);
    assert_eq!(link.count(64 * 1024), Ok(()));
    assert_eq!(link.count(1), Err(Violation::Unauthenticated));

    let (mut link, _, slot) = admitted();
    assert_eq!(link.message_limit(), 64 * 1024);
    assert_eq!(link.count(usize::MAX), Ok(()));

    link.left(slot, now);
    assert_eq!(link.message_limit(), 16 * 1024);
    assert_eq!(link.count(64 * 1024 + 1), Err(Violation::Unauthenticated));
}

#[test]
fn a_link_without_sockets_is_unauthenticated_again() {
    let (mut link, now, slot) = admitted();

    link.left(slot, now + 60 * SECOND);

    assert_eq!(link.handle_timeout(now + 65 * SECOND), Some(Timeout::NoConnect));
}

#[test]
fn an_anonymous_client_keeps_the_limits_of_an_unauthenticated_one() {
    let (mut link, now) = open();
    let slot = connect(&mut link, now, "40");
    link.admitted(slot, Trust::Anonymous);

    assert_eq!(link.message_limit(), 16 * 1024);
    for _ in 0..20 {
        assert!(matches!(text(&mut link, now, r#"42["e"]"#), Ok(Received::Event(_))));
    }
    assert!(matches!(text(&mut link, now, r#"42["e"]"#), Err(Violation::AnonymousBudget)));
}

/// Attack 40.
#[test]
fn an_ack_is_parsed_and_its_id_is_left_to_the_driver() {
    let (mut link, now, slot) = admitted();

    let Ok(Received::Ack(ack)) = text(&mut link, now, "439007199254740993[1]") else {
        panic!("no ack")
    };

    assert_eq!((ack.slot, ack.id, &*ack.data), (slot, 9_007_199_254_740_993, "[1]"));
    assert!(text(&mut link, now, "431{}").is_err());
}

/// Support for binary packets must not cost text packets an allocation.
#[test]
fn a_text_packet_is_borrowed() {
    let (mut link, now, _) = admitted();

    let Ok(Received::Event(event)) = text(&mut link, now, r#"42["e",1]"#) else {
        panic!("no event")
    };
    assert!(matches!((event.name, event.data), (Cow::Borrowed("e"), Cow::Borrowed(_))));
    assert_eq!(event.attachments.capacity(), 0);

    let Ok(Received::Ack(ack)) = text(&mut link, now, "431[1]") else { panic!("no ack") };
    assert!(matches!(ack.data, Cow::Borrowed("[1]")));
    assert_eq!(ack.attachments.capacity(), 0);
}

#[test]
fn a_packet_that_crosses_the_end_of_its_socket_is_ignored() {
    let (mut link, now, slot) = admitted();
    connect(&mut link, now, "40/b,");

    link.ended(slot, now);

    assert!(matches!(text(&mut link, now, r#"42["e"]"#), Ok(Received::Nothing)));
}

#[test]
fn an_anonymous_client_is_cut_off_with_its_fourth_refusal() {
    let (mut link, now) = open();
    let slot = connect(&mut link, now, "40/public,");
    link.admitted(slot, Trust::Anonymous);

    for refused in 0..4 {
        assert!(!link.is_refused(), "after {refused}");
        assert!(matches!(text(&mut link, now, "40/x,"), Ok(Received::Nothing)));
        let (Some(Admission::Start { slot, .. }) | Some(Admission::Exhausted { slot })) =
            link.poll_admission()
        else {
            panic!("no admission")
        };
        link.refused(slot);
    }

    assert!(link.is_refused());
}

#[test]
fn an_authenticated_client_that_asks_in_a_loop_is_cut_off_too() {
    let (mut link, now, _) = admitted();
    let mut refusals = 0;

    while !link.is_refused() {
        assert!(matches!(text(&mut link, now, "40/x,"), Ok(Received::Nothing)));
        let (Some(Admission::Start { slot, .. }) | Some(Admission::Exhausted { slot })) =
            link.poll_admission()
        else {
            panic!("no admission")
        };
        link.refused(slot);
        refusals += 1;
    }

    assert_eq!(refusals, 36);
}

#[test]
fn a_probe_pings_at_once_and_a_second_one_waits_for_the_same_pong() {
    let (mut link, now, _) = admitted();

    assert!(link.ping_now(now + SECOND));
    assert_eq!(link.deadline(), Some(now + 21 * SECOND));
    assert!(!link.ping_now(now + 2 * SECOND));
    assert_eq!(link.deadline(), Some(now + 21 * SECOND));

    assert!(matches!(text(&mut link, now + 3 * SECOND, "3"), Ok(Received::Nothing)));
    assert_eq!(link.deadline(), Some(now + 28 * SECOND));
    assert!(link.ping_now(now + 4 * SECOND));
    assert_eq!(link.handle_timeout(now + 24 * SECOND), Some(Timeout::NoPong));
}

#[test]
fn an_admission_has_the_name_of_its_namespace() {
    let (mut link, now) = open();
    assert!(matches!(text(&mut link, now, "40/chat,{\"a\":1}"), Ok(Received::Nothing)));

    let Some(Admission::Start { slot, auth }) = link.poll_admission() else { panic!() };
    assert_eq!(auth.as_deref(), Some("{\"a\":1}"));
    assert_eq!(link.namespace(slot), "/chat");
    assert!(link.poll_admission().is_none());
}
