//! Journeys through the rules on the reference store, a module for each context.

mod channels;
mod delivery;
mod identity;
mod messages;
mod model;
mod races;
mod retention;
mod roles;
