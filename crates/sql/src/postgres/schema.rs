//! Creates and migrates the tables in PostgreSQL.
//!
//! The table `doorward_schema` has the number of migrations that have run. Servers that start at the same time wait for
//! each other with an advisory lock, which PostgreSQL releases at the end of the transaction.

use sqlx::{PgPool, query, query_scalar, raw_sql};

use super::ConnectError;

/// Migrations in order, from an empty database to this version. A released migration never changes.
const MIGRATIONS: &[&str] = &[include_str!("../../migrations/postgres/0001_accounts.sql")];

pub(super) async fn prepare(pool: &PgPool) -> Result<(), ConnectError> {
    let failed = |error: sqlx::Error| ConnectError::Tables(error.into());
    let mut transaction = pool.begin().await.map_err(failed)?;
    let lock = query("SELECT pg_advisory_xact_lock($1)").bind(LOCK);
    lock.execute(&mut *transaction).await.map_err(failed)?;
    raw_sql("CREATE TABLE IF NOT EXISTS doorward_schema (version BIGINT NOT NULL)")
        .execute(&mut *transaction)
        .await
        .map_err(failed)?;
    let version = query_scalar::<_, i64>("SELECT version FROM doorward_schema");
    let version = version.fetch_optional(&mut *transaction).await.map_err(failed)?;
    // A negative number, which no release writes, counts as too new.
    let seen = version.map_or(0, |version| usize::try_from(version).unwrap_or(usize::MAX));
    if seen > MIGRATIONS.len() {
        return Err(ConnectError::Newer);
    }
    for migration in MIGRATIONS.iter().skip(seen) {
        raw_sql(*migration).execute(&mut *transaction).await.map_err(failed)?;
    }
    // The table has exactly one row.
    raw_sql("DELETE FROM doorward_schema").execute(&mut *transaction).await.map_err(failed)?;
    let all = i64::try_from(MIGRATIONS.len()).unwrap_or(i64::MAX);
    let write = query("INSERT INTO doorward_schema (version) VALUES ($1)").bind(all);
    write.execute(&mut *transaction).await.map_err(failed)?;
    transaction.commit().await.map_err(failed)
}

/// Key of the advisory lock, which is "Doorward" in ASCII.
const LOCK: i64 = 0x446f_6f72_7761_7264;
