//! What reaches whom, through the inbox that embedders use and that follows the same index as the WebSocket.

mod index;

use chime_domain::access::MembershipType::{Default, Hidden};
use chime_domain::access::Mode::{Restricted, Unrestricted};
use chime_domain::access::Privacy::{Private, Public};
use chime_domain::arn::{AppInstanceUserArn, ChannelArn};
use chime_domain::error::ErrorCode::UnauthorizedClient;
use chime_domain::messaging::{
    ChannelEvent, Happening, Inbox, MessageType, SendChannelMessage, UpdateChannel,
};
use chime_domain::text::{Content, ResourceName};
use chime_tests::{World, received, refused, run};

const NOTHING: [&str; 0] = [];

/// Alice, who made the channel, Bob, who is a member, and Carol, who is not.
struct Setting {
    world: World,
    channel: ChannelArn,
    alice: AppInstanceUserArn,
    bob: AppInstanceUserArn,
    carol: AppInstanceUserArn,
}

impl Setting {
    async fn new() -> Self {
        let world = World::new().await;
        let (alice, bob, carol) =
            (world.user("alice").await, world.user("bob").await, world.user("carol").await);
        let channel = world.channel(&alice, Public, Unrestricted).await;
        world.join(&alice, &channel, &bob).await;
        Self { world, channel, alice, bob, carol }
    }

    async fn inboxes(&self) -> [Inbox; 3] {
        [
            self.world.as_user(&self.alice).inbox().await.unwrap(),
            self.world.as_user(&self.bob).inbox().await.unwrap(),
            self.world.as_user(&self.carol).inbox().await.unwrap(),
        ]
    }

    async fn send(&self, user: &AppInstanceUserArn, text: &str) {
        self.world.send(user, &self.channel, text).await.unwrap();
    }
}

#[test]
fn web_16_and_33_members_receive_the_messages_of_all_their_channels_their_own_too() {
    run(async {
        let s = Setting::new().await;
        let other = s.world.channel(&s.bob, Private, Restricted).await;
        s.send(&s.alice, "before").await;
        let [mut alices, mut bobs, mut carols] = s.inboxes().await;
        s.send(&s.alice, "one").await;
        s.world.send(&s.bob, &other, "two").await.unwrap();
        s.send(&s.bob, "three").await;
        assert_eq!(
            received(&mut alices).await,
            ["CREATE_CHANNEL_MESSAGE one", "CREATE_CHANNEL_MESSAGE three"]
        );
        assert_eq!(
            received(&mut bobs).await,
            ["CREATE_CHANNEL_MESSAGE one", "CREATE_CHANNEL_MESSAGE two", "CREATE_CHANNEL_MESSAGE three"]
        );
        assert_eq!(received(&mut carols).await, NOTHING);
    });
}

#[test]
fn web_17_and_29_who_joins_later_receives_from_its_own_joining_on() {
    run(async {
        let s = Setting::new().await;
        let [mut alices, _, mut carols] = s.inboxes().await;
        s.send(&s.alice, "early").await;
        s.world.join(&s.alice, &s.channel, &s.carol).await;
        s.send(&s.alice, "late").await;
        assert_eq!(
            received(&mut carols).await,
            ["CREATE_CHANNEL_MEMBERSHIP carol", "CREATE_CHANNEL_MESSAGE late"]
        );
        assert_eq!(
            received(&mut alices).await,
            [
                "CREATE_CHANNEL_MESSAGE early",
                "CREATE_CHANNEL_MEMBERSHIP carol",
                "CREATE_CHANNEL_MESSAGE late"
            ]
        );
    });
}

#[test]
fn web_18_every_connection_of_a_user_receives_every_event() {
    run(async {
        let s = Setting::new().await;
        let mut first = s.world.as_user(&s.bob).inbox().await.unwrap();
        s.send(&s.alice, "one").await;
        let mut second = s.world.as_user(&s.bob).inbox().await.unwrap();
        s.send(&s.alice, "two").await;
        assert_eq!(received(&mut first).await, ["CREATE_CHANNEL_MESSAGE one", "CREATE_CHANNEL_MESSAGE two"]);
        assert_eq!(received(&mut second).await, ["CREATE_CHANNEL_MESSAGE two"]);
    });
}

#[test]
fn web_24_edits_redactions_and_deletions_are_received_with_what_is_left_of_the_message() {
    run(async {
        let s = Setting::new().await;
        let root = s.world.admin("root").await;
        let [_, mut bobs, _] = s.inboxes().await;
        let id = s.world.send(&s.alice, &s.channel, "first").await.unwrap();
        s.world.edit(&s.alice, &s.channel, &id, "second").await.unwrap();
        s.world.as_user(&s.alice).redact_channel_message(&s.channel, &id).await.unwrap();
        s.world.as_user(&root).delete_channel_message(&s.channel, &id).await.unwrap();
        let mut places = Vec::new();
        while let Some(happening) = bobs.try_next().await.unwrap() {
            if let Happening::Event(event) = &happening
                && let ChannelEvent::MessageUpdated(message, place)
                | ChannelEvent::MessageRedacted(message, place)
                | ChannelEvent::MessageDeleted(message, place) = &**event
            {
                assert_eq!(message.id, id);
                places.push((place.seq, chime_tests::shown(&happening)));
            }
        }
        let expected = [
            (1, "UPDATE_CHANNEL_MESSAGE second"),
            (1, "REDACT_CHANNEL_MESSAGE -"),
            (1, "DELETE_CHANNEL_MESSAGE -"),
        ];
        assert!(places.iter().map(|(seq, text)| (*seq, text.as_str())).eq(expected), "{places:?}");
    });
}

