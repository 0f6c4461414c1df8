//! Tests of the chat: the real gateway on a real server, with a real database.

mod house;
mod invitations;
mod nodes;

use std::time::Duration;

use doorward::UserId;
use serde_json::{Value, json};

use self::house::{House, catch_up, history, say, texts};
use crate::{
    sql::sql,
    testing::{Kind, on_both},
};

on_both! {
    what_is_said_is_heard_by_members_in_order_and_kept
    a_room_is_for_its_members
    a_reconnecting_client_loses_nothing_and_receives_nothing_twice
    a_message_that_is_sent_again_is_written_once
    a_room_keeps_the_last_two_hundred_messages
    people_change_and_remove_their_own_messages_and_no_others
    unread_messages_are_counted_and_read_in_all_tabs
    a_user_is_online_from_the_first_tab_to_the_last
    typing_is_seen_by_others
    who_is_invited_is_a_member_and_who_leaves_is_none
    an_invitation_names_a_user_or_an_id_and_never_one_for_the_other
    what_cannot_be_read_or_is_too_much_is_refused
    rooms_have_so_many_members_and_members_so_many_rooms
    the_longest_history_fits_into_its_answers
    who_has_left_meanwhile_says_nothing
    a_stored_message_is_broadcast_although_its_handler_has_timed_out
    a_message_that_is_sent_again_very_late_is_not_written_either
    a_forgotten_user_has_left_nothing
    a_revoked_user_is_not_heard_any_more
    rooms_and_messages_outlive_a_restart
}

async fn what_is_said_is_heard_by_members_in_order_and_kept(kind: Kind) {
    let house = House::open(kind).await;
    let (room, mut ann, mut others) = house.room(&["bob"]).await;

    for number in 1..=3 {
        say(&mut ann, &room, &format!("message {number}")).await;
    }

    for number in 1..=3 {
        let heard: Value = others[0].wait_for_event("message").await;
        let expected = json!({
            "room": room, "seq": number, "version": number, "user": "ann", "name": "ann",
            "key": format!("message {number}"), "text": format!("message {number}"),
            "sentAt": heard["sentAt"], "isEdited": false, "isRemoved": false,
        });
        assert_eq!(heard, expected);
    }
    let kept = catch_up(&mut others[0], &room, 0).await;
    assert_eq!(texts(&kept), ["message 1", "message 2", "message 3"]);
}

/// A user who is not a member learns nothing of a room and changes nothing in it.
async fn a_room_is_for_its_members(kind: Kind) {
    let house = House::open(kind).await;
    let (room, mut ann, _) = house.room(&[]).await;
    say(&mut ann, &room, "secret").await;
    let mut eve = house.enter("eve").await;

    let requests = [
        ("members", json!({ "room": room })),
        ("history", json!({ "room": room, "lastSeen": 0 })),
        ("send", json!({ "room": room, "key": "k", "text": "hello" })),
        ("edit", json!({ "room": room, "seq": 1, "text": "hello" })),
        ("remove", json!({ "room": room, "seq": 1 })),
        ("read", json!({ "room": room, "seq": 1 })),
        ("typing", json!({ "room": room })),
        ("invite", json!({ "room": room, "id": "eve" })),
        ("leave", json!({ "room": room })),
    ];
    for (event, request) in requests {
        assert_eq!(eve.expect_exception(event, request).await.code(), "forbidden", "{event}");
    }

    say(&mut ann, &room, "more").await;
    eve.expect_nothing().await;
    assert_eq!(texts(&catch_up(&mut ann, &room, 0).await), ["secret", "more"]);
}

async fn a_reconnecting_client_loses_nothing_and_receives_nothing_twice(kind: Kind) {
    let house = House::open(kind).await;
    let (room, mut ann, others) = house.room(&["bob"]).await;
    say(&mut ann, &room, "before").await;
    drop(others);
    for number in 1..=100 {
        house.clock.advance(Duration::from_secs(1));
        say(&mut ann, &room, &format!("{number}")).await;
    }

    let mut bob = house.enter("bob").await;
    let missed = catch_up(&mut bob, &room, 1).await;

    let expected: Vec<_> = (1..=100).map(|number| number.to_string()).collect();
    assert_eq!(texts(&missed), expected);
    assert!(catch_up(&mut bob, &room, 101).await.is_empty());
}

