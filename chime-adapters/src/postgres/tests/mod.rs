use std::sync::LazyLock;

use chime_domain::conformance::Task;
use tokio::runtime::Runtime;

use super::*;
use crate::servers::Postgres;

mod encrypted;
mod faults;
mod nodes;
mod proxy;
#[cfg(feature = "sqlite")]
mod states;
mod versions;

static RUNTIME: LazyLock<Runtime> = LazyLock::new(|| {
    tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap()
});

/// Drives a task on the one runtime of all tests, which goes on after each.
fn run(task: Task<'_>) {
    RUNTIME.block_on(task);
}

fn config(database: &str) -> PostgresConfig {
    PostgresConfig::new(&Postgres::shared().url(database)).unwrap()
}

async fn open(config: PostgresConfig) -> PostgresStore {
    PostgresStore::open(config).await.unwrap()
}

async fn temporary() -> PostgresStore {
    open(config(&Postgres::shared().database())).await
}

chime_domain::store_conformance!(run = run, temporary());
chime_domain::outbox_conformance!(run = run, temporary());

mod with_one_committer {
    use super::*;

    chime_domain::store_conformance!(run = run, async {
        open(config(&Postgres::shared().database()).with_committers(1).with_readers(1)).await
    });
}

mod durability {
    use std::path::PathBuf;

    use super::*;

    chime_domain::store_durability!(
        run = run,
        |path: PathBuf| async move {
            let database = path.parent().unwrap().file_name().unwrap().to_str().unwrap().to_owned();
            open(config(&database)).await
        },
        PathBuf::from("/").join(Postgres::shared().database())
    );
}
