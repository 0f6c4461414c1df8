//! Rules that every seat store must satisfy. A seat stands for one live connection of a user, and a reservation
//! holds a seat until the connection is admitted. Each rule gets a store in which no seat is taken.
#![expect(clippy::missing_panics_doc, reason = "a rule panics when it is broken")]

use std::{
    collections::HashSet,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use doorward_core::{
    LinkNumber, NodeId, PerUser, Reservation, SeatError, SeatRequest, SeatStore, Seated, SocketId,
    UserId,
};
use tokio::task::JoinSet;

use super::samples::Numbers;

/// A client that requests seats.
#[derive(Clone)]
struct Client {
    user: UserId,
    socket: SocketId,
    link: LinkNumber,
    namespace: &'static str,
    links: PerUser,
    sockets: PerUser,
}

/// Name of the node that requests all seats.
const NODE: &str = "eu-1";

/// Number of the next link.
static NEXT_LINK: AtomicU64 = AtomicU64::new(1);

impl Client {
    fn new(user: &str, policy: PerUser) -> Self {
        Self::under(user, (policy, PerUser::Unlimited))
    }

    fn under(user: &str, (links, sockets): (PerUser, PerUser)) -> Self {
        let link = LinkNumber::new(NEXT_LINK.fetch_add(1, Ordering::Relaxed));
        let socket = SocketId::generate(&Numbers);
        Self { user: user.into(), socket, link, namespace: "/", links, sockets }
    }

    /// Returns the same client with a socket in another namespace of its link.
    fn also_in(&self, namespace: &'static str) -> Self {
        Self { socket: SocketId::generate(&Numbers), namespace, ..self.clone() }
    }

    async fn reserve(&self, seats: &impl SeatStore) -> Result<Box<dyn Reservation>, SeatError> {
        let Self { user, socket, link, namespace, links, sockets } = self;
        let node = NodeId::new(NODE);
        let request = SeatRequest::new(&node, user, *socket, *link, namespace);
        seats.reserve(request.with_links(*links).with_sockets(*sockets)).await
    }

    async fn sit(&self, seats: &impl SeatStore) -> Seated {
        let reserved = self.reserve(seats).await.expect("a seat is free");
        reserved.commit().await.expect("a reserved seat can be taken")
    }
}

fn is_taken(reserved: &Result<Box<dyn Reservation>, SeatError>, holders: usize) -> bool {
    matches!(reserved, Err(SeatError::Full(taken)) if taken.len() == holders
        && taken.iter().all(|holder| holder.node.as_str() == NODE))
}

/// Seats and reservations count alike. A request above the limit fails with the list of holders. Each user
/// has separate seats.
pub async fn a_user_has_as_many_seats_as_the_policy_says(seats: impl SeatStore) {
    let policy = PerUser::RefuseNew(2);
    let first = Client::new("alice", policy).sit(&seats).await;
    let second = Client::new("alice", policy).reserve(&seats).await.expect("a seat is free");

    assert!(is_taken(&Client::new("alice", policy).reserve(&seats).await, 2));
    Client::new("bob", policy).sit(&seats).await;
    drop((first, second));
}

/// A reservation or a seat is free again after it was dropped.
pub async fn a_seat_that_is_dropped_is_free(seats: impl SeatStore) {
    let policy = PerUser::RefuseNew(1);
    for _ in 0..3 {
        drop(Client::new("alice", policy).reserve(&seats).await.expect("a seat is free"));
        drop(Client::new("alice", policy).sit(&seats).await);
    }
}

/// The sockets of a link share one seat. The seat is free after the last socket has closed.
pub async fn the_sockets_of_a_link_share_a_seat(seats: impl SeatStore) {
    let policy = PerUser::RefuseNew(1);
    let alice = Client::new("alice", policy);
    let first = alice.sit(&seats).await;
    let second = alice.also_in("/chat").sit(&seats).await;
    assert!(second.replaced.is_empty());

    drop(first);
    assert!(is_taken(&Client::new("alice", policy).reserve(&seats).await, 1));
    drop(second);
    Client::new("alice", policy).sit(&seats).await;
}

/// If the sockets in each namespace are limited, each namespace has separate seats, also for the sockets of one
/// link.
pub async fn namespaces_have_seats_of_their_own_if_configured(seats: impl SeatStore) {
    let alice = Client::under("alice", (PerUser::Unlimited, PerUser::RefuseNew(1)));
    let first = alice.sit(&seats).await;
    let second = alice.also_in("/chat").sit(&seats).await;

    let refused = alice.also_in("/chat").reserve(&seats).await;

    let Err(SeatError::Full(holders)) = refused else { unreachable!("the seat is taken") };
    assert!(holders.iter().all(|holder| holder.socket.is_some()) && holders.len() == 1);
    drop((first, second));
}

/// A reservation replaces no socket. A commit above the limit replaces the oldest socket and returns its id.
pub async fn the_oldest_is_replaced_when_the_seat_is_taken(seats: impl SeatStore) {
    let policy = PerUser::ReplaceOldest(2);
    let (oldest, next) = (Client::new("alice", policy), Client::new("alice", policy));
    let first = oldest.sit(&seats).await;
    let second = next.sit(&seats).await;
    let abandoned =
        Client::new("alice", policy).reserve(&seats).await.expect("a reservation replaces nothing");
    drop(abandoned);

    let third = Client::new("alice", policy).sit(&seats).await;
    drop(first);
    let fourth = Client::new("alice", policy).sit(&seats).await;

    assert_eq!(third.replaced, [oldest.socket]);
    assert_eq!(fourth.replaced, [next.socket]);
    drop((second, third, fourth));
}

/// Dropping a seat that was replaced must not free the seat of another socket.
pub async fn a_lost_seat_is_not_given_back_twice(seats: impl SeatStore) {
    let policy = PerUser::ReplaceOldest(1);
    let lost = Client::new("alice", policy).sit(&seats).await;
    let current = Client::new("alice", policy).sit(&seats).await;
    drop(lost);

    let next = Client::new("alice", policy).sit(&seats).await;

    assert!(next.replaced.len() == 1, "the current socket has kept its seat");
    drop((current, next));
}

/// Of many requests at the same time, exactly as many succeed as there are seats.
pub async fn of_many_at_once_as_many_sit_as_there_are_seats(seats: impl SeatStore) {
    let seats = Arc::new(seats);
    for count in 1..4 {
        let asking = at_once(&seats, || Client::new("alice", PerUser::RefuseNew(count))).await;

        assert_eq!(asking.len(), count);
    }
}

/// Every later commit of the user returns a replaced socket until this socket has closed. This also holds for
/// commits on the same link, and after the replacing socket has closed.
pub async fn every_new_socket_waits_for_a_replaced_one(seats: impl SeatStore) {
    let policy = PerUser::ReplaceOldest(1);
    let (lost, alice) = (Client::new("alice", policy), Client::new("alice", policy));
    let closing = lost.sit(&seats).await;

    let first = alice.sit(&seats).await;
    let second = alice.also_in("/chat").sit(&seats).await;
    assert_eq!((&*first.replaced, &*second.replaced), (&[lost.socket][..], &[lost.socket][..]));
    drop((first, second));
    let third = Client::new("alice", policy);
    let sitting = third.sit(&seats).await;
    assert_eq!(sitting.replaced, [lost.socket]);

    drop(closing);
    assert_eq!(Client::new("alice", policy).sit(&seats).await.replaced, [third.socket]);
    drop(sitting);
}

/// If excess sockets are refused, a replaced socket counts until it has closed.
pub async fn a_replaced_socket_still_counts(seats: impl SeatStore) {
    let limits = (PerUser::RefuseNew(2), PerUser::ReplaceOldest(1));
    let lost = Client::under("alice", limits).sit(&seats).await;
    let sitting = Client::under("alice", limits).sit(&seats).await;
    assert_eq!(sitting.replaced.len(), 1);

    assert!(is_taken(&Client::under("alice", limits).reserve(&seats).await, 2));
    drop(lost);
    assert!(Client::under("alice", limits).reserve(&seats).await.is_ok());
    drop(sitting);
}

/// The limit on the links of a user and the limit on sockets in a namespace apply together. A refused
/// request changes nothing.
pub async fn both_limits_hold_at_once(seats: impl SeatStore) {
    let limits = (PerUser::RefuseNew(2), PerUser::ReplaceOldest(1));
    let (first, second) = (Client::under("alice", limits), Client::under("alice", limits));
    let oldest = first.sit(&seats).await;
    let next = second.sit(&seats).await;
    assert_eq!(next.replaced, [first.socket]);

    assert!(is_taken(&Client::under("alice", limits).reserve(&seats).await, 2));
    drop(oldest);

    // The link has its seat already, and its socket is the only one in the other namespace.
    let elsewhere = second.also_in("/chat").sit(&seats).await;
    assert!(elsewhere.replaced.is_empty());
    let last = Client::under("alice", limits).sit(&seats).await;
    assert_eq!(last.replaced, [second.socket]);
    drop((next, elsewhere, last));

    // The opposite case: the limit on links has a free seat, but the limit on sockets has none.
    let limits = (PerUser::RefuseNew(2), PerUser::RefuseNew(1));
    let only = Client::under("alice", limits).sit(&seats).await;
    for _ in 0..3 {
        assert!(is_taken(&Client::under("alice", limits).reserve(&seats).await, 1));
    }
    let elsewhere = Client::under("alice", limits).also_in("/chat").sit(&seats).await;
    drop((only, elsewhere));
}

/// Of two policies for the same sockets, the one with fewer seats applies.
pub async fn the_stricter_of_two_policies_for_a_namespace_holds(seats: impl SeatStore) {
    let limits = (PerUser::Unlimited, PerUser::RefuseNew(2).stricter(PerUser::ReplaceOldest(1)));
    let (first, second) = (Client::under("alice", limits), Client::under("alice", limits));
    let replaced = first.sit(&seats).await;
    let taken = second.sit(&seats).await;
    assert_eq!(taken.replaced, [first.socket]);
    drop((replaced, taken));

    // If both have the same number of seats, the policy that refuses applies.
    let limits = (PerUser::Unlimited, PerUser::ReplaceOldest(1).stricter(PerUser::RefuseNew(1)));
    let only = Client::under("alice", limits).sit(&seats).await;
    assert!(is_taken(&Client::under("alice", limits).reserve(&seats).await, 1));
    drop(only);
}

/// If one replacement satisfies both limits, only one link is affected. It is a link whose only socket is the
/// oldest of its namespace, or the oldest link together with its socket in the namespace.
pub async fn no_more_seats_are_lost_than_needed(seats: impl SeatStore) {
    let limits = (PerUser::ReplaceOldest(2), PerUser::ReplaceOldest(1));
    let oldest = Client::under("alice", limits).sit(&seats).await;
    let game = Client::under("alice", limits).also_in("/game");
    let playing = game.sit(&seats).await;
    let third = Client::under("alice", limits).also_in("/game").sit(&seats).await;
    assert_eq!(third.replaced, [game.socket]);
    drop((oldest, playing, third));

    let limits = (PerUser::ReplaceOldest(2), PerUser::ReplaceOldest(2));
    let (first, second) = (Client::under("alice", limits), Client::under("alice", limits));
    let late = first.also_in("/game");
    // The older link has the younger socket in `/game`.
    let sitting = [
        first.sit(&seats).await,
        second.sit(&seats).await,
        second.also_in("/game").sit(&seats).await,
        late.sit(&seats).await,
    ];
    let third = Client::under("alice", limits).also_in("/game").sit(&seats).await;
    assert_eq!(HashSet::from_iter(third.replaced), HashSet::from([first.socket, late.socket]));
    drop((sitting, third.seat));
}

/// A link is as old as its first socket, even after that socket has closed.
pub async fn a_link_is_as_old_as_its_first_socket(seats: impl SeatStore) {
    let policy = PerUser::ReplaceOldest(2);
    let old = Client::new("alice", policy);
    let first = old.sit(&seats).await;
    let young = Client::new("alice", policy).sit(&seats).await;
    let second = old.also_in("/chat");
    let late = second.sit(&seats).await;
    drop(first);

    let third = Client::new("alice", policy).sit(&seats).await;

    assert_eq!(third.replaced, [second.socket]);
    drop((young, late, third));
}

/// A reservation on a replaced link cannot be committed, and is not returned as a socket to wait for.
pub async fn a_reservation_is_lost_with_its_link(seats: impl SeatStore) {
    let policy = PerUser::ReplaceOldest(1);
    let alice = Client::new("alice", policy);
    let first = alice.sit(&seats).await;
    let reservation = alice.also_in("/chat").reserve(&seats).await.expect("it shares a seat");

    let second = Client::new("alice", policy).sit(&seats).await;

    assert!(matches!(reservation.commit().await, Err(SeatError::Full(_))));
    assert_eq!(second.replaced, [alice.socket]);
    drop((first, second));

    // The same holds if the link is replaced because its only socket is the oldest of a namespace.
    let limits = (policy, policy);
    let alice = Client::under("alice", limits);
    let first = alice.sit(&seats).await;
    let reservation = alice.also_in("/chat").reserve(&seats).await.expect("it shares a seat");
    let second = Client::under("alice", limits).sit(&seats).await;
    assert!(matches!(reservation.commit().await, Err(SeatError::Full(_))));
    drop((first, second));
}

/// A link whose sockets have all closed loses its age. A remaining reservation on the link counts as new.
pub async fn a_link_without_sockets_becomes_the_youngest(seats: impl SeatStore) {
    let policy = PerUser::ReplaceOldest(1);
    let alice = Client::new("alice", policy);
    let first = alice.sit(&seats).await;
    let reservation = alice.also_in("/chat").reserve(&seats).await.expect("it shares a seat");
    drop(first);
    let other = Client::new("alice", policy);
    let sitting = other.sit(&seats).await;
    assert!(sitting.replaced.is_empty());

    let last = reservation.commit().await.expect("a reserved seat can be taken");

    assert_eq!(last.replaced, [other.socket]);
    drop((sitting, last));
}

/// If the links of a user are not limited, a replaced socket in one namespace does not delay sockets in another.
pub async fn a_replaced_socket_does_not_delay_other_namespaces(seats: impl SeatStore) {
    let limits = (PerUser::Unlimited, PerUser::ReplaceOldest(1));
    let lost = Client::under("alice", limits);
    let closing = lost.sit(&seats).await;
    let sitting = Client::under("alice", limits).sit(&seats).await;
    assert_eq!(sitting.replaced, [lost.socket]);

    let elsewhere = Client::under("alice", limits).also_in("/chat").sit(&seats).await;

    assert!(elsewhere.replaced.is_empty());
    drop((closing, sitting, elsewhere));
}

/// Of many sockets that take a seat at the same time under both limits, no two replace each other. One remains.
pub async fn of_many_at_once_no_two_replace_each_other(seats: impl SeatStore) {
    let seats = Arc::new(seats);
    let limits = (PerUser::ReplaceOldest(3), PerUser::ReplaceOldest(1));
    for _ in 0..ROUNDS {
        let sitting = at_once(&seats, || Client::under("alice", limits)).await;

        let replaced: HashSet<_> =
            sitting.iter().flat_map(|(_, taken)| taken.replaced.iter().copied()).collect();
        let left = sitting.iter().filter(|(client, _)| !replaced.contains(&client.socket));
        assert_eq!((sitting.len(), left.count()), (CROWD, 1));
    }
}

/// Requests [`CROWD`] seats at the same time, and returns the clients that got a seat.
async fn at_once(
    seats: &Arc<impl SeatStore>,
    make_client: impl Fn() -> Client,
) -> Vec<(Client, Seated)> {
    let mut asking = JoinSet::new();
    for _ in 0..CROWD {
        let (seats, client) = (Arc::clone(seats), make_client());
        asking.spawn(async move {
            let reserved = client.reserve(&*seats).await.ok()?;
            Some((client, reserved.commit().await.ok()?))
        });
    }
    asking.join_all().await.into_iter().flatten().collect()
}

const CROWD: usize = 16;
const ROUNDS: usize = 100;
