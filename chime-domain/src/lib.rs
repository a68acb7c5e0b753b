//! The rules of Amazon Chime SDK identity, messaging and meetings, without I/O.
//!
//! No sockets, files, random numbers, environment or async runtime: time and randomness come through ports, and
//! everything that is kept goes through one storage port. Every command takes the same path:
//!
//! ```text
//! command ─ load: what is so?   ports::Store::get    → facts, as of one moment
//!         ─ decide: may it?     <context>/rules      → Decision { reply, batch } or Refusal; pure
//!         ─ commit              ports::Store::commit → changes and announcements, or nothing
//! ```
//!
//! Contexts import only leftwards: `access ← iam ← identity ← messaging ← export`, and
//! `identity ← meetings`; `upkeep` is right of `messaging` and `meetings`. `ports` and `flow` know no context.
#![warn(missing_docs)]

pub mod access;
pub mod arn;
#[cfg(feature = "conformance")]
pub mod conformance;
pub mod error;
pub mod export;
pub mod flow;
pub mod iam;
pub mod identity;
pub mod ids;
pub mod limits;
pub mod meetings;
pub mod messaging;
pub mod page;
pub mod ports;
pub mod text;
pub mod time;
mod upkeep;

pub use flow::{Chime, Settings};
