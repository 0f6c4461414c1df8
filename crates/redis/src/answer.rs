//! Waits for answers on connections that [`Link`](crate::link::Link) does not keep.

use std::time::Duration;

use doorward_core::StoreError;
use redis::RedisResult;
use tokio::time;

use crate::link::{failed, late};

/// Waits for an answer of the server.
pub(crate) async fn answer<T>(call: impl Future<Output = RedisResult<T>>) -> Result<T, StoreError> {
    in_time(call).await?.map_err(failed)
}

pub(crate) async fn in_time<T>(call: impl Future<Output = T>) -> Result<T, StoreError> {
    let done = time::timeout(ANSWERED_WITHIN, call).await;
    done.map_err(|_elapsed| StoreError::Unavailable(late(ANSWERED_WITHIN).into()))
}

/// Time limit for an answer, including the time to connect.
pub(crate) const ANSWERED_WITHIN: Duration = Duration::from_secs(2);