/// A client that has lost the answer sends again, and the message is stored once.
async fn a_message_that_is_sent_again_is_written_once(kind: Kind) {
    let house = House::open(kind).await;
    let (room, mut ann, mut others) = house.room(&["bob"]).await;
    let message = json!({ "room": room, "key": "one", "text": "hello" });

    let first: Value = ann.emit_with_ack("send", &message).await;
    let again: Value = ann.emit_with_ack("send", &message).await;

    assert_eq!(first, again);
    others[0].wait_for_event::<Value>("message").await;
    if let Kind::Postgres = kind {
        // Another node may have stored it and ended before it was broadcast. The clients recognise it.
        assert_eq!(others[0].wait_for_event::<Value>("message").await, first);
    }
    others[0].expect_nothing().await;
    // Two senders may use the same key.
    let other: Value = others[0].emit_with_ack("send", &message).await;
    assert_eq!(other["seq"], 2);
}

async fn a_room_keeps_the_last_two_hundred_messages(kind: Kind) {
    let house = House::open(kind).await;
    let (room, mut ann, _) = house.room(&[]).await;
    for number in 1..=205 {
        house.clock.advance(Duration::from_secs(1));
        say(&mut ann, &room, &format!("{number}")).await;
    }

    let first = history(&mut ann, &room, 0).await;
    let kept = catch_up(&mut ann, &room, 0).await;

    assert_eq!((&first["first"], first["messages"].as_array().unwrap().len()), (&json!(6), 40));
    assert_eq!(kept.len(), 200);
    assert_eq!((texts(&kept)[0], texts(&kept)[199]), ("6", "205"));
}

async fn people_change_and_remove_their_own_messages_and_no_others(kind: Kind) {
    let house = House::open(kind).await;
    let (room, mut ann, mut others) = house.room(&["bob"]).await;
    for text in ["one", "two"] {
        say(&mut ann, &room, text).await;
    }
    let at = |seq: i64| json!({ "room": room, "seq": seq });
    let edit = |seq: i64, text: &str| json!({ "room": room, "seq": seq, "text": text });

    let edited: Value = ann.emit_with_ack("edit", edit(1, "uno")).await;
    let removed: Value = ann.emit_with_ack("remove", at(2)).await;

    assert_eq!((&edited["text"], &edited["isEdited"]), (&json!("uno"), &json!(true)));
    assert_eq!((&edited["seq"], &edited["version"]), (&json!(1), &json!(3)));
    assert_eq!((&removed["text"], &removed["isRemoved"]), (&json!(""), &json!(true)));
    for expected in ["one", "two", "uno", ""] {
        let heard: Value = others[0].wait_for_event("message").await;
        assert_eq!(heard["text"], expected);
    }
    // A client that was away receives both changes, even if it already has the messages.
    let changes = catch_up(&mut others[0], &room, 2).await;
    assert_eq!(texts(&changes), ["uno", ""]);
    for (event, request) in [("edit", edit(1, "hers")), ("remove", at(1)), ("remove", at(7))] {
        assert_eq!(others[0].expect_exception(event, request).await.code(), "forbidden");
    }
    // A removed message cannot be edited.
    assert_eq!(ann.expect_exception("edit", edit(2, "back")).await.code(), "forbidden");
    assert_eq!(texts(&catch_up(&mut ann, &room, 0).await), ["uno", ""]);
}

