//! Checks the data on the server, which are its keys, its expiry, and the errors of malformed data.

use std::time::{Duration, SystemTime};

use doorward_core::{
    REMEMBERED, RevocationStore, Session, SessionId, SessionStore, StoreError, Ticket,
    TicketRecord, TicketStore, TokenId, UserId,
};
use doorward_testkit::RedisServer;

use crate::{
    calls::assert_all_unavailable,
    fixture::{Behind, Numbered, connect, key, second, session},
};

fn millis(time: SystemTime) -> i64 {
    let since = time.duration_since(SystemTime::UNIX_EPOCH).unwrap();
    i64::try_from(since.as_millis()).unwrap()
}

#[tokio::test]
async fn each_key_expires_when_its_entry_may_be_forgotten() {
    let server = RedisServer::start(&[]).await;
    let store = connect(&server).await;
    let mut behind = Behind::connect(&server).await;
    let (short, mut long) = (session("s-1", "alice"), session("s-2", "alice"));
    long.ends_at = second(1_000_000);
    let ticket =
        TicketRecord { session: short.id.clone(), challenge: [0; 32], expires_at: second(30) };

    store.create(&key(1), &long).await.unwrap();
    store.create(&key(2), &short).await.unwrap();
    store.rotate(&short.id, &key(3), None).await.unwrap();
    store.touch(&short.id, second(9)).await.unwrap();
    store.put_ticket(&Ticket::generate(&Numbered(1)).key(), &ticket).await.unwrap();
    store.bump(&UserId::new("bob"), second(5)).await.unwrap();
    store.end_session(&SessionId::new("s-9"), second(6)).await.unwrap();
    store.end_token(&TokenId::new("t-9"), second(7)).await.unwrap();

    let mut ends = Vec::new();
    for key in behind.run::<Vec<String>>("KEYS {doorward}:*").await {
        let end: i64 = behind.run(&format!("PEXPIRETIME {key}")).await;
        let kind = key.split(':').nth(1).unwrap();
        ends.push((kind.to_owned(), end));
    }
    ends.sort();
    let mut expected = vec![
        ("ended-session", millis(second(6) + REMEMBERED)),
        ("ended-token", millis(second(7) + REMEMBERED)),
        ("epoch", millis(second(5) + REMEMBERED)),
        ("floor", -1),
        ("ordered", -1),
        ("orders", -1),
        ("sequence", -1),
        ("session", millis(short.forget_at())),
        ("session", millis(long.forget_at())),
        ("ticket", millis(second(30 + 60))),
        ("token", millis(short.forget_at())),
        ("token", millis(long.forget_at())),
        ("user", millis(long.forget_at())),
    ];
    expected.sort_unstable();
    let expected: Vec<_> = expected.into_iter().map(|(kind, end)| (kind.to_owned(), end)).collect();
    assert_eq!(ends, expected);
}

/// Lua converts numbers to text with 14 digits, unless a script formats them explicitly.
#[tokio::test]
async fn times_of_fifteen_digits_keep_their_last_one() {
    let server = RedisServer::start(&[]).await;
    let store = connect(&server).await;
    let far = SystemTime::UNIX_EPOCH + Duration::from_millis(200_000_000_000_123);
    let hour = Duration::from_secs(3600);
    let made = Session::new(SessionId::new("s-1"), "alice", far, hour, 12 * hour);
    let user = UserId::new("bob");

    store.create(&key(1), &made).await.unwrap();
    let begun = (store.bump(&user, far).await.unwrap(), store.bump(&user, far).await.unwrap());

    assert_eq!(store.find(&key(1)).await.unwrap(), Some(made));
    assert_eq!(begun, (200_000_000_000_123, 200_000_000_000_124));
    let epoch = store.read(&user, None, None).await.unwrap();
    assert_eq!((epoch.generation, epoch.revoked_at), (200_000_000_000_124, Some(far)));
}

/// If the list kept expired sessions, it would grow without bound.
#[tokio::test]
async fn the_list_of_a_user_drops_expired_sessions() {
    let server = RedisServer::start(&[]).await;
    let store = connect(&server).await;
    let mut behind = Behind::connect(&server).await;
    let hour = Duration::from_secs(3600);
    let forgotten =
        |id: &str| Session::new(SessionId::new(id), "alice", SystemTime::UNIX_EPOCH, hour, hour);
    let (kept, next) = (session("s-1", "alice"), session("s-2", "alice"));

    store.create(&key(1), &kept).await.unwrap();
    store.create(&key(2), &forgotten("s-3")).await.unwrap();
    assert_eq!(store.of_user(&kept.user).await.unwrap(), std::slice::from_ref(&kept));
    store.create(&key(3), &next).await.unwrap();

    assert_eq!(store.find(&key(2)).await.unwrap(), None);
    assert_eq!(store.of_user(&kept.user).await.unwrap(), [kept.clone(), next.clone()]);
    let list: Vec<String> = behind.run("KEYS {doorward}:user:*").await;
    assert_eq!(behind.run::<u64>(&format!("ZCARD {}", list[0])).await, 2);

    store.remove(&kept.id).await.unwrap();
    store.end_session(&next.id, second(1)).await.unwrap();
    assert!(behind.run::<Vec<String>>("KEYS {doorward}:user:*").await.is_empty());
}

