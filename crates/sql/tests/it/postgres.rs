//! Tests the account store with a real PostgreSQL server, which covers the rules of all stores,
//! restarts, migrations and a full disk.

use std::{
    future::ready,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use doorward_core::{
    Account, AccountStore as _, BoxFuture, CredentialId, PasskeyRecord, StoreError, UserId,
};
use doorward_sql::{ConnectError, PostgresDatabase, PostgresStore, Tables};
use doorward_testkit::{
    Fault, FaultProxy, PostgresServer, conformance, conformance::Subject, deeds,
};
use sqlx::Connection as _;
use tokio::time::error::Elapsed;

struct InPostgres(Arc<PostgresStore>);

impl Subject for InPostgres {
    type Store = PostgresStore;

    fn store(&self) -> Arc<PostgresStore> {
        self.0.clone()
    }

    /// Returns an empty text, because accounts contain no secret that must not be stored.
    fn dump(&self) -> BoxFuture<'_, String> {
        Box::pin(ready(String::new()))
    }
}

async fn in_postgres() -> InPostgres {
    let url = PostgresServer::shared().database();
    InPostgres(Arc::new(PostgresStore::connect(&url).await.unwrap()))
}

conformance!(accounts: in_postgres);

async fn sign_up(store: &PostgresStore) {
    let user = UserId::new("1");
    let account = Account::new(user.clone(), "Alice", "alice", std::time::SystemTime::UNIX_EPOCH);
    let passkey = PasskeyRecord {
        id: CredentialId::new([1]),
        user,
        name: "Phone".into(),
        created_at: std::time::SystemTime::UNIX_EPOCH,
        used_at: None,
        is_synced: false,
        key: [1].into(),
    };
    store.create_account(&account, &passkey).await.unwrap();
}

#[tokio::test]
async fn servers_that_start_at_once_make_the_tables_once_and_find_what_was_written() {
    let url = PostgresServer::shared().database();
    let connect = || PostgresStore::connect(&url);
    let (one, two, three) = tokio::join!(connect(), connect(), connect());
    let (one, two) = (one.unwrap(), two.unwrap());
    three.unwrap().close().await;

    sign_up(&one).await;

    assert!(two.account_named("alice").await.unwrap().is_some());
    let later = connect().await.unwrap();
    assert!(later.account_named("alice").await.unwrap().is_some());
}

#[tokio::test]
async fn a_store_reconnects_to_a_restarted_server() {
    let server = PostgresServer::start();
    let store = PostgresStore::connect(&server.database()).await.unwrap();
    sign_up(&store).await;

    server.restart();

    assert!(store.account_named("alice").await.unwrap().is_some());
    assert!(store.set_disabled(&UserId::new("1"), None).await.unwrap());
}

#[tokio::test]
async fn tables_of_a_newer_version_are_refused() {
    let url = PostgresServer::shared().database();
    PostgresStore::connect(&url).await.unwrap().close().await;
    let pool = sqlx::PgPool::connect(&url).await.unwrap();
    sqlx::query("UPDATE doorward_schema SET version = 99").execute(&pool).await.unwrap();

    let refused = PostgresStore::connect(&url).await;

    assert!(matches!(refused, Err(ConnectError::Newer)), "{refused:?}");
}

/// A check must be possible before the first start, and with a database of another program.
#[tokio::test]
async fn an_examination_creates_no_tables() {
    let url = PostgresServer::shared().database();

    for _ in 0..2 {
        assert_eq!(PostgresStore::examine(&url).await.unwrap(), Tables::Missing);
    }
    PostgresStore::connect(&url).await.unwrap().close().await;
    assert_eq!(PostgresStore::examine(&url).await.unwrap(), Tables::Ready);

    let examined_at = async |version: i64| {
        execute(&url, format!("UPDATE doorward_schema SET version = {version}")).await;
        PostgresStore::examine(&url).await
    };
    assert_eq!(examined_at(0).await.unwrap(), Tables::Outdated);
    for newer in [99, -1] {
        let refused = examined_at(newer).await;
        assert!(matches!(refused, Err(ConnectError::Newer)), "{refused:?}");
    }
}

#[tokio::test]
async fn an_examination_finds_that_the_user_may_not_create_tables() {
    let server = PostgresServer::start();
    let url = server.database();
    execute(&url, "CREATE USER reader; REVOKE CREATE ON SCHEMA public FROM PUBLIC".into()).await;
    let reader = url.replace("postgres@", "reader@");

    let examined = PostgresStore::examine(&reader).await.unwrap_err();
    let connected = PostgresStore::connect(&reader).await.err().unwrap();

    for error in [examined, connected] {
        assert!(matches!(error, ConnectError::Tables(_)), "{error}");
    }
}

