//! Streaming export: what reaches the streams, and what does not.

mod crashes;
mod flaky;

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use chime_domain::Chime;
use chime_domain::access::Mode::Unrestricted;
use chime_domain::access::Privacy::Public;
use chime_domain::error::{ErrorCode, ServiceError, StoreError};
use chime_domain::export::{Drain, Drained, ExportGroup, Pump, Step};
use chime_domain::identity::StreamingDataType::{Channel, ChannelMessage};
use chime_domain::identity::{StreamingConfiguration, StreamingDataType};
use chime_domain::messaging::{ChannelEvent, Happening, UpdateChannel};
use chime_domain::ports::{CheckError, SinkError};
use chime_domain::text::ResourceName;
use chime_tests::{World, run, shown};

/// The ARN of a stream.
fn stream(name: &str) -> String {
    format!("arn:aws:kinesis:us-east-1:123456789012:stream/chime-messaging-{name}")
}

fn to(data_type: StreamingDataType, name: &str) -> StreamingConfiguration {
    StreamingConfiguration { data_type, resource_arn: stream(name).into() }
}

/// An event as its wire name and what it is about.
fn encode(happening: &Happening) -> Option<Vec<u8>> {
    let silent = match happening {
        Happening::Event(event) => match &**event {
            ChannelEvent::ModeratorCreated(of) => Some(("CREATE_CHANNEL_MODERATOR", &of.moderator)),
            ChannelEvent::ModeratorDeleted(of) => Some(("DELETE_CHANNEL_MODERATOR", &of.moderator)),
            ChannelEvent::BanCreated(of) => Some(("CREATE_CHANNEL_BAN", &of.member)),
            ChannelEvent::BanDeleted(of) => Some(("DELETE_CHANNEL_BAN", &of.member)),
            _ => None,
        },
        Happening::MessageCreated(_) => None,
    };
    let text = silent.map(|(name, who)| format!("{name} {}", who.arn.user_id()));
    Some(text.unwrap_or_else(|| shown(happening)).into_bytes())
}

/// What a stream has, as texts.
fn delivered(world: &World, name: &str) -> Vec<String> {
    let records = world.sink.delivered(&stream(name));
    records.iter().map(|record| String::from_utf8(record.data.0.to_vec()).unwrap()).collect()
}

/// The workers of one node.
struct Node {
    chime: Chime,
    pump: Pump,
    drains: HashMap<(String, ExportGroup), Drain>,
}

impl Node {
    fn new(chime: Chime) -> Self {
        Self { pump: Pump::new(chime.clone()), chime, drains: HashMap::new() }
    }

    /// One step of every drain; true when one of them did something.
    async fn drain(&mut self, most: usize) -> Result<bool, StoreError> {
        let mut moved = false;
        for (id, groups) in self.chime.exports().await? {
            for group in groups {
                let place = (id.clone(), group);
                let drain = self
                    .drains
                    .entry(place.clone())
                    .or_insert_with(|| Drain::new(self.chime.clone(), &id, group));
                match drain.step(most, &encode).await? {
                    Drained::Over => {
                        if let Some(drain) = self.drains.remove(&place) {
                            drain.release().await?;
                        }
                    }
                    Drained::Moved { .. } | Drained::Failed { .. } => moved = true,
                    Drained::Idle | Drained::Behind => {}
                }
            }
        }
        Ok(moved)
    }

    /// Everything that there is to do.
    async fn finish(&mut self) {
        while self.pump.step(100).await.unwrap() != Step::Idle {}
        // Drains of groups that are no longer together give way in the first round.
        for _ in 0..3 {
            while self.drain(100).await.unwrap() {}
        }
    }
}

