//! Behaviour of a link with binary packets and their attachments.

use super::*;

/// An event with one attachment, for the namespace `/`.
const HEAD: &str = r#"451-7["e",{"_placeholder":true,"num":0}]"#;

fn binary<'m>(link: &mut Link, now: Instant, bytes: &'m [u8]) -> Result<Received<'m>, Violation> {
    link.receive(Message::Binary(bytes), now)
}

fn is_nothing(received: &Result<Received<'_>, Violation>) -> bool {
    matches!(received, Ok(Received::Nothing))
}

/// Returns the link of an authenticated client in `/` that has sent [`HEAD`].
fn waiting() -> (Link, Instant, SlotId) {
    let (mut link, now, slot) = admitted();
    assert!(is_nothing(&text(&mut link, now, HEAD)));
    (link, now, slot)
}

#[test]
fn an_event_is_returned_with_its_last_attachment() {
    let (mut link, now, slot) = admitted();
    let head = r#"452-7["e",{"_placeholder":true,"num":0},{"_placeholder":true,"num":1}]"#;

    assert!(is_nothing(&text(&mut link, now, head)));
    assert!(is_nothing(&binary(&mut link, now, b"one")));
    let Ok(Received::Event(event)) = binary(&mut link, now, b"") else { panic!("no event") };

    assert_eq!((event.slot, event.id, &*event.name), (slot, Some(7), "e"));
    assert_eq!(event.data, head.strip_prefix("452-7").unwrap());
    assert_eq!(event.attachments, [&b"one"[..], b""]);
    assert!(matches!(text(&mut link, now, r#"42["e"]"#), Ok(Received::Event(_))));
    assert_eq!(link.deadline(), Some(now + 25 * SECOND));
}

#[test]
fn an_ack_is_returned_with_its_last_attachment() {
    let (mut link, now) = open();
    let slot = connect(&mut link, now, "40/ns,");
    link.admitted(slot, Trust::Known);

    let head = r#"461-/ns,12[{"_placeholder":true,"num":0}]"#;
    assert!(is_nothing(&text(&mut link, now, head)));
    let Ok(Received::Ack(ack)) = binary(&mut link, now, b"one") else { panic!("no ack") };

    assert_eq!((ack.slot, ack.id), (slot, 12));
    assert_eq!(ack.data, r#"[{"_placeholder":true,"num":0}]"#);
    assert_eq!(ack.attachments, [&b"one"[..]]);
}

#[test]
fn a_binary_packet_without_attachments_is_returned_at_once() {
    let (mut link, now, _) = admitted();

    assert!(matches!(text(&mut link, now, r#"450-["e"]"#), Ok(Received::Event(_))));
    assert!(matches!(text(&mut link, now, "460-1[]"), Ok(Received::Ack(_))));
    assert!(matches!(binary(&mut link, now, b"x"), Err(Violation::Binary)));
}

#[test]
fn binary_packets_require_an_authenticated_client() {
    let (mut link, now) = open();
    assert!(matches!(text(&mut link, now, HEAD), Err(Violation::BinaryBeforeAdmission)));
    assert!(matches!(text(&mut link, now, r#"450-["e"]"#), Err(Violation::BinaryBeforeAdmission)));
    assert!(matches!(binary(&mut link, now, b"x"), Err(Violation::Binary)));

    let slot = connect(&mut link, now, "40");
    assert!(matches!(text(&mut link, now, HEAD), Err(Violation::BinaryBeforeAdmission)));
    link.admitted(slot, Trust::Anonymous);
    assert!(matches!(text(&mut link, now, HEAD), Err(Violation::BinaryBeforeAdmission)));
    assert!(matches!(text(&mut link, now, "461-1[]"), Err(Violation::BinaryBeforeAdmission)));
    assert!(matches!(binary(&mut link, now, b"x"), Err(Violation::Binary)));
}

#[test]
fn an_authenticated_client_may_send_binary_to_a_public_namespace_too() {
    let (mut link, now, _) = admitted();
    let public = connect(&mut link, now, "40/public,");
    link.admitted(public, Trust::Anonymous);

    for _ in 0..50 {
        let head = r#"451-/public,["e",{"_placeholder":true,"num":0}]"#;
        assert!(is_nothing(&text(&mut link, now, head)));
        let Ok(Received::Event(event)) = binary(&mut link, now, b"x") else { panic!("no event") };
        assert_eq!(event.slot, public);
    }
}

#[test]
fn an_unexpected_binary_message_is_a_violation() {
    let (mut link, now, _) = admitted();
    assert!(matches!(binary(&mut link, now, b"x"), Err(Violation::Binary)));

    let (mut link, now, _) = waiting();
    assert!(matches!(binary(&mut link, now, b"x"), Ok(Received::Event(_))));
    assert!(matches!(binary(&mut link, now, b"x"), Err(Violation::Binary)));
}

/// Attack 41.
#[test]
fn eleven_attachments_are_too_many_in_every_namespace() {
    for namespace in ["", "/other,"] {
        let (mut link, now, _) = admitted();
        let packet = format!(r#"4511-{namespace}["e"]"#);
        assert!(matches!(link.receive(Message::Text(&packet), now), Err(Violation::Attachments)));
        let packet = format!(r#"4510-{namespace}["e"]"#);
        assert!(is_nothing(&link.receive(Message::Text(&packet), now)));
    }
    let (mut link, now, _) = admitted();
    assert!(matches!(text(&mut link, now, "451000000000-[]"), Err(Violation::Packet(_))));
}

#[test]
fn a_text_packet_between_head_and_attachment_is_a_violation() {
    for packet in [r#"42["e"]"#, HEAD, "40/other,", "41", "430[]", "4"] {
        let (mut link, now, _) = waiting();

        assert!(matches!(text(&mut link, now, packet), Err(Violation::Interrupted)), "{packet}");
    }
}

#[test]
fn a_pong_and_the_end_may_come_between_head_and_attachment() {
    let (mut link, now, _) = waiting();

    assert!(is_nothing(&text(&mut link, now, "3")));
    assert!(matches!(binary(&mut link, now, b"x"), Ok(Received::Event(_))));

    let (mut link, now, _) = waiting();
    assert!(matches!(text(&mut link, now, "1"), Ok(Received::Closed)));
}

#[test]
fn head_and_attachments_have_the_limit_of_one_message() {
    let limit = LinkConfig::default().max_message;
    let head = r#"452-["e"]"#;
    let room = limit - head.len();

    let (mut link, now, _) = admitted();
    assert!(is_nothing(&text(&mut link, now, head)));
    assert!(is_nothing(&binary(&mut link, now, &vec![0; room - 1])));
    assert!(matches!(binary(&mut link, now, b"x"), Ok(Received::Event(_))));

    let (mut link, now, _) = admitted();
    assert!(is_nothing(&text(&mut link, now, head)));
    assert!(is_nothing(&binary(&mut link, now, &vec![0; room])));
    let violation = binary(&mut link, now, b"x").unwrap_err();
    assert_eq!(violation, Violation::TooLarge);
    assert_eq!(violation.to_string(), "binary packet is too large");
}

#[test]
fn attachments_without_a_recipient_have_the_same_limit() {
    let (mut link, now, _) = admitted();

    assert!(is_nothing(&text(&mut link, now, r#"452-/other,["e"]"#)));
    assert!(is_nothing(&binary(&mut link, now, &[0; 60_000])));
    assert!(matches!(binary(&mut link, now, &[0; 60_000]), Err(Violation::TooLarge)));
}

#[test]
fn attachments_have_ten_seconds_from_their_head() {
    let (mut link, now, _) = admitted();
    assert!(is_nothing(&text(&mut link, now + SECOND, r#"452-["e"]"#)));
    assert_eq!(link.deadline(), Some(now + 11 * SECOND));

    assert!(is_nothing(&binary(&mut link, now + 10 * SECOND, b"x")));

    assert_eq!(link.deadline(), Some(now + 11 * SECOND));
    assert_eq!(link.handle_timeout(now + 10 * SECOND), None);
    assert_eq!(link.handle_timeout(now + 11 * SECOND), Some(Timeout::NoAttachments));
}

#[test]
fn attachments_without_a_recipient_have_the_same_deadline() {
    let (mut link, now, _) = admitted();

    assert!(is_nothing(&text(&mut link, now, r#"451-/other,["e"]"#)));

    assert_eq!(link.handle_timeout(now + 10 * SECOND), Some(Timeout::NoAttachments));
}

#[test]
fn the_deadline_for_attachments_pauses_while_nothing_is_read() {
    let (mut link, now, _) = waiting();

    link.pause(now + 4 * SECOND);
    link.pause(now + 6 * SECOND);
    assert_eq!(link.deadline(), None);
    assert_eq!(link.handle_timeout(now + 100 * SECOND), None);
    link.resume(now + 100 * SECOND);
    link.resume(now + 101 * SECOND);

    assert_eq!(link.deadline(), Some(now + 106 * SECOND));
    assert_eq!(link.handle_timeout(now + 106 * SECOND), Some(Timeout::NoAttachments));
}

#[test]
fn attachments_of_an_ended_socket_are_discarded() {
    let (mut link, now, slot) = admitted();
    let other = connect(&mut link, now, "40/b,");
    link.admitted(other, Trust::Known);
    assert!(is_nothing(&text(&mut link, now, HEAD)));

    link.ended(slot, now);

    assert!(is_nothing(&binary(&mut link, now, b"x")));
    let packet = r#"42/b,["e"]"#;
    let Ok(Received::Event(event)) = text(&mut link, now, packet) else { panic!("no event") };
    assert_eq!(event.slot, other);
    assert!(matches!(binary(&mut link, now, b"x"), Err(Violation::Binary)));
}

#[test]
fn the_end_of_another_socket_discards_no_attachment() {
    let (mut link, now, slot) = admitted();
    let other = connect(&mut link, now, "40/b,");
    link.admitted(other, Trust::Known);
    assert!(is_nothing(&text(&mut link, now, HEAD)));

    link.ended(other, now);

    let Ok(Received::Event(event)) = binary(&mut link, now, b"x") else { panic!("no event") };
    assert_eq!(event.slot, slot);
}

#[test]
fn attachments_cross_the_end_of_the_last_socket_like_text() {
    let (mut link, now, slot) = admitted();
    connect(&mut link, now, "40/undecided,");
    assert!(is_nothing(&text(&mut link, now, HEAD)));
    link.ended(slot, now);
    assert!(is_nothing(&binary(&mut link, now, b"x")));
    assert!(matches!(binary(&mut link, now, b"x"), Err(Violation::Binary)));

    let (mut link, now, slot) = waiting();
    link.ended(slot, now);
    assert!(matches!(binary(&mut link, now, b"x"), Err(Violation::Binary)));
}

#[test]
fn a_public_namespace_gets_no_attachment_after_the_last_authenticated_socket() {
    let (mut link, now, slot) = admitted();
    let public = connect(&mut link, now, "40/public,");
    link.admitted(public, Trust::Anonymous);
    assert!(is_nothing(&text(&mut link, now, r#"451-/public,["e"]"#)));

    link.ended(slot, now);

    assert!(is_nothing(&binary(&mut link, now, b"x")));
}

#[test]
fn a_head_for_another_namespace_is_treated_like_text() {
    let (mut link, now, _) = admitted();
    assert!(is_nothing(&text(&mut link, now, r#"451-/other,["e"]"#)));
    assert!(is_nothing(&binary(&mut link, now, b"x")));

    connect(&mut link, now, "40/other,");
    assert!(matches!(text(&mut link, now, r#"451-/other,["e"]"#), Err(Violation::NotAdmitted)));
}

#[test]
fn a_head_is_checked_before_anything_is_kept() {
    let deep = format!("451-[\"e\",{}{}]", "[".repeat(32), "]".repeat(32));
    let deep_ack = format!("461-1[{}{}]", "[".repeat(32), "]".repeat(32));
    for (head, error) in [
        (&*deep, JsonError::TooDeep),
        (&*deep_ack, JsonError::TooDeep),
        (r#"451-["connect",{"_placeholder":true,"num":0}]"#, JsonError::Name),
        (r#"451-["e""#, JsonError::Malformed),
        ("451-", JsonError::Malformed),
        ("461-1", JsonError::Malformed),
        ("461-1{}", JsonError::Malformed),
    ] {
        let (mut link, now, _) = admitted();
        let received = link.receive(Message::Text(head), now);
        assert!(matches!(received, Err(Violation::Json(found)) if found == error), "{head}");
        assert!(matches!(binary(&mut link, now, b"x"), Err(Violation::Binary)), "{head}");
    }
}
