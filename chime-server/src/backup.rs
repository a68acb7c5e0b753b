//! Backups of a data directory: the database as of one moment, while a server uses it, with what else the server needs.
//!
//! A backup is a directory: `chime.db`, `root-credentials.json`, `tls/`, and `backup.json`, which says what state the
//! database holds and is written last. It holds secrets, and is readable by its owner alone.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use chime_adapters::sqlite::{self, StateHash};
use serde_json::{Value, json};

use crate::auth::root_file;
use crate::config::{Config, Database};
use crate::files::{self, Access};

const DATABASE: &str = "chime.db";
const MANIFEST: &str = "backup.json";
const TLS: &str = "tls";

/// The database file of a configuration.
fn database(config: &Config) -> Result<&Path> {
    match &config.storage.database {
        Database::Sqlite(path) => Ok(path),
        Database::Memory => bail!("a database in memory has no file to be backed up, restored or verified"),
        Database::Postgres { .. } => bail!("a Postgres database has tools of its own: pg_dump, base backups"),
    }
}

/// Makes a backup in a directory that does not exist yet. Gives the hash of the state that it holds.
///
/// # Errors
///
/// What keeps a file from being read or written; a database that is damaged.
pub fn backup(config: &Config, to: &Path) -> Result<StateHash> {
    let (path, data_dir) = (database(config)?, config.storage.data_dir.as_path());
    if !path.exists() {
        bail!("there is no database {} yet", path.display());
    }
    private_directory(to)?;
    let hash = sqlite::backup(path, &to.join(DATABASE)).with_context(|| path.display().to_string())?;
    private(&to.join(DATABASE))?;
    copy_settings(data_dir, to)?;
    let manifest = json!({ "State": hash.to_string(), "Server": env!("CARGO_PKG_VERSION") });
    let text = serde_json::to_string_pretty(&manifest)? + "\n";
    files::write(&to.join(MANIFEST), text.as_bytes(), Access::Private).context("the manifest")?;
    fs::File::open(to)?.sync_all()?;
    Ok(hash)
}

/// Makes a data directory from a backup. There must be no database yet where the configuration has it.
///
/// # Errors
///
/// A backup that is not whole, or does not hold the state that it was made of; what keeps a file from being written.
pub fn restore(config: &Config, from: &Path) -> Result<StateHash> {
    let (path, data_dir) = (database(config)?, config.storage.data_dir.as_path());
    let expected = manifest(from)?;
    for wanted in [path, root_file::path(data_dir).as_path()] {
        if wanted.exists() {
            bail!("{} exists: restore into a data directory of its own", wanted.display());
        }
    }
    fs::create_dir_all(data_dir).with_context(|| data_dir.display().to_string())?;
    if let Some(directory) = path.parent() {
        fs::create_dir_all(directory).with_context(|| directory.display().to_string())?;
    }
    copy_settings(from, data_dir)?;
    // Under another name first: whoever sees the database sees all of it.
    let part = PathBuf::from(format!("{}.restoring", path.display()));
    if part.exists() {
        fs::remove_file(&part)?;
    }
    let hash = sqlite::backup(&from.join(DATABASE), &part).context("the database of the backup")?;
    if hash.to_string() != expected {
        fs::remove_file(&part)?;
        bail!("the backup holds the state {hash}, but was made of {expected}");
    }
    private(&part)?;
    fs::rename(&part, path)?;
    fs::File::open(data_dir)?.sync_all()?;
    Ok(hash)
}

/// Checks a backup or, without one, the database of the configuration, which a server may use meanwhile.
///
/// # Errors
///
/// A database that is damaged; a backup that does not hold the state that it was made of.
pub fn verify(config: &Config, backup: Option<&Path>) -> Result<StateHash> {
    let Some(backup) = backup else {
        let path = database(config)?;
        return sqlite::verify(path).with_context(|| path.display().to_string());
    };
    let expected = manifest(backup)?;
    let path = backup.join(DATABASE);
    let hash = sqlite::verify(&path).with_context(|| path.display().to_string())?;
    if hash.to_string() != expected {
        bail!("the backup holds the state {hash}, but was made of {expected}");
    }
    Ok(hash)
}

/// The state that a backup was made of.
fn manifest(backup: &Path) -> Result<String> {
    let path = backup.join(MANIFEST);
    let text = fs::read(&path).with_context(|| format!("{}: not a finished backup", path.display()))?;
    let manifest: Value = serde_json::from_slice(&text).with_context(|| path.display().to_string())?;
    let state = manifest.get("State").and_then(Value::as_str).context("the manifest names no state")?;
    Ok(state.to_owned())
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
