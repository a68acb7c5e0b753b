//! The four documented role tables, and our readings of them.

use super::action::Action::{self, *};
use Condition::*;
use Role::*;
use Verdict::*;

/// What a user is to a channel, strongest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Role {
    /// Administrator of the whole app instance.
    AppInstanceAdmin,
    /// Moderator of this channel (rule ROLE-07).
    ChannelModerator,
    /// Member of this channel.
    Member,
    /// None of these.
    NonMember,
}

/// What a table says of a role and an action (rules IAM-03 to IAM-05).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Allowed, once the policy allows it.
    Allowed,
    /// Allowed with a restriction.
    AllowedIf(Condition),
    /// Blocked, whatever the policy says.
    Denied,
}

/// The restrictions that the tables state, and those that our readings add.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Condition {
    /// The channel is public, and the caller is not banned from it (rule ROLE-11).
    PublicOnly,
    /// The channel is public, or the caller belongs to it (rule ROLE-01).
    PublicOrOwn,
    /// `AppInstanceUserArn` is the caller's own.
    OwnArnOnly,
    /// The caller is a member of the channel.
    MembershipFirst,
    /// The caller is a DEFAULT member of the channel (rule ROLE-12).
    DefaultMembership,
    /// The message is the caller's own.
    OwnMessage,
    /// The message is the caller's own, and the service is set to let members redact theirs (rule MSG-12).
    OwnMessageIfSwitched,
    /// The target is neither an administrator nor a moderator of the channel (rule CHN-14).
    TargetNotPrivileged,
    /// The channel is UNRESTRICTED.
    OthersOnlyUnrestricted,
    /// The caller adds itself to a channel that is public and UNRESTRICTED (rule CHN-05).
    SelfJoinOpen,
    /// The membership is DEFAULT, or the caller's own (rule ROLE-03).
    DefaultOrOwnMembership,
    /// The ban exists (rule ROLE-04).
    BanExists,
}

impl Condition {
    /// What would make it hold, as the rest of a sentence that begins "To pass:".
    #[must_use]
    pub const fn remedy(self) -> &'static str {
        match self {
            PublicOnly => "name a PUBLIC channel from which the caller is not banned, or become a member.",
            PublicOrOwn => "name a PUBLIC channel or one that the caller belongs to.",
            OwnArnOnly => "give the caller's own ARN as AppInstanceUserArn.",
            MembershipFirst => "make the caller a member of the channel first.",
            DefaultMembership => "make the caller a DEFAULT member of the channel first.",
            OwnMessage => "act as the sender of the message.",
            OwnMessageIfSwitched => "act as an administrator or a moderator of the channel.",
            TargetNotPrivileged => {
                "name a user who is neither an AppInstanceAdmin nor a moderator of the channel."
            }
            OthersOnlyUnrestricted => {
                "act as an administrator or moderator, or make the channel UNRESTRICTED."
            }
            SelfJoinOpen => {
                "be added by a member, or add yourself to a PUBLIC channel whose mode is UNRESTRICTED."
            }
            DefaultOrOwnMembership => "name a DEFAULT membership, or the caller's own.",
            BanExists => "name a user who is banned from the channel.",
        }
    }
}

/// One row of a table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Row {
    /// Id of the row in the acceptance checklist.
    pub rule: &'static str,
    /// Whose table.
    pub role: Role,
    /// Which action.
    pub action: Action,
    /// What it says.
    pub verdict: Verdict,
}

const fn row(rule: &'static str, role: Role, action: Action, verdict: Verdict) -> Row {
    Row { rule, role, action, verdict }
}