#[tokio::test]
async fn an_examination_finds_that_the_user_may_not_write() {
    let server = PostgresServer::start();
    let url = server.database();
    PostgresStore::connect(&url).await.unwrap().close().await;
    execute(
        &url,
        "CREATE USER reader; GRANT CREATE ON SCHEMA public TO reader; \
         GRANT SELECT ON doorward_schema TO reader"
            .into(),
    )
    .await;
    let reader = url.replace("postgres@", "reader@");
    execute(
        &url,
        "CREATE USER adder; GRANT CREATE ON SCHEMA public TO adder; \
         GRANT SELECT, INSERT ON doorward_schema TO adder"
            .into(),
    )
    .await;
    let adder = url.replace("postgres@", "adder@");
    execute(
        &url,
        "CREATE USER late; ALTER USER late SET default_transaction_read_only = on".into(),
    )
    .await;
    execute(
        &url,
        "GRANT ALL ON SCHEMA public TO late; GRANT ALL ON doorward_schema TO late".into(),
    )
    .await;
    let late = url.replace("postgres@", "late@");

    for (url, cause) in [(reader, "may not change"), (adder, "may not change"), (late, "only read")]
    {
        let examined = PostgresStore::examine(&url).await.unwrap_err();
        let connected = PostgresStore::connect(&url).await.err().unwrap();

        assert!(
            std::error::Error::source(&examined).unwrap().to_string().contains(cause),
            "{examined:?}"
        );
        assert!(matches!(connected, ConnectError::Tables(_)), "{connected:?}");
    }
}

async fn execute(url: &str, statement: String) {
    let mut connection = sqlx::PgConnection::connect(url).await.unwrap();
    sqlx::raw_sql(sqlx::AssertSqlSafe(statement)).execute(&mut connection).await.unwrap();
}

#[tokio::test]
async fn errors_do_not_contain_the_password() {
    let missing = PostgresServer::shared().url("none").replace("postgres@", "postgres:canary@");

    let no_database = PostgresStore::connect(&missing).await.unwrap_err();
    let unreachable =
        PostgresStore::connect("postgres://me:canary@localhost:1/x").await.unwrap_err();
    let no_url = PostgresStore::connect("postgres://me:canary@[").await.unwrap_err();

    assert!(matches!(no_database, ConnectError::Access(_)), "{no_database:?}");
    assert!(matches!(unreachable, ConnectError::Access(_)), "{unreachable:?}");
    assert!(matches!(no_url, ConnectError::Malformed), "{no_url:?}");
    for error in [no_database, unreachable, no_url] {
        assert!(!format!("{error:?} {error}").contains("canary"));
    }
}

/// The triggers raise SQLSTATE 53100, the error of a server whose disk is full.
#[tokio::test]
async fn a_full_disk_is_reported_as_in_sqlite_and_loses_nothing() {
    let url = PostgresServer::shared().database();
    let store = PostgresStore::connect(&url).await.unwrap();
    deeds::prepare_accounts(&store, 0..2).await.unwrap();
    let mut operator = sqlx::PgConnection::connect(&url).await.unwrap();
    for statement in [
        "CREATE FUNCTION no_room() RETURNS trigger LANGUAGE plpgsql AS \
         $$ BEGIN RAISE EXCEPTION 'could not extend file' USING ERRCODE = '53100'; END $$",
        "CREATE TRIGGER no_room BEFORE INSERT OR UPDATE ON accounts EXECUTE FUNCTION no_room()",
        "CREATE TRIGGER no_room BEFORE INSERT OR UPDATE ON passkeys EXECUTE FUNCTION no_room()",
        "CREATE TRIGGER no_room BEFORE INSERT OR UPDATE ON recovery_codes EXECUTE FUNCTION no_room()",
    ] {
        sqlx::raw_sql(statement).execute(&mut operator).await.unwrap();
    }

    let refused = deeds::do_accounts(&store, 0).await;
    sqlx::raw_sql("DROP FUNCTION no_room CASCADE").execute(&mut operator).await.unwrap();
    let kept = deeds::do_accounts(&store, 1).await;

    for (name, result) in refused {
        assert!(matches!(result, Err(StoreError::Full)), "{name}: {result:?}");
        assert!(!deeds::knows_account(&store, 0, name).await.unwrap(), "{name}");
    }
    for (name, result) in kept {
        assert!(result.is_ok(), "{name}: {result:?}");
        assert!(deeds::knows_account(&store, 1, name).await.unwrap(), "{name}");
    }
}