#[test]
fn str_14_and_15_exactly_what_happens_while_it_is_configured_is_streamed() {
    run(async {
        let world = World::new().await;
        let (alice, bob) = (world.user("alice").await, world.user("bob").await);
        let mut node = Node::new(world.chime.clone());
        let channel = world.channel(&alice, Public, Unrestricted).await;
        world.send(&alice, &channel, "before").await.unwrap();
        let identity = world.chime.identity();
        let both = vec![to(Channel, "a"), to(ChannelMessage, "a")];
        identity.put_streaming_configurations(&world.app, both).await.unwrap();
        world.join(&alice, &channel, &bob).await;
        world.send(&alice, &channel, "one").await.unwrap();
        node.finish().await;
        assert_eq!(delivered(&world, "a"), ["CREATE_CHANNEL_MEMBERSHIP bob", "CREATE_CHANNEL_MESSAGE one"]);
        world.send(&alice, &channel, "dropped").await.unwrap();
        while node.pump.step(100).await.unwrap() != Step::Idle {}
        assert_eq!(world.chime.export_backlog(world.app.app_instance_id()).await.unwrap().length, 1);
        identity.delete_streaming_configurations(&world.app).await.unwrap();
        world.send(&alice, &channel, "off").await.unwrap();
        node.finish().await;
        assert_eq!(delivered(&world, "a").len(), 2);
        assert_eq!(world.chime.export_backlog(world.app.app_instance_id()).await.unwrap().length, 0);
        assert!(world.chime.exports().await.unwrap().is_empty());
        identity.put_streaming_configurations(&world.app, vec![to(ChannelMessage, "a")]).await.unwrap();
        world.send(&alice, &channel, "again").await.unwrap();
        node.finish().await;
        assert_eq!(delivered(&world, "a")[2..], ["CREATE_CHANNEL_MESSAGE again"]);
    });
}

#[test]
fn str_08_to_10_and_16_each_data_type_covers_its_events_and_goes_to_its_own_stream() {
    run(async {
        let world = World::new().await;
        let (alice, bob) = (world.user("alice").await, world.user("bob").await);
        let mut node = Node::new(world.chime.clone());
        let apart = vec![to(Channel, "c"), to(ChannelMessage, "m")];
        world.chime.identity().put_streaming_configurations(&world.app, apart).await.unwrap();
        let channel = world.channel(&alice, Public, Unrestricted).await;
        let as_alice = world.as_user(&alice);
        world.join(&alice, &channel, &bob).await;
        let id = world.send(&alice, &channel, "hello").await.unwrap();
        world.edit(&alice, &channel, &id, "edited").await.unwrap();
        as_alice.redact_channel_message(&channel, &id).await.unwrap();
        as_alice.update_channel_read_marker(&channel).await.unwrap();
        let admin = world.admin("admin").await;
        world.as_user(&admin).delete_channel_message(&channel, &id).await.unwrap();
        as_alice.create_channel_moderator(&channel, &bob).await.unwrap();
        as_alice.delete_channel_moderator(&channel, &bob).await.unwrap();
        as_alice.delete_channel_membership(&channel, &bob).await.unwrap();
        as_alice.create_channel_ban(&channel, &bob).await.unwrap();
        as_alice.delete_channel_ban(&channel, &bob).await.unwrap();
        let mut update = UpdateChannel::new(channel.clone());
        update.name = Some(ResourceName::new("renamed").unwrap());
        as_alice.update_channel(update).await.unwrap();
        as_alice.delete_channel(&channel).await.unwrap();
        world.later(Duration::from_secs(1)).await;
        node.finish().await;
        let names = |stream| -> Vec<String> {
            let words = |text: String| text.split(' ').next().unwrap().to_owned();
            delivered(&world, stream).into_iter().map(words).collect()
        };
        assert_eq!(
            names("m"),
            [
                "CREATE_CHANNEL_MESSAGE",
                "UPDATE_CHANNEL_MESSAGE",
                "REDACT_CHANNEL_MESSAGE",
                "DELETE_CHANNEL_MESSAGE",
            ]
        );
        assert_eq!(
            names("c"),
            [
                "CREATE_CHANNEL",
                // The creator is a member and a moderator from the start.
                "CREATE_CHANNEL_MEMBERSHIP",
                "CREATE_CHANNEL_MODERATOR",
                "CREATE_CHANNEL_MEMBERSHIP",
                "CREATE_CHANNEL_MODERATOR",
                "DELETE_CHANNEL_MODERATOR",
                "DELETE_CHANNEL_MEMBERSHIP",
                "CREATE_CHANNEL_BAN",
                "DELETE_CHANNEL_BAN",
                "UPDATE_CHANNEL",
                "DELETE_CHANNEL",
            ]
        );
    });
}

