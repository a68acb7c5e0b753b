use chime_domain::access::{MembershipType, Mode, Privacy};
use proptest::prelude::*;

pub(super) const USERS: usize = 5;
pub(super) const CHANNELS: usize = 2;

/// A command; users, channels and messages are numbers.
#[derive(Clone, Debug)]
pub(super) enum Command {
    CreateUser(usize),
    DeleteUser(usize),
    MakeAdmin(usize),
    DropAdmin(usize),
    Retention(Option<u32>),
    Wait(u64),
    CreateChannel { by: usize, channel: usize, privacy: Privacy, mode: Mode },
    UpdateChannel { by: usize, channel: usize, mode: Mode },
    DeleteChannel { by: usize, channel: usize },
    Join { by: usize, channel: usize, who: usize, kind: MembershipType },
    Remove { by: usize, channel: usize, who: usize },
    Promote { by: usize, channel: usize, who: usize },
    Demote { by: usize, channel: usize, who: usize },
    Ban { by: usize, channel: usize, who: usize },
    Unban { by: usize, channel: usize, who: usize },
    Send { by: usize, channel: usize, text: String, kept: bool, control: bool },
    Edit { by: usize, message: usize, text: String },
    Redact { by: usize, message: usize },
    DeleteMessage { by: usize, message: usize },
    Read { by: usize, message: usize },
    Look { by: usize, channel: usize },
    MarkRead { by: usize, channel: usize },
    OpenInbox { by: usize },
}

impl Command {
    /// Who acts, in the commands that have a bearer.
    pub(super) fn bearer(&self) -> Option<usize> {
        match self {
            Self::CreateUser(_)
            | Self::DeleteUser(_)
            | Self::MakeAdmin(_)
            | Self::DropAdmin(_)
            | Self::Retention(_)
            | Self::Wait(_) => None,
            Self::CreateChannel { by, .. }
            | Self::UpdateChannel { by, .. }
            | Self::DeleteChannel { by, .. }
            | Self::Join { by, .. }
            | Self::Remove { by, .. }
            | Self::Promote { by, .. }
            | Self::Demote { by, .. }
            | Self::Ban { by, .. }
            | Self::Unban { by, .. }
            | Self::Send { by, .. }
            | Self::Edit { by, .. }
            | Self::Redact { by, .. }
            | Self::DeleteMessage { by, .. }
            | Self::Read { by, .. }
            | Self::Look { by, .. }
            | Self::MarkRead { by, .. }
            | Self::OpenInbox { by } => Some(*by),
        }
    }
}

fn privacy() -> impl Strategy<Value = Privacy> {
    prop_oneof![Just(Privacy::Public), Just(Privacy::Private)]
}

fn mode() -> impl Strategy<Value = Mode> {
    prop_oneof![Just(Mode::Unrestricted), Just(Mode::Restricted)]
}

fn kind() -> impl Strategy<Value = MembershipType> {
    prop_oneof![3 => Just(MembershipType::Default), 1 => Just(MembershipType::Hidden)]
}

/// Mostly short texts; one is too long for a CONTROL message.
fn text() -> impl Strategy<Value = String> {
    prop_oneof![8 => "[a-z]{1,3}", 1 => Just("x".repeat(31))]
}

pub(super) fn command() -> impl Strategy<Value = Command> {
    use Command::*;
    let (u, c, m) = (0..USERS, 0..CHANNELS, 0..8usize);
    // Users often act on themselves, where the rules differ.
    let three = || {
        (0..USERS, 0..CHANNELS, 0..USERS, prop::bool::weighted(0.25))
            .prop_map(|(by, channel, who, own)| (by, channel, if own { by } else { who }))
    };
    let rare = prop_oneof![
        2 => u.clone().prop_map(CreateUser),
        2 => u.clone().prop_map(DeleteUser),
        1 => u.clone().prop_map(MakeAdmin),
        1 => u.clone().prop_map(DropAdmin),
        1 => prop_oneof![Just(None), (0u32..12).prop_map(Some)].prop_map(Retention),
        2 => (0u64..20).prop_map(Wait),
        1 => (u.clone(), c.clone(), mode()).prop_map(|(by, channel, mode)| UpdateChannel { by, channel, mode }),
        1 => (u.clone(), c.clone()).prop_map(|(by, channel)| DeleteChannel { by, channel }),
    ];
    let of_channels = prop_oneof![
        4 => (u.clone(), c.clone(), privacy(), mode())
            .prop_map(|(by, channel, privacy, mode)| CreateChannel { by, channel, privacy, mode }),
        6 => (three(), kind())
            .prop_map(|((by, channel, who), kind)| Join { by, channel, who, kind }),
        2 => three().prop_map(|(by, channel, who)| Remove { by, channel, who }),
        2 => three().prop_map(|(by, channel, who)| Promote { by, channel, who }),
        1 => three().prop_map(|(by, channel, who)| Demote { by, channel, who }),
        2 => three().prop_map(|(by, channel, who)| Ban { by, channel, who }),
        2 => three().prop_map(|(by, channel, who)| Unban { by, channel, who }),
        2 => (u.clone(), c.clone()).prop_map(|(by, channel)| Look { by, channel }),
        1 => (u.clone(), c.clone()).prop_map(|(by, channel)| MarkRead { by, channel }),
    ];
    let of_messages = prop_oneof![
        4 => (u.clone(), c, text(), prop::bool::weighted(0.8), prop::bool::weighted(0.2))
            .prop_map(|(by, channel, text, kept, control)| Send { by, channel, text, kept, control }),
        2 => (u.clone(), m.clone(), text()).prop_map(|(by, message, text)| Edit { by, message, text }),
        1 => (u.clone(), m.clone()).prop_map(|(by, message)| Redact { by, message }),
        1 => (u.clone(), m.clone()).prop_map(|(by, message)| DeleteMessage { by, message }),
        1 => (u.clone(), m).prop_map(|(by, message)| Read { by, message }),
    ];
    prop_oneof![2 => rare, 6 => of_channels, 5 => of_messages, 1 => u.prop_map(|by| OpenInbox { by })]
}
