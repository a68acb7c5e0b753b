//! The table of all operations, and the routing over it.
//!
//! Every route of every namespace has a row, built or not, so that the answer to a known one that is not built yet is
//! the same as its answer will be found by later: routed, then `UnknownOperationException`.
//!
//! `Routes::find` works on the raw path: split on `/` first, decode each segment once (wire rules W-02 to W-06).
//!
//! # Our choices
//!
//! - Rows that several namespaces share carry the name and the labels of the SDK namespace.
//! - A bad percent escape, or one that gives no UTF-8, is a 400; an empty segment matches nothing (W-16).
//! - `operation` and `scope` select wherever they appear, so an unknown value is a 400 on every route (W-02); `type`
//!   selects only where the table has it, since other operations have a member of that name.

mod chime;
mod identity;
mod legacy;
mod meetings;
mod messaging;
mod path;
mod pipelines;
mod route;
mod row;
#[cfg(test)]
mod tests;
mod voice;

pub use path::Labels;
pub(crate) use path::decode;
pub(crate) use route::{Found, NotFound, Routes};
pub use row::{Bearer, Operation, Resource, Services};

/// Every operation.
pub fn all() -> impl Iterator<Item = &'static Operation> {
    [identity::ROWS, messaging::ROWS, meetings::ROWS, chime::ROWS, voice::ROWS, pipelines::ROWS, legacy::ROWS]
        .into_iter()
        .flatten()
}