#[test]
fn str_04_to_06_a_stream_that_does_not_meet_the_prerequisites_stores_nothing() {
    run(async {
        let world = World::new().await;
        let put = || async {
            let to = vec![to(Channel, "a")];
            world.chime.identity().put_streaming_configurations(&world.app, to).await
        };
        for (error, code, rule) in [
            (CheckError::Missing, ErrorCode::NotFound, "STR-06"),
            (CheckError::TooFewShards, ErrorCode::BadRequest, "STR-04"),
            (CheckError::NotEncrypted, ErrorCode::BadRequest, "STR-05"),
            (CheckError::Refused("no".into()), ErrorCode::BadRequest, "STR-06"),
        ] {
            world.sink.fail_check(error);
            assert_eq!(world.refuses(put()).await, (code, rule));
        }
        world.sink.fail_check(CheckError::Unavailable("down".into()));
        let error = put().await.unwrap_err();
        assert!(matches!(error, ServiceError::Store(StoreError::Unavailable { .. })), "{error}");
        let found = world.chime.identity().get_streaming_configurations(&world.app).await.unwrap();
        assert_eq!(found, None);
        put().await.unwrap();
    });
}

#[test]
fn str_01_to_03_07_and_08_other_destinations_and_other_numbers_of_them_are_bad_requests() {
    run(async {
        let world = World::new().await;
        let of = |arn: &str| vec![StreamingConfiguration { data_type: Channel, resource_arn: arn.into() }];
        for (configurations, rule) in [
            (of("arn:aws:sqs:us-east-1:123456789012:chime-messaging-a"), "STR-01"),
            (of("arn:aws:kinesis:eu-west-1:123456789012:stream/chime-messaging-a"), "STR-02"),
            (of("arn:aws:kinesis:us-east-1:123456789012:stream/other-a"), "STR-03"),
            (of("arn:aws:kinesis:us-east-1:123456789013:stream/chime-messaging-a"), "STR-07"),
            (Vec::new(), "STR-08"),
            (vec![to(Channel, "a"), to(Channel, "b")], "STR-08"),
            (vec![to(Channel, "a"), to(ChannelMessage, "b"), to(Channel, "c")], "STR-08"),
        ] {
            let identity = world.chime.identity();
            let put = identity.put_streaming_configurations(&world.app, configurations);
            assert_eq!(world.refuses(put).await, (ErrorCode::BadRequest, rule));
        }
    });
}

