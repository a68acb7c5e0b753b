//! Calls that leave the service: one client for all of them, and what goes through it.
//!
//! Every call has a time limit and a size limit, follows no redirect, and goes to public addresses only unless the
//! operator named its destination or allowed private ones.
//!
//! # Our choices
//!
//! - What an operator configures (a Lambda endpoint, the URL of a function) may be on a private address; what users of
//!   the service name may not.
//! - Addresses are checked when the connection is made, by the resolver that makes it, so that a name cannot change its
//!   address in between.

mod address;
mod client;
mod gateway;
mod lambda;
mod web_push;

pub use client::{Answer, Outbound, OutboundClient, OutboundConfig, OutboundError, Trust};
pub use gateway::PushGateway;
pub use lambda::LambdaFunctions;
pub use web_push::{VapidKey, WebPush, WebPushError};
