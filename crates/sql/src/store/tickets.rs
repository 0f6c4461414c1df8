//! Writes and takes tickets.

use doorward_core::{SessionId, StoreError, StoreFuture, TicketKey, TicketRecord, TicketStore};
use sqlx::{query, query_as};

use super::SqlStore;
use crate::{
    sqlx_error::{failed, unreadable},
    time::{from_millis, to_millis},
};

const PUT: &str =
    "INSERT INTO tickets (key, session_id, challenge, expires_at) VALUES ($1, $2, $3, $4)";

/// Deletes and returns a ticket in one statement, so that only one caller gets it.
pub(super) const TAKE: &str =
    "DELETE FROM tickets WHERE key = $1 RETURNING session_id, challenge, expires_at";

fn read(
    (session, challenge, expires_at): (String, Vec<u8>, i64),
) -> Result<TicketRecord, StoreError> {
    Ok(TicketRecord {
        session: SessionId::new(session),
        challenge: challenge.as_slice().try_into().map_err(unreadable)?,
        expires_at: from_millis(expires_at),
    })
}

impl TicketStore for SqlStore {
    fn put_ticket<'a>(
        &'a self,
        key: &'a TicketKey,
        ticket: &'a TicketRecord,
    ) -> StoreFuture<'a, ()> {
        let put = query(PUT)
            .bind(key.as_bytes().as_slice())
            .bind(ticket.session.as_str())
            .bind(ticket.challenge.as_slice())
            .bind(to_millis(ticket.expires_at));
        Box::pin(async move { self.database.execute(put).await.map(drop) })
    }

    fn take_ticket<'a>(&'a self, key: &'a TicketKey) -> StoreFuture<'a, Option<TicketRecord>> {
        let key = *key;
        Box::pin(self.database.write(move |connection| {
            Box::pin(async move {
                let taken = query_as(TAKE).bind(key.as_bytes().as_slice());
                taken.fetch_optional(connection).await.map_err(failed)?.map(read).transpose()
            })
        }))
    }
}
