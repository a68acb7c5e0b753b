//! The actions that the role tables speak of.

use std::fmt;

macro_rules! actions {
    ($($name:ident),* $(,)?) => {
        /// An action of the role tables, in the order of their rows.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[expect(missing_docs, reason = "the names are the documentation's own")]
        pub enum Action { $($name),* }

        impl Action {
            /// Every action, in the order of the tables' rows.
            pub const ALL: [Self; 27] = [$(Self::$name),*];

            /// The name of the operation, without the prefix of policy actions.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self { $(Self::$name => stringify!($name)),* }
            }

            /// The action of that operation.
            #[must_use]
            pub fn named(name: &str) -> Option<Self> {
                match name { $(stringify!($name) => Some(Self::$name),)* _ => None }
            }
        }
    };
}

actions! {
    UpdateChannel,
    DeleteChannel,
    DescribeChannel,
    ListChannels,
    ListChannelMembershipsForAppInstanceUser,
    DescribeChannelMembershipForAppInstanceUser,
    ListChannelsModeratedByAppInstanceUser,
    DescribeChannelModeratedByAppInstanceUser,
    CreateChannelMembership,
    DescribeChannelMembership,
    ListChannelMemberships,
    DeleteChannelMembership,
    SendChannelMessage,
    GetChannelMessage,
    ListChannelMessages,
    DeleteChannelMessage,
    RedactChannelMessage,
    UpdateChannelMessage,
    CreateChannelModerator,
    DeleteChannelModerator,
    DescribeChannelModerator,
    ListChannelModerators,
    CreateChannelBan,
    DeleteChannelBan,
    DescribeChannelBan,
    ListChannelBans,
    UpdateChannelReadMarker,
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