/// The documented tables, row for row: `AppInstanceAdmin`, `ChannelModerator`, Member, Non-member.
#[rustfmt::skip]
pub const ROLE_TABLE: [Row; 108] = [
    row("AUTH-01", AppInstanceAdmin, UpdateChannel, Allowed),
    row("AUTH-02", AppInstanceAdmin, DeleteChannel, Allowed),
    row("AUTH-03", AppInstanceAdmin, DescribeChannel, Allowed),
    row("AUTH-04", AppInstanceAdmin, ListChannels, Allowed),
    row("AUTH-05", AppInstanceAdmin, ListChannelMembershipsForAppInstanceUser, Allowed),
    row("AUTH-06", AppInstanceAdmin, DescribeChannelMembershipForAppInstanceUser, Allowed),
    row("AUTH-07", AppInstanceAdmin, ListChannelsModeratedByAppInstanceUser, Allowed),
    row("AUTH-08", AppInstanceAdmin, DescribeChannelModeratedByAppInstanceUser, Allowed),
    row("AUTH-09", AppInstanceAdmin, CreateChannelMembership, Allowed),
    row("AUTH-10", AppInstanceAdmin, DescribeChannelMembership, Allowed),
    row("AUTH-11", AppInstanceAdmin, ListChannelMemberships, Allowed),
    row("AUTH-12", AppInstanceAdmin, DeleteChannelMembership, Allowed),
    row("AUTH-13", AppInstanceAdmin, SendChannelMessage, AllowedIf(MembershipFirst)),
    row("AUTH-14", AppInstanceAdmin, GetChannelMessage, Allowed),
    row("AUTH-15", AppInstanceAdmin, ListChannelMessages, Allowed),
    row("AUTH-16", AppInstanceAdmin, DeleteChannelMessage, Allowed),
    row("AUTH-17", AppInstanceAdmin, RedactChannelMessage, Allowed),
    row("AUTH-18", AppInstanceAdmin, UpdateChannelMessage, AllowedIf(OwnMessage)),
    row("AUTH-19", AppInstanceAdmin, CreateChannelModerator, Allowed),
    row("AUTH-20", AppInstanceAdmin, DeleteChannelModerator, Allowed),
    row("AUTH-21", AppInstanceAdmin, DescribeChannelModerator, Allowed),
    row("AUTH-22", AppInstanceAdmin, ListChannelModerators, Allowed),
    row("AUTH-23", AppInstanceAdmin, CreateChannelBan, AllowedIf(TargetNotPrivileged)),
    row("AUTH-24", AppInstanceAdmin, DeleteChannelBan, AllowedIf(BanExists)),
    row("AUTH-25", AppInstanceAdmin, DescribeChannelBan, Allowed),
    row("AUTH-26", AppInstanceAdmin, ListChannelBans, Allowed),
    row("AUTH-27", AppInstanceAdmin, UpdateChannelReadMarker, AllowedIf(MembershipFirst)),
    row("AUTH-28", ChannelModerator, UpdateChannel, Allowed),
    row("AUTH-29", ChannelModerator, DeleteChannel, Allowed),
    row("AUTH-30", ChannelModerator, DescribeChannel, AllowedIf(PublicOnly)),
    row("AUTH-31", ChannelModerator, ListChannels, AllowedIf(PublicOnly)),
    row("AUTH-32", ChannelModerator, ListChannelMembershipsForAppInstanceUser, AllowedIf(OwnArnOnly)),
    row("AUTH-33", ChannelModerator, DescribeChannelMembershipForAppInstanceUser, AllowedIf(OwnArnOnly)),
    row("AUTH-34", ChannelModerator, ListChannelsModeratedByAppInstanceUser, AllowedIf(OwnArnOnly)),
    row("AUTH-35", ChannelModerator, DescribeChannelModeratedByAppInstanceUser, AllowedIf(OwnArnOnly)),
    row("AUTH-36", ChannelModerator, CreateChannelMembership, Allowed),
    row("AUTH-37", ChannelModerator, DescribeChannelMembership, Allowed),
    row("AUTH-38", ChannelModerator, ListChannelMemberships, Allowed),
    row("AUTH-39", ChannelModerator, DeleteChannelMembership, Allowed),
    row("AUTH-40", ChannelModerator, SendChannelMessage, AllowedIf(MembershipFirst)),
    row("AUTH-41", ChannelModerator, GetChannelMessage, Allowed),
    row("AUTH-42", ChannelModerator, ListChannelMessages, Allowed),
    row("AUTH-43", ChannelModerator, DeleteChannelMessage, Denied),
    row("AUTH-44", ChannelModerator, RedactChannelMessage, Allowed),
    row("AUTH-45", ChannelModerator, UpdateChannelMessage, AllowedIf(OwnMessage)),
    row("AUTH-46", ChannelModerator, CreateChannelModerator, AllowedIf(MembershipFirst)),
    row("AUTH-47", ChannelModerator, DeleteChannelModerator, Allowed),
    row("AUTH-48", ChannelModerator, DescribeChannelModerator, Allowed),
    row("AUTH-49", ChannelModerator, ListChannelModerators, Allowed),
    row("AUTH-50", ChannelModerator, CreateChannelBan, AllowedIf(TargetNotPrivileged)),
    row("AUTH-51", ChannelModerator, DeleteChannelBan, AllowedIf(BanExists)),
    row("AUTH-52", ChannelModerator, DescribeChannelBan, Allowed),
    row("AUTH-53", ChannelModerator, ListChannelBans, Allowed),
    row("AUTH-54", ChannelModerator, UpdateChannelReadMarker, AllowedIf(MembershipFirst)),
    row("AUTH-55", Member, UpdateChannel, Denied),
    row("AUTH-56", Member, DeleteChannel, Denied),
    row("AUTH-57", Member, DescribeChannel, AllowedIf(PublicOnly)),
    row("AUTH-58", Member, ListChannels, AllowedIf(PublicOnly)),
    row("AUTH-59", Member, ListChannelMembershipsForAppInstanceUser, AllowedIf(OwnArnOnly)),
    row("AUTH-60", Member, DescribeChannelMembershipForAppInstanceUser, AllowedIf(OwnArnOnly)),
    row("AUTH-61", Member, ListChannelsModeratedByAppInstanceUser, AllowedIf(OwnArnOnly)),
    row("AUTH-62", Member, DescribeChannelModeratedByAppInstanceUser, AllowedIf(OwnArnOnly)),
    row("AUTH-63", Member, CreateChannelMembership, AllowedIf(OthersOnlyUnrestricted)),
    row("AUTH-64", Member, DescribeChannelMembership, Allowed),
    row("AUTH-65", Member, ListChannelMemberships, Allowed),
    row("AUTH-66", Member, DeleteChannelMembership, Allowed),
    row("AUTH-67", Member, SendChannelMessage, Allowed),
    row("AUTH-68", Member, GetChannelMessage, Allowed),
    row("AUTH-69", Member, ListChannelMessages, Allowed),
    row("AUTH-70", Member, DeleteChannelMessage, Denied),
    row("AUTH-71", Member, RedactChannelMessage, Denied),
    row("AUTH-72", Member, UpdateChannelMessage, AllowedIf(OwnMessage)),
    row("AUTH-73", Member, CreateChannelModerator, Denied),
    row("AUTH-74", Member, DeleteChannelModerator, Denied),
    row("AUTH-75", Member, DescribeChannelModerator, Denied),
    row("AUTH-76", Member, ListChannelModerators, Denied),
    row("AUTH-77", Member, CreateChannelBan, Denied),
    row("AUTH-78", Member, DeleteChannelBan, Denied),
    row("AUTH-79", Member, DescribeChannelBan, Denied),
    row("AUTH-80", Member, ListChannelBans, Denied),
    row("AUTH-81", Member, UpdateChannelReadMarker, Allowed),
    row("AUTH-82", NonMember, UpdateChannel, Denied),
    row("AUTH-83", NonMember, DeleteChannel, Denied),
    row("AUTH-84", NonMember, DescribeChannel, AllowedIf(PublicOnly)),
    row("AUTH-85", NonMember, ListChannels, AllowedIf(PublicOnly)),
    row("AUTH-86", NonMember, ListChannelMembershipsForAppInstanceUser, AllowedIf(OwnArnOnly)),
    row("AUTH-87", NonMember, DescribeChannelMembershipForAppInstanceUser, AllowedIf(OwnArnOnly)),
    row("AUTH-88", NonMember, ListChannelsModeratedByAppInstanceUser, AllowedIf(OwnArnOnly)),
    row("AUTH-89", NonMember, DescribeChannelModeratedByAppInstanceUser, AllowedIf(OwnArnOnly)),
    row("AUTH-90", NonMember, CreateChannelMembership, Denied),
    row("AUTH-91", NonMember, DescribeChannelMembership, AllowedIf(PublicOnly)),
    row("AUTH-92", NonMember, ListChannelMemberships, AllowedIf(PublicOnly)),
    row("AUTH-93", NonMember, DeleteChannelMembership, Denied),
    row("AUTH-94", NonMember, SendChannelMessage, Denied),
    row("AUTH-95", NonMember, GetChannelMessage, AllowedIf(PublicOnly)),
    row("AUTH-96", NonMember, ListChannelMessages, AllowedIf(PublicOnly)),
    row("AUTH-97", NonMember, DeleteChannelMessage, Denied),
    row("AUTH-98", NonMember, RedactChannelMessage, Denied),
    row("AUTH-99", NonMember, UpdateChannelMessage, Denied),
    row("AUTH-100", NonMember, CreateChannelModerator, Denied),
    row("AUTH-101", NonMember, DeleteChannelModerator, Denied),
    row("AUTH-102", NonMember, DescribeChannelModerator, Denied),
    row("AUTH-103", NonMember, ListChannelModerators, Denied),
    row("AUTH-104", NonMember, CreateChannelBan, Denied),
    row("AUTH-105", NonMember, DeleteChannelBan, Denied),
    row("AUTH-106", NonMember, DescribeChannelBan, Denied),
    row("AUTH-107", NonMember, ListChannelBans, Denied),
    row("AUTH-108", NonMember, UpdateChannelReadMarker, Denied),
];

