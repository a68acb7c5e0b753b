//! Bounded strings: a value of these types has been checked against its documented length and pattern.

use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::error::Refusal;

/// Something that must not appear in logs: its `Debug` prints a length only.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Private<T>(pub T);

impl<T: AsRef<[u8]>> fmt::Debug for Private<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "<{} bytes>", self.0.as_ref().len())
    }
}

/// Why a text does not fit its type.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{expected}")]
pub struct TextError {
    expected: &'static str,
    rule: &'static str,
}

impl TextError {
    /// A text that breaks `rule`, with what is expected instead.
    #[must_use]
    pub const fn new(rule: &'static str, expected: &'static str) -> Self {
        Self { expected, rule }
    }

    /// The refusal of a request in which the member `member` has this error.
    #[must_use]
    pub fn of(self, member: &str) -> Refusal {
        Refusal::bad_request(self.rule, format!("the value of `{member}` is not valid: {}", self.expected))
    }
}

/// True for the characters that the models allow in names: everything but control characters other than tab,
/// line feed and carriage return, and without the non-characters U+FFFE and U+FFFF.
fn is_name_char(c: char) -> bool {
    matches!(c, '\t' | '\n' | '\r' | '\u{85}') || !(c.is_control() || matches!(c, '\u{FFFE}' | '\u{FFFF}'))
}

/// Makes a type of texts that were checked: `name, rule, what is expected, check`.
macro_rules! checked {
    ($(#[$doc:meta])* $name:ident, $rule:literal, $expected:literal, $check:expr) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
        #[serde(transparent)]
        pub struct $name(std::sync::Arc<str>);

        impl $name {
            #[doc = concat!("Checks a text against rule ", $rule, ".")]
            ///
            /// # Errors
            ///
            /// [`TextError`](crate::text::TextError) when it does not fit.
            pub fn new(text: impl AsRef<str>) -> Result<Self, crate::text::TextError> {
                let text = text.as_ref();
                let check: fn(&str) -> bool = $check;
                if check(text) {
                    Ok(Self(std::sync::Arc::from(text)))
                } else {
                    Err(crate::text::TextError::new($rule, $expected))
                }
            }

            /// The text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }
    };
}
pub(crate) use checked;

/// A type of checked texts that do not appear in logs.
macro_rules! text {
    ($(#[$doc:meta])* $name:ident, $($how:tt)*) => {
        checked!($(#[$doc])* $name, $($how)*);

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{}(<{} bytes>)", stringify!($name), self.0.len())
            }
        }
    };
}

text!(
    /// Name of an app instance or a channel.
    ResourceName, "APP-03", "expected 1 to 256 characters without control characters",
    |text| (1..=256).contains(&text.chars().count()) && text.chars().all(is_name_char)
);

text!(
    /// Name of a user.
    UserName, "APP-06", "expected 1 to 100 characters, not only white space",
    |text| (1..=100).contains(&text.chars().count()) && !text.trim().is_empty()
);

text!(
    /// Free metadata of an object, kept and returned as given.
    Metadata, "APP-03", "expected at most 1024 bytes of UTF-8",
    |text| text.len() <= 1024
);

text!(
    /// Content of a message: at least one character, at most 4,096 bytes. A CONTROL message is bounded further by
    /// the rules of messages.
    Content, "MSG-02", "expected 1 character to 4096 bytes of UTF-8",
    |text| !text.is_empty() && text.len() <= 4096
);

text!(
    /// Key of a tag.
    TagKey, "APP-21", "expected 1 to 128 characters",
    |text| (1..=128).contains(&text.chars().count())
);

text!(
    /// Value of a tag. The models want at least one character.
    TagValue, "APP-21", "expected 1 to 256 characters",
    |text| (1..=256).contains(&text.chars().count())
);

/// True for what callers name their users and meetings by: opaque, but `aws:` is the vendor's.
fn is_external_id(text: &str) -> bool {
    let reserved = text.get(..4).is_some_and(|start| start.eq_ignore_ascii_case("aws:"));
    (2..=64).contains(&text.chars().count()) && !reserved
}

text!(
    /// What the caller's application names a user by, who attends or hosts a meeting.
    ExternalUserId, "MTG-16", "expected 2 to 64 characters that do not begin with `aws:`", is_external_id
);

text!(
    /// What the caller's application names a meeting by.
    ExternalMeetingId, "MTG-10", "expected 2 to 64 characters that do not begin with `aws:`", is_external_id
);

text!(
    /// What the caller's application names a segment of its users by.
    TenantId, "D-11",
    "expected 2 to 256 letters, digits and `-_!@#$`, no character four times in a row",
    |text| {
        let bytes = text.as_bytes();
        (2..=256).contains(&text.len())
            && bytes.iter().all(|b| b.is_ascii_alphanumeric() || b"-_!@#$".contains(b))
            && !bytes.windows(4).any(|four| four.iter().all(|b| four.first() == Some(b)))
    }
);

impl TagValue {
    /// A value of no characters, which the models of meetings allow.
    #[must_use]
    pub fn empty() -> Self {
        Self(Arc::from(""))
    }
}

impl Metadata {
    /// No metadata.
    #[must_use]
    pub fn empty() -> Self {
        Self(Arc::from(""))
    }
}

impl Default for Metadata {
    fn default() -> Self {
        Self::empty()
    }
}

#[cfg(test)]
mod tests;
