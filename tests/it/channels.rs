use chime_domain::access::MembershipType::{Default, Hidden};
use chime_domain::access::Mode::{Restricted, Unrestricted};
use chime_domain::access::Privacy::{Private, Public};
use chime_domain::arn::{AppInstanceUserArn, ChannelArn};
use chime_domain::error::ErrorCode::{
    BadRequest, Conflict, Forbidden, NotFound, ResourceLimitExceeded, UnauthorizedClient,
};
use chime_domain::identity::CreateAppInstance;
use chime_domain::ids::{AppInstanceUserId, ChannelId, ClientRequestToken};
use chime_domain::limits::Quota;
use chime_domain::messaging::{CreateChannel, UpdateChannel};
use chime_domain::page::PageRequest;
use chime_domain::text::{Metadata, ResourceName};
use chime_tests::{BEGINNING, World, received, refused, run};

fn named(world: &World, name: &str) -> CreateChannel {
    CreateChannel::new(world.app.clone(), ResourceName::new(name).unwrap())
}

fn nobody(world: &World) -> AppInstanceUserArn {
    world.app.user(&AppInstanceUserId::new("nobody").unwrap())
}

fn no_channel(world: &World) -> ChannelArn {
    world.app.channel(&ChannelId::new("none").unwrap())
}

fn all() -> PageRequest {
    PageRequest::default()
}

#[test]
fn chn_01_any_user_can_create_a_channel_and_its_arn_is_below_the_app_instance() {
    run(async {
        let world = World::new().await;
        let alice = world.user("alice").await;
        let channel = world.channel(&alice, Public, Restricted).await;
        assert!(channel.as_str().starts_with(&format!("{}/channel/", world.app)), "{channel}");
        let view = world.as_user(&alice).describe_channel(&channel).await.unwrap();
        assert_eq!((&view.channel.arn, &view.channel.created_by.arn), (&channel, &alice));
        assert_eq!((view.channel.created, view.last_message), (BEGINNING, None));
    });
}

#[test]
fn chn_02_and_03_the_creator_is_a_default_member_and_moderator_and_nobody_else_is_anything() {
    run(async {
        let world = World::new().await;
        let (alice, bob) = (world.user("alice").await, world.admin("bob").await);
        let channel = world.channel(&alice, Private, Unrestricted).await;
        let mut bobs = world.as_user(&bob).inbox().await.unwrap();
        assert_eq!(world.members(&alice, &channel, Default).await, ["alice"]);
        assert_eq!(world.members(&alice, &channel, Hidden).await, [""; 0]);
        let moderators = world.as_user(&alice).list_channel_moderators(&channel, &all()).await.unwrap();
        assert_eq!(moderators.items.len(), 1);
        assert_eq!(moderators.items[0].moderator.arn, alice);
        world.send(&alice, &channel, "as the creator").await.unwrap();
        assert_eq!(world.refuses(world.send(&bob, &channel, "no member")).await, (Forbidden, "ROLE-12"));
        assert_eq!(received(&mut bobs).await, [""; 0]);
    });
}

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
fn chn_08_a_channel_created_without_privacy_and_mode_is_public_and_restricted() {
    run(async {
        let world = World::new().await;
        let alice = world.user("alice").await;
        let channel = world.as_user(&alice).create_channel(named(&world, "plain")).await.unwrap();
        let view = world.as_user(&alice).describe_channel(&channel).await.unwrap();
        assert_eq!((view.channel.privacy, view.channel.mode), (Public, Restricted));
    });
}

