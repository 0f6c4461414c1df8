//! Gateway of whack-a-mole.
//!
//! The namespace is `/mole`. A player has one connection, so a second tab takes over the game. `game` has the
//! rules, `tables` has the rooms and the tasks that advance them, `top` has the best scores, and `wire` has the
//! payloads. Start reading at [`Mole::strike`].

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use doorward::prelude::*;

use super::{
    game::Full,
    tables::{Table, Tables, room_of},
    top::Top,
    wire::{self, Join, Strike, Struck},
};
use crate::{
    application::{Me, NamedUser, Services},
    lock::lock,
    storage::not_kept,
};

/// State of the game, which all handlers share.
pub(super) struct Mole(pub(super) Arc<Tables>);

impl Mole {
    pub(super) fn new(services: &Services) -> Self {
        Self(Tables::new(services, Top(services.database.clone())))
    }
}

/// Room that a socket has entered.
#[derive(Default)]
struct Place(Mutex<Option<Arc<Table>>>);

#[gateway(namespace = "/mole", connections = PerUser::ReplaceOldest(1))]
#[guard(RateLimit::per_user(60, Duration::from_secs(2)))]
#[filter(not_kept)]
impl Mole {
    /// Permits every authenticated user to join a room with a valid name.
    #[room("game:{name}")]
    async fn may_join(&self, name: &str) -> bool {
        wire::is_name(name)
    }

    /// Enters a room as player or spectator, and leaves the previous room. If that fails, nothing changes. The
    /// client receives the state of the room as the event `state`.
    #[subscribe("join")]
    #[guard(RateLimit::per_user(20, Duration::from_secs(10)))]
    async fn join(
        &self,
        me: Me,
        place: SocketData<Place>,
        Valid(Join { room, watch }): Valid<Join>,
    ) -> Result<(), BoxError> {
        let before = place.table().filter(|table| *table.name != *room);
        me.join(&room_of(&room)).await?;
        let entered = self.0.enter(&room, me.hub(), |game, now| {
            if watch {
                game.watch(me.user(), me.id())?;
            } else {
                game.join(me.user(), &me.principal().name, me.id())?;
            }
            if let Some(before) = &before {
                me.remove_from(&room_of(&before.name));
            }
            // Later changes are sent after this event.
            drop(me.emit_event(&game.state(&room, me.user(), me.id(), now)));
            Ok(())
        });
        let refusal = match entered {
            None => Exception::new("too_many_rooms", "There are too many rooms"),
            Some((_, Err(Full))) => Exception::new("room_full", "This room is full"),
            Some((table, Ok(()))) => {
                *lock(&place.0) = Some(table);
                if let Some(before) = before {
                    self.leave(&me, &before);
                }
                // The client may have disconnected while it entered. Then `on_disconnect` has found no room to
                // leave.
                if me.is_closed() {
                    self.bye(me).await;
                }
                return Ok(());
            }
        };
        if place.table().is_none_or(|table| *table.name != *room) {
            me.remove_from(&room_of(&room));
        }
        Err(refusal.into())
    }

    /// Starts a round. Spectators cannot start one.
    #[subscribe("start")]
    async fn start(&self, me: Me, place: SocketData<Place>) -> Result<(), Exception> {
        let table = place.table().ok_or_else(Exception::forbidden)?;
        let started =
            table.change(self.0.clock.now(), |game, now| game.start(me.user(), me.id(), now));
        if started { Ok(()) } else { Err(Exception::forbidden()) }
    }

    /// Strikes at a hole. The clock of the server decides whether the mole was up.
    #[subscribe("strike")]
    async fn strike(
        &self,
        me: Me,
        place: SocketData<Place>,
        Valid(strike): Valid<Strike>,
    ) -> Result<Struck, Exception> {
        let table = place.table().ok_or_else(Exception::forbidden)?;
        let now = self.0.clock.now();
        let judged = table.change(now, |game, now| game.strike(me.user(), me.id(), strike, now));
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
        Ok(self.0.top.list().await?)
    }

    #[on_disconnect]
    async fn bye(&self, me: Socket<NamedUser>) {
        let table = lock(&me.data::<Place>().0).take();
        if let Some(table) = table {
            self.leave(&me, &table);
        }
    }
}

impl Mole {
    fn leave(&self, me: &Socket<NamedUser>, table: &Table) {
        me.remove_from(&room_of(&table.name));
        table.change(self.0.clock.now(), |game, now| game.leave(me.user(), me.id(), now));
    }
}

impl Place {
    fn table(&self) -> Option<Arc<Table>> {
        lock(&self.0).clone()
    }
}
