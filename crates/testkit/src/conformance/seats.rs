//! What whoever keeps seats promises. A maker of seats gets a policy; each call makes a keeper without
//! anybody on it.
#![expect(clippy::missing_panics_doc, reason = "a rule panics when it is broken")]

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use doorward_core::{
    Entropy, LinkId, PerUser, Reservation, SeatError, SeatRequest, Seats, SocketId, Taken, UserId,
};
use tokio::task::JoinSet;

/// Somebody who wants a seat.
#[derive(Clone)]
struct Somebody {
    user: UserId,
    socket: SocketId,
    link: LinkId,
    namespace: &'static str,
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
    fn new(user: &str) -> Self {
        let (socket, link) = (SocketId::generate(&Numbers), LinkId::generate(&Numbers));
        Self { user: user.into(), socket, link, namespace: "/" }
    }

    /// The same client in another namespace of its link.
    fn also_in(&self, namespace: &'static str) -> Self {
        Self { socket: SocketId::generate(&Numbers), namespace, ..self.clone() }
    }

    async fn reserve(&self, seats: &impl Seats) -> Result<Box<dyn Reservation>, SeatError> {
        let Self { user, socket, link, namespace } = self;
        seats.reserve(SeatRequest::new(user, *socket, *link, namespace)).await
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
pub async fn a_user_has_as_many_seats_as_the_policy_says<S: Seats>(make: impl Fn(PerUser) -> S) {
    let seats = make(PerUser::RefuseNew(2));
    let first = Somebody::new("alice").sit(&seats).await;
    let second = Somebody::new("alice").reserve(&seats).await.expect("a seat is free");

    assert!(is_taken(&Somebody::new("alice").reserve(&seats).await, 2));
    Somebody::new("bob").sit(&seats).await;
    drop((first, second));
}

/// What is dropped is free: a reservation and a seat.
pub async fn a_seat_that_is_dropped_is_free<S: Seats>(make: impl Fn(PerUser) -> S) {
    let seats = make(PerUser::RefuseNew(1));
    for _ in 0..3 {
        drop(Somebody::new("alice").reserve(&seats).await.expect("a seat is free"));
        drop(Somebody::new("alice").sit(&seats).await);
    }
}

/// The sockets of a link share its seat, until the last of them has gone.
pub async fn the_sockets_of_a_link_share_a_seat<S: Seats>(make: impl Fn(PerUser) -> S) {
    let seats = make(PerUser::RefuseNew(1));
    let alice = Somebody::new("alice");
    let first = alice.sit(&seats).await;
    let second = alice.also_in("/chat").sit(&seats).await;
    assert!(second.replaced.is_empty());

    drop(first);
    assert!(is_taken(&Somebody::new("alice").reserve(&seats).await, 1));
    drop(second);
    Somebody::new("alice").sit(&seats).await;
}

/// Where namespaces count, each has seats of its own, also for sockets of one link.
pub async fn namespaces_have_seats_of_their_own_when_told_so<S: Seats>(
    make: impl Fn(PerUser) -> S,
) {
    let seats = make(PerUser::RefuseNew(1).per_namespace());
    let alice = Somebody::new("alice");
    let first = alice.sit(&seats).await;
    let second = alice.also_in("/chat").sit(&seats).await;

    let refused = alice.also_in("/chat").reserve(&seats).await;

    let Err(SeatError::Taken(holders)) = refused else { unreachable!("the seat is taken") };
    assert!(holders.iter().all(|holder| holder.socket.is_some()) && holders.len() == 1);
    drop((first, second));
}

/// Nobody is disturbed by a reservation; who takes a seat too many replaces the oldest, and is told who
/// that was.
pub async fn the_oldest_is_replaced_when_the_seat_is_taken<S: Seats>(make: impl Fn(PerUser) -> S) {
    let seats = make(PerUser::ReplaceOldest(2));
    let (oldest, next) = (Somebody::new("alice"), Somebody::new("alice"));
    let first = oldest.sit(&seats).await;
    let second = next.sit(&seats).await;
    let given_up = Somebody::new("alice").reserve(&seats).await.expect("it is always free");
    drop(given_up);

    let third = Somebody::new("alice").sit(&seats).await;
    let fourth = Somebody::new("alice").sit(&seats).await;

    let links = |taken: &Taken| taken.replaced.iter().map(|who| who.link).collect::<Vec<_>>();
    assert!(links(&third) == [oldest.link] && links(&fourth) == [next.link]);
    drop((first, second, third, fourth));
}

/// Who has lost a seat gives nobody's back.
pub async fn a_lost_seat_is_not_given_back_twice<S: Seats>(make: impl Fn(PerUser) -> S) {
    let seats = make(PerUser::ReplaceOldest(1));
    let lost = Somebody::new("alice").sit(&seats).await;
    let current = Somebody::new("alice").sit(&seats).await;
    drop(lost);

    let next = Somebody::new("alice").sit(&seats).await;

    assert!(next.replaced.len() == 1, "the current one still had its seat");
    drop((current, next));
}

/// Of many who ask at the same time as many get a seat as there are.
pub async fn of_many_at_once_as_many_sit_as_there_are_seats<S: Seats>(make: impl Fn(PerUser) -> S) {
    for seats_of_a_user in 1..4 {
        let seats = Arc::new(make(PerUser::RefuseNew(seats_of_a_user)));
        let mut asking = JoinSet::new();
        for _ in 0..16 {
            let seats = Arc::clone(&seats);
            asking.spawn(async move {
                let reserved = Somebody::new("alice").reserve(&*seats).await.ok()?;
                reserved.commit().await.ok()
            });
        }
        let sitting: Vec<_> = asking.join_all().await.into_iter().flatten().collect();

        assert_eq!(sitting.len(), seats_of_a_user);
    }
}
