//! Memberships, moderators and bans of channels.

use chime_domain::access::MembershipType::{Default, Hidden};
use chime_domain::access::Mode::{Restricted, Unrestricted};
use chime_domain::access::Privacy::{Private, Public};
use chime_domain::error::ErrorCode::{BadRequest, Conflict, Forbidden, NotFound};
use chime_tests::{BEGINNING, World, refused, run};

use super::{all, nobody};

#[test]
fn chn_04_and_05_a_user_adds_itself_to_a_public_unrestricted_channel_only_and_nobody_else() {
    run(async {
        let world = World::new().await;
        let (alice, bob, carol) =
            (world.user("alice").await, world.user("bob").await, world.user("carol").await);
        for (privacy, mode) in [(Public, Restricted), (Private, Unrestricted), (Private, Restricted)] {
            let channel = world.channel(&alice, privacy, mode).await;
            let bobs = world.as_user(&bob);
            let join = bobs.create_channel_membership(&channel, &bob, Default);
            assert_eq!(world.refuses(join).await, (Forbidden, "CHN-05"), "{privacy:?} {mode:?}");
        }
        let open = world.channel(&alice, Public, Unrestricted).await;
        let bobs = world.as_user(&bob);
        let other = bobs.create_channel_membership(&open, &carol, Default);
        assert_eq!(world.refuses(other).await, (Forbidden, "CHN-05"));
        let hidden = bobs.create_channel_membership(&open, &bob, Hidden);
        assert_eq!(world.refuses(hidden).await, (Forbidden, "CHN-10"));
        let membership = bobs.create_channel_membership(&open, &bob, Default).await.unwrap();
        assert_eq!((&membership.member.arn, &membership.invited_by.arn), (&bob, &bob));
        assert_eq!(world.members(&alice, &open, Default).await, ["alice", "bob"]);
    });
}

#[test]
fn chn_06_and_07_members_add_others_in_unrestricted_channels_only_private_ones_too() {
    run(async {
        let world = World::new().await;
        let (root, alice, bob) =
            (world.admin("root").await, world.user("alice").await, world.user("bob").await);
        for privacy in [Public, Private] {
            for (mode, allowed) in [(Unrestricted, true), (Restricted, false)] {
                let channel = world.channel(&alice, privacy, mode).await;
                world.join(&alice, &channel, &bob).await;
                let carol = world.user(&format!("carol-{privacy:?}-{mode:?}")).await;
                let bobs = world.as_user(&bob);
                let add = bobs.create_channel_membership(&channel, &carol, Default);
                if allowed {
                    assert_eq!(add.await.unwrap().invited_by.arn, bob);
                } else {
                    assert_eq!(world.refuses(add).await, (Forbidden, "AUTH-63"), "{privacy:?}");
                    world.join(&root, &channel, &carol).await;
                }
                assert_eq!(world.members(&alice, &channel, Default).await.len(), 3);
            }
        }
    });
}

#[test]
fn chn_10_a_hidden_member_reads_and_is_listed_only_when_asked_for_and_cannot_send() {
    run(async {
        let world = World::new().await;
        let (alice, eve) = (world.user("alice").await, world.user("eve").await);
        let channel = world.channel(&alice, Private, Restricted).await;
        world.as_user(&alice).create_channel_membership(&channel, &eve, Hidden).await.unwrap();
        world.send(&alice, &channel, "hello").await.unwrap();
        assert_eq!(world.members(&alice, &channel, Default).await, ["alice"]);
        assert_eq!(world.members(&alice, &channel, Hidden).await, ["eve"]);
        let unfiltered =
            world.as_user(&alice).list_channel_memberships(&channel, None, &all()).await.unwrap();
        assert_eq!(unfiltered.items.len(), 1);
        assert_eq!(world.texts(&eve, &channel).await, ["hello"]);
        assert_eq!(world.refuses(world.send(&eve, &channel, "boo")).await, (Forbidden, "ROLE-12"));
    });
}

