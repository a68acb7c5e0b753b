use chime_domain::access::Mode::Restricted;
use chime_domain::access::Privacy::Public;
use chime_domain::arn::{AppInstanceUserArn, ChannelArn};
use chime_domain::error::ErrorCode::{BadRequest, Forbidden, NotFound};
use chime_domain::ids::MessageId;
use chime_domain::ports::{EntryQuery, Key, Order};
use chime_domain::time::Timestamp;
use chime_tests::{BEGINNING, World, refused, run};
use proptest::prelude::*;

async fn setting() -> (World, AppInstanceUserArn, ChannelArn) {
    let world = World::new().await;
    let alice = world.user("alice").await;
    let channel = world.channel(&alice, Public, Restricted).await;
    (world, alice, channel)
}

async fn put(world: &World, days: Option<u32>) {
    world.chime.identity().put_app_instance_retention_settings(&world.app, days).await.unwrap();
}

/// The days after the beginning on which the messages were made that are still in the store, shown or not.
async fn stored(world: &World, channel: &ChannelArn) -> Vec<i64> {
    let query = EntryQuery {
        stream: Key::new("messages", &[channel.app_instance_id(), channel.channel_id()]),
        not_before: Timestamp::MIN,
        not_after: Timestamp::MAX,
        behind: None,
        order: Order::Ascending,
        limit: usize::MAX,
    };
    let entries = world.chime.store().entries(query).await.unwrap();
    entries.iter().map(|entry| (entry.stamp.at.millis() - BEGINNING.millis()) / 86_400_000).collect()
}

#[test]
fn ret_02_the_period_is_1_to_5475_days_and_not_one_past() {
    run(async {
        let (world, ..) = setting().await;
        let identity = world.chime.identity();
        for days in [0, 5476, u32::MAX] {
            let put = identity.put_app_instance_retention_settings(&world.app, Some(days));
            assert_eq!(world.refuses(put).await, (BadRequest, "RET-02"), "{days}");
        }
        for days in [1, 5475] {
            put(&world, Some(days)).await;
            let found = identity.get_app_instance_retention_settings(&world.app).await.unwrap().unwrap();
            assert_eq!((found.days, found.set), (Some(days), BEGINNING));
        }
    });
}

#[test]
fn ret_01_and_04_settings_are_of_an_app_instance_and_can_be_set_changed_and_turned_off() {
    run(async {
        let (world, ..) = setting().await;
        let identity = world.chime.identity();
        assert_eq!(identity.get_app_instance_retention_settings(&world.app).await.unwrap(), None);
        for days in [Some(60), Some(30), None] {
            put(&world, days).await;
            let found = identity.get_app_instance_retention_settings(&world.app).await.unwrap().unwrap();
            assert_eq!(found.days, days);
        }
        identity.delete_app_instance(&world.app).await.unwrap();
        let gone = (Forbidden, "E-06");
        assert_eq!(refused(identity.get_app_instance_retention_settings(&world.app).await), gone);
        let put = identity.put_app_instance_retention_settings(&world.app, Some(1));
        assert_eq!(world.refuses(put).await, gone);
    });
}

#[test]
fn ret_03_and_07_after_grace_old_messages_are_deleted_and_new_ones_as_they_pass_the_period() {
    run(async {
        let (world, alice, channel) = setting().await;
        world.send(&alice, &channel, "day 0").await.unwrap();
        put(&world, Some(5)).await;
        world.days_later(28).await;
        world.send(&alice, &channel, "day 28").await.unwrap();
        assert_eq!(stored(&world, &channel).await, [0, 28], "kept during grace");
        world.days_later(2).await;
        assert_eq!(stored(&world, &channel).await, [28], "deleted when grace ends");
        world.days_later(3).await;
        assert_eq!(world.texts(&alice, &channel).await, ["day 28"], "exactly as old as the period");
        world.later(std::time::Duration::from_millis(1)).await;
        assert_eq!(world.texts(&alice, &channel).await, [""; 0]);
        world.later(std::time::Duration::from_secs(3600)).await;
        assert_eq!(stored(&world, &channel).await, [0_i64; 0], "deleted within the hour");
    });
}

