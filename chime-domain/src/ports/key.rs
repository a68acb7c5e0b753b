//! Keys of records: readable, ordered text.

use std::fmt;
use std::sync::Arc;

/// Anything that may stand between the slashes of a key. It must not contain a slash or be empty.
pub type KeyPart<'a> = &'a str;

/// The key of a record, a stream or a counter: parts joined by slashes, the first naming the kind.
///
/// Keys order by their bytes, so all keys under one parent are adjacent.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Key(Arc<str>);

impl Key {
    /// The key `kind/part/part…`.
    #[must_use]
    pub fn new(kind: KeyPart<'_>, parts: &[KeyPart<'_>]) -> Self {
        let length = kind.len() + parts.iter().map(|part| part.len() + 1).sum::<usize>();
        let mut text = String::with_capacity(length);
        text.push_str(kind);
        for part in parts {
            debug_assert!(!part.contains('/'), "a key part contains a slash: {part}");
            text.push('/');
            text.push_str(part);
        }
        Self(text.into())
    }

    /// The prefix that all keys below this one share: the key and a slash.
    #[must_use]
    pub fn below(&self) -> String {
        format!("{}/", self.0)
    }

    /// The key as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// A key read back by an adapter.
    #[must_use]
    pub fn from_stored(text: &str) -> Self {
        Self(Arc::from(text))
    }

    /// The last part.
    #[must_use]
    pub fn last(&self) -> &str {
        self.0.rsplit('/').next().unwrap_or_default()
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
