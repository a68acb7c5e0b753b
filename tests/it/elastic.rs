//! Elastic channels: members are divided among sub-channels, which come and go with them.

mod moderators;
mod reach;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use chime_domain::access::MembershipType::{Default, Hidden};
use chime_domain::access::Mode::{Restricted, Unrestricted};
use chime_domain::access::Privacy;
use chime_domain::arn::{AppInstanceUserArn, ChannelArn};
use chime_domain::error::ErrorCode::{BadRequest, Conflict, Forbidden, ResourceLimitExceeded};
use chime_domain::ids::SubChannelId;
use chime_domain::messaging::{
    AllowNotifications, CreateChannel, ElasticChannelConfiguration, ListChannelMessages, Preferences,
    SendChannelMessage, UpdateChannel,
};
use chime_domain::page::PageRequest;
use chime_domain::text::{Content, ResourceName};
use chime_tests::{World, received, refused, run};
use proptest::prelude::*;

const NOTHING: [&str; 0] = [];

/// An elastic channel of the moderator Mia.
struct Setting {
    world: World,
    mia: AppInstanceUserArn,
    channel: ChannelArn,
}

impl Setting {
    async fn new(maximum: u32, target: u32, percentage: u32) -> Self {
        let elastic = ElasticChannelConfiguration::new(maximum, target, percentage, 1_000_000).unwrap();
        Self::of(Privacy::Private, elastic).await
    }

    async fn of(privacy: Privacy, elastic: ElasticChannelConfiguration) -> Self {
        let world = World::new().await;
        let mia = world.user("mia").await;
        let mut command = CreateChannel::new(world.app.clone(), ResourceName::new("arena").unwrap());
        command.privacy = privacy;
        command.elastic = Some(elastic);
        let channel = world.as_user(&mia).create_channel(command).await.unwrap();
        Self { world, mia, channel }
    }

    /// A new user, who is added; gives it with its sub-channel.
    async fn join(&self, id: &str) -> (AppInstanceUserArn, SubChannelId) {
        let user = self.world.user(id).await;
        let mia = self.world.as_user(&self.mia);
        let membership = mia.create_channel_membership(&self.channel, &user, Default).await.unwrap();
        (user, membership.sub_channels.first().unwrap().clone())
    }

    async fn leave(&self, user: &AppInstanceUserArn) {
        self.world.as_user(&self.mia).delete_channel_membership(&self.channel, user).await.unwrap();
    }

    /// The sub-channels with how many members each has.
    async fn sub_channels(&self) -> BTreeMap<SubChannelId, u64> {
        let (mut all, mut page) = (BTreeMap::new(), PageRequest::default());
        loop {
            let found = self.world.as_user(&self.mia).list_sub_channels(&self.channel, &page).await.unwrap();
            all.extend(found.items.into_iter().map(|sub| (sub.id, sub.members)));
            if found.next.is_none() {
                return all;
            }
            page = PageRequest::new(None, found.next);
        }
    }

    /// The ids of the members of a sub-channel.
    async fn members(&self, sub: &SubChannelId) -> BTreeSet<String> {
        let (mut all, mut page) = (BTreeSet::new(), PageRequest::default());
        loop {
            let mia = self.world.as_user(&self.mia).in_sub_channel(Some(sub));
            let found = mia.list_channel_memberships(&self.channel, None, &page).await.unwrap();
            all.extend(found.items.iter().map(|found| found.member.arn.user_id().to_owned()));
            if found.next.is_none() {
                return all;
            }
            page = PageRequest::new(None, found.next);
        }
    }

    fn message(&self, text: &str) -> SendChannelMessage {
        SendChannelMessage::new(self.channel.clone(), Content::new(text).unwrap())
    }

    async fn texts(&self, user: &AppInstanceUserArn, sub: Option<&SubChannelId>) -> Vec<String> {
        let command = ListChannelMessages::new(self.channel.clone());
        let found =
            self.world.as_user(user).in_sub_channel(sub).list_channel_messages(&command).await.unwrap();
        found.items.iter().map(|sent| sent.message.content.as_ref().unwrap().as_str().to_owned()).collect()
    }
}

#[test]
fn members_fill_one_sub_channel_and_then_the_next_up_to_the_maximum() {
    run(async {
        let s = Setting::new(2, 3, 10).await;
        assert!(s.sub_channels().await.is_empty());
        let (_, first) = s.join("u0").await;
        for n in 1..3 {
            assert_eq!(s.join(&format!("u{n}")).await.1, first);
        }
        let (_, second) = s.join("u3").await;
        assert_ne!(second, first);
        for n in 4..6 {
            assert_eq!(s.join(&format!("u{n}")).await.1, second);
        }
        assert_eq!(s.sub_channels().await, BTreeMap::from([(first.clone(), 3), (second, 3)]));
        let user = s.world.user("late").await;
        let mia = s.world.as_user(&s.mia);
        let full = s.world.refuses(mia.create_channel_membership(&s.channel, &user, Default)).await;
        assert_eq!(full, (ResourceLimitExceeded, "APP-20"));
        assert_eq!(s.members(&first).await, ["u0", "u1", "u2"].map(str::to_owned).into());
    });
}