/// Where the tables are silent, garbled, or contradict other documents, what is enforced in place of a row. Each names
/// the rule that states the reading.
#[rustfmt::skip]
pub const READINGS: [Row; 11] = [
    row("ROLE-01", ChannelModerator, DescribeChannel, AllowedIf(PublicOrOwn)),
    row("ROLE-01", Member, DescribeChannel, AllowedIf(PublicOrOwn)),
    row("CHN-05", NonMember, CreateChannelMembership, AllowedIf(SelfJoinOpen)),
    row("ROLE-12", AppInstanceAdmin, SendChannelMessage, AllowedIf(DefaultMembership)),
    row("ROLE-12", ChannelModerator, SendChannelMessage, AllowedIf(DefaultMembership)),
    row("ROLE-12", Member, SendChannelMessage, AllowedIf(DefaultMembership)),
    row("ROLE-03", Member, DeleteChannelMembership, AllowedIf(DefaultOrOwnMembership)),
    row("MSG-12", Member, RedactChannelMessage, AllowedIf(OwnMessageIfSwitched)),
    row("ROLE-05", ChannelModerator, CreateChannelModerator, AllowedIf(MembershipFirst)),
    row("ROLE-04", AppInstanceAdmin, DeleteChannelBan, AllowedIf(BanExists)),
    row("ROLE-04", ChannelModerator, DeleteChannelBan, AllowedIf(BanExists)),
];

const fn place(role: Role, action: Action) -> usize {
    role as usize * Action::ALL.len() + action as usize
}

/// The tables with our readings put in.
#[expect(clippy::indexing_slicing, reason = "evaluated by the compiler, which refuses a place out of bounds")]
const ENFORCED: [Row; 108] = {
    let mut table = ROLE_TABLE;
    let mut i = 0;
    while i < READINGS.len() {
        table[place(READINGS[i].role, READINGS[i].action)] = READINGS[i];
        i += 1;
    }
    table
};

/// The row that is enforced for a role and an action.
#[must_use]
pub fn enforced(role: Role, action: Action) -> &'static Row {
    static TABLE: [Row; 108] = ENFORCED;
    // INVARIANT: 4 roles of 27 actions fill the table, in the order of the enums; a test walks it.
    #[expect(clippy::indexing_slicing, reason = "the place of a role and an action is always below 108")]
    &TABLE[place(role, action)]
}

/// The row as documented, for a role and an action.
#[must_use]
pub fn documented(role: Role, action: Action) -> Option<&'static Row> {
    static TABLE: [Row; 108] = ROLE_TABLE;
    TABLE.get(place(role, action))
}
