//! Channels: their lives, and what is kept and told of them.

mod errors;
mod members;

use chime_domain::access::MembershipType::{Default, Hidden};
use chime_domain::access::Mode::{Restricted, Unrestricted};
use chime_domain::access::Privacy::{Private, Public};
use chime_domain::arn::{AppInstanceUserArn, ChannelArn};
use chime_domain::error::ErrorCode::{Conflict, Forbidden, NotFound, UnauthorizedClient};
use chime_domain::identity::CreateAppInstance;
use chime_domain::ids::{AppInstanceUserId, ChannelId};
use chime_domain::messaging::{CreateChannel, UpdateChannel};
use chime_domain::page::PageRequest;
use chime_domain::text::{Metadata, ResourceName};
use chime_tests::{BEGINNING, World, received, run};

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
