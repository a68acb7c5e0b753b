use super::*;

/// A database on a directory that goes away with the second part.
fn temporary(configure: impl Fn(SqliteConfig) -> SqliteConfig) -> (SqliteStore, tempfile::TempDir) {
    let directory = tempfile::tempdir().unwrap();
    let config = configure(SqliteConfig::new(directory.path().join("chime.db")));
    (SqliteStore::open(config).unwrap(), directory)
}

chime_domain::store_conformance!(guarded async { temporary(|config| config) });
chime_domain::outbox_conformance!(guarded async { temporary(|config| config) });

mod without_cache {
    use super::*;

    chime_domain::store_conformance!(guarded async { temporary(|config| config.with_cache(0).with_readers(1)) });
}

mod with_a_tiny_cache {
    use super::*;

    chime_domain::store_conformance!(guarded async { temporary(|config| config.with_cache(40_000)) });
}

mod durability {
    use super::*;

    chime_domain::store_durability!(
        |path| async move { SqliteStore::open(SqliteConfig::new(path)).unwrap() },
        tempfile::tempdir().unwrap()
    );
}