#[test]
fn chn_09_an_update_changes_name_mode_and_metadata_keeps_what_is_absent_and_never_the_privacy() {
    run(async {
        let world = World::new().await;
        let alice = world.user("alice").await;
        let channel = world.channel(&alice, Private, Restricted).await;
        world.days_later(1).await;
        let mut update = UpdateChannel::new(channel.clone());
        update.metadata = Some(Metadata::new("meta").unwrap());
        update.mode = Some(Unrestricted);
        world.as_user(&alice).update_channel(update).await.unwrap();
        let mut update = UpdateChannel::new(channel.clone());
        update.name = Some(ResourceName::new("renamed").unwrap());
        world.as_user(&alice).update_channel(update).await.unwrap();
        let found = world.as_user(&alice).describe_channel(&channel).await.unwrap().channel;
        assert_eq!(
            (found.name.as_str(), found.metadata.as_str(), found.mode, found.privacy),
            ("renamed", "meta", Unrestricted, Private)
        );
        assert_eq!((found.created, found.updated), (BEGINNING, BEGINNING.plus_days(1)));
        let public = world.as_user(&alice).list_channels(&world.app, None, &all()).await.unwrap();
        assert!(public.items.is_empty());
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

#[test]
fn chn_17_a_deleted_channel_is_gone_at_once_with_all_its_data_and_its_id_begins_anew() {
    run(async {
        let world = World::new().await;
        let (root, alice, bob, eve) = (
            world.admin("root").await,
            world.user("alice").await,
            world.user("bob").await,
            world.user("eve").await,
        );
        let mut command = named(&world, "first");
        command.id = Some(ChannelId::new("room").unwrap());
        let alices = world.as_user(&alice);
        let channel = alices.create_channel(command.clone()).await.unwrap();
        world.join(&alice, &channel, &bob).await;
        world.as_user(&bob).update_channel_read_marker(&channel).await.unwrap();
        alices.create_channel_moderator(&channel, &bob).await.unwrap();
        alices.create_channel_ban(&channel, &eve).await.unwrap();
        let id = world.send(&bob, &channel, "hello").await.unwrap();
        alices.delete_channel(&channel).await.unwrap();
        let roots = world.as_user(&root);
        let gone = (Forbidden, "E-06");
        assert_eq!(world.refuses(roots.describe_channel(&channel)).await, gone);
        assert_eq!(world.refuses(world.send(&alice, &channel, "again")).await, gone);
        assert_eq!(world.refuses(alices.delete_channel(&channel)).await, gone);
        assert_eq!(world.refuses(roots.get_channel_message(&channel, &id)).await, (NotFound, "E-06"));
        assert!(alices.list_channels(&world.app, None, &all()).await.unwrap().items.is_empty());
        let bobs = world.as_user(&bob);
        let own = bobs.list_channel_memberships_for_app_instance_user(None, &all()).await.unwrap();
        assert!(own.items.is_empty(), "{own:?}");
        let moderated = bobs.list_channels_moderated_by_app_instance_user(None, &all()).await.unwrap();
        assert!(moderated.items.is_empty());
        assert_eq!(world.refuses(alices.create_channel(command.clone())).await, (Conflict, "CHN-17"));

        world.chime.run_due().await.unwrap();
        let again = alices.create_channel(command).await.unwrap();
        assert_eq!(again, channel);
        assert_eq!(world.members(&alice, &channel, Default).await, ["alice"]);
        assert_eq!(world.texts(&alice, &channel).await, [""; 0]);
        assert!(alices.list_channel_bans(&channel, &all()).await.unwrap().items.is_empty());
        assert_eq!(alices.list_channel_moderators(&channel, &all()).await.unwrap().items.len(), 1);
        assert_eq!(alices.describe_channel(&channel).await.unwrap().last_message, None);
        world.join(&alice, &channel, &eve).await;
    });
}

#[test]
fn chn_18_names_and_metadata_fit_at_their_bound_and_not_one_past() {
    assert!(ResourceName::new("").is_err());
    assert!(ResourceName::new("n".repeat(256)).is_ok());
    assert!(ResourceName::new("n".repeat(257)).is_err());
    assert!(Metadata::new("m".repeat(1024)).is_ok());
    assert!(Metadata::new("m".repeat(1025)).is_err());
    assert!(Metadata::new("\u{20ac}".repeat(341)).is_ok(), "1023 bytes");
    assert!(Metadata::new("\u{20ac}".repeat(342)).is_err(), "1026 bytes");
}

#[test]
fn chn_19_a_read_marker_is_the_moment_of_the_call_and_a_members_own() {
    run(async {
        let world = World::new().await;
        let (root, alice) = (world.admin("root").await, world.user("alice").await);
        let channel = world.channel(&alice, Public, Restricted).await;
        let alices = world.as_user(&alice);
        let own = || alices.describe_channel_membership_for_app_instance_user(&channel, None);
        assert_eq!(own().await.unwrap().read_marker, None);
        world.days_later(1).await;
        alices.update_channel_read_marker(&channel).await.unwrap();
        world.days_later(1).await;
        assert_eq!(own().await.unwrap().read_marker, Some(BEGINNING.plus_days(1)));
        let roots = world.as_user(&root);
        let marker = roots.update_channel_read_marker(&channel);
        assert_eq!(world.refuses(marker).await, (Forbidden, "AUTH-27"));
        alices.delete_channel_membership(&channel, &alice).await.unwrap();
        world.join(&alice, &channel, &alice).await;
        assert_eq!(own().await.unwrap().read_marker, None, "a new membership has read nothing");
    });
}

#[test]
fn chn_20_the_last_message_timestamp_is_that_of_the_last_persistent_message() {
    run(async {
        let world = World::new().await;
        let alice = world.user("alice").await;
        let channel = world.channel(&alice, Public, Restricted).await;
        let alices = world.as_user(&alice);
        world.days_later(1).await;
        let id = world.send(&alice, &channel, "one").await.unwrap();
        world.days_later(1).await;
        world.edit(&alice, &channel, &id, "two").await.unwrap();
        let view = alices.describe_channel(&channel).await.unwrap();
        assert_eq!(view.last_message, Some(BEGINNING.plus_days(1)));
        let listed = alices.list_channels(&world.app, None, &all()).await.unwrap();
        assert_eq!(listed.items[0].last_message, Some(BEGINNING.plus_days(1)));
        let own = alices.list_channel_memberships_for_app_instance_user(None, &all()).await.unwrap();
        assert_eq!(own.items[0].channel.last_message, Some(BEGINNING.plus_days(1)));
    });
}

#[test]
fn chn_21_list_channels_shows_public_ones_and_private_ones_to_admins_who_ask() {
    run(async {
        let world = World::new().await;
        let (root, alice) = (world.admin("root").await, world.user("alice").await);
        let public = world.channel(&alice, Public, Restricted).await;
        let private = world.channel(&alice, Private, Restricted).await;
        let (roots, alices) = (world.as_user(&root), world.as_user(&alice));
        for (caller, filter) in [(&roots, None), (&alices, None), (&alices, Some(Public))] {
            let found = caller.list_channels(&world.app, filter, &all()).await.unwrap();
            let found: Vec<_> = found.items.iter().map(|view| view.channel.arn.clone()).collect();
            assert_eq!(found, std::slice::from_ref(&public));
        }
        let found = roots.list_channels(&world.app, Some(Private), &all()).await.unwrap();
        assert_eq!(found.items[0].channel.arn, private);
        let listing = all();
        let asked = alices.list_channels(&world.app, Some(Private), &listing);
        assert_eq!(world.refuses(asked).await, (Forbidden, "AUTH-85"));
    });
}

#[test]
fn app_07_users_of_another_app_instance_are_neither_bearers_nor_members_nor_targets() {
    run(async {
        let world = World::new().await;
        let alice = world.user("alice").await;
        let channel = world.channel(&alice, Public, Unrestricted).await;
        let identity = world.chime.identity();
        let command = CreateAppInstance::new(ResourceName::new("other").unwrap());
        let other = World { app: identity.create_app_instance(command).await.unwrap(), ..world };
        let world = &other;
        // The same id, so that its rows would be found were the app instance not compared.
        let stranger = world.admin("alice").await;
        let alices = world.as_user(&alice);
        let foreign = (Forbidden, "E-09");
        let added = alices.create_channel_membership(&channel, &stranger, Default);
        assert_eq!(world.refuses(added).await, foreign);
        assert_eq!(world.refuses(alices.delete_channel_membership(&channel, &stranger)).await, foreign);
        assert_eq!(world.refuses(alices.create_channel_moderator(&channel, &stranger)).await, foreign);
        assert_eq!(world.refuses(alices.describe_channel_moderator(&channel, &stranger)).await, foreign);
        assert_eq!(world.refuses(alices.describe_channel_membership(&channel, &stranger)).await, foreign);
        let mut command = CreateChannel::new(alice.app_instance(), ResourceName::new("mixed").unwrap());
        command.members = vec![stranger.clone()];
        assert_eq!(world.refuses(alices.create_channel(command.clone())).await, foreign);
        let strangers = world.as_user(&stranger);
        let bearer = (UnauthorizedClient, "E-09");
        command.members.clear();
        assert_eq!(world.refuses(strangers.create_channel(command)).await, bearer);
        assert_eq!(world.refuses(strangers.describe_channel(&channel)).await, bearer);
        assert_eq!(world.refuses(strangers.delete_channel(&channel)).await, bearer);
        assert_eq!(world.refuses(world.send(&stranger, &channel, "hi")).await, bearer);
        assert_eq!(
            world.refuses(strangers.create_channel_membership(&channel, &stranger, Default)).await,
            bearer
        );
    });
}

#[test]
fn app_08_a_user_is_promoted_for_one_channel_or_for_the_whole_app_instance() {
    run(async {
        let world = World::new().await;
        let (alice, bob) = (world.user("alice").await, world.user("bob").await);
        let one = world.channel(&alice, Private, Restricted).await;
        let two = world.channel(&alice, Private, Restricted).await;
        world.as_user(&alice).create_channel_moderator(&one, &bob).await.unwrap();
        let bobs = world.as_user(&bob);
        bobs.list_channel_bans(&one, &all()).await.unwrap();
        let page = all();
        let elsewhere = bobs.list_channel_bans(&two, &page);
        assert_eq!(world.refuses(elsewhere).await, (Forbidden, "AUTH-107"));
        world.chime.identity().create_app_instance_admin(&world.app, &bob).await.unwrap();
        bobs.list_channel_bans(&two, &all()).await.unwrap();
    });
}

#[test]
fn app_16_to_18_each_quota_of_channels_holds_at_its_value_and_refuses_one_past() {
    run(async {
        let world = World::with_quotas(&[
            (Quota::ChannelsPerAppInstance, 2),
            (Quota::MembershipsPerChannel, 3),
            (Quota::ModeratorsPerChannel, 2),
        ])
        .await;
        let (alice, bob, carol, dave) = (
            world.user("alice").await,
            world.user("bob").await,
            world.user("carol").await,
            world.user("dave").await,
        );
        let channel = world.channel(&alice, Public, Restricted).await;
        let second = world.channel(&alice, Public, Restricted).await;
        let alices = world.as_user(&alice);
        let third = alices.create_channel(named(&world, "third"));
        assert_eq!(world.refuses(third).await, (ResourceLimitExceeded, "APP-16"));
        world.join(&alice, &channel, &bob).await;
        alices.create_channel_membership(&channel, &carol, Hidden).await.unwrap();
        let fourth = alices.create_channel_membership(&channel, &dave, Default);
        assert_eq!(world.refuses(fourth).await, (ResourceLimitExceeded, "APP-17"));
        alices.create_channel_moderator(&channel, &bob).await.unwrap();
        let third = alices.create_channel_moderator(&channel, &carol);
        assert_eq!(world.refuses(third).await, (ResourceLimitExceeded, "APP-18"));
        // Each way out makes room for one more: removed, banned, demoted, deleted.
        alices.delete_channel_membership(&channel, &bob).await.unwrap();
        world.join(&alice, &channel, &dave).await;
        alices.create_channel_ban(&channel, &dave).await.unwrap();
        world.join(&alice, &channel, &bob).await;
        alices.delete_channel_moderator(&channel, &bob).await.unwrap();
        alices.create_channel_moderator(&channel, &carol).await.unwrap();
        world.chime.identity().delete_app_instance_user(&carol).await.unwrap();
        world.chime.run_due().await.unwrap();
        alices.create_channel_moderator(&channel, &bob).await.unwrap();
        let erin = world.user("erin").await;
        world.join(&alice, &channel, &erin).await;
        alices.delete_channel(&second).await.unwrap();
        alices.create_channel(named(&world, "third")).await.unwrap();
    });
}

#[test]
fn t_06_a_repeated_creation_answers_the_same_channel_and_announces_it_once() {
    run(async {
        let world = World::new().await;
        let (alice, bob) = (world.user("alice").await, world.user("bob").await);
        let mut inbox = world.as_user(&alice).inbox().await.unwrap();
        let mut command = named(&world, "room");
        command.client_request_token = Some(ClientRequestToken::new("token").unwrap());
        let alices = world.as_user(&alice);
        let first = alices.create_channel(command.clone()).await.unwrap();
        assert_eq!(alices.create_channel(command.clone()).await.unwrap(), first);
        assert_eq!(received(&mut inbox).await, ["CREATE_CHANNEL_MEMBERSHIP alice"]);
        let mut other = command.clone();
        other.name = ResourceName::new("another").unwrap();
        assert_eq!(world.refuses(alices.create_channel(other)).await, (Conflict, "T-06"));
        let bobs = world.as_user(&bob).create_channel(command.clone()).await.unwrap();
        assert_ne!(bobs, first, "a token belongs to its bearer");
        alices.delete_channel(&first).await.unwrap();
        assert_ne!(
            alices.create_channel(command.clone()).await.unwrap(),
            first,
            "a deleted object frees its token"
        );
        world.chime.identity().delete_app_instance_user(&bob).await.unwrap();
        let deleted = world.as_user(&bob);
        assert_eq!(world.refuses(deleted.create_channel(command)).await, (UnauthorizedClient, "E-09"));
    });
}

#[test]
fn t_08_a_channel_id_or_moderator_that_exists_is_a_conflict() {
    run(async {
        let world = World::new().await;
        let alice = world.user("alice").await;
        let mut command = named(&world, "room");
        command.id = Some(ChannelId::new("room").unwrap());
        let alices = world.as_user(&alice);
        let channel = alices.create_channel(command.clone()).await.unwrap();
        assert_eq!(world.refuses(alices.create_channel(command)).await, (Conflict, "T-08"));
        let promote = alices.create_channel_moderator(&channel, &alice);
        assert_eq!(world.refuses(promote).await, (Conflict, "T-08"));
    });
}

#[test]
fn t_09_removing_who_is_no_member_or_moderator_succeeds_and_writes_nothing() {
    run(async {
        let world = World::new().await;
        let (alice, bob) = (world.user("alice").await, world.user("bob").await);
        let channel = world.channel(&alice, Public, Restricted).await;
        let before = chime_tests::dump(&world.chime).await;
        world.as_user(&alice).delete_channel_membership(&channel, &bob).await.unwrap();
        world.as_user(&alice).delete_channel_moderator(&channel, &bob).await.unwrap();
        assert_eq!(chime_tests::dump(&world.chime).await, before);
    });
}

#[test]
fn e_06_a_missing_channel_is_not_found_where_the_model_says_so_and_forbidden_elsewhere() {
    run(async {
        let world = World::new().await;
        let alice = world.user("alice").await;
        let (missing, alices) = (no_channel(&world), world.as_user(&alice));
        let id = chime_domain::ids::MessageId::new("none").unwrap();
        let (not_found, forbidden) = ((NotFound, "E-06"), Forbidden);
        let page = all();
        assert_eq!(
            world.refuses(alices.create_channel_membership(&missing, &alice, Default)).await,
            not_found
        );
        assert_eq!(
            world
                .refuses(alices.batch_create_channel_membership(
                    &missing,
                    std::slice::from_ref(&alice),
                    Default
                ))
                .await,
            not_found
        );
        assert_eq!(world.refuses(alices.describe_channel_membership(&missing, &alice)).await, not_found);
        assert_eq!(world.refuses(alices.describe_channel_moderator(&missing, &alice)).await, not_found);
        assert_eq!(world.refuses(alices.describe_channel_ban(&missing, &alice)).await, not_found);
        assert_eq!(world.refuses(alices.get_channel_message(&missing, &id)).await, not_found);
        assert_eq!(world.refuses(alices.describe_channel(&missing)).await.0, forbidden);
        assert_eq!(world.refuses(alices.delete_channel(&missing)).await.0, forbidden);
        assert_eq!(
            world.refuses(alices.update_channel(UpdateChannel::new(missing.clone()))).await.0,
            forbidden
        );
        assert_eq!(world.refuses(alices.list_channel_memberships(&missing, None, &page)).await.0, forbidden);
        assert_eq!(world.refuses(alices.list_channel_moderators(&missing, &page)).await.0, forbidden);
        assert_eq!(world.refuses(alices.list_channel_bans(&missing, &page)).await.0, forbidden);
        assert_eq!(world.refuses(alices.delete_channel_membership(&missing, &alice)).await.0, forbidden);
        assert_eq!(world.refuses(alices.create_channel_moderator(&missing, &alice)).await.0, forbidden);
        assert_eq!(world.refuses(alices.delete_channel_moderator(&missing, &alice)).await.0, forbidden);
        assert_eq!(world.refuses(alices.create_channel_ban(&missing, &alice)).await.0, forbidden);
        assert_eq!(world.refuses(alices.delete_channel_ban(&missing, &alice)).await.0, forbidden);
        assert_eq!(world.refuses(alices.update_channel_read_marker(&missing)).await.0, forbidden);
        assert_eq!(world.refuses(world.send(&alice, &missing, "hi")).await.0, forbidden);
        assert_eq!(world.refuses(world.edit(&alice, &missing, &id, "hi")).await.0, forbidden);
        assert_eq!(world.refuses(alices.redact_channel_message(&missing, &id)).await.0, forbidden);
        assert_eq!(world.refuses(alices.delete_channel_message(&missing, &id)).await.0, forbidden);
    });
}

#[test]
fn e_06_a_missing_channel_is_forbidden_in_the_words_of_a_private_one_of_others() {
    run(async {
        let world = World::new().await;
        let (alice, bob) = (world.user("alice").await, world.user("bob").await);
        let private = world.channel(&alice, Private, Restricted).await;
        let (missing, bobs) = (no_channel(&world), world.as_user(&bob));
        let words = async |channel: &ChannelArn| {
            let id = chime_domain::ids::MessageId::new("none").unwrap();
            [
                bobs.describe_channel(channel).await.unwrap_err().to_string(),
                bobs.list_channel_memberships(channel, None, &all()).await.unwrap_err().to_string(),
                world.send(&bob, channel, "hi").await.unwrap_err().to_string(),
                world.edit(&bob, channel, &id, "hi").await.unwrap_err().to_string(),
            ]
        };
        assert_eq!(words(&missing).await, words(&private).await);
    });
}

#[test]
fn e_07_the_bearer_counts_before_the_channel_the_role_before_the_conflict_and_the_quota() {
    run(async {
        let world = World::with_quotas(&[(Quota::MembershipsPerChannel, 1)]).await;
        let (alice, bob) = (world.user("alice").await, world.user("bob").await);
        let channel = world.channel(&alice, Public, Restricted).await;
        let (nobody, missing) = (nobody(&world), no_channel(&world));
        let nobodys = world.as_user(&nobody);
        assert_eq!(world.refuses(nobodys.describe_channel(&missing)).await, (UnauthorizedClient, "E-09"));
        let bobs = world.as_user(&bob);
        let of_bob = bobs.create_channel_membership(&channel, &bob, Default);
        assert_eq!(world.refuses(of_bob).await, (Forbidden, "CHN-05"), "a full channel tells nobody");
        let of_alice = bobs.create_channel_membership(&channel, &alice, Default);
        assert_eq!(world.refuses(of_alice).await, (Forbidden, "CHN-05"), "nor does one's being a member");
    });
}

#[test]
fn e_09_a_user_in_the_input_who_does_not_exist_is_forbidden_and_not_written() {
    run(async {
        let world = World::new().await;
        let alice = world.user("alice").await;
        let channel = world.channel(&alice, Public, Restricted).await;
        let (alices, nobody) = (world.as_user(&alice), nobody(&world));
        let bad = (Forbidden, "E-09");
        assert_eq!(world.refuses(alices.create_channel_membership(&channel, &nobody, Default)).await, bad);
        assert_eq!(world.refuses(alices.create_channel_moderator(&channel, &nobody)).await, bad);
        assert_eq!(world.refuses(alices.create_channel_ban(&channel, &nobody)).await, bad);
        let mut command = named(&world, "with nobody");
        command.moderators = vec![nobody];
        assert_eq!(world.refuses(alices.create_channel(command)).await, bad);
    });
}

#[test]
fn d_08_a_channel_begins_with_up_to_10_members_and_moderators_counted_and_announced() {
    run(async {
        let world = World::new().await;
        let alice = world.user("alice").await;
        let mut command = named(&world, "full");
        let mut inboxes = Vec::new();
        for n in 0..10 {
            let user = world.user(&format!("user-{n}")).await;
            inboxes.push(world.as_user(&user).inbox().await.unwrap());
            command.members.push(user);
        }
        command.moderators = vec![command.members[0].clone(), alice.clone()];
        let channel = world.as_user(&alice).create_channel(command.clone()).await.unwrap();
        assert_eq!(world.members(&alice, &channel, Default).await.len(), 11);
        let moderators = world.as_user(&alice).list_channel_moderators(&channel, &all()).await.unwrap();
        assert_eq!(moderators.items.len(), 2);
        for mut inbox in inboxes {
            let own = format!("CREATE_CHANNEL_MEMBERSHIP {}", inbox.user().user_id());
            assert!(received(&mut inbox).await.contains(&own));
        }
        let eleventh = world.user("eleventh").await;
        command.members.push(eleventh);
        let alices = world.as_user(&alice);
        assert_eq!(world.refuses(alices.create_channel(command)).await, (BadRequest, "D-08"));
    });
}

#[test]
fn p_02_to_05_every_list_pages_to_its_end_and_refuses_the_tokens_of_others() {
    run(async {
        let world = World::new().await;
        let (alice, bob) = (world.user("alice").await, world.user("bob").await);
        let mut command = named(&world, "first");
        for n in 0..9 {
            command.members.push(world.user(&format!("user-{n}")).await);
        }
        let alices = world.as_user(&alice);
        let channel = alices.create_channel(command).await.unwrap();
        let mut request = PageRequest::first(3);
        let (mut seen, mut tokens) = (Vec::new(), Vec::new());
        loop {
            let page = alices.list_channel_memberships(&channel, None, &request).await.unwrap();
            seen.extend(page.items.iter().map(|row| row.member.arn.user_id().to_owned()));
            let Some(next) = page.next else { break };
            assert!(!tokens.contains(&next), "a token came twice");
            tokens.push(next.clone());
            // Wire rule P-03: without MaxResults, or with another.
            request = PageRequest::new((tokens.len() < 3).then_some(2), Some(next));
        }
        assert_eq!(seen.len(), 10);
        assert_eq!(tokens.len(), 3);
        let token = Some(tokens.remove(0));
        let stolen = PageRequest::new(None, token);
        world.join(&alice, &channel, &bob).await;
        let bad = (BadRequest, "P-03");
        let bobs = world.as_user(&bob);
        assert_eq!(refused(bobs.list_channel_memberships(&channel, None, &stolen).await), bad);
        assert_eq!(refused(alices.list_channel_memberships(&channel, Some(Hidden), &stolen).await), bad);
        assert_eq!(refused(alices.list_channel_moderators(&channel, &stolen).await), bad);
        assert_eq!(refused(alices.list_channel_bans(&channel, &stolen).await), bad);
        assert_eq!(refused(alices.list_channels(&world.app, None, &stolen).await), bad);
        let forged = PageRequest::new(None, Some("AAAA".into()));
        assert_eq!(refused(alices.list_channel_memberships(&channel, None, &forged).await), bad);
        for size in [0, 51] {
            let wrong = PageRequest::first(size);
            let refusal = refused(alices.list_channel_memberships(&channel, None, &wrong).await);
            assert_eq!(refusal, (BadRequest, "P-01"));
        }
    });
}

#[test]
fn p_05_a_page_of_a_filtered_list_never_ends_before_its_last_item() {
    run(async {
        let world = World::new().await;
        let alice = world.user("alice").await;
        let channel = world.channel(&alice, Public, Restricted).await;
        for n in 0..30 {
            let user = world.user(&format!("user-{n:02}")).await;
            let kind = if n % 7 == 0 { Hidden } else { Default };
            world.as_user(&alice).create_channel_membership(&channel, &user, kind).await.unwrap();
        }
        for size in [1, 2, 4, 5, 50] {
            let (mut request, mut seen) = (PageRequest::first(size), Vec::new());
            loop {
                let page =
                    world.as_user(&alice).list_channel_memberships(&channel, Some(Hidden), &request).await;
                let page = page.unwrap();
                seen.extend(page.items.iter().map(|row| row.member.arn.user_id().to_owned()));
                let Some(next) = page.next else { break };
                request = PageRequest::new(Some(size), Some(next));
            }
            assert_eq!(seen, ["user-00", "user-07", "user-14", "user-21", "user-28"], "pages of {size}");
        }
    });
}
