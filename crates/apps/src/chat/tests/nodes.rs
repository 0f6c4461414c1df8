//! Tests of two nodes that change the chat in one PostgreSQL at once.

use std::{collections::BTreeSet, sync::Arc, time::SystemTime};

use doorward::{UserId, store::StoreError};
use doorward_testkit::{Fault, FaultProxy, PostgresServer};
use futures_util::future::join_all;
use serde_json::{Value, json};
use tokio::sync::Semaphore;

use super::house::{House, catch_up, say, texts};
use crate::{
    CHAT, Database,
    application::Person,
    chat::{
        invitations::Invited,
        messages::Posted,
        store::{Added, MAX_MEMBERS, MAX_ROOMS, Store},
        wire::Message,
    },
    sql::sql,
    testing::Home,
};

const NOW: SystemTime = SystemTime::UNIX_EPOCH;

/// Two nodes on one database.
struct Nodes([Arc<Store>; 2], Database);

impl Nodes {
    async fn open(server: &PostgresServer) -> Self {
        let url = server.database();
        let (one, other) =
            tokio::join!(Database::connect(&url, &[CHAT]), Database::connect(&url, &[CHAT]));
        let (one, other) = (one.unwrap(), other.unwrap());
        let stores = [&one, &other].map(|node| Arc::new(Store(node.tables().unwrap().clone())));
        Self(stores, one)
    }

    /// Returns the nodes by turns.
    fn each(&self) -> impl Iterator<Item = &Arc<Store>> {
        self.0.iter().cycle()
    }

    async fn run(&self, statement: &'static str) {
        let run = self.0[0].0.change(move |mut connection| {
            Box::pin(async move { connection.run(sql(statement)).await })
        });
        run.await.unwrap();
    }

    async fn count(&self, statement: &'static str) -> i64 {
        let counted: Option<(i64,)> = self.0[0].0.first(sql(statement)).await.unwrap();
        counted.unwrap().0
    }

    /// Creates a room with these members.
    async fn room(&self, room: &str, members: &[&str]) {
        let (first, others) = members.split_first().unwrap();
        let created = self.0[0].create(room, "Tea", person(first), NOW).await;
        assert_eq!(created.unwrap(), Added::Done);
        for member in others {
            self.invite(room, first, member).await;
            assert_eq!(self.0[1].accept(room, person(member)).await.unwrap(), Some(Added::Done));
        }
    }

    async fn invite(&self, room: &str, inviter: &str, user: &str) {
        let invited = self.0[0].invite(room, &UserId::new(user), person(inviter), NOW).await;
        assert_eq!(invited.unwrap(), Invited::Done(None));
    }

    /// Returns the messages of a room in the order of their versions.
    async fn history(&self, room: &str) -> Vec<Message> {
        let (mut all, mut seen) = (Vec::new(), 0);
        loop {
            let page = self.0[1].history(room, seen).await.unwrap();
            all.extend(page.messages);
            seen = page.version;
            if !page.more {
                return all;
            }
        }
    }
}

fn person(name: &str) -> Person {
    Person { id: UserId::new(name), name: name.into() }
}

/// Posts a message to the room `tea`, with its key as text.
async fn post(node: &Store, who: &str, key: &str) -> Result<Posted, StoreError> {
    node.post("tea", person(who), (key.to_owned(), key.to_owned()), NOW).await
}

fn new(posted: Posted) -> Message {
    match posted {
        Posted::New(message) => message,
        _ => panic!("the message is not new"),
    }
}

/// A gap would look like a loss to a client, and a duplicate would hide a change.
#[tokio::test]
async fn changes_of_two_nodes_have_every_version_once() {
    let nodes = Nodes::open(PostgresServer::shared()).await;
    nodes.room("tea", &["ann", "bob"]).await;

    let writers = ["ann", "bob", "ann", "bob"].into_iter().zip(nodes.each()).enumerate();
    let writers = writers.map(|(number, (who, node))| async move {
        let mut versions = Vec::new();
        for message in 0..15 {
            let message = new(post(node, who, &format!("{number}-{message}")).await.unwrap());
            let text = (message.seq % 2 == 0).then(|| "edited".to_owned());
            let changed = node.change("tea", &UserId::new(who), message.seq, text).await.unwrap();
            versions.extend([message.version, changed.unwrap().version]);
        }
        versions
    });
    let mut versions = join_all(writers).await.concat();

    versions.sort_unstable();
    assert_eq!(versions, (1..=120).collect::<Vec<_>>());
    let kept = nodes.history("tea").await;
    let seqs: BTreeSet<_> = kept.iter().map(|message| message.seq).collect();
    assert_eq!(seqs, (1..=60).collect());
}

