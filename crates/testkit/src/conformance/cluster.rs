//! Rules that every cluster must satisfy. Each rule gets a function that returns a new node of one cluster without
//! members.
//!
//! Rules about the end of leases depend on time, so each cluster has tests of its own for them.
#![expect(clippy::missing_errors_doc, reason = "a rule fails when the cluster does not answer")]
#![expect(clippy::missing_panics_doc, reason = "a rule panics when it is broken")]

use std::time::{Duration, SystemTime};

use doorward_core::{
    CredentialRef, Incarnation, Issued, LinkNumber, SessionId, SocketId, StoreError, TokenId,
    UserId,
    cluster::{Answer, Cluster, Joined, LEASE, Member, Order, Outcome, Owned, Position},
};

use super::samples::{HOSTILE, Numbers};

/// A node that has joined.
struct Joiner<C> {
    cluster: C,
    incarnation: Incarnation,
    joined: Joined,
}

impl<C: Cluster> Joiner<C> {
    async fn new(cluster: C) -> Result<Self, StoreError> {
        let incarnation = Incarnation::generate(&Numbers);
        let joined = cluster.join(incarnation).await?;
        Ok(Self { cluster, incarnation, joined })
    }

    fn member(&self) -> Member {
        Member { node: self.cluster.node().clone(), incarnation: self.incarnation }
    }

    async fn own(&self, name: &str) -> Result<Option<Owned>, StoreError> {
        self.cluster.own(self.incarnation, name).await
    }

    async fn keep(&self, name: &str) -> Result<Option<Owned>, StoreError> {
        self.cluster.keep(self.incarnation, name).await
    }
}

/// Time of all revocations.
fn at() -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_secs(4_102_444_800)
}

/// Members are told the names of all members. A node that has left is not a member.
pub async fn members_know_each_other<C: Cluster>(node: impl Fn(&str) -> C) -> super::Outcome {
    let first = Joiner::new(node("eu-1")).await?;
    let second = Joiner::new(node("a b/c")).await?;
    let both = |mut members: Vec<Member>| {
        members.sort();
        let mut expected = vec![first.member(), second.member()];
        expected.sort();
        assert_eq!(members, expected);
    };
    assert_eq!(first.joined.members, [first.member()]);
    both(second.joined.members.clone());
    let renewed = first
        .cluster
        .renew(first.incarnation, first.joined.position)
        .await?
        .expect("it is a member");
    both(renewed.members);
    assert!(renewed.lease <= LEASE && renewed.lease > LEASE - Duration::from_secs(5));

    second.cluster.leave(second.incarnation).await?;

    let renewed = first.cluster.renew(first.incarnation, first.joined.position).await?;
    assert_eq!(renewed.expect("it is a member").members, [first.member()]);
    assert_eq!(second.cluster.renew(second.incarnation, second.joined.position).await?, None);
    Ok(())
}

/// A node that joins again is another member, and the earlier one is gone.
pub async fn a_node_that_joins_again_is_another_member<C: Cluster>(
    node: impl Fn(&str) -> C,
) -> super::Outcome {
    let first = Joiner::new(node("eu-1")).await?;
    let again = Incarnation::generate(&Numbers);

    let joined = first.cluster.join(again).await?;

    assert_eq!(joined.members, [Member { incarnation: again, ..first.member() }]);
    assert_eq!(first.cluster.renew(first.incarnation, first.joined.position).await?, None);
    Ok(())
}

