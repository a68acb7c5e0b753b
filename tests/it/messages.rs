use std::sync::Arc;

use chime_domain::access::MembershipType::{Default, Hidden};
use chime_domain::access::Mode::Restricted;
use chime_domain::access::Privacy::{Private, Public};
use chime_domain::arn::{AppInstanceUserArn, ChannelArn};
use chime_domain::error::ErrorCode::{BadRequest, Conflict, Forbidden, NotFound};
use chime_domain::error::ServiceError;
use chime_domain::ids::{ClientRequestToken, MessageId};
use chime_domain::messaging::{
    ListChannelMessages, MessageType, Persistence, SendChannelMessage, UpdateChannelMessage,
};
use chime_domain::page::PageRequest;
use chime_domain::ports::Order;
use chime_domain::text::{Content, Metadata};
use chime_domain::time::Timestamp;
use chime_tests::{BEGINNING, World, dump, received, refused, run};

/// Alice, who made the channel, and Bob, who is a member.
async fn setting() -> (World, AppInstanceUserArn, AppInstanceUserArn, ChannelArn) {
    let world = World::new().await;
    let (alice, bob) = (world.user("alice").await, world.user("bob").await);
    let channel = world.channel(&alice, Private, Restricted).await;
    world.join(&alice, &channel, &bob).await;
    (world, alice, bob, channel)
}

fn message(channel: &ChannelArn, text: &str) -> SendChannelMessage {
    SendChannelMessage::new(channel.clone(), Content::new(text).unwrap())
}

fn control(channel: &ChannelArn, text: &str) -> SendChannelMessage {
    let mut command = message(channel, text);
    command.kind = MessageType::Control;
    command
}

fn with_token(mut command: SendChannelMessage, token: &str) -> SendChannelMessage {
    command.client_request_token = Some(ClientRequestToken::new(token).unwrap());
    command
}

fn not_kept(mut command: SendChannelMessage) -> SendChannelMessage {
    command.persistence = Persistence::NonPersistent;
    command
}

fn no_message() -> MessageId {
    MessageId::new("none").unwrap()
}

#[test]
fn msg_01_a_message_is_kept_with_its_type_sender_and_moment() {
    run(async {
        let (world, alice, bob, channel) = setting().await;
        world.days_later(1).await;
        let standard = world.send(&bob, &channel, "hello").await.unwrap();
        let signal = world.as_user(&bob).send_channel_message(control(&channel, "typing")).await.unwrap().id;
        let alices = world.as_user(&alice);
        for (id, kind, text) in
            [(&standard, MessageType::Standard, "hello"), (&signal, MessageType::Control, "typing")]
        {
            let found = alices.get_channel_message(&channel, id).await.unwrap();
            assert_eq!((found.message.kind, &found.message.id), (kind, id));
            assert_eq!(found.message.content.as_ref().unwrap().as_str(), text);
            assert_eq!(found.message.sender.arn, bob);
            assert_eq!(found.stamp.at, BEGINNING.plus_days(1));
            assert_eq!((found.message.edited, found.message.updated), (None, None));
            assert!(!found.message.redacted);
        }
    });
}

#[test]
fn msg_02_03_and_08_content_and_metadata_fit_at_their_bounds_in_bytes_and_not_one_past() {
    assert!(Content::new("").is_err());
    assert!(Content::new("x").is_ok());
    assert!(Content::new("x".repeat(4096)).is_ok());
    assert!(Content::new("x".repeat(4097)).is_err());
    assert!(Content::new("\u{e9}".repeat(2048)).is_ok());
    assert!(Content::new("\u{e9}".repeat(2049)).is_err());
    assert!(Metadata::new("x".repeat(1024)).is_ok());
    assert!(Metadata::new("x".repeat(1025)).is_err());
}

#[test]
fn msg_04_control_content_has_at_most_30_bytes_also_when_edited() {
    run(async {
        let (world, alice, _, channel) = setting().await;
        let alices = world.as_user(&alice);
        let id = alices.send_channel_message(control(&channel, &"x".repeat(30))).await.unwrap().id;
        let bad = (BadRequest, "MSG-04");
        for text in ["x".repeat(31), "\u{20ac}".repeat(11)] {
            assert_eq!(world.refuses(alices.send_channel_message(control(&channel, &text))).await, bad);
        }
        assert_eq!(world.refuses(world.edit(&alice, &channel, &id, &"y".repeat(31))).await, bad);
        world.edit(&alice, &channel, &id, &"y".repeat(30)).await.unwrap();
    });
}

