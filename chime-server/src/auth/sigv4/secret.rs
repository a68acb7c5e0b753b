//! Texts that must not reach a log.

use std::borrow::Cow;
use std::fmt;

/// A secret access key. Prints as nothing but its name.
#[derive(Clone)]
pub struct Secret(Box<str>);

impl Secret {
    /// Wraps a secret access key.
    #[must_use]
    pub fn new(text: impl Into<Box<str>>) -> Self {
        Self(text.into())
    }

    /// The text itself, for deriving keys and for handing it to its owner.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret")
    }
}

/// The opaque session token of temporary credentials (rule IAM-27). Prints as nothing but its name.
#[derive(Clone)]
pub struct SessionToken<'a>(pub(super) Cow<'a, str>);

impl SessionToken<'_> {
    /// The text itself, to be compared with the token that was issued.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for SessionToken<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SessionToken")
    }
}
