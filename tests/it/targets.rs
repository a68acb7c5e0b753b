//! Targeted messages: for their sender and their target alone.

use chime_domain::access::Mode::Unrestricted;
use chime_domain::access::Privacy::Public;
use chime_domain::arn::{AppInstanceUserArn, ChannelArn};
use chime_domain::error::ErrorCode::{BadRequest, Forbidden, NotFound};
use chime_domain::identity::{Expiration, ExpirationCriterion};
use chime_domain::messaging::{Persistence, SearchField, SearchOperator, SendChannelMessage};
use chime_domain::page::PageRequest;
use chime_domain::text::Content;
use chime_domain::time::Timestamp;
use chime_tests::{BEGINNING, World, dump, received, run};

#[test]
fn a_targeted_message_is_seen_heard_and_acted_on_by_its_sender_and_its_target_only() {
    run(async {
        let world = World::new().await;
        let (root, alice) = (world.admin("root").await, world.user("alice").await);
        let (bob, carol) = (world.user("bob").await, world.user("carol").await);
        let channel = world.channel(&alice, Public, Unrestricted).await;
        for user in [&bob, &carol] {
            world.join(&alice, &channel, user).await;
        }
        let mut inboxes = Vec::new();
        for user in [&alice, &bob, &carol] {
            inboxes.push(world.as_user(user).inbox().await.unwrap());
        }
        let mut command = SendChannelMessage::new(channel.clone(), Content::new("psst").unwrap());
        command.target = Some(carol.clone());
        let id = world.as_user(&bob).send_channel_message(command).await.unwrap().id;
        world.send(&bob, &channel, "aloud").await.unwrap();
        let mut heard = Vec::new();
        for inbox in &mut inboxes {
            heard.push(received(inbox).await);
        }
        let both = ["CREATE_CHANNEL_MESSAGE psst", "CREATE_CHANNEL_MESSAGE aloud"];
        assert_eq!(heard, [&both[1..], &both, &both]);
        for (user, sees) in [(&alice, false), (&bob, true), (&carol, true), (&root, false)] {
            assert_eq!(world.as_user(user).get_channel_message(&channel, &id).await.is_ok(), sees, "{user}");
            assert_eq!(world.texts(user, &channel).await.len(), 1 + usize::from(sees), "{user}");
        }
        let alices = world.as_user(&alice);
        let got = world.refuses(alices.get_channel_message(&channel, &id)).await;
        assert_eq!(got, (NotFound, "E-06"));
        // A moderator who does not see it cannot redact it; an administrator can delete it unseen.
        assert_eq!(world.refuses(alices.redact_channel_message(&channel, &id)).await, (Forbidden, "E-06"));
        world.as_user(&root).delete_channel_message(&channel, &id).await.unwrap();
        assert_eq!(world.texts(&carol, &channel).await, ["aloud"]);
        let deleted = ["DELETE_CHANNEL_MESSAGE -".to_owned()];
        for (inbox, hears) in inboxes.iter_mut().zip([false, true, true]) {
            assert_eq!(received(inbox).await, if hears { &deleted[..] } else { &[] });
        }
    });
}

#[test]
fn the_target_is_a_member_or_the_sender_itself() {
    run(async {
        let world = World::new().await;
        let (alice, bob) = (world.user("alice").await, world.user("bob").await);
        let channel = world.channel(&alice, Public, Unrestricted).await;
        let to = |target: &chime_domain::arn::AppInstanceUserArn| {
            let mut command = SendChannelMessage::new(channel.clone(), Content::new("note").unwrap());
            command.target = Some(target.clone());
            command
        };
        let alices = world.as_user(&alice);
        assert_eq!(world.refuses(alices.send_channel_message(to(&bob))).await, (BadRequest, "W-17"));
        let mut inbox = alices.inbox().await.unwrap();
        alices.send_channel_message(to(&alice)).await.unwrap();
        assert_eq!(received(&mut inbox).await, ["CREATE_CHANNEL_MESSAGE note"], "once");
    });
}