#[test]
fn msg_05_control_carries_no_metadata_also_when_edited() {
    run(async {
        let (world, alice, _, channel) = setting().await;
        let alices = world.as_user(&alice);
        let mut command = control(&channel, "typing");
        command.metadata = Some(Metadata::new("m").unwrap());
        let bad = (BadRequest, "MSG-05");
        assert_eq!(world.refuses(alices.send_channel_message(command.clone())).await, bad);
        command.metadata = Some(Metadata::empty());
        let id = alices.send_channel_message(command).await.unwrap().id;
        let mut update = UpdateChannelMessage::new(channel.clone(), id);
        update.metadata = Some(Metadata::new("m").unwrap());
        assert_eq!(world.refuses(alices.update_channel_message(update)).await, bad);
    });
}

#[test]
fn msg_06_and_07_a_message_that_is_not_kept_is_received_and_leaves_nothing_behind() {
    run(async {
        let (world, alice, bob, channel) = setting().await;
        let mut inbox = world.as_user(&bob).inbox().await.unwrap();
        let alices = world.as_user(&alice);
        let kept = world.send(&alice, &channel, "kept").await.unwrap();
        world.days_later(1).await;
        for command in [not_kept(message(&channel, "gone")), not_kept(control(&channel, "gone too"))] {
            let id = alices.send_channel_message(command).await.unwrap().id;
            assert_eq!(world.refuses(alices.get_channel_message(&channel, &id)).await, (NotFound, "E-06"));
            assert_eq!(world.refuses(world.edit(&alice, &channel, &id, "x")).await, (Forbidden, "E-06"));
            assert_eq!(
                world.refuses(alices.redact_channel_message(&channel, &id)).await,
                (Forbidden, "E-06")
            );
        }
        assert_eq!(
            received(&mut inbox).await,
            ["CREATE_CHANNEL_MESSAGE kept", "CREATE_CHANNEL_MESSAGE gone", "CREATE_CHANNEL_MESSAGE gone too"]
        );
        assert_eq!(world.texts(&bob, &channel).await, ["kept"]);
        let view = alices.describe_channel(&channel).await.unwrap();
        assert_eq!(view.last_message, Some(BEGINNING), "the last persistent one");
        let listed = alices.get_channel_message(&channel, &kept).await.unwrap();
        assert_eq!(listed.stamp.seq, 1);
    });
}

#[test]
fn msg_09_the_ids_of_messages_are_words_and_never_repeat() {
    run(async {
        let (world, alice, bob, channel) = setting().await;
        let mut ids = std::collections::HashSet::new();
        for n in 0..20 {
            let by = if n % 2 == 0 { &alice } else { &bob };
            let id = world.send(by, &channel, "same").await.unwrap();
            assert!(id.as_str().len() <= 128);
            assert!(id.as_str().bytes().all(|b| b.is_ascii_alphanumeric() || b"-_".contains(&b)));
            assert!(ids.insert(id), "an id came twice");
        }
        // One token of two senders, and in two channels, is four messages.
        let other = world.channel(&alice, Private, Restricted).await;
        world.join(&alice, &other, &bob).await;
        for by in [&alice, &bob] {
            for to in [&channel, &other] {
                let command = with_token(message(to, "t"), "one");
                assert!(ids.insert(world.as_user(by).send_channel_message(command).await.unwrap().id));
            }
        }
    });
}

#[test]
fn msg_10_an_edit_is_the_senders_own_keeps_the_place_and_says_when() {
    run(async {
        let (world, alice, bob, channel) = setting().await;
        let mut command = message(&channel, "first");
        command.metadata = Some(Metadata::new("meta").unwrap());
        let id = world.as_user(&bob).send_channel_message(command).await.unwrap().id;
        world.send(&bob, &channel, "second").await.unwrap();
        assert_eq!(
            world.refuses(world.edit(&alice, &channel, &id, "not mine")).await,
            (Forbidden, "AUTH-45")
        );
        world.days_later(1).await;
        world.edit(&bob, &channel, &id, "edited").await.unwrap();
        assert_eq!(world.texts(&alice, &channel).await, ["edited", "second"]);
        let found = world.as_user(&alice).get_channel_message(&channel, &id).await.unwrap();
        let at = Some(BEGINNING.plus_days(1));
        assert_eq!((found.message.edited, found.message.updated), (at, at));
        assert_eq!((found.stamp.at, found.stamp.seq), (BEGINNING, 1));
        assert_eq!(found.message.metadata.as_ref().unwrap().as_str(), "meta", "absent, so unchanged");
        assert_eq!(world.refuses(world.edit(&bob, &channel, &no_message(), "x")).await, (Forbidden, "E-06"));
        world.as_user(&alice).delete_channel_membership(&channel, &bob).await.unwrap();
        assert_eq!(world.refuses(world.edit(&bob, &channel, &id, "late")).await, (Forbidden, "AUTH-99"));
    });
}

