//! Callers of several roles, and the readings of rules ROLE-01 to ROLE-12.

use std::sync::Arc;

use chime_adapters::memory::MemoryStore;
use chime_domain::access::MembershipType::{Default, Hidden};
use chime_domain::access::Mode::{Restricted, Unrestricted};
use chime_domain::access::Privacy::{Private, Public};
use chime_domain::access::{Mode, Privacy};
use chime_domain::error::ErrorCode::{Forbidden, UnauthorizedClient};
use chime_domain::identity::CreateAppInstance;
use chime_domain::page::PageRequest;
use chime_domain::text::ResourceName;
use chime_tests::{World, run};

use super::stage::{Case, Role, Stage};
use super::table::ROWS;

const KINDS: [(Privacy, Mode); 4] =
    [(Public, Unrestricted), (Public, Restricted), (Private, Unrestricted), (Private, Restricted)];

/// Every operation with the cases that some row has for it, so that each is tried in all its forms.
fn attempts() -> Vec<(&'static str, Case)> {
    let mut all: Vec<_> = ROWS
        .iter()
        .filter(|row| !matches!(row.case, Case::AsMember | Case::AsHidden))
        .map(|row| (row.operation, row.case))
        .collect();
    all.sort_by_key(|(operation, case)| (*operation, format!("{case:?}")));
    all.dedup();
    all
}

async fn passes(stage: &Stage, operation: &str, case: Case) -> bool {
    match stage.attempt(operation, case).await {
        Ok(()) => true,
        Err(error) => error.refusal().expect("no store fails here").rule() == "E-06",
    }
}

#[test]
fn app_09_an_admin_who_is_also_moderator_and_member_has_the_union_of_the_rights() {
    run(async {
        for (privacy, mode) in KINDS {
            for (operation, case) in attempts() {
                let mut single = Vec::new();
                for (role, case_of_role) in
                    [(Role::Admin, case), (Role::Moderator, case), (Role::Member, case)]
                {
                    let stage = Stage::new(role, case_of_role, privacy, mode).await;
                    single.push(passes(&stage, operation, case).await);
                }
                let all = Stage::new(Role::Moderator, Case::AsMember, privacy, mode).await;
                let (identity, app) = (all.world.chime.identity(), &all.world.app);
                identity.create_app_instance_admin(app, &all.caller).await.unwrap();
                // Adding oneself conflicts for who is a member: that is no matter of rights.
                let joins = operation == "CreateChannelMembership" && case == Case::Own;
                // Whoever is a member does what "membership first" keeps from the others.
                let first = ["SendChannelMessage", "UpdateChannelReadMarker", "CreateChannelModerator"];
                if joins || first.contains(&operation) {
                    continue;
                }
                assert_eq!(
                    passes(&all, operation, case).await,
                    single.contains(&true),
                    "{operation} {case:?} in {privacy:?} {mode:?}: alone {single:?}"
                );
            }
            let all = Stage::new(Role::Moderator, Case::AsMember, privacy, mode).await;
            for operation in ["SendChannelMessage", "UpdateChannelReadMarker", "CreateChannelModerator"] {
                assert!(passes(&all, operation, Case::Plain).await, "{operation}");
            }
        }
    });
}

#[test]
fn role_02_own_private_channels_are_found_by_membership_and_not_listed() {
    run(async {
        let stage = Stage::new(Role::Member, Case::Plain, Private, Restricted).await;
        let (me, page) = (stage.world.as_user(&stage.caller), PageRequest::default());
        assert!(me.list_channels(&stage.world.app, None, &page).await.unwrap().items.is_empty());
        let own = me.list_channel_memberships_for_app_instance_user(None, &page).await.unwrap();
        assert_eq!(own.items[0].channel.channel.arn, stage.channel);
    });
}

#[test]
fn role_03_members_remove_others_unless_the_operator_forbids_it() {
    run(async {
        let store = Arc::new(MemoryStore::new());
        let world = World::with(store, |settings| settings.members_remove_others = false).await;
        let (alice, bob, carol) =
            (world.user("alice").await, world.user("bob").await, world.user("carol").await);
        let channel = world.channel(&alice, Public, Restricted).await;
        world.join(&alice, &channel, &bob).await;
        world.join(&alice, &channel, &carol).await;
        let bobs = world.as_user(&bob);
        let remove = bobs.delete_channel_membership(&channel, &carol);
        assert_eq!(world.refuses(remove).await, (Forbidden, "ROLE-03"));
        bobs.delete_channel_membership(&channel, &bob).await.unwrap();
        assert_eq!(world.members(&alice, &channel, Default).await, ["alice", "carol"]);
    });
}

#[test]
fn role_07_a_moderator_has_no_rights_on_another_channel() {
    run(async {
        for (operation, case) in attempts() {
            let with = Stage::new(Role::NonMember, Case::Plain, Private, Restricted).await;
            let elsewhere = with.world.channel(&with.caller, Private, Unrestricted).await;
            assert_ne!(elsewhere, with.channel);
            let without = Stage::new(Role::NonMember, Case::Plain, Private, Restricted).await;
            assert_eq!(
                passes(&with, operation, case).await,
                passes(&without, operation, case).await,
                "{operation} {case:?}"
            );
        }
    });
}

