//! Tests of invitations.

use std::time::Duration;

use doorward::{UserId, test::TestClient};
use serde_json::{Value, json};

use super::house::{House, say};
use crate::{
    sql::sql,
    testing::{Kind, on_both},
};

on_both! {
    an_invitation_is_accepted_or_declined
    who_declines_waits_for_their_turn
    others_fill_nothing_that_a_user_has
    a_user_has_a_hundred_invitations_and_an_inviter_writes_fifty
    invitations_go_with_inviter_invitee_and_room
}

async fn invite(house: &House, inviter: &mut TestClient, room: &str, id: &str) -> Value {
    // Stays below the rate limit on invitations.
    house.clock.advance(Duration::from_secs(2));
    inviter.emit_with_ack("invite", json!({ "room": room, "id": id })).await
}

async fn open(client: &mut TestClient) -> Vec<String> {
    let open: Value = client.emit_with_ack("invitations", ()).await;
    let rooms = open.as_array().unwrap().iter().map(|one| one["room"].as_str().unwrap().to_owned());
    rooms.collect()
}

async fn create(house: &House, client: &mut TestClient, name: &str) -> String {
    house.clock.advance(Duration::from_secs(6));
    let room: Value = client.emit_with_ack("create", json!({ "name": name })).await;
    room["id"].as_str().unwrap().to_owned()
}

async fn an_invitation_is_accepted_or_declined(kind: Kind) {
    let house = House::open(kind).await;
    let (room, mut ann, _) = house.room(&[]).await;
    say(&mut ann, &room, "secret").await;
    ann.wait_for_event::<Value>("message").await;
    let (mut bob, mut other_tab) = (house.enter("bob").await, house.enter("bob").await);
    let in_room = json!({ "room": room });
    assert_eq!(bob.expect_exception("accept", in_room.clone()).await.code(), "forbidden");

    let invitee = invite(&house, &mut ann, &room, "bob").await;

    assert_eq!(invitee, json!({ "user": "bob", "name": "bob" }));
    let told: Value = other_tab.wait_for_event("invitation").await;
    let expected = json!({
        "room": room, "name": "Tea", "inviter": "ann", "inviterName": "ann",
        "invitedAt": told["invitedAt"],
    });
    assert_eq!(told, expected);
    // The user is not a member until the invitation is accepted.
    let history = json!({ "room": room, "lastSeen": 0 });
    assert_eq!(bob.expect_exception("history", history.clone()).await.code(), "forbidden");
    assert_eq!(bob.emit_with_ack::<Value>("rooms", ()).await, json!([]));
    bob.emit_with_ack::<()>("decline", in_room.clone()).await;
    assert_eq!(other_tab.wait_for_event::<Value>("invitation_gone").await, in_room);
    assert_eq!(bob.expect_exception("accept", in_room.clone()).await.code(), "forbidden");
    ann.expect_nothing().await;

    invite(&house, &mut ann, &room, "bob").await;
    let joined: Value = bob.emit_with_ack("accept", in_room.clone()).await;

    assert_eq!((&joined["id"], &joined["members"]), (&json!(room), &json!(2)));
    assert_eq!(other_tab.wait_for_event::<Value>("room").await["id"], room);
    let member: Value = ann.wait_for_event("member_joined").await;
    assert_eq!(member, json!({ "room": room, "user": "bob", "name": "bob", "online": true }));
    assert_eq!(open(&mut bob).await, Vec::<String>::new());
    bob.emit_with_ack::<Value>("history", history).await;
}

/// Otherwise the end of the invitation could be sent before the invitation, which would then stay
/// on the page.
async fn who_declines_waits_for_their_turn(kind: Kind) {
    let house = House::open(kind).await;
    let (room, mut ann, _) = house.room(&[]).await;
    ann.wait_for_event::<Value>("room").await;
    let (mut bob, mut other_tab) = (house.enter("bob").await, house.enter("bob").await);
    invite(&house, &mut ann, &room, "bob").await;
    bob.wait_for_event::<Value>("invitation").await;
    let busy = house.lock().await;
    ann.emit("send", json!({ "room": room, "key": "slow", "text": "slow" })).await;
    ann.expect_nothing().await;
    bob.emit("decline", json!({ "room": room })).await;
    bob.expect_nothing().await;

    // This is the maximum time for which a change waits for others.
    house.clock.advance(Duration::from_secs(10));
    assert_eq!(open(&mut other_tab).await, [&*room]);
    drop(busy);

    assert_eq!(open(&mut bob).await, [room]);
    let given_up: Value = bob.wait_for_event("exception").await;
    assert_eq!(given_up["code"], "unavailable");
}

