//! Requests that meet: each outcome is one that some order of them could have had.

use std::sync::Barrier;

use chime_domain::access::MembershipType::{Default, Hidden};
use chime_domain::access::Mode::{Restricted, Unrestricted};
use chime_domain::access::Privacy::{Private, Public};
use chime_domain::error::ErrorCode::{Conflict, Forbidden, ResourceLimitExceeded};
use chime_domain::error::{ErrorCode, ServiceError};
use chime_domain::ids::ClientRequestToken;
use chime_domain::limits::Quota;
use chime_domain::meetings::CreateMeeting;
use chime_domain::messaging::{CreateChannel, SendChannelMessage};
use chime_domain::page::PageRequest;
use chime_domain::text::{Content, ResourceName};
use chime_tests::{World, received, refused, run};

/// Runs the jobs on a thread each, begun together, and gives their results in their order.
fn together<T: Send, J: FnOnce() -> T + Send>(jobs: Vec<J>) -> Vec<T> {
    let barrier = Barrier::new(jobs.len());
    std::thread::scope(|scope| {
        let start = |job: J| {
            let barrier = &barrier;
            scope.spawn(move || {
                barrier.wait();
                job()
            })
        };
        let threads: Vec<_> = jobs.into_iter().map(start).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    })
}

type Job<'a, T> = Box<dyn FnOnce() -> T + Send + 'a>;

fn codes<T>(results: &[Result<T, ServiceError>]) -> Vec<Option<ErrorCode>> {
    let code = |result: &Result<T, ServiceError>| {
        result.as_ref().err().map(|error| error.refusal().expect("no store fails here").code())
    };
    results.iter().map(code).collect()
}

#[test]
fn app_17_concurrent_memberships_fill_the_quota_to_its_last_place_and_never_beyond() {
    let (world, alice, channel, users) = run(async {
        let world = World::with_quotas(&[(Quota::MembershipsPerChannel, 25)]).await;
        let alice = world.user("alice").await;
        let channel = world.channel(&alice, Private, Restricted).await;
        let mut users = Vec::new();
        for n in 0..40 {
            users.push(world.user(&format!("user-{n}")).await);
        }
        (world, alice, channel, users)
    });
    let (world, alice, channel) = (&world, &alice, &channel);
    let jobs: Vec<_> = users
        .chunks(5)
        .map(|chunk| {
            move || {
                let add =
                    async |user| world.as_user(alice).create_channel_membership(channel, user, Default).await;
                chunk.iter().map(|user| run(add(user))).collect::<Vec<_>>()
            }
        })
        .collect();
    let results: Vec<_> = together(jobs).into_iter().flatten().collect();
    let added = results.iter().filter(|result| result.is_ok()).count();
    assert_eq!(added, 24, "the creator has the first place");
    for result in results.into_iter().filter(Result::is_err) {
        assert_eq!(refused(result), (ResourceLimitExceeded, "APP-17"));
    }
    assert_eq!(run(world.members(alice, channel, Default)).len(), 25);
}

#[test]
fn chn_12_one_of_many_who_add_the_same_user_succeeds_and_one_event_is_announced() {
    let (world, alice, bob, channel) = run(async {
        let world = World::new().await;
        let (alice, bob) = (world.user("alice").await, world.user("bob").await);
        let channel = world.channel(&alice, Public, Unrestricted).await;
        (world, alice, bob, channel)
    });
    let mut inbox = run(world.as_user(&alice).inbox()).unwrap();
    let (world, bob, channel) = (&world, &bob, &channel);
    let jobs: Vec<_> = (0..8)
        .map(|n| {
            let by = if n % 2 == 0 { &alice } else { bob };
            move || run(world.as_user(by).create_channel_membership(channel, bob, Default))
        })
        .collect();
    let mut results = codes(&together(jobs));
    results.sort_by_key(Option::is_some);
    assert_eq!(results[0], None);
    assert!(results[1..].iter().all(|code| *code == Some(Conflict)), "{results:?}");
    assert_eq!(run(received(&mut inbox)), ["CREATE_CHANNEL_MEMBERSHIP bob"]);
}

