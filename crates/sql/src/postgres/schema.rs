//! Creates, migrates and examines the tables in PostgreSQL.
//!
//! The table `doorward_schema` has the number of migrations that have run. Servers that start at the same time wait for
//! each other with an advisory lock, which PostgreSQL releases at the end of the transaction.

use sqlx::{PgPool, query, query_scalar, raw_sql};

use super::{ConnectError, PostgresDatabase};

/// Migrations in order, from an empty database to this version. A released migration never changes.
const MIGRATIONS: &[&str] = &[include_str!("../../migrations/postgres/0001_accounts.sql")];

/// State of the tables in a PostgreSQL database.
///
/// [`PostgresStore::examine`](crate::PostgresStore::examine) returns it.
///
/// # Examples
/// ```
/// fn advice(tables: doorward_sql::Tables) -> &'static str {
///     match tables {
///         doorward_sql::Tables::Ready => "nothing to do",
///         _ => "back up the database before the first start of this version",
///     }
/// }
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Tables {
    /// There are none. A store creates them when it connects.
    Missing,
    /// They are those of an older version. A store changes them when it connects.
    Outdated,
    /// They are those of this version.
    Ready,
}

/// Examines the tables in a transaction that may only read.
pub(super) async fn examine(database: &PostgresDatabase) -> Result<Tables, ConnectError> {
    let looking = database.read(|connection| {
        Box::pin(async move {
            // PostgreSQL asks for this permission also if the tables exist.
            let may_create =
                "SELECT coalesce(has_schema_privilege(current_schema(), 'CREATE'), false)";
            let may_create: bool = query_scalar(may_create).fetch_one(&mut *connection).await?;
            // The transaction of this examination only reads, so its own setting says nothing.
            let only_reads =
                "SELECT pg_is_in_recovery() OR current_setting('default_transaction_read_only') = 'on'";
            let only_reads: bool = query_scalar(only_reads).fetch_one(&mut *connection).await?;
            let exists =
                query_scalar::<_, bool>("SELECT to_regclass('doorward_schema') IS NOT NULL");
            if !exists.fetch_one(&mut *connection).await? {
                return Ok((may_create, only_reads, true, None));
            }
            let may_write = "SELECT has_table_privilege('doorward_schema', 'INSERT') \
                             AND has_table_privilege('doorward_schema', 'DELETE')";
            let may_write: bool = query_scalar(may_write).fetch_one(&mut *connection).await?;
            let version = query_scalar::<_, i64>("SELECT version FROM doorward_schema");
            let version = version.fetch_optional(&mut *connection).await?;
            Ok((may_create, only_reads, may_write, Some(version)))
        })
    });
    let (may_create, only_reads, may_write, version) =
        looking.await.map_err(|error| ConnectError::Tables(error.into()))?;
    let tables = match version {
        None => Tables::Missing,
        Some(version) => match seen(version) {
            seen if seen > MIGRATIONS.len() => return Err(ConnectError::Newer),
            seen if seen < MIGRATIONS.len() => Tables::Outdated,
            _ => Tables::Ready,
        },
    };
    if only_reads {
        return Err(ConnectError::Tables(
            "the server is a standby, or lets its users only read".into(),
        ));
    }
    if !may_write {
        return Err(ConnectError::Tables(
            "the user may not change the table doorward_schema".into(),
        ));
    }
    if !may_create {
        return Err(ConnectError::Tables("the user has no permission CREATE on the schema".into()));
    }
    Ok(tables)
}

/// Returns the number of migrations that have run. A negative number, which no release writes, counts as too new.
fn seen(version: Option<i64>) -> usize {
    version.map_or(0, |version| usize::try_from(version).unwrap_or(usize::MAX))
}

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
    let seen = seen(version);
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
