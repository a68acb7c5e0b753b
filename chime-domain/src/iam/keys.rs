//! Where the context keeps its records. Names are unique without regard to case.

use crate::ports::Key;

pub(super) const USERS: &str = "iam-user";
pub(super) const ROLES: &str = "iam-role";
pub(super) const POLICIES: &str = "iam-policy";

pub(super) fn all(kind: &str) -> Key {
    Key::new(kind, &[])
}

pub(super) fn user(name: &str) -> Key {
    Key::new(USERS, &[&part(name)])
}

pub(super) fn role(name: &str) -> Key {
    Key::new(ROLES, &[&part(name)])
}

pub(super) fn policy(name: &str) -> Key {
    Key::new(POLICIES, &[&part(name)])
}

pub(super) fn access_key(id: &str) -> Key {
    Key::new("iam-access-key", &[&part(id)])
}

/// The counter of a limit of the account.
pub(super) fn counter(kind: &str) -> Key {
    Key::new("count", &[kind])
}

/// Where the streaming configurations are, whose role cannot be deleted while there are any (rule IAM-30). They belong
/// to another context; only whether there is one matters here.
pub(super) fn streaming() -> Key {
    Key::new("streaming", &[])
}

/// A name as a key has it. What no name can contain names no record.
fn part(name: &str) -> String {
    if name.is_empty() || name.contains('/') { "?".into() } else { name.to_ascii_lowercase() }
}
