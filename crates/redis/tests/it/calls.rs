//! Calls every operation of a store once.

use std::future::Future;

use doorward_core::{
    RevocationStore, SessionData, SessionId, SessionStore, StoreError, Ticket, TicketRecord,
    TicketStore, TokenId, UserId,
};
use doorward_redis::RedisStore;

use crate::fixture::{Numbered, guarded, key, second, session};

/// Calls all operations concurrently, and returns each name with its result.
pub(crate) async fn all(store: &RedisStore) -> Vec<(&'static str, Result<String, StoreError>)> {
    let (user, id, token) = (UserId::new("alice"), SessionId::new("s-1"), TokenId::new("t-1"));
    let ticket = Ticket::generate(&Numbered(1)).key();
    let record = TicketRecord { session: id.clone(), challenge: [0; 32], expires_at: second(30) };
    let (made, data) = (session("s-2", "alice"), SessionData::default());
    let (one, two, three) = (key(1), key(2), key(3));
    let answers = tokio::join!(
        answer("create", store.create(&two, &made)),
        answer("find", store.find(&one)),
        answer("get", store.get(&id)),
        answer("of_user", store.of_user(&user)),
        answer("touch", store.touch(&id, second(1))),
        answer("rotate", store.rotate(&id, &three, None)),
        answer("put_data", store.put_data(&id, &data)),
        answer("remove", store.remove(&id)),
        answer("put_ticket", store.put_ticket(&ticket, &record)),
        answer("take_ticket", store.take_ticket(&ticket)),
        answer("read", store.read(&user, Some(&id), Some(&token))),
        answer("bump", store.bump(&user, second(1))),
        answer("end_session", store.end_session(&id, second(1))),
        answer("end_token", store.end_token(&token, second(1))),
    );
    let (a, b, c, d, e, f, g, h, i, j, k, l, m, n) = answers;
    vec![a, b, c, d, e, f, g, h, i, j, k, l, m, n]
}

async fn answer<T: std::fmt::Debug>(
    name: &'static str,
    call: impl Future<Output = Result<T, StoreError>>,
) -> (&'static str, Result<String, StoreError>) {
    (name, guarded(call).await.map(|value| format!("{value:?}")))
}

/// Asserts that every operation fails with `Unavailable`, and that none reports an absent entry.
pub(crate) async fn assert_all_unavailable(store: &RedisStore) {
    for (name, answer) in all(store).await {
        assert!(matches!(answer, Err(StoreError::Unavailable(_))), "{name}: {answer:?}");
    }
}

/// Repeats a read until the store answers.
pub(crate) async fn wait_until_available(store: &RedisStore) {
    guarded(async { while store.find(&key(1)).await.is_err() {} }).await;
}
