//! The clock of the server jumps.
//!
//! A real server cannot be given another clock. A jump changes the difference between the clock and each time that the
//! server has stored, and nothing else. So these tests move the stored times instead: [`jump`] subtracts the jump from
//! every time that a script compares with the clock, and from the time after which a key is deleted. Times that are
//! compared with credentials, such as that of a revocation, stay as they are.

use doorward_core::{
    CredentialRef, Issued, RevocationStore as _, SeatError, SessionId, TokenId, UserId,
    cluster::{Cluster as _, LEASE, Order},
};
use doorward_redis::RedisCluster;
use doorward_testkit::RedisServer;

use super::{
    join,
    leases::{rights, set_leases},
    node, now,
    seats::{ONE, reserve},
};
use crate::fixture::{Behind, second};

/// Leaves what a jump of the clock leaves. A negative number of seconds sets the clock back.
async fn jump(behind: &mut Behind, seconds: i64) {
    let mut redis = redis::cmd("EVAL");
    redis.arg(JUMP).arg(0).arg(seconds * 1_000);
    behind.send::<()>(&redis).await;
}

const JUMP: &str = "
    local by = tonumber(ARGV[1])
    local function earlier(time)
        return string.format('%.0f', tonumber(time) - by)
    end
    local from = redis.call('HGET', '{doorward}:floor', 'seats_from')
    redis.call('HSET', '{doorward}:floor', 'seats_from', earlier(from))
    local nodes = redis.call('ZRANGE', '{doorward}:nodes', 0, -1, 'WITHSCORES')
    for index = 1, #nodes, 2 do
        redis.call('ZADD', '{doorward}:nodes', earlier(nodes[index + 1]), nodes[index])
    end
    local orders = redis.call('XRANGE', '{doorward}:orders', '-', '+')
    redis.call('DEL', '{doorward}:orders')
    for _, entry in ipairs(orders) do
        -- The fields begin with 'at'.
        entry[2][2] = earlier(entry[2][2])
        redis.call('XADD', '{doorward}:orders', entry[1], unpack(entry[2]))
    end
    for _, seats in ipairs(redis.call('KEYS', '{doorward}:seats:*')) do
        local found = redis.call('HGETALL', seats)
        for index = 1, #found, 2 do
            local row = cjson.decode(found[index + 1])
            row.ends = row.ends and row.ends - by
            row.told = row.told and row.told - by
            redis.call('HSET', seats, found[index], cjson.encode(row))
        end
    end
    for _, key in ipairs(redis.call('KEYS', '{doorward}:*')) do
        local left = redis.call('PTTL', key)
        if left >= 0 then
            redis.call('PEXPIRE', key, left - by)
        end
    end";

const TEN_MINUTES: i64 = 600;

/// Revokes a user, a session and a token through the cluster, and returns the generation of the user.
async fn revoke_all(cluster: &RedisCluster) -> u64 {
    let user = UserId::new("alice");
    for order in [
        Order::User(user.clone()),
        Order::Session(SessionId::new("s-1")),
        Order::Token(TokenId::new("t-1")),
    ] {
        cluster.order(&order, second(1)).await.unwrap();
    }
    cluster.revocations().read(&user, None, None).await.unwrap().generation
}

/// Asserts that what was revoked is refused.
async fn is_revoked(cluster: &RedisCluster, generation: u64) {
    let (user, session, token) = (UserId::new("alice"), SessionId::new("s-1"), TokenId::new("t-1"));
    let revocations = cluster.revocations();
    for (session, token) in [(Some(&session), None), (None, Some(&token))] {
        let state = revocations.read(&user, session, token).await.unwrap();
        assert!(state.is_ended, "{state:?}");
    }
    let state = revocations.read(&user, None, None).await.unwrap();
    assert_eq!((state.generation, state.is_ended), (generation, false));
    for issued in
        [Issued::Generation(generation - 1), Issued::At(second(1)), Issued::Shown(second(1))]
    {
        let shown = CredentialRef { user: &user, session: None, token: None, issued };
        assert!(!shown.holds(&state), "{issued:?}");
    }
}

/// All nodes end their sockets and join again.
#[tokio::test]
async fn a_clock_that_jumps_forward_ends_every_lease_and_forgets_no_revocation() {
    let server = RedisServer::start(&[]).await;
    let mut behind = Behind::connect(&server).await;
    let (first, second) = (node(&server, "eu-1"), node(&server, "eu-2"));
    let joined = [join(&first, 1).await, join(&second, 2).await];
    let generation = revoke_all(&first).await;
    let last = first.order(&rights("bob"), self::second(1)).await.unwrap().position;

    jump(&mut behind, TEN_MINUTES).await;

    for (node, (own, _)) in [&first, &second].into_iter().zip(&joined) {
        assert_eq!(node.renew(*own, last).await.unwrap(), None);
    }
    is_revoked(&first, generation).await;
    let joined = [join(&first, 3).await, join(&second, 4).await];
    assert_eq!(joined[1].1.members.len(), 2);
    for (node, (own, joined)) in [&first, &second].into_iter().zip(&joined) {
        assert_eq!(joined.position, last);
        assert_eq!(node.renew(*own, last).await.unwrap().unwrap().lease, LEASE);
    }
    is_revoked(&second, generation).await;
}

/// No lease lasts longer than one that begins now, and a node that was gone stays gone.
#[tokio::test]
async fn a_clock_that_is_set_back_revives_no_lease_and_no_revoked_credential() {
    let server = RedisServer::start(&[]).await;
    let mut behind = Behind::connect(&server).await;
    let (gone, dead, alive) = (node(&server, "eu-1"), node(&server, "eu-2"), node(&server, "eu-3"));
    let lapsed = join(&gone, 1).await;
    set_leases(&mut behind, -6).await;
    join(&dead, 2).await;
    let (own, _) = join(&alive, 3).await;
    let seat = reserve(&dead, "bob", 1, ONE).await.unwrap().commit().await.unwrap();
    let generation = revoke_all(&alive).await;
    let last = alive.order(&rights("bob"), second(1)).await.unwrap().position;

    jump(&mut behind, -TEN_MINUTES).await;

    assert_eq!(gone.renew(lapsed.0, last).await.unwrap(), None);
    assert_eq!(alive.renew(own, last).await.unwrap().unwrap().lease, LEASE);
    let ends: Vec<String> = behind.run("ZRANGE {doorward}:nodes 0 -1 WITHSCORES").await;
    // The scripts round the time up.
    let latest = now(&mut behind).await + 25_001;
    let ends: Vec<u64> = ends.iter().filter_map(|part| part.parse().ok()).collect();
    assert!(ends.len() == 2 && ends.iter().all(|end| *end <= latest), "{ends:?} {latest}");
    is_revoked(&alive, generation).await;
    assert!(revoke_all(&alive).await > generation);

    // The seat of the dead node is free as soon as its lease, which is not longer than usual, is over.
    let taken = reserve(&alive, "bob", 2, ONE).await;
    assert!(matches!(taken, Err(SeatError::Full(_))));
    set_leases(&mut behind, -6).await;
    let (own, joined) = join(&alive, 4).await;
    reserve(&alive, "bob", 3, ONE).await.unwrap();
    assert!(alive.renew(own, joined.position).await.unwrap().is_some());
    drop(seat);
}
