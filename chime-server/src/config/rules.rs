//! Which variant of a rule holds, where documents of different years disagree.

use chime_domain::limits::Profile;

use super::key::Kind::{Flag, Text};
use super::{ConfigError, Key, Values};

pub(super) const KEYS: &[Key] = &[
    Key::new(
        "profile",
        Text,
        "2020-11",
        "Whose documents hold where they disagree: `2020-11`, or `current` for today's. The keys of `rules` override it.",
    ),
    Key::new("rules.members_redact_own", Flag, "", "Members may redact their own messages. `current`: true."),
    Key::new(
        "rules.members_remove_others",
        Flag,
        "",
        "Members may remove other DEFAULT members. `2020-11`: true.",
    ),
    Key::new(
        "rules.tag_session_required",
        Flag,
        "",
        "Session tags need an Allow of sts:TagSession, and not only no Deny. `current`: true.",
    ),
    Key::new(
        "rules.screen_share_events",
        Flag,
        "",
        "Video of a content share is told as a screen share too. `2020-11`: true.",
    ),
];

/// Variants of rules.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Rules {
    /// Whose documents hold.
    pub profile: Profile,
    /// The two events of screen shares are told beside those of content shares (rule EVT-09).
    pub screen_share_events: bool,
    /// Members may redact their own messages (rule MSG-12).
    pub members_redact_own: bool,
    /// Members may remove other DEFAULT members (rule ROLE-03).
    pub members_remove_others: bool,
    /// Session tags need an Allow of `sts:TagSession` (rule IAM-22).
    pub tag_session_required: bool,
}

impl Rules {
    pub(super) fn read(values: &Values) -> Result<Self, ConfigError> {
        let profile = match values.text("profile").as_deref() {
            Some("2020-11") => Profile::Of2020,
            Some("current") => Profile::Current,
            _ => return Err(values.refuse("profile", "it must be `2020-11` or `current`")),
        };
        let current = profile == Profile::Current;
        let or = |path, by_profile| values.get(path).map_or(by_profile, |_| values.flag(path));
        Ok(Self {
            profile,
            screen_share_events: or("rules.screen_share_events", !current),
            members_redact_own: or("rules.members_redact_own", current),
            members_remove_others: or("rules.members_remove_others", !current),
            tag_session_required: or("rules.tag_session_required", current),
        })
    }
}
