//! Rules that every ticket store must satisfy.
#![expect(clippy::missing_errors_doc, reason = "a rule fails when the store does not answer")]
#![expect(clippy::missing_panics_doc, reason = "a rule panics when it is broken")]

use std::sync::Arc;

use doorward_core::{SessionId, StoreError, TicketRecord, TicketStore};

use super::{
    Outcome,
    at_once::at_once,
    samples::{HOSTILE, at, ticket_key},
};

/// The store of a rule.
type Store = Arc<dyn TicketStore>;

fn record(session: &str) -> TicketRecord {
    TicketRecord { session: SessionId::new(session), challenge: [7; 32], expires_at: at(30_000) }
}

/// A ticket is returned with all its fields.
pub async fn a_ticket_is_read_back_as_written(store: Store) -> Outcome {
    for (number, session) in HOSTILE.iter().enumerate() {
        let mut challenge = [0xff; 32];
        challenge[..8].copy_from_slice(&number.to_be_bytes());
        let put = TicketRecord { challenge, ..record(session) };

        store.put_ticket(&ticket_key(number), &put).await?;
        let taken = store.take_ticket(&ticket_key(number)).await?;

        assert!(taken == Some(put), "{session:?}");
    }
    Ok(())
}

/// A ticket that was never stored is not returned.
pub async fn an_unknown_ticket_is_absent(store: Store) -> Outcome {
    store.put_ticket(&ticket_key(1), &record("s-1")).await?;

    assert!(store.take_ticket(&ticket_key(2)).await?.is_none());
    Ok(())
}

/// Attack 61: taking a ticket uses it up.
pub async fn a_ticket_is_given_out_once(store: Store) -> Outcome {
    store.put_ticket(&ticket_key(1), &record("s-1")).await?;
    store.put_ticket(&ticket_key(2), &record("s-2")).await?;

    assert!(store.take_ticket(&ticket_key(1)).await?.is_some());
    assert!(store.take_ticket(&ticket_key(1)).await?.is_none());
    assert!(store.take_ticket(&ticket_key(2)).await?.is_some());
    Ok(())
}

/// Attack 61: many requests that take one ticket at the same moment.
pub async fn of_many_takers_of_a_ticket_at_once_one_gets_it(store: Store) -> Outcome {
    store.put_ticket(&ticket_key(1), &record("s-1")).await?;

    let taken =
        at_once(64, &store, |store, _| async move { store.take_ticket(&ticket_key(1)).await });
    let taken: Vec<_> = taken.await.into_iter().collect::<Result<_, _>>()?;

    assert_eq!(taken.into_iter().flatten().count(), 1);
    Ok(())
}

/// The ticket that was stored first under a key is kept.
pub async fn a_ticket_is_never_overwritten(store: Store) -> Outcome {
    store.put_ticket(&ticket_key(1), &record("s-1")).await?;

    let again = store.put_ticket(&ticket_key(1), &record("s-2")).await;

    assert!(matches!(again, Err(StoreError::Exists)), "{again:?}");
    assert!(store.take_ticket(&ticket_key(1)).await? == Some(record("s-1")));
    Ok(())
}

/// Of several tickets under one key, the one whose write succeeded is kept.
pub async fn of_many_writers_of_a_ticket_at_once_one_succeeds(store: Store) -> Outcome {
    let put = at_once(32, &store, |store, number| async move {
        store.put_ticket(&ticket_key(1), &record(&number.to_string())).await
    });

    let mut winner = None;
    for (number, put) in put.await.into_iter().enumerate() {
        match put {
            Ok(()) => assert_eq!(winner.replace(number), None, "two writes have succeeded"),
            Err(StoreError::Exists) => {}
            Err(other) => return Err(other),
        }
    }
    let kept = store.take_ticket(&ticket_key(1)).await?;
    assert!(kept == winner.map(|number| record(&number.to_string())));
    assert!(kept.is_some());
    Ok(())
}
