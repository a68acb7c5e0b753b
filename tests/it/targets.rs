//! Targeted messages: for their sender and their target alone.

use chime_domain::access::Mode::Unrestricted;
use chime_domain::access::Privacy::Public;
use chime_domain::error::ErrorCode::{BadRequest, Forbidden, NotFound};
use chime_domain::messaging::SendChannelMessage;
use chime_domain::text::Content;
use chime_tests::{World, received, run};

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
