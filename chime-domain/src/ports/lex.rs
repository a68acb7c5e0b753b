//! Lex: what is behind the bots of app instances.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use crate::error::{Cause, ErrorCode};
use crate::text::Private;

/// What a bot is told: a turn of a conversation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Utterance {
    /// ARN of the alias of the Lex bot.
    pub alias: Arc<str>,
    /// Its locale, as `en_US`.
    pub locale: Arc<str>,
    /// The conversation: 2 to 100 letters, digits, `.`, `_`, `:` and `-`.
    pub session: String,
    /// What was said.
    pub text: Private<String>,
    /// Request attributes.
    pub attributes: BTreeMap<String, String>,
}

/// A message of a Lex bot. It is read as Lex's runtime writes it, and written as the content of channel messages has it.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all(serialize = "PascalCase", deserialize = "camelCase"))]
pub struct LexMessage {
    /// Its text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub content: Option<String>,
    /// `PlainText`, `SSML`, `CustomPayload` or `ImageResponseCard`.
    pub content_type: String,
    /// A card.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub image_response_card: Option<LexCard>,
}

/// A card with buttons.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all(serialize = "PascalCase", deserialize = "camelCase"))]
pub struct LexCard {
    /// Its title.
    pub title: String,
    /// What stands below.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subtitle: Option<String>,
    /// URL of a picture.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub image_url: Option<String>,
    /// What can be chosen.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub buttons: Option<Vec<LexButton>>,
}

/// A button.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all(serialize = "PascalCase", deserialize = "camelCase"))]
pub struct LexButton {
    /// What it shows.
    pub text: String,
    /// What is said by who presses it.
    pub value: String,
}

/// What a bot answers.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct LexReply {
    /// Its messages, perhaps none.
    pub messages: Vec<LexMessage>,
    /// The intent that was recognized.
    pub intent: Option<String>,
    /// How far that is: `Fulfilled`, `InProgress`, `Failed` …
    pub state: Option<String>,
    /// The conversation.
    pub session: Option<String>,
}

/// Shows no content.
macro_rules! hidden {
    ($($name:ident),*) => {$(
        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.debug_struct(stringify!($name)).finish_non_exhaustive()
            }
        }
    )*};
}

hidden!(LexMessage, LexCard, LexButton, LexReply);

/// A bot has not answered.
#[derive(Debug, thiserror::Error)]
pub enum LexError {
    /// It does not take what it is told, or is not there; another try would meet the same.
    #[error("the bot refuses: {why}")]
    Refused {
        /// As what its channel is told that.
        code: ErrorCode,
        /// Why, without what was said.
        why: String,
    },
    /// It may work later.
    #[error("the bot cannot be reached")]
    Unreachable(#[source] Cause),
}

/// Talks to bots.
#[async_trait]
pub trait Lex: Send + Sync + fmt::Debug {
    /// Whether there is any. Otherwise nobody looks whom a message is for.
    fn is_there(&self) -> bool;

    /// Tells a bot something, once, and gives its answer within seconds.
    ///
    /// # Errors
    ///
    /// [`LexError`].
    async fn recognize_text(&self, utterance: Utterance) -> Result<LexReply, LexError>;
}

/// No bots at all.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoLex;

#[async_trait]
impl Lex for NoLex {
    fn is_there(&self) -> bool {
        false
    }

    async fn recognize_text(&self, _: Utterance) -> Result<LexReply, LexError> {
        Err(LexError::Unreachable("no bots are configured".into()))
    }
}