/// When the last message of the channel was, as every operation tells it to a user who moderates it or not.
async fn told(world: &World, user: &AppInstanceUserArn, channel: &ChannelArn) -> Vec<Option<Timestamp>> {
    let (me, page) = (world.as_user(user), PageRequest::default());
    let field = SearchField { operator: SearchOperator::Includes, members: vec![user.clone()] };
    let own = me.list_channel_memberships_for_app_instance_user(None, &page).await.unwrap();
    let mut views = vec![me.describe_channel(channel).await.unwrap()];
    views.extend(me.list_channels(&world.app, None, &page).await.unwrap().items);
    views.extend(me.search_channels(&[field], &page).await.unwrap().items);
    views.extend(own.items.into_iter().map(|own| own.channel));
    views.extend(me.all_own_memberships().await.unwrap().into_iter().map(|own| own.channel));
    if let Ok(own) = me.describe_channel_membership_for_app_instance_user(channel, None).await {
        views.push(own.channel);
    }
    views.extend(me.list_channels_moderated_by_app_instance_user(None, &page).await.unwrap().items);
    views.extend(me.describe_channel_moderated_by_app_instance_user(channel, None).await.ok());
    views.into_iter().map(|view| view.last_message).collect()
}

#[test]
fn chn_20_the_last_message_timestamp_tells_of_a_targeted_message_to_the_two_who_see_it() {
    run(async {
        let world = World::new().await;
        let (root, alice) = (world.admin("root").await, world.user("alice").await);
        let (bob, carol) = (world.user("bob").await, world.user("carol").await);
        let channel = world.channel(&alice, Public, Unrestricted).await;
        for user in [&bob, &carol] {
            world.join(&alice, &channel, user).await;
        }
        let psst = || {
            let mut command = SendChannelMessage::new(channel.clone(), Content::new("psst").unwrap());
            command.target = Some(carol.clone());
            command
        };
        let all = [(&alice, 8), (&bob, 6), (&carol, 6), (&root, 2)];
        world.as_user(&bob).send_channel_message(psst()).await.unwrap();
        for ((user, count), sees) in all.iter().zip([None, Some(BEGINNING), Some(BEGINNING), None]) {
            assert_eq!(told(&world, user, &channel).await, vec![sees; *count], "{user}");
        }
        world.days_later(1).await;
        world.send(&bob, &channel, "aloud").await.unwrap();
        for (user, count) in all {
            let sees = Some(BEGINNING.plus_days(1));
            assert_eq!(told(&world, user, &channel).await, vec![sees; count], "{user}");
        }
        world.days_later(1).await;
        let mut fleeting = psst();
        fleeting.persistence = Persistence::NonPersistent;
        world.as_user(&bob).send_channel_message(fleeting).await.unwrap();
        assert_eq!(told(&world, &carol, &channel).await[0], Some(BEGINNING.plus_days(1)));
        world.as_user(&bob).send_channel_message(psst()).await.unwrap();
        for (user, day) in [(&alice, 1), (&bob, 2), (&carol, 2), (&root, 1)] {
            assert_eq!(told(&world, user, &channel).await[0], Some(BEGINNING.plus_days(day)), "{user}");
        }
        // Who asks counts, not who is asked about.
        let page = PageRequest::default();
        let roots = world.as_user(&root);
        let bobs = roots.list_channel_memberships_for_app_instance_user(Some(&bob), &page).await.unwrap();
        assert_eq!(bobs.items[0].channel.last_message, Some(BEGINNING.plus_days(1)));
        world.as_user(&alice).delete_channel(&channel).await.unwrap();
        world.days_later(1).await;
        assert!(!format!("{:?}", dump(&world.chime).await).contains("last-targeted"));
    });
}

#[test]
fn a_channel_that_expires_after_its_last_message_counts_targeted_ones() {
    run(async {
        let world = World::new().await;
        let alice = world.user("alice").await;
        let channel = world.channel(&alice, Public, Unrestricted).await;
        let criterion = ExpirationCriterion::LastMessageTimestamp;
        let alices = world.as_user(&alice);
        let put = alices.put_channel_expiration_settings(&channel, Some(Expiration { days: 10, criterion }));
        put.await.unwrap();
        world.days_later(6).await;
        let mut note = SendChannelMessage::new(channel.clone(), Content::new("note").unwrap());
        note.target = Some(alice.clone());
        alices.send_channel_message(note).await.unwrap();
        world.days_later(9).await;
        assert_eq!(
            alices.describe_channel(&channel).await.unwrap().last_message,
            Some(BEGINNING.plus_days(6))
        );
        world.days_later(1).await;
        assert!(alices.describe_channel(&channel).await.is_err());
    });
}