/// Ids may look like patterns, separators or commands. They appear in values only, and not in keys.
#[tokio::test]
async fn no_name_stands_in_a_key() {
    let server = RedisServer::start(&[]).await;
    let store = connect(&server).await;
    let mut behind = Behind::connect(&server).await;
    let hostile =
        ["x\r\nFLUSHALL\r\n", "*", "{a}:floor", "a b", "' .. os.exit() .. '", "]] return 1"];
    for (number, name) in (1..).zip(hostile) {
        store.create(&key(number), &session(name, name)).await.unwrap();
        store.create(&key(100 + number), &session(&format!("{name}."), name)).await.unwrap();
        store.end_session(&SessionId::new(name), second(1)).await.unwrap();
        store.end_token(&TokenId::new(name), second(1)).await.unwrap();
        store.bump(&UserId::new(name), second(1)).await.unwrap();
        store.create(&key(number), &session(&format!("{name}!"), name)).await.unwrap();
    }

    let keys: Vec<String> = behind.run("KEYS *").await;

    let safe = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == ':' || c == '-';
    let bare = |key: &String| key.strip_prefix("{doorward}:").unwrap().chars().all(safe);
    assert!(keys.iter().all(bare), "{keys:?}");
    // With the floor, the sequence, and the log of orders with its counter.
    assert_eq!(keys.len(), 4 + 6 * hostile.len());
    for (number, name) in (1..).zip(hostile) {
        let found = store.find(&key(number)).await.unwrap();
        assert_eq!(found, Some(session(&format!("{name}!"), name)));
    }
}

#[tokio::test]
async fn a_key_of_another_type_is_not_taken_for_absence() {
    let server = RedisServer::start(&[]).await;
    let store = connect(&server).await;
    let mut behind = Behind::connect(&server).await;
    store.create(&key(1), &session("s-1", "alice")).await.unwrap();
    store.bump(&UserId::new("bob"), second(1)).await.unwrap();
    let (alice, bob) = (UserId::new("alice"), UserId::new("bob"));

    for kind in ["session", "token", "user", "epoch", "floor"] {
        let keys: Vec<String> = behind.run(&format!("KEYS {{doorward}}:{kind}*")).await;
        behind.run::<()>(&format!("RENAME {} aside", keys[0])).await;
        behind.run::<()>(&format!("RPUSH {} x", keys[0])).await;

        let answer = match kind {
            "session" => store.get(&SessionId::new("s-1")).await.map(drop),
            "token" => store.find(&key(1)).await.map(drop),
            "user" => store.of_user(&alice).await.map(drop),
            _ => store.read(&bob, None, None).await.map(drop),
        };

        assert!(matches!(answer, Err(StoreError::Unavailable(_))), "{kind}: {answer:?}");
        behind.run::<()>(&format!("RENAME aside {}", keys[0])).await;
    }
    assert!(store.find(&key(1)).await.unwrap().is_some());
}

#[tokio::test]
async fn a_malformed_record_is_an_error_and_no_session() {
    let server = RedisServer::start(&[]).await;
    let store = connect(&server).await;
    let mut behind = Behind::connect(&server).await;
    let changes = [
        "HDEL {} user",
        "HDEL {} ends_at",
        "HDEL {} data",
        "HSET {} seen_at -5",
        "HSET {} seen_at 1e3",
        "HSET {} generation x",
        "HSET {} network nowhere",
        "HSET {} data [",
    ];
    for (number, change) in (1..).zip(changes) {
        let id = SessionId::new("s-1");
        store.create(&key(number), &session("s-1", "alice")).await.unwrap();
        let keys: Vec<String> = behind.run("KEYS {doorward}:session:*").await;
        behind.run::<()>(&change.replace("{}", &keys[0])).await;

        let found = store.find(&key(number)).await;
        let listed = store.of_user(&UserId::new("alice")).await;

        assert!(matches!(found, Err(StoreError::Unavailable(_))), "{change}: {found:?}");
        assert!(matches!(listed, Err(StoreError::Unavailable(_))), "{change}: {listed:?}");
        store.remove(&id).await.unwrap();
    }
}

#[tokio::test]
async fn a_server_that_withdraws_permissions_answers_nothing() {
    let server = RedisServer::start(&[]).await;
    let store = connect(&server).await;
    let mut behind = Behind::connect(&server).await;

    behind.run::<()>("ACL SETUSER default -@scripting -set -getdel").await;

    assert_all_unavailable(&store).await;
}

#[tokio::test]
async fn scripts_that_the_server_has_forgotten_are_sent_again() {
    let server = RedisServer::start(&[]).await;
    let store = connect(&server).await;
    store.create(&key(1), &session("s-1", "alice")).await.unwrap();

    Behind::connect(&server).await.run::<()>("SCRIPT FLUSH").await;

    assert!(store.find(&key(1)).await.unwrap().is_some());
    store.create(&key(2), &session("s-2", "alice")).await.unwrap();
}