#[test]
fn a_stream_that_is_down_holds_up_neither_the_other_stream_nor_senders_and_loses_nothing() {
    run(async {
        let world = World::new().await;
        let alice = world.user("alice").await;
        let mut node = Node::new(world.chime.clone());
        let apart = vec![to(Channel, "c"), to(ChannelMessage, "m")];
        world.chime.identity().put_streaming_configurations(&world.app, apart).await.unwrap();
        let channel = world.channel(&alice, Public, Unrestricted).await;
        for n in 0..5 {
            world.send(&alice, &channel, &n.to_string()).await.unwrap();
        }
        while node.pump.step(100).await.unwrap() != Step::Idle {}
        let id = world.app.app_instance_id();
        let mut channels = Drain::new(world.chime.clone(), id, ExportGroup::Channel);
        let mut messages = Drain::new(world.chime.clone(), id, ExportGroup::ChannelMessage);
        for (after, error) in [(0, SinkError::Throttled), (2, SinkError::Unavailable("down".into()))] {
            world.sink.fail_after(after, error);
            let step = messages.step(100, &encode).await.unwrap();
            assert!(matches!(step, Drained::Failed { delivered, .. } if delivered == after), "{step:?}");
        }
        assert!(matches!(channels.step(100, &encode).await.unwrap(), Drained::Moved { delivered: 3, .. }));
        let step = messages.step(100, &encode).await.unwrap();
        assert!(matches!(step, Drained::Moved { delivered: 3, .. }), "{step:?}");
        let texts: Vec<_> = (0..5).map(|n| format!("CREATE_CHANNEL_MESSAGE {n}")).collect();
        assert_eq!(delivered(&world, "m"), texts);
        assert_eq!(delivered(&world, "c").len(), 3);
    });
}

#[test]
fn what_happened_comes_in_one_order_while_both_data_types_go_to_one_stream() {
    run(async {
        let world = World::new().await;
        let (alice, bob) = (world.user("alice").await, world.user("bob").await);
        let mut node = Node::new(world.chime.clone());
        let both = vec![to(Channel, "a"), to(ChannelMessage, "a")];
        world.chime.identity().put_streaming_configurations(&world.app, both).await.unwrap();
        let channel = world.channel(&alice, Public, Unrestricted).await;
        let begun =
            ["CREATE_CHANNEL channel", "CREATE_CHANNEL_MEMBERSHIP alice", "CREATE_CHANNEL_MODERATOR alice"];
        let mut expected = begun.map(str::to_owned).to_vec();
        for n in 0..20 {
            world.send(&alice, &channel, &n.to_string()).await.unwrap();
            expected.push(format!("CREATE_CHANNEL_MESSAGE {n}"));
            if n % 5 == 0 {
                world.join(&alice, &channel, &bob).await;
                world.as_user(&alice).delete_channel_membership(&channel, &bob).await.unwrap();
                expected.push("CREATE_CHANNEL_MEMBERSHIP bob".to_owned());
                expected.push("DELETE_CHANNEL_MEMBERSHIP bob".to_owned());
            }
        }
        while node.pump.step(100).await.unwrap() != Step::Idle {}
        while node.drain(3).await.unwrap() {}
        assert_eq!(delivered(&world, "a"), expected);
    });
}

#[test]
fn of_a_deleted_app_instance_nothing_is_kept() {
    run(async {
        let world = World::new().await;
        let alice = world.user("alice").await;
        let mut node = Node::new(world.chime.clone());
        let both = vec![to(Channel, "a"), to(ChannelMessage, "a")];
        world.chime.identity().put_streaming_configurations(&world.app, both).await.unwrap();
        let channel = world.channel(&alice, Public, Unrestricted).await;
        world.send(&alice, &channel, "late").await.unwrap();
        while node.pump.step(100).await.unwrap() != Step::Idle {}
        world.chime.identity().delete_app_instance(&world.app).await.unwrap();
        world.later(Duration::from_secs(1)).await;
        node.finish().await;
        assert_eq!(world.chime.export_backlog(world.app.app_instance_id()).await.unwrap().length, 0);
        assert!(world.chime.exports().await.unwrap().is_empty());
        assert!(delivered(&world, "a").is_empty());
    });
}

