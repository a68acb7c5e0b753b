//! The conditions behind readiness.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

/// How one part of the server is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Condition {
    /// It works.
    Good,
    /// It is not part of this server.
    Off,
    /// The server serves without it, though not as well, for this reason.
    Degraded(&'static str),
    /// It does not work, for this reason.
    Bad(&'static str),
}

impl Condition {
    /// Whether the server can serve with it.
    #[must_use]
    pub fn is_good(self) -> bool {
        !matches!(self, Self::Bad(_))
    }
}

impl fmt::Display for Condition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Good => "ok",
            Self::Off => "off",
            Self::Degraded(reason) | Self::Bad(reason) => reason,
        })
    }
}

/// What the parts of the server say of themselves. Clones share it.
#[derive(Clone, Debug)]
pub struct Health(Arc<Mutex<Parts>>);

#[derive(Debug)]
struct Parts {
    store: Condition,
    scheduler: Condition,
    tls: Condition,
    leaving: bool,
    bus: Condition,
}

impl Default for Health {
    /// A server that is embedded has neither scheduler nor TLS of its own.
    fn default() -> Self {
        Self(Arc::new(Mutex::new(Parts {
            store: Condition::Good,
            scheduler: Condition::Off,
            tls: Condition::Off,
            bus: Condition::Off,
            leaving: false,
        })))
    }
}

impl Health {
    /// How the store was when it was last asked, or last failed a request.
    #[must_use]
    pub fn store(&self) -> Condition {
        self.with(|parts| parts.store)
    }

    /// Whether the server will stop soon, and should be given no new work.
    #[must_use]
    pub fn is_leaving(&self) -> bool {
        self.with(|parts| parts.leaving)
    }

    /// How the scheduler is.
    #[must_use]
    pub fn scheduler(&self) -> Condition {
        self.with(|parts| parts.scheduler)
    }

    /// How TLS is.
    #[must_use]
    pub fn tls(&self) -> Condition {
        self.with(|parts| parts.tls)
    }

    pub(crate) fn set_store(&self, condition: Condition) {
        self.with(|parts| parts.store = condition);
    }

    pub(crate) fn leave(&self) {
        self.with(|parts| parts.leaving = true);
    }

    /// How the bus between servers is.
    #[must_use]
    pub fn bus(&self) -> Condition {
        self.with(|parts| parts.bus)
    }

    pub(crate) fn set_bus(&self, condition: Condition) {
        self.with(|parts| parts.bus = condition);
    }

    pub(crate) fn set_scheduler(&self, condition: Condition) {
        self.with(|parts| parts.scheduler = condition);
    }

    pub(crate) fn set_tls(&self, condition: Condition) {
        self.with(|parts| parts.tls = condition);
    }

    fn with<T>(&self, act: impl FnOnce(&mut Parts) -> T) -> T {
        act(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}
