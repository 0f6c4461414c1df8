//! Gateway of whack-a-mole.
//!
//! The namespace is `/mole`. A player has one connection, so a second tab takes over the game. Start reading at
//! [`Mole::strike`].

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use doorward::{event::IntoGateway as _, prelude::*};

use super::{
    call::{CALL, Call, ClientId, Guest, Reply},
    rooms::{Room, Rooms, Unavailable},
    running::room_of,
    wire::{self, Join, Strike, Struck},
};
use crate::{
    application::{Me, NamedUser},
    lock::lock,
    storage::not_kept,
};

/// State of the game, which all handlers share.
pub(super) struct Mole(pub(super) Arc<Rooms>);

/// Returns the gateway, which also answers the calls of other nodes.
pub(super) fn gateway(rooms: Arc<Rooms>) -> Gateway<NamedUser> {
    let running = Arc::clone(&rooms.running);
    Mole(rooms).into_gateway().on_server_event(CALL, move |_, (room, call): (String, Call)| {
        let reply = running.answer(&room, &call);
        async move { reply }
    })
}

/// Room that a socket has entered.
#[derive(Default)]
struct Place(Mutex<Option<Arc<Room>>>);

#[gateway(namespace = "/mole", connections = PerUser::ReplaceOldest(1))]
#[guard(RateLimit::per_user(60, Duration::from_secs(2)))]
#[filter(not_kept)]
impl Mole {
    /// Permits every authenticated user to join a room with a valid name.
    #[room("game:{name}")]
    async fn may_join(&self, name: &str) -> bool {
        wire::is_name(name)
    }

    /// Enters a room as player or spectator, and leaves the previous room. The client receives the state of the room as
    /// the event `state`. If it cannot enter, it receives the state of the previous room again.
    #[subscribe("join")]
    #[guard(RateLimit::per_user(20, Duration::from_secs(10)))]
    async fn join(
        &self,
        me: Me,
        place: SocketData<Place>,
        Valid(Join { room, watch }): Valid<Join>,
    ) -> Result<(), BoxError> {
        let guest = Guest { client: client_id(&me), name: me.principal().name.clone(), watch };
        let before = place.room().filter(|before| *before.name != *room);
        me.join(&room_of(&room)).await?;
        // No event of the previous room arrives after the state of this one.
        if let Some(before) = &before {
            me.remove_from(&room_of(&before.name));
        }
        let Err(refusal) = self.enter(&me, &place, &room, guest).await else {
            if let Some(before) = before {
                self.leave(&me, &before).await;
            }
            // The client may have disconnected while it entered. Then `on_disconnect` has found no room to leave.
            if me.is_closed() {
                self.bye(me).await;
            }
            return Ok(());
        };
        if place.room().is_none_or(|current| *current.name != *room) {
            me.remove_from(&room_of(&room));
        }
        if let Some((before, guest)) =
            before.and_then(|room| room.guest(me.id()).map(|guest| (room, guest)))
        {
            me.join(&room_of(&before.name)).await?;
            self.0.call(&before, Call::Enter(guest)).await.ok();
        }
        Err(refusal.into())
    }

    /// Starts a round. Spectators cannot start one.
    #[subscribe("start")]
    async fn start(&self, me: Me, place: SocketData<Place>) -> Result<(), Exception> {
        let room = place.room().ok_or_else(Exception::forbidden)?;
        match self.0.call(&room, Call::Start(client_id(&me))).await {
            Ok(Reply::Done) => Ok(()),
            refusal => Err(refused(&refusal)),
        }
    }

    /// Strikes at a hole. The clock of the server decides whether the mole was up.
    #[subscribe("strike")]
    async fn strike(
        &self,
        me: Me,
        place: SocketData<Place>,
        Valid(strike): Valid<Strike>,
    ) -> Result<Struck, Exception> {
        let room = place.room().ok_or_else(Exception::forbidden)?;
        let judged = match self.0.call(&room, Call::Strike(client_id(&me), strike)).await {
            Ok(Reply::Struck(judged)) => judged,
            refusal => return Err(refused(&refusal)),
        };
        let outcome = judged.as_ref().map_or_else(|miss| miss.name(), |_| "hit");
        metrics::counter!("doorward_mole_strikes_total", "outcome" => outcome).increment(1);
        Ok(match judged {
            Ok(hit) => Struck::hit(hit),
            Err(miss) => Struck::missed(miss.name()),
        })
    }

    /// Returns the best scores.
    #[subscribe("top")]
    #[guard(RateLimit::per_user(20, Duration::from_secs(10)))]
    async fn top(&self) -> Result<wire::Top, BoxError> {
        Ok(self.0.running.top.list().await?)
    }

    #[on_disconnect]
    async fn bye(&self, me: Socket<NamedUser>) {
        let room = lock(&me.data::<Place>().0).take();
        if let Some(room) = room {
            self.leave(&me, &room).await;
        }
    }
}

impl Mole {
    /// Lets a client enter the game of a room.
    async fn enter(
        &self,
        me: &Me,
        place: &Place,
        name: &str,
        guest: Guest,
    ) -> Result<(), Exception> {
        let call = Call::Enter(guest.clone());
        let entering = self.0.enter(name, me.hub(), guest);
        let entering = entering.ok_or_else(|| refused(&Ok(Reply::TooManyRooms)))?;
        match self.0.call(&entering.room, call).await {
            Ok(Reply::Entered(_)) => {
                *lock(&place.0) = Some(entering.keep());
                Ok(())
            }
            refusal => Err(refused(&refusal)),
        }
    }

    async fn leave(&self, me: &Me, room: &Room) {
        me.remove_from(&room_of(&room.name));
        room.remove(me.id());
        // If the node that runs the game does not answer, it notices within 12 s that the client is gone.
        self.0.call(room, Call::Leave(client_id(me))).await.ok();
    }
}

impl Place {
    fn room(&self) -> Option<Arc<Room>> {
        lock(&self.0).clone()
    }
}

fn client_id(me: &Me) -> ClientId {
    ClientId { user: me.user().clone(), socket: me.id() }
}

/// Returns what a client receives if its call was not carried out.
fn refused(reply: &Result<Reply, Unavailable>) -> Exception {
    match reply {
        Ok(Reply::Full) => Exception::new("room_full", "This room is full"),
        Ok(Reply::TooManyRooms) => Exception::new("too_many_rooms", "There are too many rooms"),
        Ok(Reply::Done | Reply::Entered(_) | Reply::Forbidden | Reply::Struck(_)) => {
            Exception::forbidden()
        }
        Err(Unavailable) => {
            Exception::new("unavailable", "This room is not available: try again in a few seconds")
        }
    }
}