#[test]
fn without_configurations_the_pump_writes_nothing_but_its_cursor_and_that_once_a_second() {
    run(async {
        let world = World::new().await;
        let alice = world.user("alice").await;
        let channel = world.channel(&alice, Public, Unrestricted).await;
        let mut pump = Pump::new(world.chime.clone());
        while pump.step(100).await.unwrap() != Step::Idle {}
        world.send(&alice, &channel, "first").await.unwrap();
        while pump.step(100).await.unwrap() != Step::Idle {}
        let before = chime_tests::dump(&world.chime).await;
        for n in 0..50 {
            world.send(&alice, &channel, &n.to_string()).await.unwrap();
        }
        let sent = chime_tests::dump(&world.chime).await;
        assert_ne!(sent, before);
        while pump.step(7).await.unwrap() != Step::Idle {}
        assert_eq!(pump.position(), Some(world.chime.store().newest().await.unwrap()));
        assert_eq!(chime_tests::dump(&world.chime).await, sent);
        world.clock.advance(Duration::from_secs(1));
        world.send(&alice, &channel, "later").await.unwrap();
        let sent = chime_tests::dump(&world.chime).await;
        pump.step(7).await.unwrap();
        assert_ne!(chime_tests::dump(&world.chime).await, sent);
    });
}

#[test]
fn one_pump_of_many_moves_at_a_time_and_the_others_follow() {
    run(async {
        let world = World::new().await;
        let alice = world.user("alice").await;
        let mut pumps: Vec<_> = (0..3).map(|_| Pump::new(world.chime.clone())).collect();
        let messages = vec![to(ChannelMessage, "a")];
        world.chime.identity().put_streaming_configurations(&world.app, messages).await.unwrap();
        let channel = world.channel(&alice, Public, Unrestricted).await;
        let mut node = Node::new(world.chime.clone());
        let mut overtaken = 0;
        for n in 0..30 {
            world.send(&alice, &channel, &n.to_string()).await.unwrap();
            let pump = n % pumps.len();
            overtaken += usize::from(pumps[pump].step(2).await.unwrap() == Step::Overtaken);
        }
        assert!(overtaken > 5, "{overtaken}");
        node.finish().await;
        let texts: Vec<_> = (0..30).map(|n| format!("CREATE_CHANNEL_MESSAGE {n}")).collect();
        assert_eq!(delivered(&world, "a"), texts);
    });
}

#[test]
fn a_drain_takes_over_when_the_lease_of_another_ends_and_not_before() {
    run(async {
        let world = World::new().await;
        let alice = world.user("alice").await;
        let mut pump = Pump::new(world.chime.clone());
        let messages = vec![to(ChannelMessage, "a")];
        world.chime.identity().put_streaming_configurations(&world.app, messages).await.unwrap();
        let channel = world.channel(&alice, Public, Unrestricted).await;
        world.send(&alice, &channel, "one").await.unwrap();
        while pump.step(100).await.unwrap() != Step::Idle {}
        let drain = || Drain::new(world.chime.clone(), world.app.app_instance_id(), ExportGroup::Both);
        let (mut first, mut second) = (drain(), drain());
        world.sink.fail_after(0, SinkError::Throttled);
        assert!(matches!(first.step(10, &encode).await.unwrap(), Drained::Failed { .. }));
        assert!(matches!(second.step(10, &encode).await.unwrap(), Drained::Over));
        world.clock.advance(Duration::from_secs(61));
        assert!(matches!(second.step(10, &encode).await.unwrap(), Drained::Moved { delivered: 1, .. }));
        assert!(matches!(first.step(10, &encode).await.unwrap(), Drained::Over));
        second.release().await.unwrap();
        assert!(matches!(drain().step(10, &encode).await.unwrap(), Drained::Idle));
        assert_eq!(delivered(&world, "a").len(), 1);
    });
}

/// A second node on the same store.
async fn another(world: &World) -> Chime {
    let clock = Arc::clone(&world.clock) as Arc<dyn chime_domain::ports::Clock>;
    let entropy = Arc::new(chime_adapters::SystemEntropy);
    let builder = Chime::shared(world.chime.store_handle(), clock, entropy);
    let sink = Arc::clone(&world.sink) as Arc<dyn chime_domain::ports::Sink>;
    builder.sink(sink).build().await.unwrap()
}