#[test]
fn role_08_an_admin_of_another_app_instance_is_a_bad_bearer_in_every_operation() {
    run(async {
        for (operation, case) in attempts() {
            let mut stage = Stage::new(Role::NonMember, Case::Plain, Public, Unrestricted).await;
            let command = CreateAppInstance::new(ResourceName::new("other").unwrap());
            let here = stage.world.app.clone();
            stage.world.app = stage.world.chime.identity().create_app_instance(command).await.unwrap();
            // Of the same id as the channel's owner.
            stage.caller = stage.world.admin("owner").await;
            stage.world.app = here;
            // These name users only, so they speak of the bearer's own app instance.
            let of_a_user = operation.starts_with("List") && operation.ends_with("AppInstanceUser");
            if of_a_user && case == Case::Own {
                continue;
            }
            let code = if of_a_user { Forbidden } else { UnauthorizedClient };
            let refusal = stage.world.refuses(stage.attempt(operation, case)).await;
            assert_eq!(refusal, (code, "E-09"), "{operation} {case:?}");
        }
    });
}

#[test]
fn role_09_a_non_member_is_forbidden_everything_about_a_private_channel() {
    run(async {
        for mode in [Restricted, Unrestricted] {
            for (operation, case) in attempts() {
                let about_itself = operation == "ListChannels"
                    || (operation.ends_with("AppInstanceUser") && case == Case::Own);
                if about_itself {
                    continue;
                }
                let stage = Stage::new(Role::NonMember, Case::Plain, Private, mode).await;
                let (code, rule) = stage.world.refuses(stage.attempt(operation, case)).await;
                assert_eq!(code, Forbidden, "{operation} {case:?}");
                assert!(rule.starts_with("AUTH-") || rule == "CHN-05", "{operation} {case:?}: {rule}");
            }
        }
    });
}

#[test]
fn role_10_a_non_member_has_exactly_six_reads_on_a_public_channel() {
    run(async {
        let mut allowed = std::collections::BTreeSet::new();
        for (operation, case) in attempts().into_iter().filter(|(_, case)| *case != Case::Own) {
            let stage = Stage::new(Role::NonMember, Case::Plain, Public, Unrestricted).await;
            if stage.attempt(operation, case).await.is_ok() {
                allowed.insert(operation);
            }
        }
        let six = [
            "DescribeChannel",
            "DescribeChannelMembership",
            "GetChannelMessage",
            "ListChannelMemberships",
            "ListChannelMessages",
            "ListChannels",
        ];
        assert!(allowed.iter().eq(six.iter()), "{allowed:?}");
    });
}

#[test]
fn role_11_a_banned_user_is_a_non_member_without_the_public_reads() {
    run(async {
        for (operation, case) in attempts() {
            let of_no_channel =
                operation == "ListChannels" || (operation.ends_with("AppInstanceUser") && case == Case::Own);
            if of_no_channel {
                continue;
            }
            let stage = Stage::new(Role::Member, Case::Plain, Public, Unrestricted).await;
            let owners = stage.world.as_user(&stage.owner);
            owners.create_channel_ban(&stage.channel, &stage.caller).await.unwrap();
            let (code, rule) = stage.world.refuses(stage.attempt(operation, case)).await;
            assert_eq!(code, Forbidden, "{operation} {case:?}");
            assert!(rule.starts_with("AUTH-") || rule.starts_with("CHN-"), "{operation} {case:?}: {rule}");
        }
    });
}

#[test]
fn role_11_a_banned_user_who_is_made_an_admin_has_an_admins_rights_and_still_cannot_join() {
    run(async {
        let stage = Stage::new(Role::NonMember, Case::Plain, Private, Restricted).await;
        let owners = stage.world.as_user(&stage.owner);
        owners.create_channel_ban(&stage.channel, &stage.caller).await.unwrap();
        let identity = stage.world.chime.identity();
        identity.create_app_instance_admin(&stage.world.app, &stage.caller).await.unwrap();
        stage.attempt("ListChannelMessages", Case::Plain).await.unwrap();
        let join = stage.attempt("CreateChannelMembership", Case::Own);
        assert_eq!(stage.world.refuses(join).await, (Forbidden, "CHN-13"));
        let me = stage.world.as_user(&stage.caller);
        me.delete_channel_ban(&stage.channel, &stage.caller).await.unwrap();
        stage.attempt("CreateChannelMembership", Case::Own).await.unwrap();
    });
}

#[test]
fn role_12_a_hidden_member_does_what_a_member_does_but_send() {
    run(async {
        for (privacy, mode) in KINDS {
            for (operation, case) in attempts() {
                let hidden = Stage::new(Role::Member, Case::AsHidden, privacy, mode).await;
                let seen = Stage::new(Role::Member, Case::Plain, privacy, mode).await;
                let expected = operation != "SendChannelMessage" && passes(&seen, operation, case).await;
                assert_eq!(passes(&hidden, operation, case).await, expected, "{operation} {case:?}");
            }
        }
    });
}

#[test]
fn role_12_a_hidden_member_adds_others_but_no_hidden_ones_in_an_unrestricted_channel() {
    run(async {
        let stage = Stage::new(Role::Member, Case::AsHidden, Private, Unrestricted).await;
        let carol = stage.world.user("carol").await;
        let me = stage.world.as_user(&stage.caller);
        let hidden = me.create_channel_membership(&stage.channel, &carol, Hidden);
        assert_eq!(stage.world.refuses(hidden).await, (Forbidden, "CHN-10"));
        let added = me.create_channel_membership(&stage.channel, &carol, Default).await.unwrap();
        assert_eq!((added.kind, added.invited_by.arn), (Default, stage.caller.clone()));
    });
}
