//! Which operations are built: from the name of an operation to the function that serves it.

use std::future::Future;
use std::pin::Pin;

use super::error::ApiError;
use super::operations;
use super::reply::Reply;
use super::request::ApiRequest;
use crate::app::App;

/// A handler as the table holds it.
pub type Handler = fn(App, ApiRequest) -> Pin<Box<dyn Future<Output = Result<Reply, ApiError>> + Send>>;

/// Makes a `fn(&str) -> Option<Handler>` from rows `"Operation" => path::to::async_fn`.
///
/// The functions have the form `async fn(App, ApiRequest) -> Result<Reply, ApiError>`.
#[macro_export]
macro_rules! handlers {
    ($($operation:literal => $function:path),* $(,)?) => {
        /// The handler of an operation of this module.
        pub(crate) fn handler(operation: &str) -> Option<$crate::api::Handler> {
            match operation {
                $($operation => Some(|app, request| Box::pin($function(app, request))),)*
                _ => None,
            }
        }
    };
}

/// Every module of handlers.
const MODULES: &[fn(&str) -> Option<Handler>] =
    &[super::identity::handler, super::messaging::handler, super::meetings::handler];

/// The handlers of all operations, by their place in the table; `None` for those that are not built.
pub(crate) fn all() -> Vec<Option<Handler>> {
    operations::all().map(|operation| MODULES.iter().find_map(|module| module(operation.name))).collect()
}