/// Orders are read in the order in which they were written, with all that they say and without a gap.
pub async fn orders_are_read_as_written<C: Cluster>(node: impl Fn(&str) -> C) -> super::Outcome {
    let reader = Joiner::new(node("eu-1")).await?;
    let writer = node("eu-2");
    let socket = SocketId::generate(&Numbers);
    let (incarnation, link) = (Incarnation::generate(&Numbers), LinkNumber::new(7));
    let probe = Order::Probe { incarnation, link };
    let mut written = vec![Order::Socket(socket), Order::Replaced(socket), probe];
    for name in HOSTILE {
        written.extend([
            Order::User(UserId::new(*name)),
            Order::Rights(UserId::new(*name)),
            Order::Session(SessionId::new(*name)),
            Order::Token(TokenId::new(*name)),
        ]);
    }
    for order in &written {
        writer.order(order, at()).await?;
    }

    let (mut read, mut position) = (Vec::new(), reader.joined.position);
    while read.len() < written.len() {
        for entry in reader.cluster.orders(position).await? {
            assert_eq!(entry.position, position.next());
            position = entry.position;
            read.push(entry);
        }
    }

    for (entry, order) in read.iter().zip(&written) {
        assert_eq!(entry.order, *order);
        let user = UserId::new("x");
        let holds = |issued| {
            CredentialRef { user: &user, session: None, token: None, issued }.holds(&entry.state)
        };
        match order {
            Order::User(_) => {
                let generation = entry.state.generation;
                assert!(!holds(Issued::Generation(generation - 1)) && !holds(Issued::Shown(at())));
                assert!(holds(Issued::Generation(generation)));
            }
            _ => assert!(!holds(Issued::Generation(u64::MAX))),
        }
    }
    // A node that joins now has nothing to do.
    let late = Joiner::new(node("eu-3")).await?;
    assert_eq!(late.joined.position, position);
    Ok(())
}

/// Every write of the shared store of revocations is an order too, and is stored.
pub async fn a_stored_revocation_is_an_order<C: Cluster>(
    node: impl Fn(&str) -> C,
) -> super::Outcome {
    let reader = Joiner::new(node("eu-1")).await?;
    let store = node("eu-2").revocations();
    let (user, session, token) = (UserId::new("alice"), SessionId::new("s"), TokenId::new("t"));

    let generation = store.bump(&user, at()).await?;
    store.end_session(&session, at()).await?;
    store.end_token(&token, at()).await?;

    let mut read = Vec::new();
    while read.len() < 3 {
        let after = read
            .last()
            .map_or(reader.joined.position, |last: &doorward_core::cluster::LogEntry| {
                last.position
            });
        read.extend(reader.cluster.orders(after).await?);
    }
    assert_eq!(read[0].state.generation, generation);
    let orders: Vec<_> = read.into_iter().map(|entry| entry.order).collect();
    assert_eq!(
        orders,
        [Order::User(user.clone()), Order::Session(session.clone()), Order::Token(token)]
    );
    assert_eq!(store.read(&user, None, None).await?.generation, generation);
    let written = reader.cluster.order(&Order::User(user.clone()), at()).await?;
    assert_eq!(written.position, Position(reader.joined.position.0 + 4));
    assert!(store.read(&user, Some(&session), None).await?.generation > generation);
    Ok(())
}

/// A receipt names the members of its moment, and each of them answers for itself.
pub async fn every_member_of_a_receipt_answers<C: Cluster>(
    node: impl Fn(&str) -> C,
) -> super::Outcome {
    let first = Joiner::new(node("eu-1")).await?;
    let second = Joiner::new(node("eu-2")).await?;
    let third = Joiner::new(node("eu-3")).await?;
    let receipt = first.cluster.order(&Order::User(UserId::new("alice")), at()).await?;
    let late = Joiner::new(node("eu-4")).await?;
    let answers = async || -> Result<Vec<_>, StoreError> {
        let mut answers = first.cluster.answers(&receipt).await?;
        answers.sort_by(|(one, _), (other, _)| one.cmp(other));
        assert!(answers.iter().all(|(member, _)| *member != late.member()));
        Ok(answers.into_iter().map(|(_, answer)| answer).collect())
    };
    let waiting = Answer::Waiting;
    assert_eq!(answers().await?, [waiting, waiting, waiting]);

    // The first has ended sockets, and one of them has not closed yet. The second has read the order and had none.
    let mut outcome = Outcome { ended: 2, stuck: 1, ..Outcome::default() };
    let done = [(receipt.position, outcome)];
    first.cluster.confirm(first.incarnation, receipt.position, &done).await?;
    second.cluster.confirm(second.incarnation, receipt.position, &[]).await?;
    let none = Answer::Done(Outcome::default());
    assert_eq!(answers().await?, [Answer::Done(outcome), none, waiting]);
    (outcome.ended, outcome.stuck) = (3, 0);
    let done = [(receipt.position, outcome)];
    first.cluster.confirm(first.incarnation, receipt.position, &done).await?;
    third.cluster.leave(third.incarnation).await?;

    assert_eq!(answers().await?, [Answer::Done(outcome), none, Answer::Lapsed]);
    // A report of a node that has left counts for nothing.
    third.cluster.confirm(third.incarnation, receipt.position, &[]).await?;
    assert_eq!(answers().await?.last(), Some(&Answer::Lapsed));
    Ok(())
}

