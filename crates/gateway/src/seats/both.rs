//! Two policies that hold at once: the server's, and that of one namespace.
//!
//! A seat is one at each. If the second is not to be had, dropping gives the first one back.

use std::sync::Arc;

use doorward_core::{BoxFuture, PerUser, Reservation, Seat, SeatError, SeatRequest, Seats, Taken};

use super::MemorySeats;

/// Asks the server's seats, then those of the namespace.
pub(crate) struct Both {
    server: Arc<dyn Seats>,
    namespace: MemorySeats,
}

struct BothReserved {
    server: Box<dyn Reservation>,
    namespace: Box<dyn Reservation>,
}

struct BothTaken {
    _server: Box<dyn Seat>,
    _namespace: Box<dyn Seat>,
}

impl Both {
    pub(crate) fn new(server: Arc<dyn Seats>, policy: PerUser) -> Self {
        Self { server, namespace: MemorySeats::new(policy.per_namespace()) }
    }
}

impl Seats for Both {
    fn reserve<'a>(
        &'a self,
        request: SeatRequest<'a>,
    ) -> BoxFuture<'a, Result<Box<dyn Reservation>, SeatError>> {
        Box::pin(async move {
            let server = self.server.reserve(request).await?;
            let namespace = self.namespace.reserve(request).await?;
            Ok(Box::new(BothReserved { server, namespace }) as Box<dyn Reservation>)
        })
    }
}

impl Reservation for BothReserved {
    fn commit(self: Box<Self>) -> BoxFuture<'static, Result<Taken, SeatError>> {
        Box::pin(async move {
            let Self { server, namespace } = *self;
            let server = server.commit().await?;
            let namespace = namespace.commit().await?;
            let replaced = [server.replaced, namespace.replaced].concat();
            let seat = BothTaken { _server: server.seat, _namespace: namespace.seat };
            Ok(Taken { seat: Box::new(seat), replaced })
        })
    }
}

impl Seat for BothTaken {}