async fn unread_messages_are_counted_and_read_in_all_tabs(kind: Kind) {
    let house = House::open(kind).await;
    let (room, mut ann, mut others) = house.room(&["bob"]).await;
    let mut other_tab = house.enter("bob").await;
    for text in ["one", "two", "three"] {
        say(&mut ann, &room, text).await;
    }
    say(&mut others[0], &room, "mine").await;

    let rooms: Value = others[0].emit_with_ack("rooms", ()).await;
    assert_eq!((&rooms[0]["unread"], &rooms[0]["version"]), (&json!(3), &json!(4)));
    let at = |seq: i64| json!({ "room": room, "seq": seq });
    assert_eq!(others[0].emit_with_ack::<i64>("read", at(2)).await, 1);
    let read: Value = other_tab.wait_for_event("read").await;
    assert_eq!(read, json!({ "room": room, "unread": 1 }));
    // The position never goes back, nor beyond the last message.
    assert_eq!(others[0].emit_with_ack::<i64>("read", at(1)).await, 1);
    assert_eq!(others[0].emit_with_ack::<i64>("read", at(1_000)).await, 0);
    say(&mut ann, &room, "four").await;
    let rooms: Value = others[0].emit_with_ack("rooms", ()).await;
    assert_eq!(rooms[0]["unread"], 1);
}

async fn a_user_is_online_from_the_first_tab_to_the_last(kind: Kind) {
    let house = House::open(kind).await;
    let (room, mut ann, others) = house.room(&["bob"]).await;
    let members: Value = ann.emit_with_ack("members", json!({ "room": room })).await;
    let row = |name: &str, online: bool| json!({ "user": name, "name": name, "online": online });
    assert_eq!(members, json!([row("ann", true), row("bob", true)]));
    let mut second = house.enter("bob").await;
    second.emit_with_ack::<Value>("rooms", ()).await;

    drop(others);
    drop(second);
    let gone: Value = ann.wait_for_event("presence").await;

    // One event: the first tab that was closed was not the last.
    assert_eq!(gone, json!({ "user": "bob", "online": false }));
    let mut bob = house.enter("bob").await;
    let come: Value = ann.wait_for_event("presence").await;
    assert_eq!(come, json!({ "user": "bob", "online": true }));
    bob.emit_with_ack::<Value>("rooms", ()).await;
    ann.expect_nothing().await;
}

async fn typing_is_seen_by_others(kind: Kind) {
    let house = House::open(kind).await;
    let (room, mut ann, mut others) = house.room(&["bob"]).await;
    let mut other_tab = house.enter("ann").await;

    ann.emit("typing", json!({ "room": room })).await;

    let typing: Value = others[0].wait_for_event("typing").await;
    assert_eq!(typing, json!({ "room": room, "user": "ann", "name": "ann" }));
    other_tab.expect_nothing().await;
}

async fn who_is_invited_is_a_member_and_who_leaves_is_none(kind: Kind) {
    let house = House::open(kind).await;
    let (room, mut ann, mut others) = house.room(&["bob"]).await;
    let bob = &mut others[0];
    let mut other_tab = house.enter("bob").await;
    let joined: Value = ann.wait_for_event("member_joined").await;
    assert_eq!(joined, json!({ "room": room, "user": "bob", "name": "bob", "online": true }));
    let invitation = |name: &str| json!({ "room": room, "id": name });
    let unknown = ann.expect_exception("invite", invitation("stranger")).await;
    assert_eq!(unknown.code(), "unknown_user");
    // A repeated invitation is no error, and has no effect.
    bob.emit_with_ack::<Value>("invite", invitation("ann")).await;

    bob.emit_with_ack::<()>("leave", json!({ "room": room })).await;

    for client in [&mut ann, &mut other_tab] {
        let left: Value = client.wait_for_event("member_left").await;
        assert_eq!(left, json!({ "room": room, "user": "bob" }));
    }
    say(&mut ann, &room, "alone").await;
    bob.wait_for_event::<Value>("member_left").await;
    bob.expect_nothing().await;
    other_tab.expect_nothing().await;
    let rooms: Value = bob.emit_with_ack("rooms", ()).await;
    assert_eq!(rooms, json!([]));
    // When the last member leaves, the room and its messages are deleted.
    ann.emit_with_ack::<()>("leave", json!({ "room": room })).await;
    let again = bob.expect_exception("history", json!({ "room": room, "lastSeen": 0 })).await;
    assert_eq!(again.code(), "forbidden");
}

