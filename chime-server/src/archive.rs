//! One app instance in a file, to be added to the state of another server.
//!
//! The file is a [part of a state](chime_adapters::state), and behind it a line with its hash. It has users,
//! bots, endpoints, administrators, channels and what belongs to them, messages, flows, tags, settings and what is due
//! later. It has nothing of IAM; no streaming configurations, which name streams of one place, and nothing that waits for
//! export; no pushes and no answers of bots under way; and no client request tokens.

use std::fs::{self, File};
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use chime_adapters::sqlite;
use chime_adapters::state::{Part, Row, StateError, StateHash, StateReader};
use chime_domain::arn::AppInstanceArn;
use chime_domain::identity::AppInstance;
use chime_domain::ports::Record;

use crate::config::{Config, Database};

/// Kinds of keys whose next part is the id of an app instance, and which are exported.
const OF_APP_INSTANCE: [&str; 29] = [
    "admin",
    "app-instance",
    "ban",
    "banned-from",
    "bot",
    "channel",
    "channel-by-privacy",
    "channel-flow",
    "channel-of-flow",
    "deleted-channel",
    "deleted-user",
    "elastic",
    "endpoint",
    "failed-message",
    "flow-queue",
    "last-targeted",
    "member",
    "member-of",
    "messages",
    "moderator",
    "moderator-of",
    "preferences",
    "read-marker",
    "retention",
    "seats",
    "sub-channel",
    "sub-channel-member",
    "tags",
    "user",
];

/// Counts the app instances of the account.
const APP_INSTANCES: &str = "count/app_instances_per_account";

/// Length of the last line: a hash.
const LAST_LINE: u64 = 65;

/// Whether a key belongs to an app instance, and is exported.
fn belongs(id: &str, key: &str) -> bool {
    let parts: Vec<&str> = key.split('/').collect();
    match parts.as_slice() {
        ["count", _, of, ..] => *of == id,
        // What a push or the answer of a bot needs stays behind.
        ["task", _, "Push" | "AskBot", ..] => false,
        ["task", _, _, subject] => {
            let whole = |rest: &str| rest.is_empty() || rest.starts_with(['|', ':']);
            subject.split_once(&format!("app-instance|{id}")).is_some_and(|(_, rest)| whole(rest))
        }
        [kind, of, ..] => *of == id && OF_APP_INSTANCE.contains(kind),
        _ => false,
    }
}

/// Writes an app instance as of one moment into a file that does not exist yet; servers may serve meanwhile.
///
/// # Errors
///
/// An app instance that is not there; what keeps the file from being written.
pub fn export(config: &Config, arn: &AppInstanceArn, to: &Path) -> Result<StateHash> {
    let part_of_it = PathBuf::from(format!("{}.part", to.display()));
    if to.exists() {
        bail!("{} exists", to.display());
    }
    let written = write(config, arn, &part_of_it);
    if written.is_err() {
        // The first error is the one to tell.
        let _ = fs::remove_file(&part_of_it);
    }
    let hash = written?;
    fs::rename(&part_of_it, to)?;
    Ok(hash)
}

