//! The reference server, as a library.
//!
//! A process that serves axum already mounts [`router`]; what runs in the background is started by [`worker::spawn`].
//!
//! ```
//! use chime_adapters::{SystemClock, SystemEntropy, memory::{InProcessBus, MemoryStore}};
//! use chime_domain::Chime;
//! use chime_server::{App, AppOptions, auth::RootKey, worker};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let chime = Chime::builder(MemoryStore::new(), SystemClock, SystemEntropy).build().await?;
//! let mut options = AppOptions::default();
//! options.root = Some(RootKey::new("AKIAEXAMPLEEXAMPLE", "a secret"));
//! let app = App::new(chime, options);
//! worker::spawn(&app, std::sync::Arc::new(InProcessBus::new())).await?;
//! let service: axum::Router = axum::Router::new().nest("/chime-sdk", chime_server::router(app));
//! # let _ = service;
//! # Ok(())
//! # }
//! ```

pub mod api;
mod app;
pub mod archive;
pub mod auth;
pub mod backup;
pub mod boot;
pub mod config;
mod demo;
pub mod explain;
mod files;
pub mod http;
pub mod media;
pub mod meetings;
pub mod ops;
mod outbound;
pub mod query;
pub mod shutdown;
pub mod telemetry;
pub mod throttle;
pub mod tls;
pub mod worker;
pub mod ws;

pub use app::{App, AppOptions};
pub use demo::Demo;

/// The whole server as a router, around a [`Chime`](chime_domain::Chime) or an [`App`] with options.
///
/// A bare `Chime` has no root key: only users that its IAM knows can sign.
pub fn router(app: impl Into<App>) -> axum::Router {
    http::router(app.into())
}