/// The lease of a member also tells how far it has read.
pub async fn a_renewal_confirms_what_was_read<C: Cluster>(
    node: impl Fn(&str) -> C,
) -> super::Outcome {
    let first = Joiner::new(node("eu-1")).await?;
    let receipt = first.cluster.order(&Order::Rights(UserId::new("alice")), at()).await?;
    let before = first.cluster.renew(first.incarnation, first.joined.position).await?;
    assert!(before.is_some());
    assert_eq!(first.cluster.answers(&receipt).await?[0].1, Answer::Waiting);

    first.cluster.renew(first.incarnation, receipt.position).await?;

    assert_eq!(first.cluster.answers(&receipt).await?[0].1, Answer::Done(Outcome::default()));
    // It cannot have read what was never written.
    let ahead = receipt.position.next();
    assert_eq!(first.cluster.renew(first.incarnation, ahead).await?, None);
    Ok(())
}

/// The first member that wants a name owns it, until it gives it back or leaves.
pub async fn one_member_owns_a_name<C: Cluster>(node: impl Fn(&str) -> C) -> super::Outcome {
    let first = Joiner::new(node("eu-1")).await?;
    let second = Joiner::new(node("a b/c")).await?;
    for name in HOSTILE {
        assert_eq!(first.keep(name).await?, None, "it does not own the name");
        let owned = first.own(name).await?.expect("it is a member");
        assert_eq!(owned.owner, first.member());
        assert_eq!(second.own(name).await?, Some(owned.clone()));
        assert_eq!(second.keep(name).await?, None);
        assert_eq!(first.keep(name).await?, Some(owned));
    }

    // A process with the name of the first one is another member.
    let (given, kept) = (HOSTILE[0], HOSTILE[1]);
    let again = Joiner::new(node("eu-1")).await?;
    let owned = again.own(given).await?.expect("it is a member");
    assert_eq!((owned.owner, again.keep(given).await?), (first.member(), None));
    again.cluster.leave(again.incarnation).await?;

    let before = first.own(given).await?.expect("it is a member");
    second.cluster.disown(second.incarnation, given, before.number).await?;
    first.cluster.disown(first.incarnation, given, before.number - 1).await?;
    assert_eq!(second.own(given).await?.as_ref(), Some(&before));
    first.cluster.disown(first.incarnation, given, before.number).await?;
    let after = second.own(given).await?.expect("it is a member");
    assert!(after.owner == second.member() && after.number > before.number, "{after:?}");

    let before = second.own(kept).await?.expect("it is a member");
    first.cluster.leave(first.incarnation).await?;
    let after = second.own(kept).await?.expect("it is a member");
    assert!(after.owner == second.member() && after.number > before.number, "{after:?}");
    assert_eq!(first.own(kept).await?, None, "it is no member");
    assert_eq!(first.keep(kept).await?, None, "it is no member");
    Ok(())
}

/// An owner that asks anew has another ownership, which an answer to the earlier one does not end.
pub async fn an_owner_that_asks_again_has_another_number<C: Cluster>(
    node: impl Fn(&str) -> C,
) -> super::Outcome {
    let first = Joiner::new(node("eu-1")).await?;
    let before = first.own("game").await?.expect("it is a member");

    let after = first.own("game").await?.expect("it is a member");

    assert!(after.number > before.number);
    first.cluster.disown(first.incarnation, "game", before.number).await?;
    assert_eq!(first.keep("game").await?, Some(after.clone()));
    first.cluster.disown(first.incarnation, "game", after.number).await?;
    assert_eq!(first.keep("game").await?, None);
    Ok(())
}
