//! Backups: the state as of one moment, while servers use the database, with what else a server needs.
//!
//! A backup is a directory: `state`, which is the same for every kind of database, so that it can be restored into
//! another kind; `root-credentials.json` and `tls/`, where the data directory has them; and `backup.json`, which says
//! what the state is and is written last. It holds secrets, and is readable by its owner alone.

use std::fs::{self, File};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use chime_adapters::sqlite;
use chime_adapters::state::{self, StateError, StateHash};
use serde_json::{Value, json};

use crate::auth::root_file;
use crate::config::{Config, Database};
use crate::files::{self, Access};

const STATE: &str = "state";
const MANIFEST: &str = "backup.json";
const TLS: &str = "tls";

/// Makes a backup in a directory that does not exist yet. Gives the hash of the state that it holds.
///
/// # Errors
///
/// What keeps a file from being read or written; a database that is damaged.
pub fn backup(config: &Config, to: &Path) -> Result<StateHash> {
    match &config.storage.database {
        Database::Memory => return memory(),
        Database::Sqlite(path) => there(path)?,
        Database::Postgres { .. } => {}
    }
    private_directory(to)?;
    let path = to.join(STATE);
    let file = File::options().create_new(true).write(true).open(&path)?;
    private(&path)?;
    let hash = match &config.storage.database {
        Database::Memory => return memory(),
        Database::Sqlite(database) => {
            sqlite::backup(database, &file).with_context(|| database.display().to_string())?
        }
        Database::Postgres { url, .. } => shared::backup(url, &file)?,
    };
    file.sync_all()?;
    StateError::unless_same(hash, state::check(&path)?).context("the backup, read again")?;
    copy_settings(&config.storage.data_dir, to)?;
    let manifest = json!({ "State": hash.to_string(), "Server": env!("CARGO_PKG_VERSION") });
    let text = serde_json::to_string_pretty(&manifest)? + "\n";
    files::write(&to.join(MANIFEST), text.as_bytes(), Access::Private).context("the manifest")?;
    File::open(to)?.sync_all()?;
    Ok(hash)
}

/// Makes a data directory from a backup, and the state in the database of the configuration, which must be empty. The
/// backup may be of another kind of database.
///
/// # Errors
///
/// A backup that is not whole, or does not hold the state that it was made of; what keeps a file from being written.
pub fn restore(config: &Config, from: &Path) -> Result<StateHash> {
    let (database, data_dir) = (&config.storage.database, config.storage.data_dir.as_path());
    let expected = manifest(from)?;
    let state = from.join(STATE);
    let file = File::open(&state).with_context(|| state.display().to_string())?;
    let mut wanted = vec![root_file::path(data_dir)];
    if let Database::Sqlite(path) = database {
        wanted.insert(0, path.clone());
    }
    if let Some(wanted) = wanted.iter().find(|wanted| wanted.exists()) {
        bail!("{} exists: restore into a data directory of its own", wanted.display());
    }
    // Before anything is made of it.
    StateError::unless_same(expected, state::check(&state).context("the backup")?).context("the backup")?;
    match database {
        Database::Memory => return memory(),
        Database::Sqlite(path) => {
            if let Some(directory) = path.parent() {
                fs::create_dir_all(directory).with_context(|| directory.display().to_string())?;
            }
            // Under another name first: whoever sees the database sees all of it.
            let part = PathBuf::from(format!("{}.restoring", path.display()));
            if part.exists() {
                fs::remove_file(&part)?;
            }
            sqlite::restore(&part, file, expected).context("the state of the backup")?;
            private(&part)?;
            settle(from, data_dir)?;
            fs::rename(&part, path)?;
        }
        Database::Postgres { url, .. } => {
            // A server's key is not to be lost when the state is there.
            settle(from, data_dir)?;
            shared::restore(url, file, expected)?;
        }
    }
    File::open(data_dir)?.sync_all()?;
    Ok(expected)
}

/// Makes the data directory.
fn settle(from: &Path, data_dir: &Path) -> Result<()> {
    fs::create_dir_all(data_dir).with_context(|| data_dir.display().to_string())?;
    copy_settings(from, data_dir)
}