/// The subject of a token may equal the user name of an account.
async fn an_invitation_names_a_user_or_an_id_and_never_one_for_the_other(kind: Kind) {
    let house = House::open(kind).await;
    let (room, mut ann, _) = house.room(&[]).await;
    let _ops = house.enter("opsX").await;
    let by_name = json!({ "room": room, "user": "opsX" });
    let before = ann.expect_exception("invite", by_name.clone()).await;
    house.sign_up("0b5c", "opsX").await;

    let named: Value = ann.emit_with_ack("invite", by_name).await;
    let with_id: Value = ann.emit_with_ack("invite", json!({ "room": room, "id": "opsX" })).await;

    assert_eq!(before.code(), "unknown_user");
    assert_eq!((&named["user"], &with_id["user"]), (&json!("0b5c"), &json!("opsX")));
    for unclear in [json!({ "user": "opsX", "id": "opsX" }), json!({})] {
        let mut invitation = unclear;
        invitation["room"] = json!(room);
        assert_eq!(ann.expect_exception("invite", invitation).await.code(), "bad_payload");
    }
    let name_as_id = json!({ "room": room, "user": "0b5c" });
    assert_eq!(ann.expect_exception("invite", name_as_id).await.code(), "unknown_user");
}

async fn what_cannot_be_read_or_is_too_much_is_refused(kind: Kind) {
    let house = House::open(kind).await;
    let (room, mut ann, _) = house.room(&[]).await;
    let long = "가".repeat(2000);
    let message =
        |text: &str| json!({ "room": room, "key": text.get(..3).unwrap_or("k"), "text": text });

    let unseen =
        ["", "  \n", "\u{7}bell", "\u{200b}", "\u{3164}", "\u{2800}", "a\u{202e}b", "a\u{2066}b"];
    for text in unseen.into_iter().chain([&*format!("{long}!")]) {
        let exception = ann.expect_exception("send", message(text)).await;
        assert_eq!(exception.code(), "bad_payload", "{text:?}");
    }
    for name in unseen.into_iter().chain(["two\nlines"]) {
        house.clock.advance(Duration::from_secs(6));
        let exception = ann.expect_exception("create", json!({ "name": name })).await;
        assert_eq!(exception.code(), "bad_payload", "{name:?}");
    }
    for (event, request) in [
        ("send", json!({ "room": room, "key": "k\0", "text": "hello" })),
        ("accept", json!({ "room": "\0" })),
        ("decline", json!({ "room": "\0" })),
        ("invite", json!({ "room": room, "user": "\0" })),
        ("invite", json!({ "room": room, "id": "\0" })),
    ] {
        assert_eq!(ann.expect_exception(event, request).await.code(), "bad_payload", "{event}");
    }
    let sent: Value = ann.emit_with_ack("send", message(&long)).await;
    assert_eq!(sent["text"], long);
    let mut codes = Vec::new();
    for number in 0..25 {
        let answer =
            ann.ask("send", json!({ "room": room, "key": number.to_string(), "text": "x" }));
        codes.push(answer.await.json().contains("rate_limited"));
    }
    assert!(!codes[0] && codes[24], "{codes:?}");
    // An event that is broadcast or stored costs the server more than its sender.
    for event in ["typing", "read"] {
        let mut last = String::new();
        for _ in 0..60 {
            last = ann.ask(event, json!({ "room": room, "seq": 1 })).await.json().to_owned();
        }
        assert!(last.contains("rate_limited"), "{event}: {last}");
    }
}