#[test]
fn the_creator_moderates_and_is_no_member() {
    run(async {
        let s = Setting::new(2, 2, 10).await;
        let mia = s.world.as_user(&s.mia);
        mia.describe_channel_moderator(&s.channel, &s.mia).await.unwrap();
        assert!(mia.describe_channel_membership(&s.channel, &s.mia).await.is_err());
        assert!(mia.describe_channel(&s.channel).await.unwrap().channel.elastic.is_some());
    });
}

#[test]
fn messages_stay_in_their_sub_channel_for_readers_and_listeners() {
    run(async {
        let s = Setting::new(4, 2, 10).await;
        let ((ada, one), (ben, same), (cleo, two)) =
            (s.join("ada").await, s.join("ben").await, s.join("cleo").await);
        assert!(one == same && one != two);
        let mut inboxes = Vec::new();
        for user in [&ada, &ben, &cleo] {
            inboxes.push(s.world.as_user(user).inbox().await.unwrap());
        }
        let sent = s.world.as_user(&ada).send_channel_message(s.message("hi one")).await.unwrap();
        s.world
            .as_user(&cleo)
            .in_sub_channel(Some(&two))
            .send_channel_message(s.message("hi two"))
            .await
            .unwrap();
        let mut heard = Vec::new();
        for inbox in &mut inboxes {
            heard.push(received(inbox).await);
        }
        let (first, second) = (["CREATE_CHANNEL_MESSAGE hi one"], ["CREATE_CHANNEL_MESSAGE hi two"]);
        assert_eq!(heard, [&first, &first, &second]);
        assert_eq!(s.texts(&ben, None).await, ["hi one"]);
        assert_eq!(s.texts(&cleo, None).await, ["hi two"]);
        let cleos = s.world.as_user(&cleo).in_sub_channel(Some(&one));
        assert_eq!(
            s.world.refuses(cleos.get_channel_message(&s.channel, &sent.id)).await,
            (Forbidden, "E-06")
        );
        let foreign = s.world.refuses(cleos.send_channel_message(s.message("no"))).await;
        assert_eq!(foreign, (Forbidden, "E-06"));
        // The moderator reads everywhere, by the id of the sub-channel.
        assert_eq!(s.texts(&s.mia, Some(&two)).await, ["hi two"]);
        let mia = s.world.as_user(&s.mia);
        let unnamed = s.world.refuses(mia.get_channel_message(&s.channel, &sent.id)).await;
        assert_eq!(unnamed, (BadRequest, "D-08"));
        mia.in_sub_channel(Some(&one)).redact_channel_message(&s.channel, &sent.id).await.unwrap();
        let update = UpdateChannel::new(s.channel.clone());
        mia.update_channel(update).await.unwrap();
        for inbox in &mut inboxes {
            assert_eq!(
                received(inbox).await.last().unwrap(),
                "UPDATE_CHANNEL arena",
                "all of them hear of the channel"
            );
        }
    });
}

#[test]
fn a_moderator_is_added_to_sub_channels_by_id_and_leaves_one_or_all() {
    run(async {
        let s = Setting::new(4, 2, 10).await;
        let (_, one) = s.join("u0").await;
        s.join("u1").await;
        let (_, two) = s.join("u2").await;
        let (_, three) = (s.join("u3").await, s.join("u4").await.1);
        let mia = s.world.as_user(&s.mia);
        let (channel, me) = (&s.channel, &s.mia);
        let add = |sub| async move {
            mia.in_sub_channel(sub).create_channel_membership(channel, me, Default).await
        };
        assert_eq!(s.world.refuses(add(None)).await, (BadRequest, "D-08"));
        let unknown = SubChannelId::new("unknown").unwrap();
        assert_eq!(s.world.refuses(add(Some(&unknown))).await, (BadRequest, "D-08"));
        add(Some(&three)).await.unwrap();
        assert_eq!(s.world.refuses(add(Some(&three))).await, (Conflict, "CHN-12"));
        // It is full, but not for a moderator.
        add(Some(&one)).await.unwrap();
        let mut inbox = mia.inbox().await.unwrap();
        mia.in_sub_channel(Some(&one)).send_channel_message(s.message("a")).await.unwrap();
        mia.in_sub_channel(Some(&three)).send_channel_message(s.message("b")).await.unwrap();
        let outside =
            s.world.refuses(mia.in_sub_channel(Some(&two)).send_channel_message(s.message("c"))).await;
        assert_eq!(outside, (Forbidden, "E-06"));
        assert_eq!(received(&mut inbox).await, ["CREATE_CHANNEL_MESSAGE a", "CREATE_CHANNEL_MESSAGE b"]);
        mia.in_sub_channel(Some(&one)).delete_channel_membership(&s.channel, &s.mia).await.unwrap();
        assert!(!s.members(&one).await.contains("mia"));
        assert!(s.members(&three).await.contains("mia"));
        s.leave(&s.mia).await;
        assert_eq!(s.sub_channels().await[&three], 1);
        assert!(mia.describe_channel_membership(&s.channel, &s.mia).await.is_err());
    });
}