#[test]
fn chn_10_only_moderators_and_administrators_make_hidden_memberships_and_see_those_of_others() {
    run(async {
        let world = World::new().await;
        let (root, alice) = (world.admin("root").await, world.user("alice").await);
        let (bob, dan, eve) = (world.user("bob").await, world.user("dan").await, world.user("eve").await);
        let channel = world.channel(&alice, Public, Unrestricted).await;
        world.join(&alice, &channel, &bob).await;
        let bobs = world.as_user(&bob);
        let hidden = (Forbidden, "CHN-10");
        assert_eq!(world.refuses(bobs.create_channel_membership(&channel, &eve, Hidden)).await, hidden);
        let batch = [eve.clone()];
        let (added, errors) = bobs.batch_create_channel_membership(&channel, &batch, Hidden).await.unwrap();
        assert_eq!((added.len(), errors[0].refusal.rule()), (0, "CHN-10"));
        world.as_user(&alice).create_channel_membership(&channel, &eve, Hidden).await.unwrap();
        for leader in [&root, &alice] {
            assert_eq!(world.members(leader, &channel, Hidden).await, ["eve"]);
            world.as_user(leader).describe_channel_membership(&channel, &eve).await.unwrap();
        }
        for other in [&bob, &dan, &eve] {
            let list = world.as_user(other).list_channel_memberships(&channel, Some(Hidden), &all()).await;
            assert_eq!(refused(list), hidden, "{other}");
        }
        for other in [&bob, &dan] {
            let mut answers = Vec::new();
            for whom in [&eve, &dan] {
                let found = world.as_user(other).describe_channel_membership(&channel, whom).await;
                answers.push(found.unwrap_err().refusal().unwrap().clone());
            }
            assert_eq!((answers[0].code(), answers[0].rule()), (NotFound, "E-06"));
            assert_eq!(answers[0].to_string(), answers[1].to_string(), "as if there were none");
        }
        world.as_user(&eve).describe_channel_membership(&channel, &eve).await.unwrap();
        let own = world.as_user(&eve).list_channel_memberships_for_app_instance_user(None, &all()).await;
        assert_eq!(own.unwrap().items.len(), 1);
    });
}

#[test]
fn chn_11_a_membership_says_its_type_who_invited_and_when() {
    run(async {
        let world = World::new().await;
        let (alice, bob) = (world.user("alice").await, world.user("bob").await);
        let channel = world.channel(&alice, Private, Restricted).await;
        world.days_later(1).await;
        world.join(&alice, &channel, &bob).await;
        let found = world.as_user(&bob).describe_channel_membership(&channel, &bob).await.unwrap();
        assert_eq!((found.kind, found.channel), (Default, channel));
        assert_eq!((found.member.arn, found.member.name.as_str()), (bob, "bob"));
        assert_eq!(found.invited_by.arn, alice);
        assert_eq!((found.created, found.updated), (BEGINNING.plus_days(1), BEGINNING.plus_days(1)));
    });
}

#[test]
fn chn_12_adding_a_member_again_conflicts_and_in_a_batch_concerns_that_member_only() {
    run(async {
        let world = World::new().await;
        let (alice, bob, carol) =
            (world.user("alice").await, world.user("bob").await, world.user("carol").await);
        let channel = world.channel(&alice, Private, Restricted).await;
        world.join(&alice, &channel, &bob).await;
        let alices = world.as_user(&alice);
        let again = alices.create_channel_membership(&channel, &bob, Hidden);
        assert_eq!(world.refuses(again).await, (Conflict, "CHN-12"));
        let batch = [bob.clone(), carol.clone(), nobody(&world)];
        let (added, errors) =
            alices.batch_create_channel_membership(&channel, &batch, Default).await.unwrap();
        assert_eq!(added.len(), 1);
        assert_eq!(added[0].member.arn, carol);
        let errors: Vec<_> =
            errors.iter().map(|error| (&error.member, error.refusal.code(), error.refusal.rule())).collect();
        assert_eq!(errors, [(&bob, Conflict, "CHN-12"), (&nobody(&world), Forbidden, "E-09")]);
        for count in [0, 101] {
            let many = vec![carol.clone(); count];
            let batch = alices.batch_create_channel_membership(&channel, &many, Default);
            assert_eq!(world.refuses(batch).await, (BadRequest, "CHN-12"), "{count}");
        }
        let hundred = vec![carol.clone(); 100];
        let (added, errors) =
            alices.batch_create_channel_membership(&channel, &hundred, Default).await.unwrap();
        assert_eq!((added.len(), errors.len()), (0, 100));
    });
}

