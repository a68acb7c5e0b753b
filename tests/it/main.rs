//! Journeys through the rules on the reference store, a module for each context.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "the helpers of tests fail their test by panicking"
)]

mod bot_answers;
mod bots;
mod channels;
mod crowd;
mod delivery;
mod elastic;
mod embedding;
mod export;
mod flows;
mod identity;
mod meetings;
mod messages;
mod model;
mod preferences;
mod push;
mod races;
mod retention;
mod roles;
mod search;
mod targets;
mod upkeep;