#[test]
fn ret_05_and_06_during_grace_messages_are_hidden_and_come_back_when_the_period_is_extended_or_off() {
    run(async {
        for restored in [Some(60), None] {
            let (world, alice, channel) = setting().await;
            let id = world.send(&alice, &channel, "old").await.unwrap();
            world.days_later(10).await;
            world.send(&alice, &channel, "new").await.unwrap();
            put(&world, Some(5)).await;
            assert_eq!(world.texts(&alice, &channel).await, ["new"]);
            let alices = world.as_user(&alice);
            assert_eq!(world.refuses(alices.get_channel_message(&channel, &id)).await, (NotFound, "E-06"));
            assert_eq!(world.refuses(world.edit(&alice, &channel, &id, "x")).await, (Forbidden, "E-06"));
            assert_eq!(
                world.refuses(alices.redact_channel_message(&channel, &id)).await,
                (Forbidden, "E-06")
            );
            world.days_later(29).await;
            assert_eq!(world.texts(&alice, &channel).await, [""; 0]);
            put(&world, restored).await;
            assert_eq!(world.texts(&alice, &channel).await, ["old", "new"], "{restored:?}");
            world.days_later(5).await;
            assert_eq!(world.texts(&alice, &channel).await, ["old", "new"], "the old grace period is void");
        }
    });
}

#[test]
fn ret_09_a_message_that_is_deleted_while_retention_hides_it_does_not_come_back() {
    run(async {
        let (world, alice, channel) = setting().await;
        let root = world.admin("root").await;
        let id = world.send(&alice, &channel, "old").await.unwrap();
        world.days_later(10).await;
        put(&world, Some(5)).await;
        let alices = world.as_user(&alice);
        let hidden = alices.delete_channel_message(&channel, &id);
        assert_eq!(world.refuses(hidden).await, (Forbidden, "AUTH-43"), "moderators delete nothing");
        world.as_user(&root).delete_channel_message(&channel, &id).await.unwrap();
        put(&world, None).await;
        assert_eq!(world.texts(&alice, &channel).await, [""; 0]);
        assert_eq!(stored(&world, &channel).await, [0_i64; 0]);
    });
}

#[test]
fn ret_07_after_grace_nothing_brings_a_message_back() {
    run(async {
        for restored in [Some(5475), None] {
            let (world, alice, channel) = setting().await;
            world.send(&alice, &channel, "old").await.unwrap();
            put(&world, Some(5)).await;
            // The clock passes the end of grace, and the setting changes before anything was swept.
            world.clock.advance(std::time::Duration::from_secs(30 * 86_400));
            put(&world, restored).await;
            assert_eq!(world.texts(&alice, &channel).await, [""; 0], "{restored:?}");
            assert_eq!(stored(&world, &channel).await, [0]);
            world.chime.run_due().await.unwrap();
            assert_eq!(stored(&world, &channel).await, [0_i64; 0], "{restored:?}: out of sight but stored");
        }
    });
}

#[test]
fn ret_08_deletion_begins_30_days_after_the_put_and_never_when_retention_is_off() {
    use chime_domain::identity::retention_rules::initiate_deletion;
    run(async {
        let (world, ..) = setting().await;
        let identity = world.chime.identity();
        world.days_later(3).await;
        let setting = identity.put_app_instance_retention_settings(&world.app, Some(60)).await.unwrap();
        assert_eq!(initiate_deletion(&setting), Some(BEGINNING.plus_days(33)));
        let read = identity.get_app_instance_retention_settings(&world.app).await.unwrap().unwrap();
        assert_eq!(initiate_deletion(&read), Some(BEGINNING.plus_days(33)));
        let setting = identity.put_app_instance_retention_settings(&world.app, None).await.unwrap();
        assert_eq!(initiate_deletion(&setting), None);
    });
}

#[test]
fn ret_09_a_deleted_message_is_not_restored_with_the_period() {
    run(async {
        let (world, alice, channel) = setting().await;
        let root = world.admin("root").await;
        let id = world.send(&alice, &channel, "old").await.unwrap();
        world.as_user(&root).delete_channel_message(&channel, &id).await.unwrap();
        put(&world, Some(1)).await;
        put(&world, None).await;
        assert_eq!(world.texts(&alice, &channel).await, [""; 0]);
    });
}