#[test]
fn d_05_metadata_alone_can_be_edited() {
    run(async {
        let (world, _, bob, channel) = setting().await;
        let id = world.send(&bob, &channel, "text").await.unwrap();
        let mut update = UpdateChannelMessage::new(channel.clone(), id.clone());
        update.metadata = Some(Metadata::new("new").unwrap());
        world.as_user(&bob).update_channel_message(update).await.unwrap();
        let found = world.as_user(&bob).get_channel_message(&channel, &id).await.unwrap().message;
        assert_eq!(found.content.as_ref().unwrap().as_str(), "text");
        assert_eq!(found.metadata.as_ref().unwrap().as_str(), "new");
    });
}

#[test]
fn msg_11_a_redacted_message_stays_empty_and_cannot_be_edited() {
    run(async {
        let (world, alice, bob, channel) = setting().await;
        let mut command = message(&channel, "secret");
        command.metadata = Some(Metadata::new("also secret").unwrap());
        let id = world.as_user(&bob).send_channel_message(command).await.unwrap().id;
        let alices = world.as_user(&alice);
        assert_eq!(alices.redact_channel_message(&channel, &id).await.unwrap(), id);
        let found = alices.get_channel_message(&channel, &id).await.unwrap();
        assert!(found.message.redacted);
        assert_eq!((&found.message.content, &found.message.metadata), (&None, &None));
        assert_eq!((found.stamp.seq, &found.message.sender.arn), (1, &bob));
        assert_eq!(world.texts(&bob, &channel).await, ["-"]);
        assert_eq!(world.refuses(world.edit(&bob, &channel, &id, "again")).await, (Conflict, "MSG-11"));
        let before = dump(&world.chime).await;
        assert!(before.iter().all(|line| !line.contains("secret\"")), "the content is still stored");
        alices.redact_channel_message(&channel, &id).await.unwrap();
        assert_eq!(dump(&world.chime).await, before, "a second redaction changes nothing");
        let missing = no_message();
        assert_eq!(
            world.refuses(alices.redact_channel_message(&channel, &missing)).await,
            (Forbidden, "E-06")
        );
    });
}

#[test]
fn msg_12_members_redact_their_own_messages_only_where_the_operator_allows_it() {
    run(async {
        for allowed in [false, true] {
            let store = Arc::new(chime_adapters::memory::MemoryStore::new());
            let world = World::with(store, |settings| settings.members_redact_own = allowed).await;
            let (alice, bob) = (world.user("alice").await, world.user("bob").await);
            let channel = world.channel(&alice, Private, Restricted).await;
            world.join(&alice, &channel, &bob).await;
            let own = world.send(&bob, &channel, "own").await.unwrap();
            let other = world.send(&alice, &channel, "other").await.unwrap();
            let bobs = world.as_user(&bob);
            let refusal = world.refuses(bobs.redact_channel_message(&channel, &other)).await;
            assert_eq!(refusal, (Forbidden, "MSG-12"));
            let redaction = bobs.redact_channel_message(&channel, &own);
            if allowed {
                redaction.await.unwrap();
            } else {
                assert_eq!(world.refuses(redaction).await, (Forbidden, "MSG-12"));
            }
        }
    });
}

#[test]
fn msg_13_only_admins_delete_messages_and_a_deleted_one_is_gone_for_good() {
    run(async {
        let (world, alice, bob, channel) = setting().await;
        let root = world.admin("root").await;
        let mut inbox = world.as_user(&bob).inbox().await.unwrap();
        let id = world.send(&bob, &channel, "secret words").await.unwrap();
        world.send(&bob, &channel, "other").await.unwrap();
        for (by, rule) in [(&alice, "AUTH-43"), (&bob, "AUTH-70")] {
            let caller = world.as_user(by);
            assert_eq!(world.refuses(caller.delete_channel_message(&channel, &id)).await, (Forbidden, rule));
        }
        let roots = world.as_user(&root);
        roots.delete_channel_message(&channel, &id).await.unwrap();
        assert_eq!(world.texts(&bob, &channel).await, ["other"]);
        assert_eq!(world.refuses(roots.get_channel_message(&channel, &id)).await, (NotFound, "E-06"));
        assert_eq!(world.refuses(world.edit(&bob, &channel, &id, "x")).await, (Forbidden, "E-06"));
        let before = dump(&world.chime).await;
        assert!(before.iter().all(|line| !line.contains("secret words")), "the content is still stored");
        roots.delete_channel_message(&channel, &id).await.unwrap();
        assert_eq!(dump(&world.chime).await, before, "deleting what is gone changes nothing");
        assert_eq!(received(&mut inbox).await.last().unwrap(), "DELETE_CHANNEL_MESSAGE -");
    });
}

