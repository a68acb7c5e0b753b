//! Where the state is.

use std::path::PathBuf;

use super::key::Kind::Text;
use super::{ConfigError, Key, Values};

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
        "`memory:`, which forgets everything, or `sqlite:PATH`. By default `chime.db` in the data directory.",
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
}

impl Storage {
    pub(super) fn read(values: &Values) -> Result<Self, ConfigError> {
        let data_dir: PathBuf =
            values.text("data_dir").ok_or_else(|| values.refuse("data_dir", "is required"))?.into();
        let database = match values.text("database").as_deref() {
            None => Database::Sqlite(data_dir.join("chime.db")),
            Some("memory:") => Database::Memory,
            Some(text) => match text.strip_prefix("sqlite:").filter(|path| !path.is_empty()) {
                Some(path) => Database::Sqlite(path.into()),
                None => return Err(values.refuse("database", "expected `memory:` or `sqlite:PATH`")),
            },
        };
        let survives_power_loss = match values.text("storage.durability").as_deref() {
            Some("full") => true,
            Some("normal") => false,
            _ => return Err(values.refuse("storage.durability", "expected `full` or `normal`")),
        };
        Ok(Self { data_dir, database, survives_power_loss })
    }
}
