//! Stores the best score of each player.

use std::time::SystemTime;

use doorward::{UserId, store::StoreError};

use super::wire::{self, Ranked};
use crate::sql::{Connection, SqlDatabase, sql};

/// Migration that creates the table of best scores in SQLite.
pub(super) const SQLITE: &str = "
CREATE TABLE IF NOT EXISTS mole_best (
    user_id TEXT PRIMARY KEY,
    name TEXT NOT NULL,
    score INTEGER NOT NULL,
    reached_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS mole_best_by_score ON mole_best (score DESC, reached_at);
";

/// Migration that creates the table of best scores in PostgreSQL.
pub(super) const POSTGRES: &str = r#"
CREATE TABLE mole_best (
    user_id TEXT COLLATE "C" PRIMARY KEY,
    name TEXT NOT NULL,
    score BIGINT NOT NULL,
    reached_at BIGINT NOT NULL
);
CREATE INDEX mole_best_by_score ON mole_best (score DESC, reached_at);
"#;

/// Deletes the score of a user.
pub(super) async fn forget(connection: &mut Connection<'_>, user: &UserId) -> sqlx::Result<()> {
    let best = sql("DELETE FROM mole_best WHERE user_id = $1");
    connection.run(best.bind(user.as_str())).await
}

pub(super) struct Top(pub(super) SqlDatabase);

impl Top {
    /// Stores the scores of a round, and returns the best ten scores.
    pub(super) async fn add(
        &self,
        round: &[Ranked],
        now: SystemTime,
    ) -> Result<wire::Top, StoreError> {
        let now = now.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        let now = i64::try_from(now.as_millis()).unwrap_or(i64::MAX);
        let scored = round.iter().filter(|player| player.score > 0);
        let mut rows: Vec<_> =
            scored.map(|one| (one.user.clone(), one.name.to_string(), one.score)).collect();
        // Two rounds that end at once change the rows in the same order, so that none waits for the other.
        rows.sort_unstable_by(|(one, ..), (other, ..)| one.as_str().cmp(other.as_str()));
        let add = self.0.change(move |mut connection| {
            Box::pin(async move {
                for (user, name, score) in rows {
                    let put = sql("INSERT INTO mole_best (user_id, name, score, reached_at) \
                         VALUES ($1, $2, $3, $4) ON CONFLICT (user_id) DO UPDATE SET \
                         name = excluded.name, score = excluded.score, \
                         reached_at = excluded.reached_at WHERE excluded.score > mole_best.score");
                    let put = put.bind(user.as_str()).bind(name).bind(i64::from(score)).bind(now);
                    connection.run(put).await?;
                }
                Ok(())
            })
        });
        add.await?;
        self.list().await
    }

    /// Returns the best ten scores. Of equal scores, the earlier one comes first.
    pub(super) async fn list(&self) -> Result<wire::Top, StoreError> {
        let best = sql(
            "SELECT name, score FROM mole_best ORDER BY score DESC, reached_at, user_id LIMIT 10",
        );
        Ok(wire::Top(self.0.all(best).await?))
    }
}
