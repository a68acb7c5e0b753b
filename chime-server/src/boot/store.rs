//! Opening the store that the configuration names.

use std::sync::Arc;

use anyhow::{Context, Result, bail};
use chime_adapters::memory::MemoryStore;
use chime_adapters::sqlite::{Durability, SqliteConfig, SqliteError, SqliteStore};
use chime_domain::ports::Store;

use crate::config::{Database, Storage};

/// A store, and what belongs to it.
pub(super) struct Opened {
    pub(super) store: Arc<dyn Store>,
    /// The name of this server among those that share the store.
    pub(super) node: Option<String>,
    /// Tells whether the bus between servers can be reached, where there is one.
    pub(super) bus: Option<BusState>,
}

/// Whether a bus can be reached now.
pub(super) type BusState = Box<dyn Fn() -> bool + Send + Sync>;

impl Opened {
    fn alone(store: impl Store + 'static) -> Self {
        Self { store: Arc::new(store), node: None, bus: None }
    }
}

pub(super) async fn open(storage: &Storage) -> Result<Opened> {
    match &storage.database {
        Database::Memory => Ok(Opened::alone(MemoryStore::new())),
        Database::Sqlite(path) => {
            let durability = if storage.survives_power_loss { Durability::Full } else { Durability::Normal };
            let config = SqliteConfig::new(path).with_durability(durability);
            let store =
                SqliteStore::open(config).with_context(|| format!("the database {}", path.display()))?;
            Ok(Opened::alone(store))
        }
        #[cfg(feature = "postgres")]
        Database::Postgres { url, wire } => shared::open(url, wire, storage.survives_power_loss).await,
        #[cfg(not(feature = "postgres"))]
        Database::Postgres { .. } => bail!("this build has no feature `postgres`"),
    }
}

/// The store, unless only a server can tell: one in memory, or one whose file is open.
pub(super) async fn beside(storage: &Storage) -> Result<Option<Arc<dyn Store>>> {
    match &storage.database {
        Database::Memory => return Ok(None),
        Database::Sqlite(path) if !path.exists() => bail!("there is no database {} yet", path.display()),
        Database::Sqlite(_) => {}
        #[cfg(feature = "postgres")]
        Database::Postgres { url, .. } => return shared::beside(url).await.map(Some),
        #[cfg(not(feature = "postgres"))]
        Database::Postgres { .. } => {}
    }
    match open(storage).await {
        Ok(opened) => Ok(Some(opened.store)),
        Err(error) if matches!(error.downcast_ref(), Some(SqliteError::InUse)) => Ok(None),
        Err(error) => Err(error),
    }
}

#[cfg(feature = "postgres")]
mod shared {
    use std::sync::Arc;

    use anyhow::{Context, Result};
    #[cfg(feature = "nats")]
    use chime_adapters::nats::NatsBus;
    use chime_adapters::postgres::{PostgresConfig, PostgresError, PostgresStore, Wire};
    use chime_domain::ports::Store;
    use chime_domain::text::Private;

    use super::{BusState, Opened};
    use crate::config;

    pub(super) async fn open(url: &Private<String>, wire: &config::Wire, synced: bool) -> Result<Opened> {
        let config = PostgresConfig::new(&url.0).context("the database")?.with_sync(synced);
        let (wire, bus) = connect(&config, wire).await?;
        let alone = matches!(wire, Wire::Alone);
        let store = PostgresStore::open(config.with_wire(wire)).await.map_err(|error| match &error {
            PostgresError::InUse(_) if alone => anyhow::Error::new(error).context(
                "the database: for several servers on one, give each the same --nats URL, or --cluster notify",
            ),
            _ => anyhow::Error::new(error).context("the database"),
        })?;
        let node = (!alone).then(|| store.node().to_owned());
        Ok(Opened { store: Arc::new(store), node, bus })
    }

    #[cfg_attr(
        not(feature = "nats"),
        expect(clippy::unused_async, unused_variables, reason = "only a bus needs them")
    )]
    async fn connect(config: &PostgresConfig, wire: &config::Wire) -> Result<(Wire, Option<BusState>)> {
        match wire {
            config::Wire::Alone => Ok((Wire::Alone, None)),
            config::Wire::Notify => Ok((Wire::Notify, None)),
            #[cfg(feature = "nats")]
            config::Wire::Nats(servers) => {
                // Servers on one database meet by its id, whatever else uses the bus.
                let cluster = config.identify().await.context("the database")?;
                let servers = crate::boot::nats::servers(servers);
                let bus = NatsBus::between(servers, &cluster).await.context("the bus")?;
                let state = bus.clone();
                Ok((Wire::Bus(Arc::new(bus)), Some(Box::new(move || state.is_connected()))))
            }
            #[cfg(not(feature = "nats"))]
            config::Wire::Nats(_) => anyhow::bail!("this build has no feature `nats`"),
        }
    }

    pub(super) async fn beside(url: &Private<String>) -> Result<Arc<dyn Store>> {
        let config = PostgresConfig::new(&url.0).context("the database")?.with_wire(Wire::Beside);
        let store = PostgresStore::open(config.with_readers(2)).await.context("the database")?;
        Ok(Arc::new(store))
    }
}