async fn rooms_have_so_many_members_and_members_so_many_rooms(kind: Kind) {
    let house = House::open(kind).await;
    let (room, mut ann, _) = house.room(&[]).await;
    let mut bob = house.enter("bob").await;
    for number in 2..=100 {
        house.clock.advance(Duration::from_secs(6));
        ann.emit_with_ack::<Value>("create", json!({ "name": format!("{number}") })).await;
    }

    house.clock.advance(Duration::from_secs(6));
    let one_more = ann.expect_exception("create", json!({ "name": "101" })).await;
    assert_eq!(one_more.code(), "too_many");
    let rooms: Value = ann.emit_with_ack("rooms", ()).await;
    assert_eq!(rooms.as_array().unwrap().len(), 100);
    let own: Value = bob.emit_with_ack("create", json!({ "name": "Own" })).await;
    let into_own = json!({ "room": own["id"], "id": "ann" });
    bob.emit_with_ack::<Value>("invite", into_own).await;
    let accepted = ann.expect_exception("accept", json!({ "room": own["id"] })).await;
    assert_eq!(accepted.code(), "too_many");
    let open: Value = ann.emit_with_ack("invitations", ()).await;
    assert_eq!(open.as_array().unwrap().len(), 1, "{open}");

    let fill = sql("WITH RECURSIVE numbers (number) AS \
         (SELECT 1 UNION ALL SELECT number + 1 FROM numbers WHERE number < 1999) \
         INSERT INTO chat_members (room_id, user_id, name) SELECT $1, 'member-' || number, 'm' FROM numbers");
    house.run(fill.bind(&*room)).await;
    let into_full = json!({ "room": room, "id": "bob" });
    assert_eq!(ann.expect_exception("invite", into_full).await.code(), "too_many");
    assert_eq!(bob.emit_with_ack::<Value>("rooms", ()).await.as_array().unwrap().len(), 1);
}

/// The longest possible answer can still be sent to a client.
async fn the_longest_history_fits_into_its_answers(kind: Kind) {
    let house = House::open(kind).await;
    let (room, mut ann, _) = house.room(&[]).await;
    for number in 0..200 {
        house.clock.advance(Duration::from_secs(1));
        let text = format!("{number:04}{}", "가".repeat(1996));
        let message = json!({ "room": room, "key": number.to_string(), "text": text });
        ann.emit_with_ack::<Value>("send", message).await;
    }

    assert_eq!(catch_up(&mut ann, &room, 0).await.len(), 200);
}

/// Another tab leaves the room while a message waits for its turn.
async fn who_has_left_meanwhile_says_nothing(kind: Kind) {
    let house = House::open(kind).await;
    let (room, mut ann, mut others) = house.room(&["bob"]).await;
    let mut other_tab = house.enter("bob").await;
    let busy = house.lock().await;
    others[0].emit("leave", json!({ "room": room })).await;
    others[0].expect_nothing().await;
    other_tab.emit("send", json!({ "room": room, "key": "late", "text": "late" })).await;
    other_tab.expect_nothing().await;
    drop(busy);

    ann.wait_for_event::<Value>("member_left").await;
    let rooms: Value = other_tab.emit_with_ack("rooms", ()).await;

    assert_eq!(rooms, json!([]));
    assert_eq!(say(&mut ann, &room, "alone").await["seq"], 1);
    assert_eq!(texts(&catch_up(&mut ann, &room, 0).await), ["alone"]);
}

/// A handler that times out has stored its message, so the room receives it.
async fn a_stored_message_is_broadcast_although_its_handler_has_timed_out(kind: Kind) {
    let house = House::open(kind).await;
    let (room, mut ann, mut others) = house.room(&["bob"]).await;
    let busy = house.lock().await;
    ann.emit("send", json!({ "room": room, "key": "slow", "text": "slow" })).await;
    ann.wait_for_event::<Value>("member_joined").await;
    ann.expect_nothing().await;

    // Exceeds the timeout of handlers.
    house.clock.advance(Duration::from_secs(31));
    let given_up: Value = ann.wait_for_event("exception").await;
    drop(busy);

    assert_eq!(given_up["code"], "timeout");
    let heard: Value = others[0].wait_for_event("message").await;
    assert_eq!(heard["text"], "slow");
}

