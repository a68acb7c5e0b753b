use std::collections::HashSet;

use proptest::prelude::*;

use super::*;

#[test]
fn every_role_has_one_row_for_every_action_in_order() {
    let roles = [Role::AppInstanceAdmin, Role::ChannelModerator, Role::Member, Role::NonMember];
    let rules: HashSet<_> = ROLE_TABLE.iter().map(|row| row.rule).collect();
    assert_eq!(rules.len(), 108);
    for (r, role) in roles.into_iter().enumerate() {
        for (a, action) in Action::ALL.into_iter().enumerate() {
            let row = &ROLE_TABLE[r * 27 + a];
            assert_eq!((row.role, row.action), (role, action));
            assert_eq!(row.rule, format!("AUTH-{:02}", r * 27 + a + 1));
            assert_eq!((enforced(role, action).role, enforced(role, action).action), (role, action));
        }
    }
}

#[test]
fn a_reading_only_replaces_a_row_that_is_restricted_denied_or_doubtful() {
    for reading in READINGS {
        let printed = documented(reading.role, reading.action).unwrap();
        assert_eq!(*enforced(reading.role, reading.action), reading);
        assert_ne!(printed.rule, reading.rule);
    }
}

fn membership() -> impl Strategy<Value = Option<MembershipType>> {
    prop_oneof![Just(None), Just(Some(MembershipType::Default)), Just(Some(MembershipType::Hidden))]
}

prop_compose! {
    fn standing()(admin: bool, moderator: bool, membership in membership(), banned: bool) -> Standing {
        // A ban removes the membership at once (rule CHN-13).
        Standing { admin, moderator, membership: membership.filter(|_| !banned), banned }
    }
}

prop_compose! {
    fn situation()(
        standing in standing(), target in standing(), is_caller: bool, public: bool, unrestricted: bool,
        own_arn: bool, own_message: bool, members_redact_own: bool, members_remove_others: bool,
    ) -> Situation {
        Situation {
            standing,
            privacy: Some(if public { Privacy::Public } else { Privacy::Private }),
            mode: Some(if unrestricted { Mode::Unrestricted } else { Mode::Restricted }),
            own_arn,
            own_message,
            target: Target { is_caller, standing: if is_caller { standing } else { target } },
            members_redact_own,
            members_remove_others,
        }
    }
}

/// The documentation's sentences, written once more without tables, roles in a row or conditions by name.
fn by_the_text(action: Action, s: &Situation) -> bool {
    let Standing { admin, moderator, membership, banned } = s.standing;
    let member = membership.is_some();
    let anyone_of_it = admin || moderator || member;
    let public = s.privacy == Some(Privacy::Public);
    let unrestricted = s.mode == Some(Mode::Unrestricted);
    let outsider_reads = !anyone_of_it && public && !banned;
    match action.name() {
        "UpdateChannel" | "DeleteChannel" => admin || moderator,
        "DescribeChannel" => anyone_of_it || outsider_reads,
        "ListChannels" => admin || (public && (anyone_of_it || !banned)),
        "ListChannelMembershipsForAppInstanceUser"
        | "DescribeChannelMembershipForAppInstanceUser"
        | "ListChannelsModeratedByAppInstanceUser"
        | "DescribeChannelModeratedByAppInstanceUser" => admin || s.own_arn,
        "CreateChannelMembership" => {
            admin
                || moderator
                || (member && unrestricted)
                || (!member && public && unrestricted && s.target.is_caller && !banned)
        }
        "DescribeChannelMembership"
        | "ListChannelMemberships"
        | "GetChannelMessage"
        | "ListChannelMessages" => anyone_of_it || outsider_reads,
        "DeleteChannelMembership" => {
            admin
                || moderator
                || (member
                    && (s.target.is_caller
                        || (s.members_remove_others
                            && s.target.standing.membership != Some(MembershipType::Hidden))))
        }
        "SendChannelMessage" => membership == Some(MembershipType::Default),
        "DeleteChannelMessage" => admin,
        "RedactChannelMessage" => admin || moderator || (member && s.own_message && s.members_redact_own),
        "UpdateChannelMessage" => anyone_of_it && s.own_message,
        "CreateChannelModerator" => admin || (moderator && member),
        "DeleteChannelModerator" | "DescribeChannelModerator" | "ListChannelModerators" => admin || moderator,
        "CreateChannelBan" => {
            (admin || moderator) && !s.target.standing.admin && !s.target.standing.moderator
        }
        "DeleteChannelBan" => (admin || moderator) && s.target.standing.banned,
        "DescribeChannelBan" | "ListChannelBans" => admin || moderator,
        "UpdateChannelReadMarker" => member,
        other => unreachable!("{other}"),
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2048))]

    #[test]
    fn every_row_decides_as_the_documentation_says_in_every_world(s in situation()) {
        for action in Action::ALL {
            let derivation = decide(action, &s);
            prop_assert_eq!(
                matches!(derivation, Derivation::Allowed(_)), by_the_text(action, &s), "{:?}: {}", &s, derivation
            );
        }
    }

    #[test]
    fn another_role_never_takes_a_right_away(s in situation()) {
        let mut more = s;
        more.standing.admin = true;
        for action in Action::ALL {
            if matches!(decide(action, &s), Derivation::Allowed(_)) {
                prop_assert!(matches!(decide(action, &more), Derivation::Allowed(_)), "{}", action);
            }
        }
    }

    #[test]
    fn a_refusal_names_its_rule_and_a_way_to_pass(s in situation()) {
        for action in Action::ALL {
            if let Err(refusal) = decide(action, &s).enforce() {
                prop_assert_eq!(refusal.code(), crate::error::ErrorCode::Forbidden);
                let text = refusal.to_string();
                prop_assert!(text.contains(refusal.rule()) && text.contains("To pass: "), "{}", text);
            }
        }
    }
}
