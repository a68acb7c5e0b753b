//! What operations on channels refuse, and how: quotas, tokens, missing things, pages.

use chime_domain::access::MembershipType::{Default, Hidden};
use chime_domain::access::Mode::Restricted;
use chime_domain::access::Privacy::{Private, Public};
use chime_domain::arn::ChannelArn;
use chime_domain::error::ErrorCode::{
    BadRequest, Conflict, Forbidden, NotFound, ResourceLimitExceeded, UnauthorizedClient,
};
use chime_domain::ids::{ChannelId, ClientRequestToken};
use chime_domain::limits::Quota;
use chime_domain::messaging::UpdateChannel;
use chime_domain::page::PageRequest;
use chime_domain::text::ResourceName;
use chime_tests::{World, received, refused, run};

use super::{all, named, no_channel, nobody};

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
