//! The best of all time: one row for each player, their best round.

use std::time::SystemTime;

use doorward::UserId;
use sqlx::{SqlitePool, query, query_as};

use super::wire::{self, Ranked};

/// Made when the database is opened.
pub(crate) const SCHEMA: &str = "
CREATE TABLE IF NOT EXISTS mole_best (
    user_id TEXT PRIMARY KEY,
    name TEXT NOT NULL,
    score INTEGER NOT NULL,
    reached_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS mole_best_by_score ON mole_best (score DESC, reached_at);
";

/// Forgets somebody.
pub(crate) async fn forget(database: &SqlitePool, user: &UserId) -> sqlx::Result<()> {
    let best = query("DELETE FROM mole_best WHERE user_id = ?");
    best.bind(user.as_str()).execute(database).await?;
    Ok(())
}

pub(super) struct Top(pub(super) SqlitePool);

impl Top {
    /// Writes the scores of a round down, and returns the best of all time.
    pub(super) async fn add(&self, round: &[Ranked], now: SystemTime) -> sqlx::Result<wire::Top> {
        let now = now.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        let mut transaction = self.0.begin().await?;
        for player in round.iter().filter(|player| player.score > 0) {
            query(
                "INSERT INTO mole_best (user_id, name, score, reached_at) VALUES (?, ?, ?, ?) \
                 ON CONFLICT (user_id) DO UPDATE SET name = excluded.name, score = excluded.score, \
                 reached_at = excluded.reached_at WHERE excluded.score > score",
            )
            .bind(player.user.as_str())
            .bind(&*player.name)
            .bind(player.score)
            .bind(i64::try_from(now.as_millis()).unwrap_or(i64::MAX))
            .execute(&mut *transaction)
            .await?;
        }
        transaction.commit().await?;
        self.list().await
    }

    /// The best ten; of two with one score, the earlier one.
    pub(super) async fn list(&self) -> sqlx::Result<wire::Top> {
        let best = query_as(
            "SELECT name, score FROM mole_best ORDER BY score DESC, reached_at, user_id LIMIT 10",
        );
        Ok(wire::Top(best.fetch_all(&self.0).await?))
    }
}