fn write(config: &Config, arn: &AppInstanceArn, to: &Path) -> Result<StateHash> {
    let mut options = File::options();
    options.create(true).truncate(true).read(true).write(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(to).with_context(|| to.display().to_string())?;
    let id = arn.app_instance_id();
    let has = |key: &str| belongs(id, key);
    let part = Part { within: id, has: &has };
    let hash = match &config.storage.database {
        Database::Memory => bail!("a state in memory is in its server alone"),
        Database::Sqlite(path) if !path.exists() => bail!("there is no database {} yet", path.display()),
        Database::Sqlite(path) => sqlite::export_part(path, &part, &file).context("the database")?,
        Database::Postgres { url, .. } => shared::export(url, &part, &file)?,
    };
    writeln!(file, "{hash}")?;
    file.sync_all()?;
    let (found, same) = look(&mut file)?;
    match found {
        Some(found) if found == *arn => {}
        _ => bail!("there is no app instance {arn}"),
    }
    StateError::unless_same(hash, same).context("the archive, read again")?;
    Ok(hash)
}

/// Adds the app instance of a file to the database of the configuration, whole or not at all. Servers may use a Postgres
/// database meanwhile, not a SQLite one.
///
/// # Errors
///
/// A file that is not whole; an app instance that is there already, or of another account or region.
pub fn import(config: &Config, from: &Path) -> Result<AppInstanceArn> {
    let mut file = File::open(from).with_context(|| from.display().to_string())?;
    let (arn, hash) = look(&mut file).with_context(|| from.display().to_string())?;
    let arn = arn.with_context(|| format!("{} is no archive of an app instance", from.display()))?;
    let place = format!(":{}:{}:app-instance/", config.auth.region, config.auth.account_id);
    if !arn.as_str().contains(&place) {
        bail!("{arn} is of another account or region than this server (`account_id`, `region`)");
    }
    let length = file.metadata()?.len().saturating_sub(LAST_LINE);
    file.seek(SeekFrom::Start(0))?;
    let state = file.take(length);
    match &config.storage.database {
        Database::Memory => bail!("a state in memory is in its server alone"),
        Database::Sqlite(path) => {
            if let Some(directory) = path.parent() {
                fs::create_dir_all(directory).with_context(|| directory.display().to_string())?;
            }
            sqlite::import_part(path, state, hash, APP_INSTANCES).context("the database")?;
        }
        Database::Postgres { url, .. } => shared::import(url, state, hash)?,
    }
    Ok(arn)
}

/// Reads a whole archive: the app instance in it, if it is of one, and its hash, which the last line confirms.
fn look(file: &mut File) -> Result<(Option<AppInstanceArn>, StateHash)> {
    let length = file.metadata()?.len().checked_sub(LAST_LINE).context("the archive ends early")?;
    file.seek(SeekFrom::Start(length))?;
    let mut last = String::new();
    file.read_to_string(&mut last).context("the last line of the archive")?;
    let expected: StateHash = last.trim_end().parse().context("the last line of the archive")?;
    file.seek(SeekFrom::Start(0))?;
    let mut reader = StateReader::new(Read::take(&*file, length))?;
    let (mut found, mut keys) = (None, Vec::new());
    while let Some(row) = reader.row()? {
        let key = match row {
            Row::Record { key, body, .. } => {
                if key.starts_with(b"app-instance/") {
                    found = Some(Record::from_bytes(body).read::<AppInstance>()?.arn.clone());
                }
                key
            }
            Row::Counter { key, .. } | Row::Stream { key, .. } => key,
            Row::Entry { .. } | Row::End { .. } => continue,
            Row::Announcement { .. } => bail!("the file is no archive of one app instance"),
        };
        let key = String::from_utf8(key)?;
        match &found {
            // Those before the record of the app instance are few: its administrators.
            None => keys.push(key),
            Some(arn) if !belongs(arn.app_instance_id(), &key) => {
                bail!("the archive has more than one app instance")
            }
            Some(_) => {}
        }
    }
    StateError::unless_same(expected, reader.finish()).context("the archive")?;
    if let Some(arn) = &found
        && !keys.iter().all(|key| belongs(arn.app_instance_id(), key))
    {
        bail!("the archive has more than one app instance");
    }
    Ok((found, expected))
}

#[cfg(feature = "postgres")]
mod shared {
    use std::fs::File;
    use std::io::Read;

    use anyhow::Result;
    use chime_adapters::postgres;
    use chime_adapters::state::{Part, StateHash};
    use chime_domain::text::Private;

    use crate::backup::shared::run;

    pub(super) fn export(url: &Private<String>, part: &Part<'_>, to: &File) -> Result<StateHash> {
        run(url, async |config| postgres::export_part(&config, part, to).await)
    }

    pub(super) fn import(url: &Private<String>, from: impl Read, expected: StateHash) -> Result<()> {
        run(url, async |config| postgres::import_part(&config, from, expected, super::APP_INSTANCES).await)
    }
}

/// The configuration refuses such a database in a build without it.
#[cfg(not(feature = "postgres"))]
mod shared {
    use std::fs::File;
    use std::io::Read;

    use anyhow::{Result, bail};
    use chime_adapters::state::{Part, StateHash};
    use chime_domain::text::Private;

    pub(super) fn export(_: &Private<String>, _: &Part<'_>, _: &File) -> Result<StateHash> {
        bail!("this build has no feature `postgres`")
    }

    pub(super) fn import(_: &Private<String>, _: impl Read, _: StateHash) -> Result<()> {
        bail!("this build has no feature `postgres`")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Kinds that stay behind, each for the reason in the description of this module.
    const LEFT: [&str; 18] = [
        "attendee",
        "attendee-count",
        "attendee-user",
        "bot-work",
        "export",
        "export-lease",
        "export-length",
        "export-queue",
        "export-state",
        "iam-access-key",
        "meeting",
        "meeting-event",
        "meeting-presence",
        "meeting-token",
        "push-work",
        "secret",
        "streaming",
        "token",
    ];

    /// Kinds that are looked at otherwise: counters name their quota first, tasks their moment.
    const OTHERWISE: [&str; 2] = ["count", "task"];

    #[test]
    fn every_kind_of_key_is_exported_or_left_on_purpose() {
        let mut sources = vec![PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../chime-domain/src"))];
        let mut seen = 0;
        while let Some(path) = sources.pop() {
            if path.is_dir() {
                sources.extend(fs::read_dir(&path).unwrap().map(|entry| entry.unwrap().path()));
                continue;
            }
            if path.ends_with("tests.rs") || path.components().any(|part| part.as_os_str() == "conformance") {
                continue;
            }
            for found in fs::read_to_string(&path).unwrap().split("Key::new(\"").skip(1) {
                let kind = found.split('"').next().unwrap();
                let known =
                    OF_APP_INSTANCE.contains(&kind) || OTHERWISE.contains(&kind) || LEFT.contains(&kind);
                assert!(
                    known || kind == "token",
                    "{kind} in {} is neither exported nor left",
                    path.display()
                );
                seen += 1;
            }
        }
        assert!(seen > 40, "{seen} keys were found");
    }

    #[test]
    fn keys_of_others_do_not_belong() {
        for (key, expected) in [
            ("user/one/alice", true),
            ("user/other/one", false),
            ("users/one", false),
            ("streaming/one", false),
            ("count/users_per_app_instance/one", true),
            ("count/one", false),
            ("count/iam-attached/other", false),
            ("task/1/ExpireUser/arn:aws:chime:r:a:app-instance|one|user|alice", true),
            ("task/1/PurgeAppInstance/arn:aws:chime:r:a:app-instance|one", true),
            ("task/1/PurgeAppInstance/arn:aws:chime:r:a:app-instance|one-more", false),
            ("task/1/Push/arn:aws:chime:r:a:app-instance|one|channel|c:m", false),
            ("task/1/AskBot/arn:aws:chime:r:a:app-instance|one|channel|c:m", false),
            ("task/1/ForgetToken/one", false),
        ] {
            assert_eq!(belongs("one", key), expected, "{key}");
        }
    }
}
