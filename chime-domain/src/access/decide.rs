//! One authorization decision: facts in, derivation out.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::action::Action;
use super::role::{Condition, Role, Row, Verdict, documented, enforced};
use crate::error::Refusal;

/// Who may find and join a channel (rules CHN-04, CHN-07).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum Privacy {
    /// Any user of the app instance finds and reads it.
    Public,
    /// Only its members and moderators, and administrators.
    Private,
}

/// Who may add others (rule CHN-06).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum Mode {
    /// Administrators, moderators and members.
    Unrestricted,
    /// Administrators and moderators.
    Restricted,
}

/// Kind of membership (rule CHN-10).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum MembershipType {
    /// Seen and heard.
    Default,
    /// Observes without being listed, and cannot send.
    Hidden,
}

/// What the caller is to the channel, or to the app instance where no channel is named.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Standing {
    /// Administrator of the app instance.
    pub admin: bool,
    /// Moderator of the channel.
    pub moderator: bool,
    /// Membership of the channel.
    pub membership: Option<MembershipType>,
    /// Banned from the channel.
    pub banned: bool,
}

impl Standing {
    /// The roles held, strongest first (rule APP-09); never empty.
    pub fn roles(&self) -> impl Iterator<Item = Role> + use<> {
        let any = self.admin || self.moderator || self.membership.is_some();
        [
            (self.admin, Role::AppInstanceAdmin),
            (self.moderator, Role::ChannelModerator),
            (self.membership.is_some(), Role::Member),
            (!any, Role::NonMember),
        ]
        .into_iter()
        .filter_map(|(held, role)| held.then_some(role))
    }
}

/// The user that the action is about, when it is about one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Target {
    /// It is the caller.
    pub is_caller: bool,
    /// What it is to the channel.
    pub standing: Standing,
}

/// All facts of one decision.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Situation {
    /// What the caller is to the channel.
    pub standing: Standing,
    /// Privacy of the channel, or the one asked for in a list.
    pub privacy: Option<Privacy>,
    /// Mode of the channel.
    pub mode: Option<Mode>,
    /// The `AppInstanceUserArn` of the request is the caller's own.
    pub own_arn: bool,
    /// The message was sent by the caller.
    pub own_message: bool,
    /// The user that the action is about.
    pub target: Target,
    /// Members may redact their own messages (rule MSG-12).
    pub members_redact_own: bool,
    /// Members may remove other DEFAULT members (rule ROLE-03).
    pub members_remove_others: bool,
}

impl Situation {
    fn holds(&self, condition: Condition) -> bool {
        let public = self.privacy == Some(Privacy::Public);
        let belongs = self.standing.moderator || self.standing.membership.is_some();
        match condition {
            Condition::PublicOnly => public && (belongs || !self.standing.banned),
            Condition::PublicOrOwn => public || belongs,
            Condition::OwnArnOnly => self.own_arn,
            Condition::MembershipFirst => self.standing.membership.is_some(),
            Condition::DefaultMembership => self.standing.membership == Some(MembershipType::Default),
            Condition::OwnMessage => self.own_message,
            Condition::OwnMessageIfSwitched => self.own_message && self.members_redact_own,
            Condition::TargetNotPrivileged => !self.target.standing.admin && !self.target.standing.moderator,
            Condition::OthersOnlyUnrestricted => self.mode == Some(Mode::Unrestricted),
            Condition::SelfJoinOpen => {
                public
                    && self.mode == Some(Mode::Unrestricted)
                    && self.target.is_caller
                    && !self.standing.banned
            }
            Condition::DefaultOrOwnMembership => {
                self.target.is_caller
                    || (self.members_remove_others
                        && self.target.standing.membership != Some(MembershipType::Hidden))
            }
            Condition::BanExists => self.target.standing.banned,
        }
    }
}

/// How a decision came about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Derivation {
    /// Allowed by this row.
    Allowed(&'static Row),
    /// No row of the roles held allows it; this one speaks for the strongest role that could.
    Refused(&'static Row),
}

/// Decides by role (rules AUTH-01 to AUTH-108). The union of the roles held counts (rule APP-09).
#[must_use]
pub fn decide(action: Action, situation: &Situation) -> Derivation {
    let mut refused: Option<&'static Row> = None;
    for role in situation.standing.roles() {
        let row = enforced(role, action);
        let better = match row.verdict {
            Verdict::Allowed => return Derivation::Allowed(row),
            Verdict::AllowedIf(condition) if situation.holds(condition) => return Derivation::Allowed(row),
            Verdict::AllowedIf(_) => refused.is_none_or(|known| known.verdict == Verdict::Denied),
            Verdict::Denied => refused.is_none(),
        };
        if better {
            refused = Some(row);
        }
    }
    Derivation::Refused(refused.unwrap_or_else(|| enforced(Role::NonMember, action)))
}

impl Derivation {
    /// The row that decided.
    #[must_use]
    pub fn row(&self) -> &'static Row {
        match self {
            Self::Allowed(row) | Self::Refused(row) => row,
        }
    }

    /// `Ok` when allowed.
    ///
    /// # Errors
    ///
    /// [`Refusal`] with [`crate::error::ErrorCode::Forbidden`], naming the row.
    pub fn enforce(self) -> Result<(), Refusal> {
        let Self::Refused(row) = self else { return Ok(()) };
        let message = format!("{} is denied to a caller whose role here is {:?}.", row.action, row.role);
        let remedy = match row.verdict {
            Verdict::AllowedIf(condition) => condition.remedy(),
            _ => match row.role {
                Role::NonMember => "make the caller a member or a moderator of the channel first.",
                Role::Member => "act as an administrator or a moderator of the channel.",
                _ => "act as an administrator of the app instance.",
            },
        };
        Err(Refusal::forbidden(row.rule, message).unless(remedy))
    }
}

impl fmt::Display for Derivation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let row = self.row();
        write!(f, "role {:?}, row {}: {} is {:?}", row.role, row.rule, row.action, row.verdict)?;
        if let Some(printed) = documented(row.role, row.action).filter(|printed| *printed != row) {
            write!(f, " (our reading of row {}, printed {:?})", printed.rule, printed.verdict)?;
        }
        match self {
            Self::Allowed(_) => f.write_str(" -> allowed"),
            Self::Refused(_) => f.write_str(" -> refused"),
        }
    }
}