/// A client that has lost its node sends again to another, while the first is still at it.
#[tokio::test]
async fn a_message_that_is_sent_to_two_nodes_at_once_is_written_once() {
    let nodes = Nodes::open(PostgresServer::shared()).await;
    nodes.room("tea", &["ann"]).await;

    for number in 1..=20 {
        let key = number.to_string();
        let (one, other) =
            tokio::join!(post(&nodes.0[0], "ann", &key), post(&nodes.0[1], "ann", &key));
        let posted = [one.unwrap(), other.unwrap()].map(|posted| match posted {
            Posted::New(message) => (true, message.version),
            Posted::Again(message) => (false, message.version),
            Posted::Forbidden | Posted::Forgotten => panic!("ann is a member, and it is kept"),
        });
        assert!(posted[0].0 != posted[1].0, "{posted:?}");
        assert_eq!(posted.map(|(_, version)| version), [number, number]);
    }
}

#[tokio::test]
async fn a_member_who_has_left_on_another_node_changes_nothing() {
    let nodes = Nodes::open(PostgresServer::shared()).await;
    nodes.room("tea", &["ann", "bob"]).await;
    let message = new(post(&nodes.0[1], "bob", "here").await.unwrap());

    nodes.0[0].remove("tea", &UserId::new("bob")).await.unwrap();

    assert!(matches!(post(&nodes.0[1], "bob", "late").await.unwrap(), Posted::Forbidden));
    let changed = nodes.0[1].change("tea", &UserId::new("bob"), message.seq, None).await;
    assert!(changed.unwrap().is_none());
    let invited = nodes.0[1].invite("tea", &UserId::new("eve"), person("bob"), NOW).await;
    assert_eq!(invited.unwrap(), Invited::Forbidden);
    assert_eq!(nodes.count("SELECT version FROM chat_rooms").await, message.version);
}

/// Each of the two sees the other as a member, unless one waits for the other.
#[tokio::test]
async fn a_room_is_removed_when_its_last_members_leave_at_once() {
    let nodes = Nodes::open(PostgresServer::shared()).await;
    for number in 0..20 {
        let room = number.to_string();
        nodes.room(&room, &["ann", "bob"]).await;
        let (ann, bob) = (UserId::new("ann"), UserId::new("bob"));

        let (one, other) =
            tokio::join!(nodes.0[0].remove(&room, &ann), nodes.0[1].remove(&room, &bob));

        one.unwrap();
        other.unwrap();
        assert_eq!(nodes.count("SELECT count(*) FROM chat_rooms").await, 0, "{number}");
    }
}

#[tokio::test]
async fn a_room_has_no_member_too_many() {
    let nodes = Nodes::open(PostgresServer::shared()).await;
    nodes.room("tea", &["ann"]).await;
    let guests: Vec<_> = (0..8).map(|number| format!("guest-{number}")).collect();
    for guest in &guests {
        nodes.invite("tea", "ann", guest).await;
    }
    nodes
        .run(
            "INSERT INTO chat_members (room_id, user_id, name) \
             SELECT 'tea', 'member-' || number, 'm' FROM generate_series(1, 1998) AS number",
        )
        .await;

    let accepting = guests.iter().zip(nodes.each()).map(|(guest, node)| async move {
        node.accept("tea", person(guest)).await.unwrap().unwrap()
    });
    let accepted = join_all(accepting).await;

    assert_eq!(accepted.iter().filter(|added| **added == Added::Done).count(), 1, "{accepted:?}");
    assert_eq!(nodes.count("SELECT count(*) FROM chat_members").await, MAX_MEMBERS);
}

