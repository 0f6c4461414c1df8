//! Tickets: one value for each, which the server forgets when it is over.

use doorward_core::{BoxFuture, SessionId, StoreError, TicketKey, TicketRecord, TicketStore};

use super::RedisStore;
use crate::{
    keys::{hex, unhex},
    link::{Order, unreadable},
    time::{from_millis, to_millis},
};

/// When it expires, the challenge, and the session, whose id may hold anything.
fn write(ticket: &TicketRecord) -> String {
    let (expires_at, challenge) = (to_millis(ticket.expires_at), hex(&ticket.challenge));
    format!("{expires_at}:{challenge}:{}", ticket.session.as_str())
}

fn read(text: &str) -> Result<TicketRecord, StoreError> {
    let mut parts = text.splitn(3, ':');
    let mut part = || parts.next().ok_or_else(|| unreadable("a part of a ticket is missing"));
    let (expires_at, challenge, session) = (part()?, part()?, part()?);
    let millis = expires_at.parse().map_err(|_reason| unreadable("the time of a ticket"))?;
    Ok(TicketRecord {
        session: SessionId::new(session),
        challenge: unhex(challenge).ok_or_else(|| unreadable("the challenge of a ticket"))?,
        expires_at: from_millis(millis),
    })
}

impl TicketStore for RedisStore {
    fn put_ticket<'a>(
        &'a self,
        key: &'a TicketKey,
        ticket: &'a TicketRecord,
    ) -> BoxFuture<'a, Result<(), StoreError>> {
        let order = Order::command("SET")
            .key(self.0.keys.ticket(key))
            .argument(write(ticket))
            .argument("NX")
            // Whoever takes it looks at the time: the server's clock may be ahead of theirs.
            .argument("PXAT")
            .argument(to_millis(ticket.expires_at) + CLOCKS_APART);
        Box::pin(async move {
            match self.0.link.run::<Option<String>>(&order).await? {
                Some(_) => Ok(()),
                None => Err(StoreError::Exists),
            }
        })
    }

    fn take_ticket<'a>(
        &'a self,
        key: &'a TicketKey,
    ) -> BoxFuture<'a, Result<Option<TicketRecord>, StoreError>> {
        let order = Order::command("GETDEL").key(self.0.keys.ticket(key));
        Box::pin(async move {
            let taken: Option<String> = self.0.link.run(&order).await?;
            taken.as_deref().map(read).transpose()
        })
    }
}

/// In milliseconds.
const CLOCKS_APART: u64 = 60_000;