/// Checks a backup or, without one, the database of the configuration, which servers may use meanwhile.
///
/// # Errors
///
/// A database that is damaged; a backup that does not hold the state that it was made of.
pub fn verify(config: &Config, backup: Option<&Path>) -> Result<StateHash> {
    let Some(backup) = backup else {
        return match &config.storage.database {
            Database::Memory => memory(),
            Database::Sqlite(path) => {
                there(path)?;
                sqlite::verify(path).with_context(|| path.display().to_string())
            }
            Database::Postgres { url, .. } => shared::verify(url),
        };
    };
    let expected = manifest(backup)?;
    let path = backup.join(STATE);
    let found = state::check(&path).with_context(|| path.display().to_string())?;
    StateError::unless_same(expected, found).context("the backup")?;
    Ok(found)
}

fn there(database: &Path) -> Result<()> {
    if !database.exists() {
        bail!("there is no database {} yet", database.display());
    }
    Ok(())
}

fn memory() -> Result<StateHash> {
    bail!("a state in memory is in its server alone, and cannot be backed up, restored or verified")
}

/// The state that a backup was made of.
fn manifest(backup: &Path) -> Result<StateHash> {
    let path = backup.join(MANIFEST);
    let text = fs::read(&path).with_context(|| format!("{}: not a finished backup", path.display()))?;
    let manifest: Value = serde_json::from_slice(&text).with_context(|| path.display().to_string())?;
    let state = manifest.get("State").and_then(Value::as_str).context("the manifest names no state")?;
    state.parse().with_context(|| path.display().to_string())
}

/// Copies the owner's key and the local authority, where they are.
fn copy_settings(from: &Path, to: &Path) -> Result<()> {
    let mut wanted = vec![(root_file::path(from), root_file::path(to))];
    if from.join(TLS).is_dir() {
        private_directory(&to.join(TLS))?;
        for entry in fs::read_dir(from.join(TLS))? {
            let entry = entry?;
            if entry.file_type()?.is_file() {
                wanted.push((entry.path(), to.join(TLS).join(entry.file_name())));
            }
        }
    }
    for (from, to) in wanted.into_iter().filter(|(from, _)| from.exists()) {
        // With the mode that it has.
        fs::copy(&from, &to).with_context(|| format!("{} to {}", from.display(), to.display()))?;
        fs::File::open(&to)?.sync_all()?;
    }
    Ok(())
}

/// A new directory for its owner alone.
fn private_directory(path: &Path) -> Result<()> {
    let mut builder = fs::DirBuilder::new();
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(path).with_context(|| path.display().to_string())
}

fn private(path: &Path) -> Result<()> {
    #[cfg(unix)]
    fs::set_permissions(path, std::os::unix::fs::PermissionsExt::from_mode(0o600))?;
    #[cfg(not(unix))]
    let _ = path;
    Ok(())
}

#[cfg(feature = "postgres")]
pub(crate) mod shared {
    use std::fs::File;

    use anyhow::{Context, Result};
    use chime_adapters::postgres::{self, PostgresConfig, PostgresError};
    use chime_adapters::state::StateHash;
    use chime_domain::text::Private;

    pub(super) fn backup(url: &Private<String>, to: &File) -> Result<StateHash> {
        run(url, async |config| postgres::backup(&config, to).await)
    }

    pub(super) fn verify(url: &Private<String>) -> Result<StateHash> {
        run(url, async |config| postgres::verify(&config).await)
    }

    pub(super) fn restore(url: &Private<String>, from: File, expected: StateHash) -> Result<()> {
        run(url, async |config| postgres::restore(&config, from, expected).await)
    }

    /// Does something with a database from outside of any runtime.
    pub(crate) fn run<T>(
        url: &Private<String>,
        work: impl AsyncFnOnce(PostgresConfig) -> Result<T, PostgresError>,
    ) -> Result<T> {
        let config = PostgresConfig::new(&url.0).context("the database")?;
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        runtime.block_on(work(config)).context("the database")
    }
}

/// The configuration refuses such a database in a build without it.
#[cfg(not(feature = "postgres"))]
mod shared {
    use std::fs::File;

    use anyhow::{Result, bail};
    use chime_adapters::state::StateHash;
    use chime_domain::text::Private;

    pub(super) fn backup(_: &Private<String>, _: &File) -> Result<StateHash> {
        bail!("this build has no feature `postgres`")
    }

    pub(super) fn verify(_: &Private<String>) -> Result<StateHash> {
        bail!("this build has no feature `postgres`")
    }

    pub(super) fn restore(_: &Private<String>, _: File, _: StateHash) -> Result<()> {
        bail!("this build has no feature `postgres`")
    }
}
