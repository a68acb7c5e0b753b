//! Opaque ids, each with its documented pattern.

use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::text::TextError;

macro_rules! id {
    ($(#[$doc:meta])* $name:ident, $rule:literal, $expected:literal, $check:expr) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(Arc<str>);

        impl $name {
            #[doc = concat!("Checks a text against rule ", $rule, ".")]
            ///
            /// # Errors
            ///
            /// [`TextError`] when it does not fit.
            pub fn new(text: impl AsRef<str>) -> Result<Self, TextError> {
                let text = text.as_ref();
                let check: fn(&str) -> bool = $check;
                if check(text) { Ok(Self(Arc::from(text))) } else { Err(TextError::new($rule, $expected)) }
            }

            /// The id as text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

/// `[A-Za-z0-9]([A-Za-z0-9:\-_.@]{0,62}[A-Za-z0-9])?`, the pattern of ids that callers choose (wire rule D-07).
fn is_chosen_id(text: &str) -> bool {
    let bytes = text.as_bytes();
    let (Some(first), Some(last)) = (bytes.first(), bytes.last()) else { return false };
    bytes.len() <= 64
        && first.is_ascii_alphanumeric()
        && last.is_ascii_alphanumeric()
        && bytes.iter().all(|b| b.is_ascii_alphanumeric() || b":-_.@".contains(b))
}

fn is_word(text: &str, lengths: std::ops::RangeInclusive<usize>) -> bool {
    lengths.contains(&text.len()) && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
}

id!(
    /// The id of a user within its app instance, chosen by the caller.
    AppInstanceUserId, "APP-06",
    "expected 1 to 64 letters, digits and `:-_.@`, beginning and ending with a letter or digit", is_chosen_id
);

id!(
    /// The id of a channel within its app instance, chosen by the caller or made by the service.
    ChannelId, "CHN-01",
    "expected 1 to 64 letters, digits and `:-_.@`, beginning and ending with a letter or digit", is_chosen_id
);

id!(
    /// The id of a message within its channel.
    MessageId, "MSG-09", "expected 1 to 128 letters, digits, `-` and `_`", |text| is_word(text, 1..=128)
);

id!(
    /// The idempotency token of a creation (wire rule T-01).
    ClientRequestToken, "T-01", "expected 2 to 64 letters, digits, `-` and `_`", |text| is_word(text, 2..=64)
);
