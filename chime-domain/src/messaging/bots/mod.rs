//! Bots that answer: a message that is for a bot is told to the Lex bot behind it, whose answer it sends.
//!
//! <https://docs.aws.amazon.com/chime-sdk/latest/dg/process-response.html>
//!
//! # Our choices
//!
//! - Whom a message is for is decided with the commit that sends it, or that lets it out of its flow, and kept as a task;
//!   so nobody waits for a bot, and what a crash interrupts is told once more.
//! - A bot is told STANDARD messages of users, in channels that it is a DEFAULT member of. It hears neither other bots, so
//!   that two of them do not talk for ever, nor sub-channels of elastic channels.
//! - A bot without `InvokedBy` is told what `RespondsTo` says, and no targeted messages.
//! - A conversation is one of a bot, a user and a channel. Two messages that follow each other at once may be told in
//!   either order.
//! - An answer is kept if what it answers was, and it is sent once, whatever is tried again: its token is the id of that
//!   message. Of an answer too long for a message, the last messages are left out.
//! - A Lex bot that cannot be reached is tried for a minute; then, or when it refuses, the bot answers with the content
//!   type of failures, and the name of a documented error as the code. `ServiceUnavailable` is for who cannot be reached.
//! - `WelcomeIntent` is kept, and not acted on.

mod reply;
mod summon;
mod work;

pub(super) use summon::begin;
pub(crate) use work::run;
