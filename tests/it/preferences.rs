//! `PutChannelMembershipPreferences` and `GetChannelMembershipPreferences`.

use chime_domain::access::MembershipType::{Default, Hidden};
use chime_domain::access::Mode::Unrestricted;
use chime_domain::access::Privacy::Private;
use chime_domain::arn::{AppInstanceUserArn, ChannelArn};
use chime_domain::error::ErrorCode::{Forbidden, UnauthorizedClient};
use chime_domain::ids::AppInstanceUserId;
use chime_domain::messaging::{AllowNotifications, Preferences};
use chime_domain::text::Private as Secret;
use chime_tests::{World, refused, run};

fn filtered(rule: &str) -> Preferences {
    Preferences {
        allow_notifications: AllowNotifications::Filtered,
        filter_rule: Some(Secret(rule.to_owned())),
    }
}

fn plain(allow_notifications: AllowNotifications) -> Preferences {
    Preferences { allow_notifications, filter_rule: None }
}

struct Stage {
    world: World,
    alice: AppInstanceUserArn,
    bob: AppInstanceUserArn,
    channel: ChannelArn,
}

impl Stage {
    async fn new() -> Self {
        let world = World::new().await;
        let (alice, bob) = (world.user("alice").await, world.user("bob").await);
        let channel = world.channel(&alice, Private, Unrestricted).await;
        world.join(&alice, &channel, &bob).await;
        Self { world, alice, bob, channel }
    }

    async fn of_bob(&self) -> Option<Preferences> {
        let bob = self.world.as_user(&self.bob);
        let (membership, found) =
            bob.get_channel_membership_preferences(&self.channel, &self.bob).await.unwrap();
        assert_eq!((&membership.member.arn, &membership.channel), (&self.bob, &self.channel));
        found
    }

    async fn bob_puts(&self, preferences: &Preferences) {
        let bob = self.world.as_user(&self.bob);
        let put = bob.put_channel_membership_preferences(&self.channel, &self.bob, preferences.clone()).await;
        assert_eq!(put.unwrap().member.arn, self.bob);
    }
}

#[test]
fn preferences_are_none_at_first_then_the_last_that_were_put() {
    run(async {
        let stage = Stage::new().await;
        assert_eq!(stage.of_bob().await, None);
        for preferences in [
            filtered(r#"{"type": ["urgent"]}"#),
            plain(AllowNotifications::None),
            filtered("other"),
            plain(AllowNotifications::All),
        ] {
            stage.bob_puts(&preferences).await;
            assert_eq!(stage.of_bob().await, Some(preferences));
        }
    });
}

#[test]
fn preferences_are_of_one_member_in_one_channel() {
    run(async {
        let stage = Stage::new().await;
        stage.bob_puts(&plain(AllowNotifications::None)).await;
        let alices = stage.world.as_user(&stage.alice);
        let (_, of_alice) =
            alices.get_channel_membership_preferences(&stage.channel, &stage.alice).await.unwrap();
        assert_eq!(of_alice, None);
        let second = stage.world.channel(&stage.bob, Private, Unrestricted).await;
        let bobs = stage.world.as_user(&stage.bob);
        let (_, elsewhere) = bobs.get_channel_membership_preferences(&second, &stage.bob).await.unwrap();
        assert_eq!(elsewhere, None);
    });
}

#[test]
fn preferences_are_neither_shown_to_nor_set_by_admins_moderators_and_strangers() {
    run(async {
        let stage = Stage::new().await;
        let (world, channel, bob) = (&stage.world, &stage.channel, &stage.bob);
        stage.bob_puts(&plain(AllowNotifications::None)).await;
        let boss = world.admin("boss").await;
        let stranger = world.user("stranger").await;
        // Alice made the channel and moderates it; the administrator is a member besides.
        world.join(&stage.alice, channel, &boss).await;
        for other in [&stage.alice, &boss, &stranger] {
            let messaging = world.as_user(other);
            let get = messaging.get_channel_membership_preferences(channel, bob);
            assert_eq!(world.refuses(get).await.0, Forbidden, "{other}");
            let put =
                messaging.put_channel_membership_preferences(channel, bob, plain(AllowNotifications::All));
            assert_eq!(world.refuses(put).await.0, Forbidden, "{other}");
        }
        assert_eq!(stage.of_bob().await, Some(plain(AllowNotifications::None)));
    });
}

#[test]
fn preferences_need_a_membership_hidden_or_not_and_an_administrator_has_none_without() {
    run(async {
        let stage = Stage::new().await;
        let (world, channel) = (&stage.world, &stage.channel);
        let (boss, ghost) = (world.admin("boss").await, world.user("ghost").await);
        let own = world.as_user(&boss);
        let get = own.get_channel_membership_preferences(channel, &boss);
        assert_eq!(world.refuses(get).await.0, Forbidden);
        let put = own.put_channel_membership_preferences(channel, &boss, plain(AllowNotifications::All));
        assert_eq!(world.refuses(put).await.0, Forbidden);
        world.as_user(&stage.alice).create_channel_membership(channel, &ghost, Hidden).await.unwrap();
        let own = world.as_user(&ghost);
        own.put_channel_membership_preferences(channel, &ghost, filtered("x")).await.unwrap();
        let (_, found) = own.get_channel_membership_preferences(channel, &ghost).await.unwrap();
        assert_eq!(found, Some(filtered("x")));
        let nobody = world.app.user(&AppInstanceUserId::new("nobody").unwrap());
        let get = world.as_user(&nobody).get_channel_membership_preferences(channel, &nobody).await;
        assert_eq!(refused(get).0, UnauthorizedClient);
    });
}

#[test]
fn preferences_end_with_the_membership_by_leaving_by_a_ban_and_with_the_channel() {
    run(async {
        let stage = Stage::new().await;
        let (world, alice, bob, channel) = (&stage.world, &stage.alice, &stage.bob, &stage.channel);
        stage.bob_puts(&filtered("x")).await;
        world.as_user(bob).delete_channel_membership(channel, bob).await.unwrap();
        let get = world.as_user(bob).get_channel_membership_preferences(channel, bob).await;
        assert_eq!(refused(get).0, Forbidden);
        world.join(alice, channel, bob).await;
        assert_eq!(stage.of_bob().await, None, "who comes again begins anew");

        stage.bob_puts(&filtered("x")).await;
        world.as_user(alice).create_channel_ban(channel, bob).await.unwrap();
        let bobs = world.as_user(bob);
        let put = bobs.put_channel_membership_preferences(channel, bob, filtered("y"));
        assert_eq!(world.refuses(put).await.0, Forbidden, "a banned user sets none");
        world.as_user(alice).delete_channel_ban(channel, bob).await.unwrap();
        world.as_user(alice).create_channel_membership(channel, bob, Default).await.unwrap();
        assert_eq!(stage.of_bob().await, None);

        stage.bob_puts(&filtered("x")).await;
        world.as_user(alice).delete_channel(channel).await.unwrap();
        world.chime.run_due().await.unwrap();
        let left = chime_tests::dump(&world.chime).await;
        let left: Vec<_> = left.iter().filter(|row| format!("{row:?}").contains("preferences")).collect();
        assert!(left.is_empty(), "{left:?}");
    });
}
