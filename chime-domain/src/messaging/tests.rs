use proptest::prelude::*;

use super::rules::{channels, messages};
use super::types::{CreateChannel, MessageType};
use crate::arn::{AppInstanceArn, AppInstanceUserArn};
use crate::error::ErrorCode;
use crate::ids::AppInstanceUserId;
use crate::text::{Content, Metadata, ResourceName};

fn app() -> AppInstanceArn {
    AppInstanceArn::new("aws", "us-east-1", "123456789012", "app").unwrap()
}

fn user(n: usize) -> AppInstanceUserArn {
    app().user(&AppInstanceUserId::new(format!("user-{n}")).unwrap())
}

fn creation(members: usize, moderators: usize) -> CreateChannel {
    let mut command = CreateChannel::new(app(), ResourceName::new("room").unwrap());
    command.members = (0..members).map(user).collect();
    command.moderators = (0..moderators).map(user).collect();
    command
}

proptest! {
    #[test]
    fn msg_04_and_05_only_control_messages_are_bounded_further(content in ".{1,40}", metadata in ".{0,3}") {
        let (text, bytes) = (Content::new(&content).unwrap(), content.len());
        let extra = Metadata::new(&metadata).unwrap();
        prop_assert!(messages::check(MessageType::Standard, Some(&text), Some(&extra)).is_ok());
        let refusal = messages::check(MessageType::Control, Some(&text), Some(&extra)).err();
        let rule = match (bytes > 30, metadata.is_empty()) {
            (true, _) => Some((ErrorCode::BadRequest, "MSG-04")),
            (false, false) => Some((ErrorCode::BadRequest, "MSG-05")),
            (false, true) => None,
        };
        prop_assert_eq!(refusal.map(|refusal| (refusal.code(), refusal.rule())), rule);
    }

    #[test]
    fn a_creation_names_everyone_once_and_never_its_creator(members in 0usize..12, moderators in 0usize..12, creator in 0usize..12) {
        let named = channels::named(&creation(members, moderators), &user(creator));
        let mut expected: Vec<_> = (0..members.max(moderators)).filter(|n| *n != creator).map(user).collect();
        expected.sort();
        prop_assert_eq!(named, expected);
    }
}

#[test]
fn d_08_a_creation_names_10_members_and_10_moderators_and_not_one_more() {
    for (members, moderators, fits) in [(10, 10, true), (11, 0, false), (0, 11, false)] {
        let checked = channels::check(&creation(members, moderators));
        assert_eq!(checked.is_ok(), fits, "{members} {moderators}");
        if let Err(refusal) = checked {
            assert_eq!((refusal.code(), refusal.rule()), (ErrorCode::BadRequest, "D-08"));
        }
    }
}
