//! Tests of the database in PostgreSQL.

use doorward_testkit::PostgresServer;

use super::*;

/// Returns the tables, of which the accounts have made none here.
async fn tables(database: &Database) -> Vec<String> {
    const TABLES: &str = "SELECT table_name::text FROM information_schema.tables \
        WHERE table_schema = 'public' ORDER BY table_name::text COLLATE \"C\"";
    all::<(String,)>(database, TABLES).await.into_iter().map(|(name,)| name).collect()
}

#[tokio::test]
async fn nodes_that_start_at_once_create_the_tables_once() {
    for _ in 0..5 {
        let url = PostgresServer::shared().database();
        let connect = || Database::connect(&url, &ALL);

        let (one, two, three, four) = tokio::join!(connect(), connect(), connect(), connect());

        let one = one.unwrap();
        for node in [two, three, four] {
            node.unwrap();
        }
        assert_eq!(tables(&one).await.len(), 7);
        let versions: Vec<(String, i64)> =
            all(&one, "SELECT name, version FROM application_versions ORDER BY name").await;
        assert_eq!(versions, [("chat".to_owned(), 1), ("whack-a-mole".to_owned(), 1)]);
        // A later node finds the tables.
        connect().await.unwrap();
    }
}

/// The node that removes an account may be another than those that have mounted the applications.
#[tokio::test]
async fn a_node_without_an_application_deletes_what_others_keep() {
    let url = PostgresServer::shared().database();
    let without = Database::connect(&url, &[]).await.unwrap();
    assert_eq!(tables(&without).await, ["application_versions"]);
    let with = Database::connect(&url, &[WHACK_A_MOLE]).await.unwrap();
    run(&with, "INSERT INTO mole_best VALUES ('ann', 'Ann', 1, 1), ('bob', 'Bob', 2, 1)").await;

    without.forget(&UserId::new("ann")).await.unwrap();

    let left: Vec<(String,)> = all(&with, "SELECT user_id FROM mole_best").await;
    assert_eq!(left, [("bob".to_owned(),)]);
}

#[tokio::test]
async fn newer_tables_are_refused() {
    let url = PostgresServer::shared().database();
    let database = Database::connect(&url, &[CHAT]).await.unwrap();
    run(&database, "UPDATE application_versions SET version = 9").await;

    let refused = Database::connect(&url, &[WHACK_A_MOLE]).await;

    assert!(matches!(refused, Err(ConnectError::Newer)), "{refused:?}");
}
