//! A channel with as many members as the documentation permits.

use std::collections::HashMap;

use chime_domain::access::MembershipType::Default;
use chime_domain::access::Mode::Unrestricted;
use chime_domain::access::Privacy::Private;
use chime_domain::arn::AppInstanceUserArn;
use chime_domain::error::ErrorCode::ResourceLimitExceeded;
use chime_domain::messaging::{Fanout, Happening, SubscriptionId};
use chime_domain::page::PageRequest;
use chime_tests::{World, run};

const MOST: usize = 10_000;

#[test]
fn app_17_a_channel_holds_10000_members_all_of_whom_get_each_message_once_and_refuses_one_more() {
    run(async {
        let world = World::new().await;
        let mut users = Vec::with_capacity(MOST);
        for n in 0..MOST {
            users.push(world.user(&format!("user-{n}")).await);
        }
        let first = &users[0];
        let channel = world.channel(first, Private, Unrestricted).await;
        for batch in users[1..].chunks(100) {
            let (added, errors) =
                world.as_user(first).batch_create_channel_membership(&channel, batch, Default).await.unwrap();
            assert_eq!((added.len(), errors.len()), (batch.len(), 0));
        }

        // One past the quota, alone and in a batch with one who is a member already.
        let late = world.user("late").await;
        let add = world.as_user(first).create_channel_membership(&channel, &late, Default).await;
        assert_eq!(chime_tests::refused(add), (ResourceLimitExceeded, "APP-17"));
        let batch = [late.clone(), users[MOST - 1].clone()];
        let (added, errors) =
            world.as_user(first).batch_create_channel_membership(&channel, &batch, Default).await.unwrap();
        assert!(added.is_empty(), "{added:?}");
        let rules: Vec<_> = errors.iter().map(|error| error.refusal.rule()).collect();
        assert_eq!(rules, ["APP-17", "CHN-12"]);

        // Everybody connects, the one without a place too.
        let mut fanout = Fanout::default();
        let everybody = || users.iter().chain([&late]).zip(0..);
        for (user, n) in everybody() {
            fanout.connect(user, SubscriptionId(n), n);
            let channels = world.chime.rooms_of(user).await.unwrap();
            fanout.loaded(user, SubscriptionId(n), channels);
        }
        let store = world.chime.store();
        let mut cursor = store.newest().await.unwrap();
        for text in ["one", "two"] {
            world.send(&users[MOST / 2], &channel, text).await.unwrap();
        }
        let mut received: HashMap<u64, usize> = HashMap::new();
        loop {
            let step = store.announced(cursor, 100).await.unwrap();
            let Some(last) = step.last() else { break };
            cursor = last.position;
            for announced in &step {
                if let Some(happening) = Happening::read(announced).unwrap() {
                    fanout.apply(&happening, &mut |n| *received.entry(*n).or_default() += 1);
                }
            }
        }
        assert_eq!(received.len(), MOST);
        assert!(received.values().all(|messages| *messages == 2));
        assert!(!received.contains_key(&(MOST as u64)), "who has no place hears nothing");

        // The list is whole, and a place that becomes free is taken again.
        assert_eq!(members(&world, first, &channel).await, MOST);
        world.as_user(first).delete_channel_membership(&channel, &users[1]).await.unwrap();
        world.join(first, &channel, &late).await;
        let add = world.as_user(first).create_channel_membership(&channel, &users[1], Default).await;
        assert_eq!(chime_tests::refused(add), (ResourceLimitExceeded, "APP-17"));
    });
}

async fn members(world: &World, user: &AppInstanceUserArn, channel: &chime_domain::arn::ChannelArn) -> usize {
    let (mut found, mut next) = (std::collections::BTreeSet::new(), None);
    loop {
        let page = PageRequest::new(Some(50), next);
        let page = world.as_user(user).list_channel_memberships(channel, None, &page).await.unwrap();
        found.extend(page.items.into_iter().map(|membership| membership.member.arn));
        next = page.next;
        if next.is_none() {
            return found.len();
        }
    }
}
