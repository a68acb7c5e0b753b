//! Users, keys, roles and temporary credentials, through the public API on the memory store.
#![cfg(test)]

mod entities;
mod sessions;
mod streaming_role;
mod vending;
mod web_identity;
mod world;
