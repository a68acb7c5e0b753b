//! Journeys through the rules on the reference store, a module for each context.

mod channels;
mod delivery;
mod identity;
mod messages;
mod retention;
mod roles;