async fn list(
    world: &World,
    user: &AppInstanceUserArn,
    command: &ListChannelMessages,
) -> Result<(Vec<String>, Option<String>), ServiceError> {
    let page = world.as_user(user).list_channel_messages(command).await?;
    let texts = page.items.iter().map(|sent| sent.message.content.as_ref().unwrap().as_str().to_owned());
    Ok((texts.collect(), page.next))
}

#[test]
fn msg_14_messages_are_listed_newest_first_within_inclusive_bounds() {
    run(async {
        let (world, _, bob, channel) = setting().await;
        for day in ["mon", "tue", "wed", "thu"] {
            world.send(&bob, &channel, day).await.unwrap();
            world.days_later(1).await;
        }
        let mut command = ListChannelMessages::new(channel.clone());
        assert_eq!(list(&world, &bob, &command).await.unwrap().0, ["thu", "wed", "tue", "mon"]);
        command.order = Order::Ascending;
        command.not_before = Some(BEGINNING.plus_days(1));
        command.not_after = Some(BEGINNING.plus_days(2));
        assert_eq!(list(&world, &bob, &command).await.unwrap().0, ["tue", "wed"]);
        command.not_before = Some(Timestamp::from_millis(BEGINNING.plus_days(1).millis() + 1));
        assert_eq!(list(&world, &bob, &command).await.unwrap().0, ["wed"]);
        command.not_after = Some(Timestamp::from_millis(BEGINNING.plus_days(2).millis() - 1));
        assert_eq!(list(&world, &bob, &command).await.unwrap(), (vec![], None));
    });
}

#[test]
fn p_04_paging_messages_visits_each_once_while_others_are_sent_deleted_and_edited() {
    run(async {
        for order in [Order::Ascending, Order::Descending] {
            let (world, _, bob, channel) = setting().await;
            let root = world.admin("root").await;
            let mut ids = Vec::new();
            for n in 0..20 {
                ids.push(world.send(&bob, &channel, &format!("{n:02}")).await.unwrap());
            }
            let mut command = ListChannelMessages::new(channel.clone());
            command.order = order;
            command.page = PageRequest::first(3);
            let mut seen: Vec<String> = Vec::new();
            loop {
                let (texts, next) = list(&world, &bob, &command).await.unwrap();
                assert!(texts.len() <= 3);
                seen.extend(texts);
                let Some(next) = next else { break };
                // The item at the page's edge goes, one that was seen changes, and new ones come.
                let last: Option<usize> = seen.last().and_then(|text| text.parse().ok());
                if let Some(last) = last.filter(|last| *last < 20) {
                    world.as_user(&root).delete_channel_message(&channel, &ids[last]).await.unwrap();
                }
                if seen.len() < 9 {
                    world.send(&bob, &channel, &format!("{}", 100 + seen.len())).await.unwrap();
                }
                command.page = PageRequest::new(Some(3), Some(next));
            }
            let old: Vec<_> = seen.iter().filter(|text| text.len() == 2).cloned().collect();
            let mut expected: Vec<_> = (0..20).map(|n| format!("{n:02}")).collect();
            if order == Order::Descending {
                expected.reverse();
                assert_eq!(old, seen, "newer ones lie behind a descending reader");
            } else {
                assert_eq!(seen.len(), 22, "newer ones lie before an ascending reader");
            }
            assert_eq!(old, expected);
        }
    });
}

