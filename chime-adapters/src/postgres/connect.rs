//! Sessions with the database.

use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::task::Poll;
use std::time::Duration;

use chime_domain::error::StoreError;
use deadpool_postgres::{
    Hook, HookError, Manager, ManagerConfig, Pool, PoolError, RecyclingMethod, Runtime, Timeouts,
};
use tokio::task::AbortHandle;
use tokio_postgres::types::ToSql;
use tokio_postgres::{Client, Row};
use tokio_postgres_rustls::MakeRustlsConnect;

use super::config::PostgresConfig;
use super::error::{Failure, explain};
use super::{PostgresError, tls};

/// Opens sessions.
#[derive(Clone)]
pub(super) struct Connector {
    driver: tokio_postgres::Config,
    tls: MakeRustlsConnect,
    settings: String,
    pub(super) patience: Duration,
}

impl Connector {
    pub(super) fn new(config: &PostgresConfig) -> Result<Self, PostgresError> {
        let mut driver = config.driver.clone();
        let patience = config.patience;
        if driver.get_connect_timeout().is_none() {
            driver.connect_timeout(patience);
        }
        // A host that vanished without a word is noticed within this time, not after the two hours of the default.
        driver.keepalives_idle(Duration::from_secs(10));
        driver.tcp_user_timeout(Duration::from_secs(20));
        let tls = tls::connector(&config.trust)?;
        Ok(Self { driver, tls, settings: settings(config), patience })
    }

    /// Opens a session that is driven by a task of its own.
    pub(super) async fn connect(&self) -> Result<Session, Failure> {
        let connect = async {
            let (client, connection) = self.driver.connect(self.tls.clone()).await?;
            let task = tokio::spawn(async move {
                if let Err(error) = connection.await {
                    tracing::debug!(%error, "a database session ended");
                }
            });
            let session = Session { client, driven_by: task.abort_handle() };
            session.client.batch_execute(&self.settings).await?;
            Ok(session)
        };
        match tokio::time::timeout(self.patience, connect).await {
            Ok(connected) => connected,
            Err(_) => Err(Failure::Silent),
        }
    }

    /// Opens a connection whose messages the caller reads itself.
    pub(super) async fn listen(
        &self,
    ) -> Result<
        (
            Client,
            tokio_postgres::Connection<
                tokio_postgres::Socket,
                <MakeRustlsConnect as tokio_postgres::tls::MakeTlsConnect<tokio_postgres::Socket>>::Stream,
            >,
        ),
        Failure,
    > {
        match tokio::time::timeout(self.patience, self.driver.connect(self.tls.clone())).await {
            Ok(connected) => Ok(connected?),
            Err(_) => Err(Failure::Silent),
        }
    }
}

/// What every session is told.
///
/// Every statement looks rows up by their keys, of which there may be many or few; plans are made once, and a plan
/// that was made while a table was empty must not read all of it when it no longer is. The server is to notice within
/// half a minute that a node has vanished without a word, and let its locks go.
fn settings(config: &PostgresConfig) -> String {
    let patience = config.patience.as_millis();
    let sync = if config.synced {
        // A server where commits are not synced unless asked for is asked for it; one that waits for standbys goes on
        // doing so.
        "SELECT set_config('synchronous_commit', 'on', false) WHERE current_setting('synchronous_commit') = 'off'"
    } else {
        "SET synchronous_commit = off"
    };
    format!(
        "SET enable_seqscan = off; SET enable_hashjoin = off; SET enable_mergejoin = off; SET jit = off; \
         SET plan_cache_mode = force_generic_plan; SET default_transaction_isolation = 'read committed'; \
         SET statement_timeout = {patience}; SET lock_timeout = {patience}; \
         SET idle_in_transaction_session_timeout = {patience}; SET tcp_keepalives_idle = 10; \
         SET tcp_keepalives_interval = 5; SET tcp_keepalives_count = 3; {sync}"
    )
}

/// One session. Dropping it lets what was asked finish.
pub(super) struct Session {
    pub(super) client: Client,
    driven_by: AbortHandle,
}

