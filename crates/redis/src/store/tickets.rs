//! Keeps each ticket as one value, which Redis deletes after the ticket has expired.

use doorward_core::{SessionId, StoreError, StoreFuture, TicketKey, TicketRecord, TicketStore};

use super::RedisStore;
use crate::{
    keys::{hex, unhex},
    link::{Call, unreadable},
    time::{from_millis, to_millis},
};

/// Returns the expiry, the challenge and the session id of a ticket, separated by colons. The session id comes
/// last, because it may contain colons.
fn write(ticket: &TicketRecord) -> String {
    let (expires_at, challenge) = (to_millis(ticket.expires_at), hex(&ticket.challenge));
    format!("{expires_at}:{challenge}:{}", ticket.session.as_str())
}

fn read(text: &str) -> Result<TicketRecord, StoreError> {
    let mut parts = text.splitn(3, ':');
    let mut part = || parts.next().ok_or_else(|| unreadable("a part of a ticket is missing"));
    let (expires_at, challenge, session) = (part()?, part()?, part()?);
    let millis =
        expires_at.parse().map_err(|_reason| unreadable("the expiry of a ticket is malformed"))?;
    Ok(TicketRecord {
        session: SessionId::new(session),
        challenge: unhex(challenge)
            .ok_or_else(|| unreadable("the challenge of a ticket is malformed"))?,
        expires_at: from_millis(millis),
    })
}

impl TicketStore for RedisStore {
    fn put_ticket<'a>(
        &'a self,
        key: &'a TicketKey,
        ticket: &'a TicketRecord,
    ) -> StoreFuture<'a, ()> {
        let call = Call::command("SET")
            .key(self.0.keys.ticket(key))
            .argument(write(ticket))
            .argument("NX")
            // The node that takes the ticket checks `expires_at` by its own clock. Redis keeps the key
            // longer, because its clock may be ahead of the clock of that node.
            .argument("PXAT")
            .argument(to_millis(ticket.expires_at) + CLOCKS_APART);
        Box::pin(async move {
            match self.0.link.run::<Option<String>>(&call).await? {
                Some(_) => Ok(()),
                None => Err(StoreError::Exists),
            }
        })
    }

    fn take_ticket<'a>(&'a self, key: &'a TicketKey) -> StoreFuture<'a, Option<TicketRecord>> {
        let call = Call::command("GETDEL").key(self.0.keys.ticket(key));
        Box::pin(async move {
            let taken: Option<String> = self.0.link.run(&call).await?;
            taken.as_deref().map(read).transpose()
        })
    }
}

/// Maximum difference between the clocks of Redis and a node, in milliseconds.
const CLOCKS_APART: u64 = 60_000;