#[test]
fn msg_11_a_concurrent_edit_never_brings_a_redacted_message_back() {
    let (world, alice, bob, channel) = run(async {
        let world = World::new().await;
        let (alice, bob) = (world.user("alice").await, world.user("bob").await);
        let channel = world.channel(&alice, Private, Restricted).await;
        world.join(&alice, &channel, &bob).await;
        (world, alice, bob, channel)
    });
    let (world, alice, bob, channel) = (&world, &alice, &bob, &channel);
    for round in 0..60 {
        let id = &run(world.send(bob, channel, "secret")).unwrap();
        let mut inbox = run(world.as_user(alice).inbox()).unwrap();
        let mut jobs: Vec<Job<'_, Result<(), ServiceError>>> =
            vec![Box::new(move || run(world.as_user(alice).redact_channel_message(channel, id)).map(drop))];
        for n in 0..3 {
            jobs.push(Box::new(move || run(world.edit(bob, channel, id, &format!("secret {n}"))).map(drop)));
        }
        let results = codes(&together(jobs));
        assert_eq!(results[0], None, "round {round}");
        let late = results[1..].iter().filter(|code| code.is_some()).count();
        assert!(results[1..].iter().all(|code| matches!(code, None | Some(Conflict))), "{results:?}");
        let found = run(world.as_user(alice).get_channel_message(channel, id)).unwrap();
        assert!(found.message.redacted && found.message.content.is_none());
        let events = run(received(&mut inbox));
        assert_eq!(events.len(), 4 - late, "each change is announced once: {events:?}");
        assert_eq!(events.last().unwrap(), "REDACT_CHANNEL_MESSAGE -");
    }
}

#[test]
fn msg_13_concurrent_deletions_of_one_message_announce_it_once_and_all_succeed() {
    let (world, root, channel) = run(async {
        let world = World::new().await;
        let root = world.admin("root").await;
        let channel = world.channel(&root, Private, Restricted).await;
        (world, root, channel)
    });
    let (world, root, channel) = (&world, &root, &channel);
    for _ in 0..60 {
        let id = &run(world.send(root, channel, "bye")).unwrap();
        let mut inbox = run(world.as_user(root).inbox()).unwrap();
        let jobs: Vec<_> =
            (0..4).map(|_| move || run(world.as_user(root).delete_channel_message(channel, id))).collect();
        assert!(together(jobs).iter().all(Result::is_ok));
        assert_eq!(run(received(&mut inbox)), ["DELETE_CHANNEL_MESSAGE -"]);
    }
}

#[test]
fn t_06_concurrent_creations_with_one_token_make_one_channel() {
    let (world, alice) = run(async {
        let world = World::new().await;
        let alice = world.user("alice").await;
        (world, alice)
    });
    let (world, alice) = (&world, &alice);
    for round in 1..=20 {
        let mut inbox = run(world.as_user(alice).inbox()).unwrap();
        let mut command = CreateChannel::new(world.app.clone(), ResourceName::new("room").unwrap());
        command.client_request_token = Some(ClientRequestToken::new(format!("token-{round}")).unwrap());
        let jobs: Vec<_> = (0..6)
            .map(|_| {
                let command = command.clone();
                move || run(world.as_user(alice).create_channel(command)).unwrap()
            })
            .collect();
        let arns = together(jobs);
        assert!(arns.iter().all(|arn| *arn == arns[0]), "{arns:?}");
        assert_eq!(run(received(&mut inbox)), ["CREATE_CHANNEL_MEMBERSHIP alice"]);
        let page = PageRequest::default();
        let all = run(world.as_user(alice).list_channels(&world.app, None, &page)).unwrap();
        assert_eq!(all.items.len(), round);
    }
}

#[test]
fn t_06_concurrent_sendings_with_one_token_make_one_message() {
    let (world, alice, channel) = run(async {
        let world = World::new().await;
        let alice = world.user("alice").await;
        let channel = world.channel(&alice, Private, Restricted).await;
        (world, alice, channel)
    });
    let (world, alice, channel) = (&world, &alice, &channel);
    let mut inbox = run(world.as_user(alice).inbox()).unwrap();
    for round in 1..=20 {
        let mut command = SendChannelMessage::new(channel.clone(), Content::new(round.to_string()).unwrap());
        command.client_request_token = Some(ClientRequestToken::new(format!("token-{round}")).unwrap());
        let jobs: Vec<_> = (0..6)
            .map(|_| {
                let command = command.clone();
                move || run(world.as_user(alice).send_channel_message(command)).unwrap()
            })
            .collect();
        let ids = together(jobs);
        assert!(ids.iter().all(|id| *id == ids[0]));
        assert_eq!(run(received(&mut inbox)), [format!("CREATE_CHANNEL_MESSAGE {round}")]);
    }
    assert_eq!(run(world.texts(alice, channel)).len(), 20);
}