#[test]
fn web_24_a_control_message_is_received_like_any_other() {
    run(async {
        let s = Setting::new().await;
        let [_, mut bobs, _] = s.inboxes().await;
        let mut command = SendChannelMessage::new(s.channel.clone(), Content::new("typing").unwrap());
        command.kind = MessageType::Control;
        s.world.as_user(&s.alice).send_channel_message(command).await.unwrap();
        match bobs.try_next().await.unwrap() {
            Some(Happening::MessageCreated(sent)) => assert_eq!(sent.message.kind, MessageType::Control),
            other => panic!("{other:?}"),
        }
    });
}

#[test]
fn web_25_and_27_members_hear_of_changed_details() {
    run(async {
        let s = Setting::new().await;
        let [_, mut bobs, mut carols] = s.inboxes().await;
        let mut update = UpdateChannel::new(s.channel.clone());
        update.name = Some(ResourceName::new("renamed").unwrap());
        s.world.as_user(&s.alice).update_channel(update).await.unwrap();
        assert_eq!(received(&mut bobs).await, ["UPDATE_CHANNEL renamed"]);
        assert_eq!(received(&mut carols).await, NOTHING);
    });
}

#[test]
fn web_28_and_31_members_hear_of_the_deletion_of_their_channel_and_of_nothing_after_it() {
    run(async {
        let s = Setting::new().await;
        let other = s.world.channel(&s.alice, Public, Restricted).await;
        let [mut alices, mut bobs, mut carols] = s.inboxes().await;
        s.world.as_user(&s.alice).delete_channel(&s.channel).await.unwrap();
        s.world.chime.run_due().await.unwrap();
        s.world.send(&s.alice, &other, "elsewhere").await.unwrap();
        assert_eq!(received(&mut bobs).await, ["DELETE_CHANNEL channel"]);
        assert_eq!(received(&mut carols).await, NOTHING);
        assert_eq!(
            received(&mut alices).await,
            ["DELETE_CHANNEL channel", "CREATE_CHANNEL_MESSAGE elsewhere"]
        );
    });
}

#[test]
fn web_28_a_channel_deleted_while_its_member_is_being_removed_is_heard_of_once() {
    run(async {
        let s = Setting::new().await;
        let [_, mut bobs, _] = s.inboxes().await;
        s.world.chime.identity().delete_app_instance_user(&s.bob).await.unwrap();
        s.world.clock.advance(std::time::Duration::from_millis(1));
        s.world.as_user(&s.alice).delete_channel(&s.channel).await.unwrap();
        s.world.chime.run_due().await.unwrap();
        assert_eq!(received(&mut bobs).await, ["DELETE_CHANNEL channel"]);
    });
}

#[test]
fn web_30_a_member_who_leaves_is_told_and_receives_nothing_more() {
    run(async {
        let s = Setting::new().await;
        let [mut alices, mut bobs, mut carols] = s.inboxes().await;
        s.world.as_user(&s.bob).delete_channel_membership(&s.channel, &s.bob).await.unwrap();
        s.send(&s.alice, "after").await;
        assert_eq!(received(&mut bobs).await, ["DELETE_CHANNEL_MEMBERSHIP bob"]);
        assert_eq!(
            received(&mut alices).await,
            ["DELETE_CHANNEL_MEMBERSHIP bob", "CREATE_CHANNEL_MESSAGE after"]
        );
        assert_eq!(received(&mut carols).await, NOTHING);
    });
}

#[test]
fn web_32_bans_and_moderators_are_silent_but_for_the_membership_that_a_ban_ends() {
    run(async {
        let s = Setting::new().await;
        let [mut alices, mut bobs, mut carols] = s.inboxes().await;
        let owner = s.world.as_user(&s.alice);
        owner.create_channel_moderator(&s.channel, &s.bob).await.unwrap();
        owner.delete_channel_moderator(&s.channel, &s.bob).await.unwrap();
        owner.update_channel_read_marker(&s.channel).await.unwrap();
        owner.create_channel_ban(&s.channel, &s.carol).await.unwrap();
        assert_eq!(received(&mut alices).await, NOTHING);
        assert_eq!(received(&mut carols).await, NOTHING);
        owner.create_channel_ban(&s.channel, &s.bob).await.unwrap();
        owner.delete_channel_ban(&s.channel, &s.bob).await.unwrap();
        s.send(&s.alice, "after").await;
        assert_eq!(received(&mut bobs).await, ["DELETE_CHANNEL_MEMBERSHIP bob"]);
        assert_eq!(
            received(&mut alices).await,
            ["DELETE_CHANNEL_MEMBERSHIP bob", "CREATE_CHANNEL_MESSAGE after"]
        );
    });
}