/// Ten accounts send more invitations than their limits permit.
async fn others_fill_nothing_that_a_user_has(kind: Kind) {
    let house = House::open(kind).await;
    house.sign_up("bob", "bob").await;

    for number in 0..10 {
        let mut stranger = house.enter(&format!("stranger-{number}")).await;
        for _ in 0..3 {
            let room = create(&house, &mut stranger, "Spam").await;
            invite(&house, &mut stranger, &room, "bob").await;
        }
        let room = create(&house, &mut stranger, "Spam").await;
        let too_many = json!({ "room": room, "id": "bob" });
        assert_eq!(stranger.expect_exception("invite", too_many).await.code(), "too_many");
    }

    let mut bob = house.enter("bob").await;
    assert_eq!(open(&mut bob).await.len(), 30);
    assert_eq!(bob.emit_with_ack::<Value>("rooms", ()).await, json!([]));
    create(&house, &mut bob, "Own").await;
    let mut friend = house.enter("friend").await;
    let room = create(&house, &mut friend, "Tea").await;
    invite(&house, &mut friend, &room, "bob").await;
    bob.emit_with_ack::<Value>("accept", json!({ "room": room })).await;
}

async fn a_user_has_a_hundred_invitations_and_an_inviter_writes_fifty(kind: Kind) {
    let house = House::open(kind).await;
    let (room, mut ann, _) = house.room(&[]).await;
    let mut bob = house.enter("bob").await;
    for statement in [
        "WITH RECURSIVE numbers (number) AS (SELECT 1 UNION ALL SELECT number + 1 FROM numbers WHERE number < 100) \
         INSERT INTO chat_rooms (id, name, created_at) SELECT 'room-' || number, 'r', 0 FROM numbers",
        "INSERT INTO chat_invitations SELECT id, 'bob', 'by ' || id, 'n', CAST(substr(id, 6) AS INTEGER) FROM chat_rooms WHERE id LIKE 'room-%'",
        "INSERT INTO chat_invitations SELECT id, 'for ' || id, 'ann', 'ann', 0 FROM chat_rooms WHERE id LIKE 'room-%' LIMIT 49",
    ] {
        house.run(sql(statement)).await;
    }

    invite(&house, &mut ann, &room, "bob").await;

    let gone: Value = bob.wait_for_event("invitation_gone").await;
    assert_eq!(gone, json!({ "room": "room-1" }));
    assert_eq!(bob.wait_for_event::<Value>("invitation").await["room"], room);
    let open = open(&mut bob).await;
    assert_eq!((open.len(), &open[99]), (100, &room));
    let _carol = house.enter("carol").await;
    let one_more = json!({ "room": room, "id": "carol" });
    assert_eq!(ann.expect_exception("invite", one_more).await.code(), "too_many");
}

/// An invitation never shows a deleted user.
async fn invitations_go_with_inviter_invitee_and_room(kind: Kind) {
    let house = House::open(kind).await;
    let (room, mut ann, _) = house.room(&[]).await;
    let (mut bob, _carol) = (house.enter("bob").await, house.enter("carol").await);
    invite(&house, &mut ann, &room, "bob").await;
    invite(&house, &mut ann, &room, "carol").await;

    house.kept.forget(&UserId::new("carol")).await.unwrap();
    let left = sql("SELECT user_id FROM chat_invitations");
    let left: Vec<(String,)> = house.database.all(left).await.unwrap();
    assert_eq!(left, [("bob".to_owned(),)]);
    ann.emit_with_ack::<()>("leave", json!({ "room": room })).await;
    assert!(open(&mut bob).await.is_empty());

    let room = create(&house, &mut ann, "Cake").await;
    invite(&house, &mut ann, &room, "bob").await;
    house.kept.forget(&UserId::new("ann")).await.unwrap();
    assert!(open(&mut bob).await.is_empty());
}