#[tokio::test]
async fn a_user_is_in_no_room_too_many() {
    let nodes = Nodes::open(PostgresServer::shared()).await;
    for number in 1..MAX_ROOMS {
        nodes.room(&format!("own-{number}"), &["bob"]).await;
    }
    let rooms: Vec<_> = (0..3).map(|number| format!("of-ann-{number}")).collect();
    for room in &rooms {
        nodes.room(room, &["ann"]).await;
        nodes.invite(room, "ann", "bob").await;
    }

    for round in 0..5 {
        let entering = (0..8).zip(nodes.each()).map(|(number, node)| {
            let (room, new) = (rooms.get(number), format!("new-{round}-{number}"));
            async move {
                match room {
                    Some(room) => node.accept(room, person("bob")).await.unwrap().unwrap(),
                    None => node.create(&new, "New", person("bob"), NOW).await.unwrap(),
                }
            }
        });
        let entered = join_all(entering).await;

        let in_rooms = "SELECT count(*) FROM chat_members WHERE user_id = 'bob'";
        assert_eq!(nodes.count(in_rooms).await, MAX_ROOMS, "{entered:?}");
        let done = entered.iter().position(|added| *added == Added::Done).unwrap();
        match rooms.get(done) {
            Some(room) => {
                nodes.0[0].remove(room, &UserId::new("bob")).await.unwrap();
                nodes.invite(room, "ann", "bob").await;
            }
            None => {
                let new = format!("new-{round}-{done}");
                nodes.0[0].remove(&new, &UserId::new("bob")).await.unwrap();
            }
        }
    }
}

#[tokio::test]
async fn no_user_has_an_invitation_too_many() {
    let nodes = Nodes::open(PostgresServer::shared()).await;
    let rooms: Vec<_> = (0..8).map(|number| format!("tea-{number}")).collect();
    for room in &rooms {
        nodes.room(room, &["ann"]).await;
    }
    let bob = UserId::new("bob");

    // Ann writes three invitations for one user.
    let inviting = rooms.iter().zip(nodes.each());
    let inviting = inviting.map(|(room, node)| node.invite(room, &bob, person("ann"), NOW));
    let invited: Vec<_> = join_all(inviting).await.into_iter().map(Result::unwrap).collect();
    assert_eq!(invited.iter().filter(|one| **one == Invited::Done(None)).count(), 3, "{invited:?}");

    // Ann writes fifty altogether.
    nodes
        .run(
            "INSERT INTO chat_invitations SELECT 'tea-0', 'guest-' || number, 'ann', 'Ann', 0 \
             FROM generate_series(1, 46) AS number",
        )
        .await;
    let carols: Vec<_> = (0..8).map(|number| UserId::new(format!("carol-{number}"))).collect();
    let inviting = carols.iter().zip(nodes.each());
    let inviting = inviting.map(|(carol, node)| node.invite("tea-1", carol, person("ann"), NOW));
    let invited: Vec<_> = join_all(inviting).await.into_iter().map(Result::unwrap).collect();
    assert_eq!(invited.iter().filter(|one| **one == Invited::Done(None)).count(), 1, "{invited:?}");

    // Bob has a hundred.
    for room in 0..110 {
        nodes.room(&format!("spam-{room}"), &[&format!("inviter-{room}")]).await;
    }
    let inviting = (0..110).zip(nodes.each()).map(|(room, node)| {
        let (inviter, bob) = (person(&format!("inviter-{room}")), &bob);
        async move { node.invite(&format!("spam-{room}"), bob, inviter, NOW).await.unwrap() }
    });
    join_all(inviting).await;
    let of_bob = "SELECT count(*) FROM chat_invitations WHERE user_id = 'bob'";
    assert_eq!(nodes.count(of_bob).await, 100);
}