/// A busy room may delete a message before its sender reconnects.
async fn a_message_that_is_sent_again_very_late_is_not_written_either(kind: Kind) {
    let house = House::open(kind).await;
    let (room, mut ann, _) = house.room(&[]).await;
    for number in 0..=200 {
        house.clock.advance(Duration::from_secs(1));
        say(&mut ann, &room, &format!("{number}")).await;
    }

    assert_eq!(say(&mut ann, &room, "0").await, Value::Null);
    assert_eq!(say(&mut ann, &room, "1").await["seq"], 2);

    assert_eq!(say(&mut ann, &room, "new").await["seq"], 202);
}

/// The texts of one account are deleted, and no texts of others.
async fn a_forgotten_user_has_left_nothing(kind: Kind) {
    let house = House::open(kind).await;
    let (room, mut ann, mut others) = house.room(&["bob"]).await;
    say(&mut ann, &room, "from ann").await;
    for text in ["from bob", "more from bob"] {
        say(&mut others[0], &room, text).await;
    }
    let alone: Value = others[0].emit_with_ack("create", json!({ "name": "Alone" })).await;

    house.kept.forget(&UserId::new("bob")).await.unwrap();

    // An open page that has three changes receives two more.
    let missed = catch_up(&mut ann, &room, 3).await;
    let removed = json!({ "user": "", "name": "", "key": "", "text": "", "isRemoved": true });
    for (message, (seq, version)) in missed.iter().zip([(2, 4), (3, 5)]) {
        assert_eq!((&message["seq"], &message["version"]), (&json!(seq), &json!(version)));
        for (field, value) in removed.as_object().unwrap() {
            assert_eq!(&message[field], value, "{field}");
        }
    }
    assert_eq!(missed.len(), 2);
    assert_eq!(texts(&catch_up(&mut ann, &room, 0).await), ["from ann", "", ""]);
    assert_eq!(say(&mut ann, &room, "more").await["version"], 6);
    let members: Value = ann.emit_with_ack("members", json!({ "room": room })).await;
    assert_eq!(members.as_array().unwrap().len(), 1);
    assert_eq!(others[0].emit_with_ack::<Value>("rooms", ()).await, json!([]));
    let rooms: Vec<(String,)> = house.database.all(sql("SELECT id FROM chat_rooms")).await.unwrap();
    assert_eq!(rooms, [(room,)], "{alone}");
}

/// A message that waits for its turn is dropped if its sender is revoked.
async fn a_revoked_user_is_not_heard_any_more(kind: Kind) {
    let house = House::open(kind).await;
    let (room, mut ann, mut others) = house.room(&["bob"]).await;
    let busy = house.lock().await;
    let message = |text: &str| json!({ "room": room, "key": text, "text": text });
    ann.wait_for_event::<Value>("member_joined").await;
    // Both requests have started, one after the other.
    for (client, text) in [(&mut others[0], "from bob"), (&mut ann, "from ann")] {
        client.emit("send", message(text)).await;
        client.expect_nothing().await;
    }

    let revoke = doorward::Revoke::User(UserId::new("ann"));
    let revoked = house.server.doorward().principals().revoke(revoke).await.unwrap();
    assert_eq!(revoked.closed, 1);
    drop(busy);

    let heard: Value = others[0].wait_for_event("message").await;
    assert_eq!(heard["text"], "from bob");
    say(&mut others[0], &room, "more").await;
    assert_eq!(texts(&catch_up(&mut others[0], &room, 0).await), ["from bob", "more"]);
}

async fn rooms_and_messages_outlive_a_restart(kind: Kind) {
    let house = House::open(kind).await;
    let (room, mut ann, _) = house.room(&["bob"]).await;
    say(&mut ann, &room, "still here").await;
    drop(house.server);

    let house = House::at(house.home).await;
    let mut bob = house.server.connect("/chat", json!({ "user": "bob" })).await;
    let rooms: Value = bob.emit_with_ack("rooms", ()).await;

    assert_eq!((&rooms[0]["name"], &rooms[0]["unread"]), (&json!("Tea"), &json!(1)));
    assert_eq!(texts(&catch_up(&mut bob, &room, 0).await), ["still here"]);
}
