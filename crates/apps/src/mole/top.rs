//! Stores the best score of each player.

use std::time::SystemTime;

use doorward::{UserId, store::StoreError};
use doorward_sql::{SqliteFile, store_error};
use sqlx::{SqliteConnection, query, query_as};

use super::wire::{self, Ranked};

/// Migration that creates the table of best scores.
pub(super) const SCHEMA: &str = "
CREATE TABLE IF NOT EXISTS mole_best (
    user_id TEXT PRIMARY KEY,
    name TEXT NOT NULL,
    score INTEGER NOT NULL,
    reached_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS mole_best_by_score ON mole_best (score DESC, reached_at);
";

/// Deletes the score of a user.
pub(super) async fn forget(connection: &mut SqliteConnection, user: &UserId) -> sqlx::Result<()> {
    let best = query("DELETE FROM mole_best WHERE user_id = ?");
    best.bind(user.as_str()).execute(connection).await.map(drop)
}

pub(super) struct Top(pub(super) SqliteFile);

impl Top {
    /// Stores the scores of a round, and returns the best ten scores.
    pub(super) async fn add(
        &self,
        round: &[Ranked],
        now: SystemTime,
    ) -> Result<wire::Top, StoreError> {
        let now = now.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        let scored = round.iter().filter(|player| player.score > 0);
        let rows: Vec<_> =
            scored.map(|one| (one.user.clone(), one.name.to_string(), one.score)).collect();
        let add = self.0.change(move |connection| {
            Box::pin(async move {
                for (user, name, score) in rows {
                    query(
                        "INSERT INTO mole_best (user_id, name, score, reached_at) \
                         VALUES (?, ?, ?, ?) ON CONFLICT (user_id) DO UPDATE SET \
                         name = excluded.name, score = excluded.score, \
                         reached_at = excluded.reached_at WHERE excluded.score > score",
                    )
                    .bind(user.as_str())
                    .bind(name)
                    .bind(score)
                    .bind(i64::try_from(now.as_millis()).unwrap_or(i64::MAX))
                    .execute(&mut *connection)
                    .await?;
                }
                Ok(())
            })
        });
        add.await?;
        self.list().await
    }

    /// Returns the best ten scores. Of equal scores, the earlier one comes first.
    pub(super) async fn list(&self) -> Result<wire::Top, StoreError> {
        let best = query_as(
            "SELECT name, score FROM mole_best ORDER BY score DESC, reached_at, user_id LIMIT 10",
        );
        Ok(wire::Top(best.fetch_all(self.0.readers()).await.map_err(store_error)?))
    }
}