#[test]
fn chn_14_of_a_ban_and_a_promotion_that_meet_exactly_one_takes_effect() {
    let (world, root, alice, channel) = run(async {
        let world = World::new().await;
        let (root, alice) = (world.admin("root").await, world.user("alice").await);
        let channel = world.channel(&alice, Private, Restricted).await;
        (world, root, alice, channel)
    });
    let (world, root, alice, channel) = (&world, &root, &alice, &channel);
    for round in 0..60 {
        let bob = &run(world.user(&format!("bob-{round}")));
        let jobs: Vec<Job<'_, Result<(), ServiceError>>> = vec![
            Box::new(move || run(world.as_user(root).create_channel_ban(channel, bob)).map(drop)),
            Box::new(move || run(world.as_user(alice).create_channel_moderator(channel, bob)).map(drop)),
        ];
        let results = codes(&together(jobs));
        assert!(
            matches!(results[..], [None, Some(Forbidden)] | [Some(Forbidden), None]),
            "round {round}: {results:?}"
        );
        let banned = run(world.as_user(root).describe_channel_ban(channel, bob)).is_ok();
        let moderates = run(world.as_user(root).describe_channel_moderator(channel, bob)).is_ok();
        assert_eq!((banned, moderates), (results[0].is_none(), results[1].is_none()));
    }
}

#[test]
fn chn_13_a_ban_and_a_joining_that_meet_never_leave_a_banned_member() {
    let (world, alice, channel) = run(async {
        let world = World::new().await;
        let alice = world.user("alice").await;
        let channel = world.channel(&alice, Public, Unrestricted).await;
        (world, alice, channel)
    });
    let (world, alice, channel) = (&world, &alice, &channel);
    for round in 0..60 {
        let bob = &run(world.user(&format!("bob-{round}")));
        let kind = if round % 2 == 0 { Default } else { Hidden };
        let jobs: Vec<Job<'_, Result<(), ServiceError>>> = vec![
            Box::new(move || run(world.as_user(alice).create_channel_ban(channel, bob)).map(drop)),
            Box::new(move || {
                run(world.as_user(alice).create_channel_membership(channel, bob, kind)).map(drop)
            }),
        ];
        assert_eq!(codes(&together(jobs))[0], None);
        assert!(!run(world.members(alice, channel, kind)).contains(&bob.user_id().to_owned()));
    }
}

#[test]
fn chn_17_nothing_is_heard_of_a_channel_after_its_deletion_and_nothing_of_it_is_left() {
    for _ in 0..20 {
        let (world, alice, channel) = run(async {
            let world = World::new().await;
            let alice = world.user("alice").await;
            let channel = world.channel(&alice, Private, Restricted).await;
            (world, alice, channel)
        });
        let (world, alice, channel) = (&world, &alice, &channel);
        let users: Vec<_> = (0..3).map(|n| run(world.user(&format!("user-{n}")))).collect();
        let mut inbox = run(world.as_user(alice).inbox()).unwrap();
        let mut jobs: Vec<Job<'_, ()>> = vec![Box::new(move || {
            run(async {
                world.as_user(alice).delete_channel(channel).await.unwrap();
                world.chime.run_due().await.unwrap();
            });
        })];
        for user in &users {
            jobs.push(Box::new(move || {
                run(async {
                    for n in 0..5 {
                        let _ = world.send(alice, channel, &n.to_string()).await;
                        let _ = world.as_user(alice).create_channel_membership(channel, user, Default).await;
                        let _ = world.as_user(alice).delete_channel_membership(channel, user).await;
                    }
                });
            }));
        }
        together(jobs);
        let events = run(received(&mut inbox));
        assert_eq!(events.last().unwrap(), "DELETE_CHANNEL channel");
        run(world.chime.run_due()).unwrap();
        let id = channel.channel_id();
        let left = run(chime_tests::dump(&world.chime));
        let left: Vec<_> = left.iter().filter(|line| line.contains(id)).collect();
        assert!(left.is_empty(), "{left:?}");
    }
}

