//! Where the state is.

use std::path::PathBuf;

use chime_domain::text::Private;

use super::key::Kind::Text;
use super::{ConfigError, Key, Nats, Values};

pub(super) const KEYS: &[Key] = &[
    Key::new(
        "data_dir",
        Text,
        "chime-data",
        "Directory of the root credentials, the TLS authority and the database.",
    ),
    Key::new(
        "database",
        Text,
        "",
        "`memory:`, which forgets everything, `sqlite:PATH`, or `postgres://USER:PASSWORD@HOST:PORT/NAME`, with \
         `?sslmode=` and `sslrootcert=` as for the database's own clients. By default `chime.db` in the data directory.",
    ),
    Key::new(
        "nats",
        Text,
        "",
        "`nats://` or `tls://` URL of the bus between servers on one Postgres database; several servers of the bus are \
         separated by commas. Without it and `cluster`, one server has the database for itself.",
    ),
    Key::new(
        "cluster",
        Text,
        "",
        "`notify`: servers on one Postgres database hear of each other through it, without NATS; slower.",
    ),
    Key::new(
        "storage.durability",
        Text,
        "full",
        "`full`: what was acknowledged survives loss of power. `normal`: only a crash of the process; faster.",
    ),
];

/// Where the state is.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Storage {
    /// The data directory.
    pub data_dir: PathBuf,
    /// The database.
    pub database: Database,
    /// Whether what was acknowledged survives loss of power, or only a crash of the process.
    pub survives_power_loss: bool,
}

/// Which store.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Database {
    /// Memory: everything is forgotten at the end.
    Memory,
    /// A SQLite file.
    Sqlite(PathBuf),
    /// A Postgres database.
    Postgres {
        /// Where it is, and who asks; holds a password.
        url: Private<String>,
        /// How servers hear of each other.
        wire: Wire,
    },
}

/// How servers on one database hear of each other.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Wire {
    /// There is one.
    Alone,
    /// Through the database.
    Notify,
    /// Over NATS.
    Nats(Nats),
}

impl Storage {
    pub(super) fn read(values: &Values) -> Result<Self, ConfigError> {
        let data_dir: PathBuf =
            values.text("data_dir").ok_or_else(|| values.refuse("data_dir", "is required"))?.into();
        let database = match values.text("database").as_deref() {
            None => Database::Sqlite(data_dir.join("chime.db")),
            Some("memory:") => Database::Memory,
            Some(url) if url.starts_with("postgres://") || url.starts_with("postgresql://") => {
                if cfg!(not(feature = "postgres")) {
                    return Err(values.refuse("database", "this build has no feature `postgres`"));
                }
                Database::Postgres { url: Private(url.to_owned()), wire: wire(values)? }
            }
            Some(text) => match text.strip_prefix("sqlite:").filter(|path| !path.is_empty()) {
                Some(path) => Database::Sqlite(path.into()),
                None => {
                    return Err(
                        values.refuse("database", "expected `memory:`, `sqlite:PATH` or `postgres://…`")
                    );
                }
            },
        };
        if !matches!(database, Database::Postgres { .. }) {
            let given = ["nats", "cluster"].into_iter().find(|key| values.text(key).is_some());
            if let Some(key) = given {
                return Err(values.refuse(key, "needs a `postgres://` database, which servers can share"));
            }
        }
        let survives_power_loss = match values.text("storage.durability").as_deref() {
            Some("full") => true,
            Some("normal") => false,
            _ => return Err(values.refuse("storage.durability", "expected `full` or `normal`")),
        };
        Ok(Self { data_dir, database, survives_power_loss })
    }
}

fn wire(values: &Values) -> Result<Wire, ConfigError> {
    match (values.text("nats"), values.text("cluster").as_deref()) {
        (None, None) => Ok(Wire::Alone),
        (None, Some("notify")) => Ok(Wire::Notify),
        (None, Some(_)) => Err(values.refuse("cluster", "expected `notify`")),
        (Some(_), Some(_)) => Err(values.refuse("cluster", "is of no use with `nats`")),
        (Some(_), None) if cfg!(not(feature = "nats")) => {
            Err(values.refuse("nats", "this build has no feature `nats`"))
        }
        (Some(url), None) => Ok(Wire::Nats(Nats::read(values, url)?)),
    }
}