#[test]
fn ret_10_shortening_during_grace_begins_the_30_days_anew() {
    run(async {
        let (world, alice, channel) = setting().await;
        world.send(&alice, &channel, "old").await.unwrap();
        put(&world, Some(10)).await;
        world.days_later(20).await;
        put(&world, Some(5)).await;
        world.days_later(29).await;
        assert_eq!(stored(&world, &channel).await, [0], "the first 30 days are over, the second are not");
        put(&world, Some(60)).await;
        assert_eq!(world.texts(&alice, &channel).await, ["old"]);
        put(&world, Some(5)).await;
        world.days_later(30).await;
        assert_eq!(stored(&world, &channel).await, [0_i64; 0]);
    });
}

/// A step of a timeline, in whole days.
#[derive(Clone, Debug)]
enum Step {
    Send,
    Set(u32),
    Off,
    Wait(u64),
    /// The clock moves, and what is due waits.
    WaitWithoutWork(u64),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        3 => Just(Step::Send),
        2 => (1u32..50).prop_map(Step::Set),
        1 => Just(Step::Off),
        3 => (1u64..20).prop_map(Step::Wait),
        1 => (1u64..40).prop_map(Step::WaitWithoutWork),
    ]
}

/// The documentation told day by day: each message is there, hidden or destroyed, and every passing day looks at each.
#[derive(Debug, Default)]
struct Naive {
    today: u32,
    /// Day on which it was made, and whether it was destroyed.
    messages: Vec<(u32, bool)>,
    /// The period and the day on which it was set.
    setting: Option<(u32, u32)>,
}

impl Naive {
    fn hidden(&self, made: u32) -> bool {
        self.setting.is_some_and(|(days, _)| made + days < self.today)
    }

    fn destroy(&mut self) {
        let over = self.setting.is_some_and(|(_, set)| set + 30 <= self.today);
        for at in 0..self.messages.len() {
            self.messages[at].1 |= over && self.hidden(self.messages[at].0);
        }
    }

    fn wait(&mut self, days: u64) {
        for _ in 0..days {
            self.today += 1;
            self.destroy();
        }
    }

    fn shown(&self) -> Vec<String> {
        let shown = self.messages.iter().enumerate().filter(|(_, (made, gone))| !gone && !self.hidden(*made));
        shown.map(|(n, _)| n.to_string()).collect()
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(100))]

    #[test]
    fn ret_03_to_10_what_is_shown_agrees_with_a_day_by_day_model_and_what_is_gone_never_returns(
        steps in proptest::collection::vec(step(), 1..40)
    ) {
        run(async {
            let (world, alice, channel) = setting().await;
            let mut naive = Naive::default();
            let mut ids: Vec<MessageId> = Vec::new();
            for step in steps {
                let mut worked = false;
                match &step {
                    Step::Send => {
                        ids.push(world.send(&alice, &channel, &ids.len().to_string()).await.unwrap());
                        naive.messages.push((naive.today, false));
                    }
                    Step::Set(days) => {
                        put(&world, Some(*days)).await;
                        naive.setting = Some((*days, naive.today));
                    }
                    Step::Off => {
                        put(&world, None).await;
                        naive.setting = None;
                    }
                    Step::Wait(days) => {
                        world.days_later(*days).await;
                        naive.wait(*days);
                        worked = true;
                    }
                    Step::WaitWithoutWork(days) => {
                        world.clock.advance(std::time::Duration::from_secs(days * 86_400));
                        naive.wait(*days);
                    }
                }
                let shown = naive.shown();
                prop_assert_eq!(&world.texts(&alice, &channel).await, &shown, "{:?}", &step);
                for (n, id) in ids.iter().enumerate() {
                    let found = world.as_user(&alice).get_channel_message(&channel, id).await;
                    prop_assert_eq!(found.is_ok(), shown.contains(&n.to_string()), "message {}", n);
                }
                let kept = naive.messages.iter().filter(|(_, gone)| !gone).count();
                let stored = stored(&world, &channel).await.len();
                prop_assert!(stored >= kept, "what can be restored was destroyed");
                if worked {
                    prop_assert_eq!(stored, kept, "what is gone for good is still stored");
                }
            }
            Ok(())
        })?;
    }
}