impl Session {
    /// Gives the session up, whatever it is doing.
    pub(super) fn cut(self) {
        self.driven_by.abort();
    }
}

/// What is asked in one go: every statement is sent before the first answer is waited for.
pub(super) type Step<'a> = Pin<Box<dyn Future<Output = Result<Vec<Row>, tokio_postgres::Error>> + Send + 'a>>;

/// Asks all steps in their order and gives their answers, or the first failure.
pub(super) async fn pipeline(mut steps: Vec<Step<'_>>, within: Duration) -> Result<Vec<Vec<Row>>, Failure> {
    let all = async {
        let mut answers: Vec<Option<Result<Vec<Row>, tokio_postgres::Error>>> =
            Vec::with_capacity(steps.len());
        // A statement is sent when it is polled first.
        for step in &mut steps {
            let first = poll_fn(|context| {
                Poll::Ready(match step.as_mut().poll(context) {
                    Poll::Ready(answer) => Some(answer),
                    Poll::Pending => None,
                })
            });
            answers.push(first.await);
        }
        let mut all = Vec::with_capacity(steps.len());
        let mut failed = None;
        for (step, answer) in steps.into_iter().zip(answers) {
            let answer = match answer {
                Some(answer) => answer,
                None => step.await,
            };
            match answer {
                Ok(rows) => all.push(rows),
                // Those after it fail because it did.
                Err(error) => drop(failed.get_or_insert(error)),
            }
        }
        failed.map_or(Ok(all), |error| Err(Failure::Driver(error)))
    };
    tokio::time::timeout(within, all).await.unwrap_or(Err(Failure::Silent))
}

/// The sessions that read.
pub(super) struct Readers {
    pool: Pool,
    patience: Duration,
}

impl Readers {
    pub(super) fn new(connector: &Connector, most: usize) -> Result<Self, PostgresError> {
        let recycling = ManagerConfig { recycling_method: RecyclingMethod::Fast };
        let manager = Manager::from_config(connector.driver.clone(), connector.tls.clone(), recycling);
        let settings = connector.settings.clone();
        let patience = connector.patience;
        let timeouts = Timeouts { wait: Some(patience), create: Some(patience), recycle: Some(patience) };
        let told = Hook::async_fn(move |client: &mut deadpool_postgres::ClientWrapper, _| {
            let settings = settings.clone();
            Box::pin(async move { client.batch_execute(&settings).await.map_err(HookError::Backend) })
        });
        let pool = Pool::builder(manager).max_size(most).timeouts(timeouts).runtime(Runtime::Tokio1);
        let pool = pool.post_create(told).build();
        let pool = pool.map_err(|error| PostgresError::Unusable(Box::new(error)))?;
        Ok(Self { pool, patience })
    }

    /// Asks one statement, which sees the state of one moment.
    pub(super) async fn query(
        &self,
        sql: &'static str,
        parameters: &[&(dyn ToSql + Sync)],
    ) -> Result<Vec<Row>, StoreError> {
        let mut tries = 0;
        loop {
            tries += 1;
            let client = self.pool.get().await.map_err(|error| pool_failure(&error))?;
            let asked = async {
                let statement = client.prepare_cached(sql).await?;
                client.query(&statement, parameters).await
            };
            let failure = match tokio::time::timeout(self.patience, asked).await {
                Ok(Ok(rows)) => return Ok(rows),
                Ok(Err(error)) => Failure::Driver(error),
                Err(_) => Failure::Silent,
            };
            if failure.ends_connection() {
                // The pool makes a new one in its place.
                drop(deadpool_postgres::Object::take(client));
            }
            // A session that ended while nobody used it says nothing about the database.
            if tries > 1 || matches!(failure, Failure::Silent) || !failure.ends_connection() {
                return Err(failure.explain());
            }
        }
    }
}

fn pool_failure(error: &PoolError) -> StoreError {
    match error {
        PoolError::Backend(error) | PoolError::PostCreateHook(HookError::Backend(error)) => explain(error),
        PoolError::Timeout(_) => {
            StoreError::Unavailable { reason: "the database does not answer".into(), source: None }
        }
        other => StoreError::unavailable("the database cannot be reached", other.to_string()),
    }
}