#[test]
fn who_becomes_a_moderator_or_is_one_no_more_leaves_its_sub_channels() {
    run(async {
        let s = Setting::new(4, 3, 10).await;
        let (ada, one) = s.join("ada").await;
        s.join("ben").await;
        let mia = s.world.as_user(&s.mia);
        // Role rows let moderators promote when they are members themselves; an administrator always may.
        let root = s.world.admin("root").await;
        let roots = s.world.as_user(&root);
        roots.create_channel_moderator(&s.channel, &ada).await.unwrap();
        assert!(mia.describe_channel_membership(&s.channel, &ada).await.is_err());
        assert_eq!(s.sub_channels().await[&one], 1);
        mia.in_sub_channel(Some(&one)).create_channel_membership(&s.channel, &ada, Default).await.unwrap();
        roots.delete_channel_moderator(&s.channel, &ada).await.unwrap();
        assert!(mia.describe_channel_membership(&s.channel, &ada).await.is_err());
        assert_eq!(s.sub_channels().await[&one], 1);
    });
}

#[test]
fn a_sub_channel_with_too_few_members_is_joined_with_the_others() {
    run(async {
        // At least ceil(40% of 5) = 2 members.
        let s = Setting::new(4, 5, 40).await;
        let mut users = Vec::new();
        for n in 0..10 {
            users.push(s.join(&format!("u{n}")).await);
        }
        let (one, two) = (users[0].1.clone(), users[9].1.clone());
        s.world.as_user(&users[9].0).send_channel_message(s.message("of two")).await.unwrap();
        // The first has room for one again; the second keeps two, then one.
        s.leave(&users[0].0).await;
        for (user, _) in &users[5..8] {
            s.leave(user).await;
        }
        s.world.later(Duration::from_secs(11)).await;
        assert_eq!(s.sub_channels().await, BTreeMap::from([(one.clone(), 4), (two.clone(), 2)]));
        let mut moved = s.world.as_user(&users[9].0).inbox().await.unwrap();
        let mut host = s.world.as_user(&users[1].0).inbox().await.unwrap();
        s.leave(&users[8].0).await;
        s.world.later(Duration::from_secs(11)).await;
        assert_eq!(s.sub_channels().await, BTreeMap::from([(one.clone(), 5)]));
        assert_eq!(
            received(&mut moved).await,
            ["DELETE_CHANNEL_MEMBERSHIP u8", "UPDATE_CHANNEL_MEMBERSHIP u9"]
        );
        assert_eq!(received(&mut host).await, ["UPDATE_CHANNEL_MEMBERSHIP u9"]);
        // It goes on where it came to, and has left its messages.
        assert_eq!(s.texts(&users[9].0, None).await, NOTHING);
        s.world.as_user(&users[1].0).send_channel_message(s.message("welcome")).await.unwrap();
        assert_eq!(received(&mut moved).await, ["CREATE_CHANNEL_MESSAGE welcome"]);
        assert_eq!(s.texts(&users[9].0, None).await, ["welcome"]);
    });
}