#[test]
fn p_03_a_token_of_messages_belongs_to_its_caller_channel_order_and_bounds() {
    run(async {
        let (world, alice, bob, channel) = setting().await;
        for text in ["one", "two", "three"] {
            world.send(&bob, &channel, text).await.unwrap();
        }
        let mut command = ListChannelMessages::new(channel.clone());
        command.page = PageRequest::first(1);
        let (_, next) = list(&world, &bob, &command).await.unwrap();
        command.page = PageRequest::new(None, next);
        assert_eq!(list(&world, &bob, &command).await.unwrap().0, ["two", "one"]);
        let bad = (BadRequest, "P-03");
        assert_eq!(refused(list(&world, &alice, &command).await), bad);
        let mut other = command.clone();
        other.order = Order::Ascending;
        assert_eq!(refused(list(&world, &bob, &other).await), bad);
        let mut other = command.clone();
        other.not_before = Some(BEGINNING);
        assert_eq!(refused(list(&world, &bob, &other).await), bad);
        let second = world.channel(&bob, Private, Restricted).await;
        let mut other = command.clone();
        other.channel = second;
        assert_eq!(refused(list(&world, &bob, &other).await), bad);
        for token in ["", "x", &"A".repeat(2048), &"A".repeat(4000), "\u{e9}\u{0}"] {
            let mut forged = command.clone();
            forged.page = PageRequest::new(None, Some(token.to_owned()));
            assert_eq!(refused(list(&world, &bob, &forged).await), bad, "{token:?}");
        }
    });
}

#[test]
fn msg_15_non_members_list_public_messages_and_never_private_ones() {
    run(async {
        let world = World::new().await;
        let (alice, carol) = (world.user("alice").await, world.user("carol").await);
        let carols = world.as_user(&carol);
        for privacy in [Public, Private] {
            let channel = world.channel(&alice, privacy, Restricted).await;
            let id = world.send(&alice, &channel, "hello").await.unwrap();
            let listing = ListChannelMessages::new(channel.clone());
            if privacy == Public {
                assert_eq!(world.texts(&carol, &channel).await, ["hello"]);
                carols.get_channel_message(&channel, &id).await.unwrap();
                world.as_user(&alice).create_channel_ban(&channel, &carol).await.unwrap();
            }
            let list = carols.list_channel_messages(&listing);
            assert_eq!(world.refuses(list).await, (Forbidden, "AUTH-96"), "{privacy:?}");
            let get = carols.get_channel_message(&channel, &id);
            assert_eq!(world.refuses(get).await, (Forbidden, "AUTH-95"), "{privacy:?}");
        }
    });
}

#[test]
fn msg_16_senders_are_members_admins_and_moderators_too() {
    run(async {
        let (world, alice, bob, channel) = setting().await;
        let (root, eve) = (world.admin("root").await, world.user("eve").await);
        let mut inbox = world.as_user(&bob).inbox().await.unwrap();
        world.as_user(&alice).create_channel_moderator(&channel, &eve).await.unwrap();
        for by in [&root, &eve] {
            assert_eq!(world.refuses(world.send(by, &channel, "hi")).await, (Forbidden, "ROLE-12"));
        }
        assert_eq!(received(&mut inbox).await, [""; 0]);
        world.join(&alice, &channel, &root).await;
        world.send(&root, &channel, "hi").await.unwrap();
        world.as_user(&alice).create_channel_membership(&channel, &eve, Hidden).await.unwrap();
        assert_eq!(
            world.refuses(world.send(&eve, &channel, "hi")).await,
            (Forbidden, "ROLE-12"),
            "a hidden moderator"
        );
        world.as_user(&alice).delete_channel_membership(&channel, &eve).await.unwrap();
        world.as_user(&alice).create_channel_membership(&channel, &eve, Default).await.unwrap();
        world.send(&eve, &channel, "hi").await.unwrap();
    });
}

#[test]
fn t_06_a_repeated_sending_is_one_message_whatever_became_of_it() {
    run(async {
        let (world, alice, bob, channel) = setting().await;
        let root = world.admin("root").await;
        let mut inbox = world.as_user(&alice).inbox().await.unwrap();
        let command = with_token(message(&channel, "once"), "token");
        let bobs = world.as_user(&bob);
        let id = bobs.send_channel_message(command.clone()).await.unwrap().id;
        let before = dump(&world.chime).await;
        assert_eq!(bobs.send_channel_message(command.clone()).await.unwrap().id, id);
        assert_eq!(dump(&world.chime).await, before);
        let mut other = command.clone();
        other.content = Content::new("twice").unwrap();
        assert_eq!(world.refuses(bobs.send_channel_message(other)).await, (Conflict, "T-06"));
        world.edit(&bob, &channel, &id, "edited").await.unwrap();
        world.days_later(30).await;
        assert_eq!(bobs.send_channel_message(command.clone()).await.unwrap().id, id);
        assert_eq!(world.texts(&bob, &channel).await, ["edited"]);
        world.as_user(&root).delete_channel_message(&channel, &id).await.unwrap();
        bobs.send_channel_message(command).await.unwrap();
        assert_eq!(world.texts(&bob, &channel).await, ["once"], "a deleted message frees its token");
        assert_eq!(
            received(&mut inbox).await,
            [
                "CREATE_CHANNEL_MESSAGE once",
                "UPDATE_CHANNEL_MESSAGE edited",
                "DELETE_CHANNEL_MESSAGE -",
                "CREATE_CHANNEL_MESSAGE once"
            ]
        );
    });
}

