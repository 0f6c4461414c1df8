//! Seats of a cluster in memory, which end replaced sockets on other nodes.

use std::time::Duration;

use doorward_core::{
    Reservation, RevocationState, Seat, SeatError, SeatRequest, SeatStore, Seated, SocketId,
    StoreError,
    cluster::{Member, Order},
};

use super::connection::Connection;

/// Seats of all nodes, as one node uses them.
pub(super) struct ClusterSeats(pub(super) Connection);

struct Reserved {
    node: Connection,
    socket: SocketId,
    inner: Box<dyn Reservation>,
}

/// Seat of a socket of this node.
struct Held {
    node: Connection,
    socket: SocketId,
}

type SeatFuture<'a, T> = doorward_core::BoxFuture<'a, Result<T, SeatError>>;

impl SeatStore for ClusterSeats {
    fn reserve<'a>(&'a self, request: SeatRequest<'a>) -> SeatFuture<'a, Box<dyn Reservation>> {
        let (node, socket) = (self.0.clone(), request.socket);
        Box::pin(async move {
            drop(node.reach().map_err(away)?);
            let reserved = node.shared.seats.reserve(request).await;
            let inner = reserved.map_err(|error| with_incarnations(error, &node))?;
            Ok(Box::new(Reserved { node, socket, inner }) as Box<dyn Reservation>)
        })
    }
}

impl Reservation for Reserved {
    fn commit(self: Box<Self>) -> SeatFuture<'static, Seated> {
        Box::pin(async move {
            let Self { node, socket, inner } = *self;
            let Seated { seat, replaced } = inner.commit().await?;
            let (mut here, mut elsewhere) = (Vec::new(), Vec::new());
            {
                let mut state = node.reach().map_err(away)?;
                let own = state.members().into_iter().find(|member| member.node == node.name);
                let own: Member = own.ok_or_else(|| {
                    away(StoreError::Unavailable("the node is not a member".into()))
                })?;
                for other in replaced {
                    let holder = state.seats.get(&other).map(|(member, _)| member);
                    let is_here = holder.is_none_or(|member| *member == own);
                    if is_here { &mut here } else { &mut elsewhere }.push(other);
                }
                state.seats.insert(socket, (own, seat));
            }
            let held = Held { node: node.clone(), socket };
            for other in &elsewhere {
                let state = RevocationState { is_ended: true, ..RevocationState::default() };
                node.append(Order::Replaced(*other), state).map_err(away)?;
            }
            let clock = &node.shared.clock;
            let until = clock.now() + CLOSED_WITHIN;
            while elsewhere.iter().any(|other| is_seated(&node, *other)) {
                if clock.now() >= until {
                    return Err(away(StoreError::Unavailable("a socket has not closed".into())));
                }
                tokio::task::yield_now().await;
            }
            Ok(Seated { seat: Box::new(held), replaced: here })
        })
    }
}

impl Seat for Held {}

impl Drop for Held {
    fn drop(&mut self) {
        doorward_core::lock(&self.node.shared.state).seats.remove(&self.socket);
    }
}

/// Names the runs of the nodes that hold seats.
fn with_incarnations(error: SeatError, node: &Connection) -> SeatError {
    let SeatError::Full(holders) = error else { return error };
    let members = doorward_core::lock(&node.shared.state).members();
    let named = holders.into_iter().map(|holder| {
        let member = members.iter().find(|member| member.node == holder.node);
        match member {
            Some(member) => holder.with_incarnation(member.incarnation),
            None => holder,
        }
    });
    SeatError::Full(named.collect())
}

fn is_seated(node: &Connection, socket: SocketId) -> bool {
    doorward_core::lock(&node.shared.state).seats.contains_key(&socket)
}

fn away(error: StoreError) -> SeatError {
    SeatError::Unavailable(error.into())
}

/// Time within which a replaced socket on another node has closed.
const CLOSED_WITHIN: Duration = Duration::from_secs(2);
