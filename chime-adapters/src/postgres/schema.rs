//! The versions of the schema.

use tokio_postgres::Client;

use super::PostgresError;

/// The schema's versions, in order. A released file never changes; a new version is a new file. A file must let nodes
/// of the release before go on while it runs and after it: it adds, and what is no longer used goes a release later.
const MIGRATIONS: &[&str] = &[include_str!("../../migrations/postgres/0001_records_logs_outbox.sql")];

/// Key of the advisory lock that is held while migrations run: "chime" and a number.
const MIGRATING: i64 = 0x6368_696d_6500_0001;

/// Brings the schema to the newest version, and gives the id of the database.
///
/// Nodes that start together take turns.
pub(super) async fn migrate(client: &mut Client) -> Result<String, PostgresError> {
    let known = i64::try_from(MIGRATIONS.len()).unwrap_or(i64::MAX);
    if let Some((found, id)) = version(client).await? {
        if found > known {
            return Err(PostgresError::Newer { found, known });
        }
        if found == known {
            return Ok(id);
        }
    }
    let transaction = client.transaction().await?;
    // Waiting for another node's migration may take longer than statements otherwise do.
    transaction.batch_execute("SET LOCAL statement_timeout = 0; SET LOCAL lock_timeout = 0").await?;
    transaction.execute("SELECT pg_advisory_xact_lock($1)", &[&MIGRATING]).await?;
    transaction
        .batch_execute(
            "CREATE TABLE IF NOT EXISTS chime ( \
                 one integer PRIMARY KEY CHECK (one = 1), version bigint NOT NULL, id uuid NOT NULL); \
             INSERT INTO chime VALUES (1, 0, gen_random_uuid()) ON CONFLICT DO NOTHING",
        )
        .await?;
    let row = transaction.query_one("SELECT version, id::text FROM chime", &[]).await?;
    let (found, id): (i64, String) = (row.try_get(0)?, row.try_get(1)?);
    if found > known {
        return Err(PostgresError::Newer { found, known });
    }
    for (version, statements) in (1_i64..).zip(MIGRATIONS).filter(|(version, _)| *version > found) {
        transaction.batch_execute(statements).await?;
        transaction.execute("UPDATE chime SET version = $1", &[&version]).await?;
    }
    transaction.commit().await?;
    Ok(id)
}

/// Finds out that the database can be read as this release knows it, without changing it.
pub(super) async fn known(client: &Client) -> Result<(), PostgresError> {
    let known = i64::try_from(MIGRATIONS.len()).unwrap_or(i64::MAX);
    match version(client).await? {
        None | Some((0, _)) => Err(PostgresError::Empty),
        Some((found, _)) if found > known => Err(PostgresError::Newer { found, known }),
        Some(_) => Ok(()),
    }
}

/// Version and id of the database, if it has a schema.
async fn version(client: &Client) -> Result<Option<(i64, String)>, PostgresError> {
    let there = client.query_one("SELECT to_regclass('chime') IS NOT NULL", &[]).await?;
    if !there.try_get::<_, bool>(0)? {
        return Ok(None);
    }
    let row = client.query_opt("SELECT version, id::text FROM chime", &[]).await?;
    row.map(|row| Ok((row.try_get(0)?, row.try_get(1)?))).transpose()
}

/// Postgres's integers are signed; nothing we count reaches their end.
pub(super) fn signed(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

/// A number that was stored by [`signed`].
pub(super) fn unsigned(number: i64) -> u64 {
    u64::try_from(number).unwrap_or_default()
}

/// A limit on rows.
pub(super) fn rows(limit: usize) -> i64 {
    i64::try_from(limit).unwrap_or(i64::MAX)
}