/// The other end of a connection has vanished in the middle of a change. More changes than the pool has connections
/// begin and fail in this way, so each has given its place back.
#[tokio::test]
async fn a_silent_connection_fails_its_change_and_is_replaced() {
    let server = PostgresServer::shared();
    let proxy = Arc::new(FaultProxy::start_unix(server.socket()).await);
    let url = server.database();
    let (address, _) = url.split_once('?').unwrap();
    let url = address.replace("@localhost/", &format!("@{}/", proxy.address()));
    let database = PostgresDatabase::connect(&url).await.unwrap();
    let begun = Arc::new(AtomicUsize::new(0));

    for _ in 0..13 {
        let (network, count) = (Arc::clone(&proxy), Arc::clone(&begun));
        let change = database.change(move |connection| {
            Box::pin(async move {
                sqlx::query("SELECT 1").execute(&mut *connection).await?;
                count.fetch_add(1, Ordering::Relaxed);
                network.set(Fault::HalfOpen);
                // The clock jumps to the next timeout, because nothing else happens.
                tokio::time::pause();
                sqlx::query("SELECT 1").execute(connection).await.map(drop)
            })
        });
        let failed = change.await;
        // It is not paused if the change has found a silent connection at its beginning.
        if matches!(failed, Err(StoreError::Unavailable(ref cause)) if cause.is::<Elapsed>()) {
            tokio::time::resume();
        }
        assert!(matches!(failed, Err(StoreError::Unavailable(_))), "{failed:?}");
        proxy.strand();
        proxy.set(Fault::None);
    }

    assert!(begun.load(Ordering::Relaxed) > 10, "{begun:?}");
}

#[tokio::test]
async fn reads_of_a_snapshot_do_not_see_later_changes() {
    let url = PostgresServer::shared().database();
    let database = PostgresDatabase::connect(&url).await.unwrap();
    let count = "SELECT count(*) FROM notes";
    let change = |statement: &'static str| {
        database.change(move |connection| {
            Box::pin(async move { sqlx::raw_sql(statement).execute(connection).await.map(drop) })
        })
    };
    change("CREATE TABLE notes (text TEXT)").await.unwrap();

    let writer = database.clone();
    let seen = database.read(move |connection| {
        Box::pin(async move {
            let before: i64 = sqlx::query_scalar(count).fetch_one(&mut *connection).await?;
            let write = writer.change(|connection| {
                Box::pin(async move {
                    let insert = sqlx::query("INSERT INTO notes VALUES ('tea')");
                    insert.execute(connection).await.map(drop)
                })
            });
            write.await.unwrap();
            let after: i64 = sqlx::query_scalar(count).fetch_one(connection).await?;
            Ok((before, after))
        })
    });

    assert_eq!(seen.await.unwrap(), (0, 0));
    let now = sqlx::query_scalar::<_, i64>(count);
    let now = database.look_up(|connection| Box::pin(now.fetch_one(connection))).await;
    assert_eq!(now.unwrap(), 1);
}

/// A server that vanishes inside a transaction does not close its connection, and PostgreSQL would wait for it.
#[tokio::test]
async fn locks_of_a_vanished_server_end() {
    let server = PostgresServer::shared();
    let proxy = Arc::new(FaultProxy::start_unix(server.socket()).await);
    let url = server.database();
    let (address, _) = url.split_once('?').unwrap();
    let through_proxy = address.replace("@localhost/", &format!("@{}/", proxy.address()));
    let vanished = PostgresDatabase::connect(&through_proxy).await.unwrap();
    let other = PostgresDatabase::connect(&url).await.unwrap();
    let lock = "SELECT pg_advisory_xact_lock(1)";
    let (locked, is_locked) = tokio::sync::oneshot::channel();
    let network = Arc::clone(&proxy);
    let holding = tokio::spawn(async move {
        let hold = vanished.change::<(), _>(move |connection| {
            Box::pin(async move {
                sqlx::query(lock).execute(connection).await?;
                network.set(Fault::HalfOpen);
                locked.send(()).unwrap();
                std::future::pending().await
            })
        });
        hold.await
    });
    is_locked.await.unwrap();

    let mut attempts = 0..3;
    let is_free = loop {
        if attempts.next().is_none() {
            break false;
        }
        let take = other.change(move |connection| {
            Box::pin(async move { sqlx::query(lock).execute(connection).await.map(drop) })
        });
        if take.await.is_ok() {
            break true;
        }
    };

    assert!(is_free);
    holding.abort();
}