#[test]
fn chn_13_a_banned_member_is_removed_at_once_and_cannot_rejoin() {
    run(async {
        let world = World::new().await;
        let (root, alice, bob) =
            (world.admin("root").await, world.user("alice").await, world.user("bob").await);
        let channel = world.channel(&alice, Public, Unrestricted).await;
        world.join(&alice, &channel, &bob).await;
        world.as_user(&alice).create_channel_ban(&channel, &bob).await.unwrap();
        assert_eq!(world.members(&alice, &channel, Default).await, ["alice"]);
        assert_eq!(world.refuses(world.send(&bob, &channel, "hey")).await, (Forbidden, "AUTH-94"));
        for by in [&root, &alice, &bob] {
            let caller = world.as_user(by);
            let add = caller.create_channel_membership(&channel, &bob, Default);
            assert_eq!(world.refuses(add).await, (Forbidden, "CHN-13"), "{by}");
        }
        let alices = world.as_user(&alice);
        assert_eq!(world.refuses(alices.create_channel_ban(&channel, &bob)).await, (Conflict, "T-08"));
        let bans = alices.list_channel_bans(&channel, &all()).await.unwrap();
        assert_eq!(bans.items.len(), 1);
        assert_eq!((&bans.items[0].member.arn, &bans.items[0].created_by.arn), (&bob, &alice));
    });
}

#[test]
fn chn_14_neither_an_admin_nor_a_moderator_can_be_banned_nor_a_banned_user_made_a_moderator() {
    run(async {
        let world = World::new().await;
        let (root, alice, bob) =
            (world.admin("root").await, world.user("alice").await, world.user("bob").await);
        let channel = world.channel(&alice, Public, Restricted).await;
        let (roots, alices) = (world.as_user(&root), world.as_user(&alice));
        assert_eq!(world.refuses(alices.create_channel_ban(&channel, &root)).await, (Forbidden, "AUTH-50"));
        assert_eq!(world.refuses(alices.create_channel_ban(&channel, &alice)).await, (Forbidden, "AUTH-50"));
        assert_eq!(world.refuses(roots.create_channel_ban(&channel, &alice)).await, (Forbidden, "AUTH-23"));
        roots.create_channel_ban(&channel, &bob).await.unwrap();
        let promote = alices.create_channel_moderator(&channel, &bob);
        assert_eq!(world.refuses(promote).await, (Forbidden, "CHN-14"));
        roots.delete_channel_ban(&channel, &bob).await.unwrap();
        alices.create_channel_moderator(&channel, &bob).await.unwrap();
        assert_eq!(world.refuses(roots.create_channel_ban(&channel, &bob)).await, (Forbidden, "AUTH-23"));
    });
}

#[test]
fn chn_15_lifting_a_ban_does_not_bring_the_membership_back() {
    run(async {
        let world = World::new().await;
        let (alice, bob) = (world.user("alice").await, world.user("bob").await);
        let channel = world.channel(&alice, Private, Restricted).await;
        world.join(&alice, &channel, &bob).await;
        let alices = world.as_user(&alice);
        alices.create_channel_ban(&channel, &bob).await.unwrap();
        alices.delete_channel_ban(&channel, &bob).await.unwrap();
        assert_eq!(world.members(&alice, &channel, Default).await, ["alice"]);
        assert_eq!(world.refuses(alices.describe_channel_ban(&channel, &bob)).await, (NotFound, "E-06"));
        world.join(&alice, &channel, &bob).await;
        world.send(&bob, &channel, "back").await.unwrap();
    });
}