#[test]
fn what_elastic_channels_do_not_have_is_refused() {
    run(async {
        let s = Setting::new(2, 2, 10).await;
        let (ada, one) = s.join("ada").await;
        let ben = s.world.user("ben").await;
        let (mia, adas) = (s.world.as_user(&s.mia), s.world.as_user(&ada));
        let bad = (BadRequest, "D-08");
        assert_eq!(s.world.refuses(mia.create_channel_membership(&s.channel, &ben, Hidden)).await, bad);
        let inside = mia.in_sub_channel(Some(&one));
        let named = inside.create_channel_membership(&s.channel, &ben, Default);
        assert_eq!(s.world.refuses(named).await, bad, "the service chooses for members");
        assert_eq!(s.world.refuses(adas.update_channel_read_marker(&s.channel)).await, bad);
        let preferences = Preferences { allow_notifications: AllowNotifications::None, filter_rule: None };
        let put = adas.put_channel_membership_preferences(&s.channel, &ada, preferences);
        assert_eq!(s.world.refuses(put).await, bad);
        let mut update = UpdateChannel::new(s.channel.clone());
        update.mode = Some(Unrestricted);
        assert_eq!(s.world.refuses(mia.update_channel(update)).await, bad);
        let config = ElasticChannelConfiguration::new(2, 2, 10, 1_000_000).unwrap();
        let create = |change: fn(&mut CreateChannel, &AppInstanceUserArn)| {
            let mut command = CreateChannel::new(s.world.app.clone(), ResourceName::new("bad").unwrap());
            command.elastic = Some(config);
            change(&mut command, &ben);
            command
        };
        let members = create(|command, ben| command.members = vec![ben.clone()]);
        assert_eq!(s.world.refuses(mia.create_channel(members)).await, bad);
        let open = create(|command, _| command.mode = Unrestricted);
        assert_eq!(s.world.refuses(mia.create_channel(open)).await, bad);
        // And what is not elastic has no sub-channels.
        let plain = s.world.channel(&s.mia, chime_domain::access::Privacy::Public, Restricted).await;
        let sent = SendChannelMessage::new(plain.clone(), Content::new("x").unwrap());
        assert_eq!(s.world.refuses(mia.in_sub_channel(Some(&one)).send_channel_message(sent)).await, bad);
        assert_eq!(refused(mia.list_sub_channels(&plain, &PageRequest::default()).await), bad);
        let denied = s.world.refuses(adas.list_sub_channels(&s.channel, &PageRequest::default())).await;
        assert_eq!(denied, (Forbidden, "AUTH-76"));
    });
}

#[test]
fn configurations_are_within_their_bounds() {
    let of = |maximum, target, percentage| {
        ElasticChannelConfiguration::new(maximum, target, percentage, 1_000_000)
    };
    assert!(of(2, 2, 1).is_ok() && of(100, 10_000, 40).is_ok());
    for (maximum, target, percentage) in [(1, 2, 10), (2, 1, 10), (2, 2, 0), (2, 2, 41), (101, 10_000, 10)] {
        assert_eq!(of(maximum, target, percentage).unwrap_err().rule(), "D-08");
    }
    assert_eq!(of(2, 10, 25).unwrap().least(), 3, "rounded up");
}

#[test]
fn a_deleted_elastic_channel_leaves_nothing() {
    run(async {
        let s = Setting::new(3, 2, 10).await;
        let (ada, _) = s.join("ada").await;
        s.join("ben").await;
        s.join("cleo").await;
        let mut inbox = s.world.as_user(&ada).inbox().await.unwrap();
        s.world.as_user(&ada).send_channel_message(s.message("x")).await.unwrap();
        s.world.as_user(&s.mia).delete_channel(&s.channel).await.unwrap();
        assert_eq!(received(&mut inbox).await, ["CREATE_CHANNEL_MESSAGE x", "DELETE_CHANNEL arena"]);
        s.world.later(Duration::from_secs(20)).await;
        let left = chime_tests::dump(&s.world.chime).await;
        for kind in ["sub-channel", "elastic/", "member/", "messages/"] {
            assert!(!format!("{left:?}").contains(kind), "{kind} is left: {left:?}");
        }
    });
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    /// Whoever comes and goes: every member is in exactly one sub-channel, none is above its target, the counts are
    /// those of the members, and once it has settled no sub-channel is too small that could have been joined.
    #[test]
    fn members_are_divided_and_counted_right(
        target in 2_u32..5,
        percentage in 1_u32..=40,
        steps in proptest::collection::vec((any::<bool>(), 0_usize..40, 0_u64..15), 1..60),
    ) {
        run(async {
            let s = Setting::new(50, target, percentage).await;
            let mut present: Vec<AppInstanceUserArn> = Vec::new();
            for (n, (comes, which, seconds)) in steps.into_iter().enumerate() {
                if comes || present.is_empty() {
                    present.push(s.join(&format!("u{n}")).await.0);
                } else {
                    let user = present.swap_remove(which % present.len());
                    s.leave(&user).await;
                }
                s.world.later(Duration::from_secs(seconds)).await;
            }
            s.world.later(Duration::from_secs(20)).await;
            let subs = s.sub_channels().await;
            let mut seen = BTreeSet::new();
            for (id, count) in &subs {
                let members = s.members(id).await;
                assert_eq!(members.len() as u64, *count);
                assert!(*count <= u64::from(target));
                for member in members {
                    assert!(seen.insert(member), "a member is in two sub-channels");
                }
            }
            assert_eq!(seen, present.iter().map(|user| user.user_id().to_owned()).collect());
            let least = (u64::from(target) * u64::from(percentage)).div_ceil(100);
            if let Some(smallest) = subs.values().min().filter(|_| subs.len() > 1) {
                let total: u64 = subs.values().sum();
                let room = u64::from(target) * (subs.len() as u64 - 1) - (total - smallest);
                assert!(*smallest >= least || room < *smallest, "{subs:?} could be joined");
            }
        });
    }
}
