//! Lex bots, by `RecognizeText` of Lex's runtime (V2).
//!
//! # Our choices
//!
//! - Calls are made by hand, as those of [`crate::announce`], and signed in the region of the bot's alias.
//! - What the runtime says about the request (400, 403, 404 …) is final; that it is busy, in conflict with another turn of
//!   the conversation, or fails (408, 409, 424, 429, 5xx) may be otherwise a moment later.

mod runtime;

pub use runtime::LexRuntime;