#[test]
fn web_32_creating_a_channel_is_heard_of_as_the_creators_membership_only() {
    run(async {
        let s = Setting::new().await;
        let [mut alices, mut bobs, _] = s.inboxes().await;
        s.world.channel(&s.alice, Public, Restricted).await;
        assert_eq!(received(&mut alices).await, ["CREATE_CHANNEL_MEMBERSHIP alice"]);
        assert_eq!(received(&mut bobs).await, NOTHING);
    });
}

#[test]
fn web_34_events_of_a_channel_arrive_in_the_order_of_their_commits() {
    run(async {
        let s = Setting::new().await;
        let [_, mut bobs, _] = s.inboxes().await;
        let mut sent = Vec::new();
        for n in 0..600 {
            s.send(if n % 2 == 0 { &s.alice } else { &s.bob }, &n.to_string()).await;
            sent.push(format!("CREATE_CHANNEL_MESSAGE {n}"));
        }
        assert_eq!(received(&mut bobs).await, sent);
    });
}

#[test]
fn chn_10_a_hidden_member_hears_all_and_only_itself_hears_of_its_coming_and_going() {
    run(async {
        let s = Setting::new().await;
        let [mut alices, _, mut carols] = s.inboxes().await;
        let owner = s.world.as_user(&s.alice);
        owner.create_channel_membership(&s.channel, &s.carol, Hidden).await.unwrap();
        s.send(&s.alice, "psst").await;
        owner.delete_channel_membership(&s.channel, &s.carol).await.unwrap();
        s.send(&s.alice, "alone").await;
        owner.create_channel_membership(&s.channel, &s.carol, Default).await.unwrap();
        assert_eq!(
            received(&mut carols).await,
            [
                "CREATE_CHANNEL_MEMBERSHIP carol",
                "CREATE_CHANNEL_MESSAGE psst",
                "DELETE_CHANNEL_MEMBERSHIP carol",
                "CREATE_CHANNEL_MEMBERSHIP carol"
            ]
        );
        assert_eq!(
            received(&mut alices).await,
            [
                "CREATE_CHANNEL_MESSAGE psst",
                "CREATE_CHANNEL_MESSAGE alone",
                "CREATE_CHANNEL_MEMBERSHIP carol"
            ]
        );
    });
}

#[test]
fn chn_16_moderators_and_admins_receive_nothing_unless_they_are_members() {
    run(async {
        let s = Setting::new().await;
        let root = s.world.admin("root").await;
        let mut roots = s.world.as_user(&root).inbox().await.unwrap();
        let [_, _, mut carols] = s.inboxes().await;
        s.world.as_user(&s.alice).create_channel_moderator(&s.channel, &s.carol).await.unwrap();
        s.send(&s.alice, "members only").await;
        assert_eq!(received(&mut roots).await, NOTHING);
        assert_eq!(received(&mut carols).await, NOTHING);
        s.world.join(&root, &s.channel, &root).await;
        s.send(&s.alice, "root too").await;
        assert_eq!(
            received(&mut roots).await,
            ["CREATE_CHANNEL_MEMBERSHIP root", "CREATE_CHANNEL_MESSAGE root too"]
        );
    });
}

#[test]
fn app_11_the_memberships_of_a_deleted_user_end_with_an_event_each() {
    run(async {
        let s = Setting::new().await;
        let other = s.world.channel(&s.alice, Private, Restricted).await;
        s.world.join(&s.alice, &other, &s.bob).await;
        let [mut alices, mut bobs, _] = s.inboxes().await;
        s.world.chime.identity().delete_app_instance_user(&s.bob).await.unwrap();
        s.world.chime.run_due().await.unwrap();
        s.send(&s.alice, "after").await;
        let twice = ["DELETE_CHANNEL_MEMBERSHIP bob", "DELETE_CHANNEL_MEMBERSHIP bob"];
        assert_eq!(received(&mut bobs).await, twice);
        assert_eq!(received(&mut alices).await, [&twice[..], &["CREATE_CHANNEL_MESSAGE after"]].concat());
        assert_eq!(refused(s.world.as_user(&s.bob).inbox().await), (UnauthorizedClient, "E-09"));
    });
}

#[test]
fn an_inbox_wakes_who_waits_for_it() {
    run(async {
        let s = Setting::new().await;
        let [_, mut bobs, _] = s.inboxes().await;
        let wait = tokio::time::timeout(std::time::Duration::from_secs(60), bobs.next());
        let (happening, ()) = tokio::join!(wait, async {
            tokio::task::yield_now().await;
            s.send(&s.alice, "wake up").await;
        });
        assert_eq!(chime_tests::shown(&happening.unwrap().unwrap()), "CREATE_CHANNEL_MESSAGE wake up");
    });
}
