//! Versions of the schema, and who may open a database.

use chime_domain::conformance::drive;
use chime_domain::conformance::things::{batch, key, put};
use chime_domain::ports::Store;

use super::*;
use crate::servers::psql;

#[test]
fn a_database_of_a_newer_release_is_not_touched() {
    let database = Postgres::shared().database();
    let url = Postgres::shared().url(&database);
    drop(drive(run, open(config(&database))));
    psql(&url, "UPDATE chime SET version = 99").unwrap();
    let refused = drive(run, PostgresStore::open(config(&database))).unwrap_err();
    assert!(matches!(refused, PostgresError::Newer { found: 99, known: 1 }), "{refused:?}");
    assert_eq!(psql(&url, "SELECT version FROM chime").unwrap(), "99");
}

#[test]
fn a_database_of_an_older_version_is_brought_to_this_one_and_keeps_its_id() {
    let database = Postgres::shared().database();
    let url = Postgres::shared().url(&database);
    // As far as the first release would have got, had it been stopped before its first migration.
    psql(
        &url,
        "CREATE TABLE chime (one integer PRIMARY KEY CHECK (one = 1), version bigint NOT NULL, id uuid NOT NULL); \
         INSERT INTO chime VALUES (1, 0, '00000000-0000-4000-8000-000000000001')",
    )
    .unwrap();
    drive(run, async {
        let store = open(config(&database)).await;
        store.commit(batch([put("a", "x")])).await.unwrap();
        assert!(store.get(&[key("a")]).await.unwrap()[0].is_some());
        assert_eq!(config(&database).identify().await.unwrap(), "00000000-0000-4000-8000-000000000001");
    });
    assert_eq!(psql(&url, "SELECT version FROM chime").unwrap(), "1");
}

#[test]
fn nodes_that_start_together_on_an_empty_database_make_it_once() {
    let database = Postgres::shared().database();
    drive(run, async {
        let starting = (0..6).map(|_| config(&database).with_wire(Wire::Notify)).map(PostgresStore::open);
        let stores = futures_util::future::join_all(starting).await;
        for (n, store) in stores.into_iter().enumerate() {
            store.unwrap().commit(batch([put(&format!("a/{n}"), "x")])).await.unwrap();
        }
    });
}

#[test]
fn a_node_alone_and_any_other_keep_each_other_out_until_they_end() {
    let database = Postgres::shared().database();
    drive(run, async {
        let alone = open(config(&database)).await;
        for wire in [Wire::Alone, Wire::Notify] {
            let refused = PostgresStore::open(config(&database).with_wire(wire)).await.unwrap_err();
            assert!(matches!(refused, PostgresError::InUse(_)), "{refused:?}");
        }
        let beside = open(config(&database).with_wire(Wire::Beside)).await;
        assert!(beside.get(&[key("a")]).await.unwrap()[0].is_none());
        assert!(beside.commit(batch([put("a", "x")])).await.is_err());
        drop(alone);
        let one = open(config(&database).with_wire(Wire::Notify)).await;
        let other = open(config(&database).with_wire(Wire::Notify)).await;
        let refused = PostgresStore::open(config(&database)).await.unwrap_err();
        assert!(refused.to_string().contains("no wire"), "{refused}");
        drop((one, other));
        open(config(&database)).await;
    });
}

#[test]
fn a_node_that_lost_its_lock_to_another_writes_nothing_until_that_is_gone() {
    let database = Postgres::shared().database();
    let url = Postgres::shared().url(&database);
    drive(run, async {
        let first = open(config(&database)).await;
        first.commit(batch([put("a", "1")])).await.unwrap();
        // The lock goes with its session, and somebody else is quicker.
        let (beside, connection) = tokio_postgres::connect(&url, tokio_postgres::NoTls).await.unwrap();
        tokio::spawn(connection);
        let sql = "SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory' AND granted \
                   AND database = (SELECT oid FROM pg_database WHERE datname = current_database())";
        beside.batch_execute(sql).await.unwrap();
        beside
            .batch_execute(&format!("SELECT pg_advisory_lock({})", 0x6368_696d_6500_0002_i64))
            .await
            .unwrap();
        let refused = loop {
            match first.commit(batch([put("a", "2")])).await {
                Ok(_) => tokio::time::sleep(std::time::Duration::from_millis(50)).await,
                Err(error) => break error,
            }
        };
        assert!(refused.to_string().contains("another node"), "{refused}");
        assert!(first.get(&[key("a")]).await.is_ok());
        drop(beside);
        while first.commit(batch([put("a", "3")])).await.is_err() {
            tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        }
    });
}
