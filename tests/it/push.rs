//! Push notifications: whose devices are told of which messages.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use chime_adapters::memory::MemoryStore;
use chime_domain::access::Mode::Unrestricted;
use chime_domain::access::Privacy::Public;
use chime_domain::arn::{AppInstanceUserArn, ChannelArn};
use chime_domain::error::ErrorCode::{Conflict, Forbidden, ResourceLimitExceeded};
use chime_domain::identity::{EndpointFault, EndpointType, RegisterEndpoint};
use chime_domain::ids::ClientRequestToken;
use chime_domain::limits::{Limits, Quota};
use chime_domain::messaging::{
    AllowNotifications, Preferences, PushNotification, PushNotificationType, SendChannelMessage,
};
use chime_domain::page::PageRequest;
use chime_domain::ports::{Notification, Notifier, NotifyError};
use chime_domain::text::{Content, Private};
use chime_tests::{World, refused, run};

/// Notes what it is given, knows no device whose token begins with `bad`, and is down when told.
#[derive(Debug, Default)]
struct Phones {
    given: Mutex<Vec<Notification>>,
    down: Mutex<bool>,
}

impl Phones {
    /// The tokens that were told since the last look, sorted.
    fn told(&self) -> Vec<String> {
        let given = std::mem::take(&mut *self.given.lock().unwrap());
        let mut tokens: Vec<_> = given.into_iter().map(|one| one.recipient.0).collect();
        tokens.sort();
        tokens
    }
}

#[async_trait]
impl Notifier for Phones {
    async fn notify(&self, notification: Notification) -> Result<(), NotifyError> {
        if *self.down.lock().unwrap() {
            return Err(NotifyError::Unavailable("down".into()));
        }
        if notification.recipient.0.starts_with("bad") {
            return Err(NotifyError::Rejected);
        }
        self.given.lock().unwrap().push(notification);
        Ok(())
    }
}

struct Setting {
    world: World,
    phones: Arc<Phones>,
    channel: ChannelArn,
    alice: AppInstanceUserArn,
    bob: AppInstanceUserArn,
}

impl Setting {
    async fn new() -> Self {
        let phones = Arc::new(Phones::default());
        let world = World::with_notifier(Arc::new(MemoryStore::new()), phones.clone()).await;
        let (alice, bob) = (world.user("alice").await, world.user("bob").await);
        let channel = world.channel(&alice, Public, Unrestricted).await;
        world.join(&alice, &channel, &bob).await;
        Self { world, phones, channel, alice, bob }
    }

    async fn phone(&self, user: &AppInstanceUserArn, token: &str) -> Arc<str> {
        let identity = self.world.chime.identity();
        identity.register_app_instance_user_endpoint(phone(user, token)).await.unwrap()
    }

    fn message(&self, text: &str) -> SendChannelMessage {
        let mut command = SendChannelMessage::new(self.channel.clone(), Content::new(text).unwrap());
        command.push = Some(PushNotification {
            title: Some(Private("title".into())),
            body: Some(Private("body".into())),
            kind: PushNotificationType::Default,
        });
        command
    }

    async fn send(&self, command: SendChannelMessage) -> Vec<String> {
        self.world.as_user(&self.alice).send_channel_message(command).await.unwrap();
        self.world.later(Duration::from_secs(1)).await;
        self.phones.told()
    }

    async fn prefers(&self, allow_notifications: AllowNotifications, rule: Option<&str>) {
        let filter_rule = rule.map(|rule| Private(rule.to_owned()));
        let preferences = Preferences { allow_notifications, filter_rule };
        let bobs = self.world.as_user(&self.bob);
        bobs.put_channel_membership_preferences(&self.channel, &self.bob, preferences).await.unwrap();
    }
}

fn phone(user: &AppInstanceUserArn, token: &str) -> RegisterEndpoint {
    RegisterEndpoint {
        user: user.clone(),
        name: Private("phone".into()),
        kind: EndpointType::Gcm,
        resource_arn: "arn:aws:mobiletargeting:us-east-1:123456789012:apps/app".into(),
        device_token: Private(token.into()),
        voip_device_token: None,
        allow_messages: true,
        client_request_token: None,
    }
}

#[test]
fn every_member_is_told_on_every_device_the_sender_too() {
    run(async {
        let s = Setting::new().await;
        s.phone(&s.alice, "a1").await;
        s.phone(&s.bob, "b1").await;
        s.phone(&s.bob, "b2").await;
        let carol = s.world.user("carol").await;
        s.phone(&carol, "c1").await;
        let sent = s.world.as_user(&s.alice).send_channel_message(s.message("hello")).await.unwrap();
        s.world.later(Duration::from_secs(1)).await;
        let first = s.phones.given.lock().unwrap().first().cloned().unwrap();
        assert_eq!((first.title.0.as_str(), first.body.0.as_str()), ("title", "body"));
        assert_eq!(first.data.get("chime.message_id").unwrap(), sent.id.as_str());
        assert_eq!(first.data.get("chime.channel_arn").unwrap(), s.channel.as_str());
        assert_eq!(s.phones.told(), ["a1", "b1", "b2"]);
        let plain = SendChannelMessage::new(s.channel.clone(), Content::new("quiet").unwrap());
        assert!(s.send(plain).await.is_empty(), "a message without a push tells nobody");
    });
}

