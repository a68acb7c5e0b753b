//! The reference server, as a library.

pub mod api;
mod app;
pub mod auth;
pub mod boot;
pub mod config;
mod files;
pub mod http;
pub mod ops;
pub mod query;
pub mod shutdown;
pub mod telemetry;
pub mod throttle;
pub mod tls;
pub mod worker;
pub mod ws;

pub use app::{App, AppOptions};
