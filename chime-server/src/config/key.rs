//! Keys of the configuration, and what may stand at each.

/// One key.
#[derive(Clone, Copy, Debug)]
pub struct Key {
    /// Its path, sections separated by dots: `throttle.burst`.
    pub path: &'static str,
    /// What may stand there.
    pub kind: Kind,
    /// Its value when nothing sets it, in the form of an environment variable; empty for none.
    pub default: &'static str,
    /// What it does, with its unit.
    pub about: &'static str,
    /// Never shown.
    pub secret: bool,
}

/// What may stand at a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Text.
    Text,
    /// A whole number within bounds, both included.
    Number(u64, u64),
    /// `true` or `false`.
    Flag,
    /// An IP address and a port.
    Address,
    /// Several texts; separated by commas in the environment.
    List,
}

impl Key {
    pub(super) const fn new(
        path: &'static str,
        kind: Kind,
        default: &'static str,
        about: &'static str,
    ) -> Self {
        Self { path, kind, default, about, secret: false }
    }

    pub(super) const fn secret(mut self) -> Self {
        self.secret = true;
        self
    }

    /// The name of its environment variable: `CHIME_THROTTLE__BURST`.
    #[must_use]
    pub fn variable(&self) -> String {
        format!("CHIME_{}", self.path.replace('.', "__").to_ascii_uppercase())
    }
}
