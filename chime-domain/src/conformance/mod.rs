//! Suites that show whether an adapter keeps the contract of its port.
//!
//! Each suite is a macro that expands to one `#[test]` per claim. It takes a future that makes a fresh, empty adapter:
//!
//! ```text
//! chime_domain::store_conformance!(async { MyStore::temporary().await });
//! ```
//!
//! An adapter that lives on a temporary directory or the like says `guarded` and gives a pair; the second part is
//! dropped after the adapter:
//!
//! ```text
//! chime_domain::store_conformance!(guarded async { let dir = directory(); (MyStore::open(&dir).await, dir) });
//! ```
//!
//! The suites drive futures by parking the thread. An adapter that needs a runtime brings a function that drives a
//! [`Task`] on it, the same runtime each time:
//!
//! ```text
//! fn run(task: chime_domain::conformance::Task<'_>) {
//!     RUNTIME.block_on(task)
//! }
//! chime_domain::store_conformance!(run = run, async { MyStore::temporary().await });
//! ```
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::missing_panics_doc,
    missing_docs,
    reason = "a suite is test code: it panics when a claim does not hold, and the claims are the names"
)]

pub mod blobs;
pub mod bus;
pub mod clock;
pub mod logs;
mod macros;
pub mod model;
pub mod notify;
pub mod outbox;
pub mod race;
pub mod records;
mod run;
pub mod sink;
pub mod store;
pub mod survive;
pub mod things;

pub use run::{Run, Task, block_on, drive};
pub use things::Thing;

/// Expands to one test per case: `async` cases take the adapter, `threads` cases also the function that drives a task.
#[doc(hidden)]
#[macro_export]
macro_rules! conformance_cases {
    ($run:expr, $make:expr, $port:path, async $module:ident [$($case:ident),* $(,)?]) => {
        $(
            #[test]
            fn $case() {
                let run: $crate::conformance::Run = $run;
                run(::std::boxed::Box::pin(async {
                    let (adapter, guard) = $make.await;
                    let adapter: ::std::sync::Arc<dyn $port> = ::std::sync::Arc::new(adapter);
                    $crate::conformance::$module::$case(::std::sync::Arc::clone(&adapter)).await;
                    drop(adapter);
                    drop(guard);
                }));
            }
        )*
    };
    ($run:expr, $make:expr, $port:path, threads $module:ident [$($case:ident),* $(,)?]) => {
        $(
            #[test]
            fn $case() {
                let run: $crate::conformance::Run = $run;
                let (adapter, guard) = $crate::conformance::drive(run, async {
                    let (adapter, guard) = $make.await;
                    (::std::sync::Arc::new(adapter) as ::std::sync::Arc<dyn $port>, guard)
                });
                $crate::conformance::$module::$case(::std::sync::Arc::clone(&adapter), run);
                drop(adapter);
                drop(guard);
            }
        )*
    };
}