#[test]
fn app_11_a_user_deleted_while_it_is_being_added_everywhere_is_a_member_nowhere() {
    for _ in 0..20 {
        let (world, alice, bob, channels) = run(async {
            let world = World::new().await;
            let (alice, bob) = (world.user("alice").await, world.user("bob").await);
            let mut channels = Vec::new();
            for _ in 0..6 {
                channels.push(world.channel(&alice, Private, Restricted).await);
            }
            (world, alice, bob, channels)
        });
        let (world, alice, bob) = (&world, &alice, &bob);
        let mut jobs: Vec<Job<'_, ()>> = vec![Box::new(move || {
            run(async {
                world.chime.identity().delete_app_instance_user(bob).await.unwrap();
                world.chime.run_due().await.unwrap();
            });
        })];
        for pair in channels.chunks(2) {
            jobs.push(Box::new(move || {
                for channel in pair {
                    let added = run(world.as_user(alice).create_channel_membership(channel, bob, Default));
                    assert!(matches!(codes(&[added])[..], [None | Some(Forbidden)]));
                    let _ = run(world.as_user(alice).create_channel_moderator(channel, bob));
                }
            }));
        }
        together(jobs);
        run(world.chime.run_due()).unwrap();
        for channel in &channels {
            assert_eq!(run(world.members(alice, channel, Default)), ["alice"]);
            let page = PageRequest::default();
            let moderators = run(world.as_user(alice).list_channel_moderators(channel, &page)).unwrap();
            assert_eq!(moderators.items.len(), 1);
        }
        assert_eq!(run(world.chime.rooms_of(bob)).unwrap(), []);
    }
}

#[test]
fn app_11_a_member_removed_while_its_user_is_purged_leaves_the_count_right() {
    for _ in 0..30 {
        let (world, alice, bob, channel) = run(async {
            let world = World::with_quotas(&[(Quota::MembershipsPerChannel, 3)]).await;
            let (alice, bob) = (world.user("alice").await, world.user("bob").await);
            let channel = world.channel(&alice, Private, Restricted).await;
            world.join(&alice, &channel, &bob).await;
            let carol = world.user("carol").await;
            world.join(&alice, &channel, &carol).await;
            world.chime.identity().delete_app_instance_user(&bob).await.unwrap();
            (world, alice, bob, channel)
        });
        let (world, alice, bob, channel) = (&world, &alice, &bob, &channel);
        let mut inbox = run(world.as_user(alice).inbox()).unwrap();
        let jobs: Vec<Job<'_, ()>> = vec![
            Box::new(move || {
                run(world.chime.run_due()).unwrap();
            }),
            Box::new(move || {
                run(world.as_user(alice).delete_channel_membership(channel, bob)).unwrap();
            }),
        ];
        together(jobs);
        assert_eq!(run(received(&mut inbox)), ["DELETE_CHANNEL_MEMBERSHIP bob"]);
        run(async {
            let (dave, erin) = (world.user("dave").await, world.user("erin").await);
            world.join(alice, channel, &dave).await;
            let fourth = world.as_user(alice).create_channel_membership(channel, &erin, Default).await;
            assert_eq!(refused(fourth), (ResourceLimitExceeded, "APP-17"));
        });
    }
}

#[test]
fn concurrent_replicas_of_a_meeting_fill_its_quota_to_the_last_and_never_beyond() {
    let command = |token: &str| CreateMeeting::new(ClientRequestToken::new(token).unwrap());
    let (world, primary) = run(async {
        let world = World::new().await;
        let primary = world.chime.meetings().create_meeting(&command("primary")).await.unwrap();
        (world, primary.id)
    });
    for round in 0..20 {
        let jobs: Vec<_> = (0..7)
            .map(|n| {
                let mut command = command(&format!("replica-{round}-{n}"));
                command.primary = Some(primary.clone());
                let meetings = world.chime.meetings();
                move || run(meetings.create_meeting(&command))
            })
            .collect();
        let (made, over): (Vec<_>, Vec<_>) = together(jobs).into_iter().partition(Result::is_ok);
        assert_eq!(made.len(), 4);
        for result in over {
            assert_eq!(refused(result), (ResourceLimitExceeded, "D-11"));
        }
        for made in made {
            run(world.chime.meetings().delete_meeting(&made.unwrap().id)).unwrap();
        }
    }
}