#[test]
fn a_targeted_message_tells_its_sender_and_its_target_only() {
    run(async {
        let s = Setting::new().await;
        let carol = s.world.user("carol").await;
        s.world.join(&s.alice, &s.channel, &carol).await;
        for (user, token) in [(&s.alice, "a"), (&s.bob, "b"), (&carol, "c")] {
            s.phone(user, token).await;
        }
        let mut command = s.message("psst");
        command.target = Some(carol.clone());
        assert_eq!(s.send(command).await, ["a", "c"]);
    });
}

#[test]
fn devices_that_do_not_allow_messages_and_members_who_prefer_none_are_not_told() {
    run(async {
        let s = Setting::new().await;
        let id = s.phone(&s.bob, "b").await;
        let identity = s.world.chime.identity();
        identity.update_app_instance_user_endpoint(&s.bob, &id, None, Some(false)).await.unwrap();
        assert!(s.send(s.message("one")).await.is_empty());
        identity.update_app_instance_user_endpoint(&s.bob, &id, None, Some(true)).await.unwrap();
        assert_eq!(s.send(s.message("two")).await, ["b"]);
        s.prefers(AllowNotifications::None, None).await;
        assert!(s.send(s.message("three")).await.is_empty());
    });
}

#[test]
fn filtered_preferences_look_at_the_attributes_of_the_message() {
    run(async {
        let s = Setting::new().await;
        s.phone(&s.bob, "b").await;
        s.prefers(AllowNotifications::Filtered, Some(r#"{"mention":["bob"]}"#)).await;
        assert!(s.send(s.message("to nobody")).await.is_empty());
        let mut command = s.message("to bob");
        command.attributes.insert("mention".into(), vec!["alice".into(), "bob".into()]);
        assert_eq!(s.send(command).await, ["b"]);
    });
}

#[test]
fn a_device_that_is_not_known_any_more_is_inactive_from_then_on() {
    run(async {
        let s = Setting::new().await;
        let id = s.phone(&s.bob, "bad").await;
        assert!(s.send(s.message("one")).await.is_empty());
        let found = s.world.chime.identity().describe_app_instance_user_endpoint(&s.bob, &id).await.unwrap();
        assert_eq!(found.fault, Some(EndpointFault::InvalidDeviceToken));
    });
}

#[test]
fn what_cannot_be_handed_over_now_is_handed_over_later() {
    run(async {
        let s = Setting::new().await;
        s.phone(&s.bob, "b").await;
        *s.phones.down.lock().unwrap() = true;
        assert!(s.send(s.message("late")).await.is_empty());
        *s.phones.down.lock().unwrap() = false;
        s.world.later(Duration::from_secs(10)).await;
        assert_eq!(s.phones.told(), ["b"]);
        s.world.later(Duration::from_secs(3600)).await;
        assert!(s.phones.told().is_empty(), "once is enough");
    });
}

#[test]
fn more_members_than_one_step_tells_are_all_told_once() {
    run(async {
        let s = Setting::new().await;
        for n in 0..230 {
            let user = s.world.user(&format!("u{n:03}")).await;
            s.world.join(&s.alice, &s.channel, &user).await;
            s.phone(&user, &format!("t{n:03}")).await;
        }
        let told = s.send(s.message("all")).await;
        assert_eq!(told.len(), 230);
        assert_eq!((told.first().unwrap().as_str(), told.last().unwrap().as_str()), ("t000", "t229"));
    });
}

#[test]
fn endpoints_are_registered_once_listed_and_taken_away_with_their_user() {
    run(async {
        let limits = Limits::default().with(Quota::EndpointsPerUser, 2);
        let world = World::with(Arc::new(MemoryStore::new()), |settings| settings.limits = limits).await;
        let bob = world.user("bob").await;
        let identity = world.chime.identity();
        let mut command = phone(&bob, "one");
        command.client_request_token = Some(ClientRequestToken::new("token").unwrap());
        let id = identity.register_app_instance_user_endpoint(command.clone()).await.unwrap();
        assert_eq!(identity.register_app_instance_user_endpoint(command).await.unwrap(), id);
        let again = world.refuses(identity.register_app_instance_user_endpoint(phone(&bob, "one"))).await;
        assert_eq!(again, (Conflict, "T-08"));
        identity.register_app_instance_user_endpoint(phone(&bob, "two")).await.unwrap();
        let third = world.refuses(identity.register_app_instance_user_endpoint(phone(&bob, "three"))).await;
        assert_eq!(third, (ResourceLimitExceeded, "APP-20"));
        let page = PageRequest::default();
        let all = identity.list_app_instance_user_endpoints(&bob, &page).await.unwrap();
        assert_eq!(all.items.len(), 2);
        identity.deregister_app_instance_user_endpoint(&bob, &id).await.unwrap();
        identity.deregister_app_instance_user_endpoint(&bob, &id).await.unwrap();
        let gone = identity.describe_app_instance_user_endpoint(&bob, &id).await;
        assert_eq!(refused(gone), (Forbidden, "E-06"));
        identity.delete_app_instance_user(&bob).await.unwrap();
        world.later(Duration::from_secs(1)).await;
        let bob = world.user("bob").await;
        assert!(identity.list_app_instance_user_endpoints(&bob, &page).await.unwrap().items.is_empty());
        for token in ["three", "four"] {
            identity.register_app_instance_user_endpoint(phone(&bob, token)).await.unwrap();
        }
    });
}
