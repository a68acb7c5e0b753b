//! Some of a state.

use std::fmt;

/// The records, counters and logs of a state whose keys are chosen.
#[derive(Clone, Copy)]
pub struct Part<'a> {
    /// A text that is in all of their keys.
    pub within: &'a str,
    /// Whether a key with that text is one of them.
    pub has: &'a (dyn Fn(&str) -> bool + Sync),
}

impl Part<'_> {
    /// Everything.
    pub(crate) const ALL: Part<'static> = Part { within: "", has: &|_| true };

    pub(crate) fn has(&self, key: &[u8]) -> bool {
        std::str::from_utf8(key).is_ok_and(self.has)
    }
}

impl fmt::Debug for Part<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Part").field("within", &self.within).finish_non_exhaustive()
    }
}