#[test]
fn t_06_and_07_a_message_that_is_not_kept_is_remembered_by_its_token_for_a_day() {
    run(async {
        let (world, alice, bob, channel) = setting().await;
        let mut inbox = world.as_user(&alice).inbox().await.unwrap();
        let command = with_token(not_kept(message(&channel, "once")), "token");
        let bobs = world.as_user(&bob);
        let id = bobs.send_channel_message(command.clone()).await.unwrap().id;
        assert_eq!(bobs.send_channel_message(command.clone()).await.unwrap().id, id);
        assert_eq!(received(&mut inbox).await, ["CREATE_CHANNEL_MESSAGE once"]);
        let mut other = command.clone();
        other.content = Content::new("twice").unwrap();
        assert_eq!(world.refuses(bobs.send_channel_message(other)).await, (Conflict, "T-06"));
        world.days_later(1).await;
        bobs.send_channel_message(command).await.unwrap();
        assert_eq!(received(&mut inbox).await, ["CREATE_CHANNEL_MESSAGE once"]);
    });
}

#[test]
fn t_06_whether_a_message_is_kept_is_a_parameter_like_any_other() {
    run(async {
        let (world, _, bob, channel) = setting().await;
        let bobs = world.as_user(&bob);
        let kept = |token| with_token(message(&channel, "same"), token);
        bobs.send_channel_message(kept("first")).await.unwrap();
        let flipped = bobs.send_channel_message(not_kept(kept("first")));
        assert_eq!(world.refuses(flipped).await, (Conflict, "T-06"));
        bobs.send_channel_message(not_kept(kept("second"))).await.unwrap();
        assert_eq!(world.refuses(bobs.send_channel_message(kept("second"))).await, (Conflict, "T-06"));
        world.days_later(1).await;
        bobs.send_channel_message(kept("second")).await.unwrap();
        assert_eq!(world.texts(&bob, &channel).await, ["same", "same"]);
    });
}

#[test]
fn a_repeated_sending_asks_for_the_right_to_send_again() {
    run(async {
        let (world, alice, bob, channel) = setting().await;
        let command = with_token(message(&channel, "once"), "token");
        let bobs = world.as_user(&bob);
        bobs.send_channel_message(command.clone()).await.unwrap();
        world.as_user(&alice).create_channel_ban(&channel, &bob).await.unwrap();
        assert_eq!(world.refuses(bobs.send_channel_message(command)).await, (Forbidden, "AUTH-94"));
    });
}

#[test]
fn the_status_of_a_message_is_its_senders_to_ask() {
    run(async {
        let (world, alice, bob, channel) = setting().await;
        let id = world.send(&bob, &channel, "hello").await.unwrap();
        world.as_user(&bob).get_channel_message_status(&channel, &id).await.unwrap();
        let (alices, bobs) = (world.as_user(&alice), world.as_user(&bob));
        let forbidden = (Forbidden, "E-06");
        assert_eq!(world.refuses(alices.get_channel_message_status(&channel, &id)).await, forbidden);
        let missing = no_message();
        assert_eq!(world.refuses(bobs.get_channel_message_status(&channel, &missing)).await, forbidden);
    });
}

#[test]
fn ts_06_the_moments_of_a_channels_messages_never_go_back_and_sequence_follows_them() {
    run(async {
        let (world, alice, bob, channel) = setting().await;
        let mut last = (0, Timestamp::MIN);
        for n in 0..10 {
            let by = if n % 3 == 0 { &alice } else { &bob };
            let id = world.send(by, &channel, "tick").await.unwrap();
            let stamp = world.as_user(&bob).get_channel_message(&channel, &id).await.unwrap().stamp;
            assert_eq!(stamp.seq, last.0 + 1);
            assert!(stamp.at >= last.1);
            last = (stamp.seq, stamp.at);
            world.clock.advance(std::time::Duration::from_millis(n % 2));
        }
    });
}
