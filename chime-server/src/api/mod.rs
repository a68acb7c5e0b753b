//! The rest-json API: routing, the stages before a handler, and the form of answers.
//!
//! # How a request goes
//!
//! Routing, then body, signature, throttle, policy, and then the handler: input, bearer, visibility and role, quota,
//! conflict (wire rule E-07). `pipeline` has the stages in order. Everything that goes wrong is an [`ApiError`], and
//! [`error`] alone knows its status and exception name in the namespace of the request.
//!
//! # Adding an operation
//!
//! Its row is in [`operations`] already. Write `async fn(App, ApiRequest) -> Result<Reply, ApiError>` in the file of its
//! resource, `api/<context>/<resource>.rs`, and name it in the table of `api/<context>/mod.rs`:
//!
//! ```text
//! crate::handlers! {
//!     "CreateAppInstance" => app_instance::create_app_instance,
//! }
//! ```
//!
//! The `handler` function that this makes stands once for each context in `MODULES` of `handlers.rs`. An operation
//! without a handler answers `UnknownOperationException`, after its signature was verified.
//!
//! A handler reads its input from [`ApiRequest`]: `label("channelArn")`, `query.get("max-results")`, `json::<Wire>()`
//! and `acting_user()` for the bearer; parses it into the domain's types (a `TextError` becomes a 400); calls
//! `app.chime()`; and gives [`Reply::json`] or [`Reply::empty`]. Both error types of the domain convert with `?`. The
//! status of success comes from the row; `request.namespace` says whose form the answer takes where they differ.

pub(crate) mod cors;
pub mod error;
mod handlers;
mod identity;
mod meetings;
pub(crate) mod messaging;
pub mod namespace;
pub mod operations;
pub(crate) mod pipeline;
mod query;
mod reply;
pub mod request;
pub(crate) mod response;
mod strict;
#[cfg(test)]
mod tests;
pub(crate) mod wire;

pub use error::ApiError;
pub use handlers::Handler;
pub(crate) use handlers::all as all_handlers;
pub use namespace::Namespace;
pub use query::Query;
pub use reply::Reply;
pub use request::{Acting, ApiRequest, Source};