/// PostgreSQL ends one of two changes that wait for each other, which a client would read as `unavailable`.
#[tokio::test]
async fn no_two_changes_wait_for_each_other() {
    const PEOPLE: [&str; 4] = ["ann", "bob", "carol", "dave"];
    let nodes = Nodes::open(PostgresServer::shared()).await;

    let workers = (0..6_usize).zip(nodes.each()).map(|(worker, node)| {
        let (node, database) = (Arc::clone(node), nodes.1.clone());
        async move {
            for step in 0..60_usize {
                // Every worker visits the same few rows in another order.
                let turn = step * 7 + worker * 5;
                let (who, whom) = (PEOPLE[turn % 4], UserId::new(PEOPLE[(turn / 4 + worker) % 4]));
                let room = format!("room-{}", (turn / 3) % 3);
                let done = match (turn + step) % 9 {
                    0 | 1 => node
                        .create(&format!("{room}-{worker}-{step}"), "Own", person(who), NOW)
                        .await
                        .map(drop),
                    2 => match node.create(&room, "Tea", person(who), NOW).await {
                        Err(StoreError::Exists) => Ok(()),
                        created => created.map(drop),
                    },
                    3 | 4 => node.invite(&room, &whom, person(who), NOW).await.map(drop),
                    5 => node.accept(&room, person(who)).await.map(drop),
                    6 => node.remove(&room, &UserId::new(who)).await,
                    7 => node.rename(&UserId::new(who), &format!("{who}-{step}")).await,
                    _ => database.forget(&UserId::new(who)).await,
                };
                done.unwrap();
                let message = (format!("{worker}-{step}"), "text".to_owned());
                node.post(&room, person(who), message, NOW).await.map(drop).unwrap();
            }
        }
    });
    join_all(workers).await;
}

/// The server is killed while both nodes write.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_acknowledged_message_is_lost_when_postgresql_restarts() {
    let server = PostgresServer::start();
    let nodes = Nodes::open(&server).await;
    nodes.room("tea", &["ann", "bob"]).await;
    let acknowledged = Arc::new(Semaphore::new(0));

    let writers = ["ann", "bob", "ann", "bob"].into_iter().zip(nodes.each()).enumerate();
    let writers: Vec<_> = writers
        .map(|(number, (who, node))| {
            let (node, acknowledged) = (Arc::clone(node), Arc::clone(&acknowledged));
            tokio::spawn(async move {
                let mut kept = Vec::new();
                for message in 0..40 {
                    let key = format!("{number}-{message}");
                    // As a client does, sends again until there is an answer.
                    let posted = loop {
                        match post(&node, who, &key).await {
                            Ok(posted) => break posted,
                            Err(error) => {
                                assert!(matches!(error, StoreError::Unavailable(_)), "{error:?}");
                            }
                        }
                    };
                    let (Posted::New(message) | Posted::Again(message)) = posted else {
                        panic!("a member has posted, and it is kept")
                    };
                    kept.push((message.version, message.text));
                    acknowledged.add_permits(1);
                }
                kept
            })
        })
        .collect();
    for _ in 0..3 {
        acknowledged.acquire_many(20).await.unwrap().forget();
        tokio::task::block_in_place(|| server.restart());
    }
    let mut kept = Vec::new();
    for writer in writers {
        kept.extend(writer.await.unwrap());
    }

    kept.sort_unstable();
    let history = nodes.history("tea").await;
    let history: Vec<_> = history.into_iter().map(|one| (one.version, one.text)).collect();
    assert_eq!(kept, history);
    assert_eq!(history.len(), 160);
    let versions = history.iter().map(|(version, _)| *version);
    assert!(versions.eq(1..=160));
}

/// No message is acknowledged while the database is away, and the client may send it again.
#[tokio::test]
async fn a_client_reads_unavailable_while_postgresql_is_away() {
    let server = PostgresServer::shared();
    let proxy = FaultProxy::start_unix(server.socket()).await;
    let url = server.database();
    let (address, _) = url.split_once('?').unwrap();
    let url = address.replace("@localhost/", &format!("@{}/", proxy.address()));
    let house = House::at(Home::Postgres(url)).await;
    let (room, mut ann, mut others) = house.room(&["bob"]).await;
    say(&mut ann, &room, "before").await;

    proxy.set(Fault::Cut);
    let message = json!({ "room": room, "key": "during", "text": "during" });
    let refused = ann.expect_exception("send", message).await;
    proxy.set(Fault::None);

    assert_eq!(refused.code(), "unavailable");
    assert_eq!(say(&mut ann, &room, "during").await["seq"], 2);
    for expected in ["before", "during"] {
        assert_eq!(others[0].wait_for_event::<Value>("message").await["text"], expected);
    }
    assert_eq!(texts(&catch_up(&mut others[0], &room, 0).await), ["before", "during"]);
}
