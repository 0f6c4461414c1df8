//! What whoever keeps seats promises. Each rule gets a keeper without anybody on it.
#![expect(clippy::missing_panics_doc, reason = "a rule panics when it is broken")]

use std::{
    collections::HashSet,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use doorward_core::{
    Entropy, LinkId, PerUser, Reservation, SeatError, SeatLimits, SeatRequest, Seats, SocketId,
    Taken, UserId,
};
use tokio::task::JoinSet;

/// Somebody who wants a seat.
#[derive(Clone)]
struct Somebody {
    user: UserId,
    socket: SocketId,
    link: LinkId,
    namespace: &'static str,
    limits: SeatLimits,
}

/// Ids that are all different.
struct Numbers;

impl Entropy for Numbers {
    fn fill(&self, bytes: &mut [u8]) {
        static NEXT: AtomicUsize = AtomicUsize::new(1);
        let number = NEXT.fetch_add(1, Ordering::Relaxed).to_be_bytes();
        bytes.fill(0);
        for (byte, own) in bytes.iter_mut().zip(number.iter().rev()) {
            *byte = *own;
        }
    }
}

impl Somebody {
    fn new(user: &str, policy: PerUser) -> Self {
        Self::under(user, SeatLimits::new(policy, PerUser::Unlimited))
    }

    fn under(user: &str, limits: SeatLimits) -> Self {
        let (socket, link) = (SocketId::generate(&Numbers), LinkId::generate(&Numbers));
        Self { user: user.into(), socket, link, namespace: "/", limits }
    }

    /// The same client in another namespace of its link.
    fn also_in(&self, namespace: &'static str) -> Self {
        Self { socket: SocketId::generate(&Numbers), namespace, ..self.clone() }
    }

    async fn reserve(&self, seats: &impl Seats) -> Result<Box<dyn Reservation>, SeatError> {
        let Self { user, socket, link, namespace, limits } = self;
        seats.reserve(SeatRequest::new(user, *socket, *link, namespace, *limits)).await
    }

    async fn sit(&self, seats: &impl Seats) -> Taken {
        let reserved = self.reserve(seats).await.expect("a seat is free");
        reserved.commit().await.expect("a reserved seat can be taken")
    }
}

fn is_taken(reserved: &Result<Box<dyn Reservation>, SeatError>, holders: usize) -> bool {
    matches!(reserved, Err(SeatError::Taken(who)) if who.len() == holders)
}

/// As many as the policy says, whether they sit already or are on their way; one more learns who sits
/// there. Every user has seats of their own.
pub async fn a_user_has_as_many_seats_as_the_policy_says(seats: impl Seats) {
    let policy = PerUser::RefuseNew(2);
    let first = Somebody::new("alice", policy).sit(&seats).await;
    let second = Somebody::new("alice", policy).reserve(&seats).await.expect("a seat is free");

    assert!(is_taken(&Somebody::new("alice", policy).reserve(&seats).await, 2));
    Somebody::new("bob", policy).sit(&seats).await;
    drop((first, second));
}

/// What is dropped is free: a reservation and a seat.
pub async fn a_seat_that_is_dropped_is_free(seats: impl Seats) {
    let policy = PerUser::RefuseNew(1);
    for _ in 0..3 {
        drop(Somebody::new("alice", policy).reserve(&seats).await.expect("a seat is free"));
        drop(Somebody::new("alice", policy).sit(&seats).await);
    }
}

/// The sockets of a link share its seat, until the last of them has gone.
pub async fn the_sockets_of_a_link_share_a_seat(seats: impl Seats) {
    let policy = PerUser::RefuseNew(1);
    let alice = Somebody::new("alice", policy);
    let first = alice.sit(&seats).await;
    let second = alice.also_in("/chat").sit(&seats).await;
    assert!(second.replaced.is_empty());

    drop(first);
    assert!(is_taken(&Somebody::new("alice", policy).reserve(&seats).await, 1));
    drop(second);
    Somebody::new("alice", policy).sit(&seats).await;
}

/// Where namespaces count, each has seats of its own, also for sockets of one link.
pub async fn namespaces_have_seats_of_their_own_when_told_so(seats: impl Seats) {
    let policy = PerUser::RefuseNew(1).per_namespace();
    let alice = Somebody::new("alice", policy);
    let first = alice.sit(&seats).await;
    let second = alice.also_in("/chat").sit(&seats).await;

    let refused = alice.also_in("/chat").reserve(&seats).await;

    let Err(SeatError::Taken(holders)) = refused else { unreachable!("the seat is taken") };
    assert!(holders.iter().all(|holder| holder.socket.is_some()) && holders.len() == 1);
    drop((first, second));
}

/// Nobody is disturbed by a reservation; who takes a seat too many replaces the oldest, and is told who
/// that was.
pub async fn the_oldest_is_replaced_when_the_seat_is_taken(seats: impl Seats) {
    let policy = PerUser::ReplaceOldest(2);
    let (oldest, next) = (Somebody::new("alice", policy), Somebody::new("alice", policy));
    let first = oldest.sit(&seats).await;
    let second = next.sit(&seats).await;
    let given_up = Somebody::new("alice", policy).reserve(&seats).await.expect("it is always free");
    drop(given_up);

    let third = Somebody::new("alice", policy).sit(&seats).await;
    drop(first);
    let fourth = Somebody::new("alice", policy).sit(&seats).await;

    assert_eq!(third.replaced, [oldest.socket]);
    assert_eq!(fourth.replaced, [next.socket]);
    drop((second, third, fourth));
}

/// Who has lost a seat gives nobody's back.
pub async fn a_lost_seat_is_not_given_back_twice(seats: impl Seats) {
    let policy = PerUser::ReplaceOldest(1);
    let lost = Somebody::new("alice", policy).sit(&seats).await;
    let current = Somebody::new("alice", policy).sit(&seats).await;
    drop(lost);

    let next = Somebody::new("alice", policy).sit(&seats).await;

    assert!(next.replaced.len() == 1, "the current one still had its seat");
    drop((current, next));
}

/// Of many who ask at the same time as many get a seat as there are.
pub async fn of_many_at_once_as_many_sit_as_there_are_seats(seats: impl Seats) {
    let seats = Arc::new(seats);
    for count in 1..4 {
        let asking = at_once(&seats, || Somebody::new("alice", PerUser::RefuseNew(count))).await;

        assert_eq!(asking.len(), count);
    }
}

/// Whoever has lost a seat is named to everybody who takes one, until they are gone: also on the same link, and
/// when the one who has it has left meanwhile.
pub async fn who_has_lost_a_seat_is_waited_for_by_everybody(seats: impl Seats) {
    let policy = PerUser::ReplaceOldest(1);
    let (lost, alice) = (Somebody::new("alice", policy), Somebody::new("alice", policy));
    let on_its_way_out = lost.sit(&seats).await;

    let first = alice.sit(&seats).await;
    let second = alice.also_in("/chat").sit(&seats).await;
    assert_eq!((&*first.replaced, &*second.replaced), (&[lost.socket][..], &[lost.socket][..]));
    drop((first, second));
    let third = Somebody::new("alice", policy);
    let sitting = third.sit(&seats).await;
    assert_eq!(sitting.replaced, [lost.socket]);

    drop(on_its_way_out);
    assert_eq!(Somebody::new("alice", policy).sit(&seats).await.replaced, [third.socket]);
    drop(sitting);
}

/// Where one more is refused, whoever is on their way out sits there still.
pub async fn who_has_lost_a_seat_still_counts(seats: impl Seats) {
    let limits = SeatLimits::new(PerUser::RefuseNew(2), PerUser::ReplaceOldest(1));
    let lost = Somebody::under("alice", limits).sit(&seats).await;
    let sitting = Somebody::under("alice", limits).sit(&seats).await;
    assert_eq!(sitting.replaced.len(), 1);

    assert!(is_taken(&Somebody::under("alice", limits).reserve(&seats).await, 2));
    drop(lost);
    assert!(Somebody::under("alice", limits).reserve(&seats).await.is_ok());
    drop(sitting);
}

/// Of the links of a user and the sockets in a namespace so many are allowed, and both hold. Who is refused
/// has changed nothing.
pub async fn both_limits_hold_at_once(seats: impl Seats) {
    let limits = SeatLimits::new(PerUser::RefuseNew(2), PerUser::ReplaceOldest(1));
    let (first, second) = (Somebody::under("alice", limits), Somebody::under("alice", limits));
    let oldest = first.sit(&seats).await;
    let next = second.sit(&seats).await;
    assert_eq!(next.replaced, [first.socket]);

    assert!(is_taken(&Somebody::under("alice", limits).reserve(&seats).await, 2));
    drop(oldest);

    // Its link has a seat also for another namespace, and in this one its socket is still alone.
    let elsewhere = second.also_in("/chat").sit(&seats).await;
    assert!(elsewhere.replaced.is_empty());
    let last = Somebody::under("alice", limits).sit(&seats).await;
    assert_eq!(last.replaced, [second.socket]);
    drop((next, elsewhere, last));

    // The other way round: what is to be had of links is not to be had of sockets.
    let limits = SeatLimits::new(PerUser::RefuseNew(2), PerUser::RefuseNew(1));
    let only = Somebody::under("alice", limits).sit(&seats).await;
    for _ in 0..3 {
        assert!(is_taken(&Somebody::under("alice", limits).reserve(&seats).await, 1));
    }
    let elsewhere = Somebody::under("alice", limits).also_in("/chat").sit(&seats).await;
    drop((only, elsewhere));
}

/// Of two policies for the same sockets the one with fewer seats holds.
pub async fn the_stricter_of_two_policies_for_a_namespace_holds(seats: impl Seats) {
    let two = PerUser::RefuseNew(2).per_namespace();
    let limits = SeatLimits::new(two, PerUser::ReplaceOldest(1));
    let (first, second) = (Somebody::under("alice", limits), Somebody::under("alice", limits));
    let replaced = first.sit(&seats).await;
    let taken = second.sit(&seats).await;
    assert_eq!(taken.replaced, [first.socket]);
    drop((replaced, taken));

    // Of two that have as many, the one that refuses.
    let limits = SeatLimits::new(PerUser::ReplaceOldest(1).per_namespace(), PerUser::RefuseNew(1));
    let only = Somebody::under("alice", limits).sit(&seats).await;
    assert!(is_taken(&Somebody::under("alice", limits).reserve(&seats).await, 1));
    drop(only);
}

/// One loses a seat where that is enough for both limits: the link whose only socket is the oldest of its
/// namespace, or the oldest link with the socket that it has there.
pub async fn nobody_loses_a_seat_for_nothing(seats: impl Seats) {
    let limits = SeatLimits::new(PerUser::ReplaceOldest(2), PerUser::ReplaceOldest(1));
    let oldest = Somebody::under("alice", limits).sit(&seats).await;
    let game = Somebody::under("alice", limits).also_in("/game");
    let playing = game.sit(&seats).await;
    let third = Somebody::under("alice", limits).also_in("/game").sit(&seats).await;
    assert_eq!(third.replaced, [game.socket]);
    drop((oldest, playing, third));

    let limits = SeatLimits::new(PerUser::ReplaceOldest(2), PerUser::ReplaceOldest(2));
    let (first, second) = (Somebody::under("alice", limits), Somebody::under("alice", limits));
    let late = first.also_in("/game");
    // The older link is the younger one in the game.
    let sitting = [
        first.sit(&seats).await,
        second.sit(&seats).await,
        second.also_in("/game").sit(&seats).await,
        late.sit(&seats).await,
    ];
    let third = Somebody::under("alice", limits).also_in("/game").sit(&seats).await;
    assert_eq!(HashSet::from_iter(third.replaced), HashSet::from([first.socket, late.socket]));
    drop((sitting, third.seat));
}

/// A link is as old as its first socket, also when that one has gone.
pub async fn a_link_is_as_old_as_its_first_socket(seats: impl Seats) {
    let policy = PerUser::ReplaceOldest(2);
    let old = Somebody::new("alice", policy);
    let first = old.sit(&seats).await;
    let young = Somebody::new("alice", policy).sit(&seats).await;
    let second = old.also_in("/chat");
    let late = second.sit(&seats).await;
    drop(first);

    let third = Somebody::new("alice", policy).sit(&seats).await;

    assert_eq!(third.replaced, [second.socket]);
    drop((young, late, third));
}

/// Whoever is on their way in on a link that has lost its seat does not arrive, and nobody waits for them.
pub async fn a_reservation_is_lost_with_its_link(seats: impl Seats) {
    let policy = PerUser::ReplaceOldest(1);
    let alice = Somebody::new("alice", policy);
    let first = alice.sit(&seats).await;
    let on_its_way = alice.also_in("/chat").reserve(&seats).await.expect("it shares a seat");

    let second = Somebody::new("alice", policy).sit(&seats).await;

    assert!(matches!(on_its_way.commit().await, Err(SeatError::Taken(_))));
    assert_eq!(second.replaced, [alice.socket]);
    drop((first, second));

    // Also where it is lost because its only socket is the oldest of a namespace.
    let limits = SeatLimits::new(policy, policy);
    let alice = Somebody::under("alice", limits);
    let first = alice.sit(&seats).await;
    let on_its_way = alice.also_in("/chat").reserve(&seats).await.expect("it shares a seat");
    let second = Somebody::under("alice", limits).sit(&seats).await;
    assert!(matches!(on_its_way.commit().await, Err(SeatError::Taken(_))));
    drop((first, second));
}

/// A link on which nobody sits any more is a new one for whoever is still on their way in there.
pub async fn who_comes_last_is_the_youngest(seats: impl Seats) {
    let policy = PerUser::ReplaceOldest(1);
    let alice = Somebody::new("alice", policy);
    let first = alice.sit(&seats).await;
    let on_its_way = alice.also_in("/chat").reserve(&seats).await.expect("it shares a seat");
    drop(first);
    let other = Somebody::new("alice", policy);
    let sitting = other.sit(&seats).await;
    assert!(sitting.replaced.is_empty());

    let last = on_its_way.commit().await.expect("a reserved seat can be taken");

    assert_eq!(last.replaced, [other.socket]);
    drop((sitting, last));
}

/// Where links do not count, whoever is on their way out in one namespace holds nobody up in another.
pub async fn nobody_waits_for_who_is_not_in_the_way(seats: impl Seats) {
    let limits = SeatLimits::new(PerUser::Unlimited, PerUser::ReplaceOldest(1));
    let lost = Somebody::under("alice", limits);
    let on_its_way_out = lost.sit(&seats).await;
    let sitting = Somebody::under("alice", limits).sit(&seats).await;
    assert_eq!(sitting.replaced, [lost.socket]);

    let elsewhere = Somebody::under("alice", limits).also_in("/chat").sit(&seats).await;

    assert!(elsewhere.replaced.is_empty());
    drop((on_its_way_out, sitting, elsewhere));
}

/// Of many who take a seat at the same time, under both limits, one replaces the other and never each the
/// other: the last one stays.
pub async fn of_many_at_once_no_two_replace_each_other(seats: impl Seats) {
    let seats = Arc::new(seats);
    let limits = SeatLimits::new(PerUser::ReplaceOldest(3), PerUser::ReplaceOldest(1));
    for _ in 0..ROUNDS {
        let sitting = at_once(&seats, || Somebody::under("alice", limits)).await;

        let replaced: HashSet<_> =
            sitting.iter().flat_map(|(_, taken)| taken.replaced.iter().copied()).collect();
        let left = sitting.iter().filter(|(who, _)| !replaced.contains(&who.socket));
        assert_eq!((sitting.len(), left.count()), (CROWD, 1));
    }
}

/// Lets a crowd ask at the same time, and returns who sits.
async fn at_once(
    seats: &Arc<impl Seats>,
    somebody: impl Fn() -> Somebody,
) -> Vec<(Somebody, Taken)> {
    let mut asking = JoinSet::new();
    for _ in 0..CROWD {
        let (seats, who) = (Arc::clone(seats), somebody());
        asking.spawn(async move {
            let reserved = who.reserve(&*seats).await.ok()?;
            Some((who, reserved.commit().await.ok()?))
        });
    }
    asking.join_all().await.into_iter().flatten().collect()
}

const CROWD: usize = 16;
const ROUNDS: usize = 100;
