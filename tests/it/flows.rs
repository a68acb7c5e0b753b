//! Channel flows: what goes through processors, in which order, and what becomes of it.

mod deleted;
mod places;

use std::sync::Arc;
use std::time::Duration;

use chime_adapters::memory::MemoryStore;
use chime_domain::access::Mode::Unrestricted;
use chime_domain::access::Privacy::Public;
use chime_domain::arn::{AppInstanceUserArn, ChannelArn, ChannelFlowArn};
use chime_domain::error::ErrorCode::{BadRequest, Conflict, Forbidden, NotFound, ResourceLimitExceeded};
use chime_domain::ids::{ClientRequestToken, MessageId};
use chime_domain::limits::{Limits, Quota};
use chime_domain::messaging::{
    ChannelFlowCallback, CreateChannelFlow, FallbackAction, MessageStatus, MessageType, Persistence,
    Processor, Processors, SendChannelMessage, UpdateChannelFlow,
};
use chime_domain::page::PageRequest;
use chime_domain::text::{Content, ResourceName};
use chime_tests::{Called, Script, World, received, refused, run};
use proptest::prelude::*;

const NOTHING: [&str; 0] = [];

fn name(text: &str) -> ResourceName {
    ResourceName::new(text).unwrap()
}

fn processor(place: u8, fallback: FallbackAction) -> Processor {
    let function = format!("arn:aws:lambda:us-east-1:123456789012:function:p{place}");
    Processor {
        name: name(&format!("p{place}")),
        function: function.into(),
        execution_order: place,
        fallback,
    }
}

/// A channel of Alice with Bob in it, and a flow of these fallback actions that it has.
struct Setting {
    world: World,
    script: Arc<Script>,
    channel: ChannelArn,
    flow: ChannelFlowArn,
    alice: AppInstanceUserArn,
    bob: AppInstanceUserArn,
}

impl Setting {
    async fn new(fallbacks: &[FallbackAction]) -> Self {
        let script = Arc::new(Script::default());
        let world = World::with_functions(Arc::new(MemoryStore::new()), script.clone(), |_| {}).await;
        let (alice, bob) = (world.user("alice").await, world.user("bob").await);
        let channel = world.channel(&alice, Public, Unrestricted).await;
        world.join(&alice, &channel, &bob).await;
        let processors = (1..).zip(fallbacks).map(|(place, fallback)| processor(place, *fallback)).collect();
        let command =
            CreateChannelFlow::new(world.app.clone(), name("flow"), Processors::new(processors).unwrap());
        let flow = world.chime.channel_flows().create_channel_flow(command).await.unwrap();
        world.as_user(&alice).associate_channel_flow(&channel, &flow).await.unwrap();
        Self { world, script, channel, flow, alice, bob }
    }

    fn message(&self, text: &str) -> SendChannelMessage {
        SendChannelMessage::new(self.channel.clone(), Content::new(text).unwrap())
    }

    /// Takes the queue on and gives the calls that this made.
    async fn advance(&self) -> Vec<Called> {
        self.world.chime.advance_flow(&self.channel).await.unwrap();
        self.script.calls()
    }

    async fn the_call(&self) -> Called {
        let mut calls = self.advance().await;
        assert_eq!(calls.len(), 1, "{calls:?}");
        calls.remove(0)
    }

    fn answer(&self, call: &Called) -> ChannelFlowCallback {
        let id = MessageId::new(call.message("MessageId")).unwrap();
        ChannelFlowCallback::new(self.channel.clone(), call.callback(), id)
    }

    /// Lets the message of the call through as it is.
    async fn pass(&self, call: &Called) {
        self.world.chime.channel_flow_callback(&self.answer(call)).await.unwrap();
    }

    async fn texts(&self) -> Vec<String> {
        self.world.texts(&self.bob, &self.channel).await
    }
}

#[test]
fn a_message_is_pending_for_its_sender_alone_until_its_processor_lets_it_through() {
    run(async {
        let s = Setting::new(&[FallbackAction::Abort]).await;
        let (mut alices, mut bobs) = (
            s.world.as_user(&s.alice).inbox().await.unwrap(),
            s.world.as_user(&s.bob).inbox().await.unwrap(),
        );
        let sent = s.world.as_user(&s.bob).send_channel_message(s.message("hello")).await.unwrap();
        assert_eq!(sent.status, MessageStatus::Pending);
        assert_eq!(received(&mut bobs).await, ["PENDING_CREATE_CHANNEL_MESSAGE hello"]);
        assert_eq!((received(&mut alices).await, s.texts().await), (vec![], vec![]));

        let me = s.world.as_user(&s.bob);
        let found = me.get_channel_message(&s.channel, &sent.id).await.unwrap();
        assert_eq!(
            (found.status, found.message.content.clone().unwrap().as_str()),
            (MessageStatus::Pending, "hello")
        );
        assert_eq!(
            me.get_channel_message_status(&s.channel, &sent.id).await.unwrap(),
            MessageStatus::Pending
        );
        let alices_view = s.world.as_user(&s.alice).get_channel_message(&s.channel, &sent.id).await;
        assert_eq!(refused(alices_view), (NotFound, "E-06"));

        let call = s.the_call().await;
        assert_eq!(call.function, "arn:aws:lambda:us-east-1:123456789012:function:p1");
        assert_eq!(call.event["EventType"], "CHANNEL_MESSAGE_EVENT");
        assert_eq!((call.message("Content"), call.message("Persistence")), ("hello", "PERSISTENT"));
        assert_eq!(call.event["ChannelMessage"]["Sender"]["Arn"], s.bob.as_str());
        s.pass(&call).await;
        assert_eq!(received(&mut bobs).await, ["CREATE_CHANNEL_MESSAGE hello"]);
        assert_eq!(received(&mut alices).await, ["CREATE_CHANNEL_MESSAGE hello"]);
        assert_eq!(s.texts().await, ["hello"]);
        assert_eq!(me.get_channel_message_status(&s.channel, &sent.id).await.unwrap(), MessageStatus::Sent);
    });
}

#[test]
fn a_processor_changes_content_metadata_type_and_attributes() {
    run(async {
        let s = Setting::new(&[FallbackAction::Abort]).await;
        s.world.send(&s.bob, &s.channel, "rude").await.unwrap();
        let call = s.the_call().await;
        let mut callback = s.answer(&call);
        callback.content = Some(Content::new("****").unwrap());
        callback.content_type = Some("text/plain".into());
        callback.attributes = Some([("mood".to_owned(), vec!["bad".to_owned()])].into());
        s.world.chime.channel_flow_callback(&callback).await.unwrap();
        let id = MessageId::new(call.message("MessageId")).unwrap();
        let sent = s.world.as_user(&s.alice).get_channel_message(&s.channel, &id).await.unwrap();
        assert_eq!(sent.message.content.as_ref().unwrap().as_str(), "****");
        assert_eq!(sent.message.content_type.as_deref(), Some("text/plain"));
        assert_eq!(sent.message.attributes.get("mood").unwrap(), &["bad"]);
    });
}

#[test]
fn a_denied_message_leaves_nothing_behind() {
    run(async {
        let s = Setting::new(&[FallbackAction::Continue]).await;
        let (mut alices, mut bobs) = (
            s.world.as_user(&s.alice).inbox().await.unwrap(),
            s.world.as_user(&s.bob).inbox().await.unwrap(),
        );
        let sent = s.world.as_user(&s.bob).send_channel_message(s.message("spam")).await.unwrap();
        let mut callback = s.answer(&s.the_call().await);
        callback.deny = true;
        s.world.chime.channel_flow_callback(&callback).await.unwrap();
        let told = received(&mut bobs).await;
        assert_eq!(told, ["PENDING_CREATE_CHANNEL_MESSAGE spam", "DENIED_CREATE_CHANNEL_MESSAGE spam"]);
        assert_eq!(received(&mut alices).await, NOTHING);
        assert_eq!(s.texts().await, NOTHING);
        let status = s.world.as_user(&s.bob).get_channel_message_status(&s.channel, &sent.id).await;
        assert_eq!(refused(status), (Forbidden, "E-06"));
        assert!(s.advance().await.is_empty());
    });
}

#[test]
fn a_processor_that_cannot_be_reached_aborts_or_continues_as_its_fallback_says() {
    run(async {
        let s = Setting::new(&[FallbackAction::Continue, FallbackAction::Abort]).await;
        s.script.set_down(true);
        let mut bobs = s.world.as_user(&s.bob).inbox().await.unwrap();
        let sent = s.world.as_user(&s.bob).send_channel_message(s.message("lost")).await.unwrap();
        assert!(s.advance().await.is_empty());
        let told = received(&mut bobs).await;
        assert_eq!(told, ["PENDING_CREATE_CHANNEL_MESSAGE lost", "FAILED_CREATE_CHANNEL_MESSAGE lost"]);
        let status =
            || async { s.world.as_user(&s.bob).get_channel_message_status(&s.channel, &sent.id).await };
        assert_eq!(status().await.unwrap(), MessageStatus::Failed);
        assert_eq!(s.texts().await, NOTHING);
        s.world.days_later(1).await;
        assert_eq!(refused(status().await), (Forbidden, "E-06"));

        let t = Setting::new(&[FallbackAction::Abort, FallbackAction::Continue]).await;
        t.world.send(&t.bob, &t.channel, "through").await.unwrap();
        let call = t.the_call().await;
        t.pass(&call).await;
        t.script.set_down(true);
        assert!(t.advance().await.is_empty());
        assert_eq!(t.texts().await, ["through"]);
    });
}

#[test]
fn the_processors_of_a_flow_are_called_in_their_order_each_with_what_the_one_before_made() {
    run(async {
        let s = Setting::new(&[FallbackAction::Abort; 3]).await;
        s.world.send(&s.bob, &s.channel, "a").await.unwrap();
        for (place, before, after) in [(1, "a", "ab"), (2, "ab", "abc"), (3, "abc", "abcd")] {
            let call = s.the_call().await;
            assert!(call.function.ends_with(&format!(":p{place}")), "{call:?}");
            assert_eq!(call.message("Content"), before);
            let mut callback = s.answer(&call);
            callback.content = Some(Content::new(after).unwrap());
            s.world.chime.channel_flow_callback(&callback).await.unwrap();
        }
        assert_eq!(s.texts().await, ["abcd"]);
    });
}

#[test]
fn messages_are_sent_in_the_order_in_which_they_were_accepted() {
    run(async {
        let s = Setting::new(&[FallbackAction::Abort]).await;
        for text in ["one", "two", "three"] {
            s.world.send(&s.bob, &s.channel, text).await.unwrap();
        }
        for text in ["one", "two", "three"] {
            let call = s.the_call().await;
            assert_eq!(call.message("Content"), text);
            assert!(s.advance().await.is_empty(), "the next has to wait for the callback");
            s.pass(&call).await;
        }
        assert_eq!(s.texts().await, ["one", "two", "three"]);
    });
}

#[test]
fn a_callback_counts_once_and_for_its_own_message() {
    run(async {
        let s = Setting::new(&[FallbackAction::Abort]).await;
        s.world.send(&s.bob, &s.channel, "one").await.unwrap();
        let call = s.the_call().await;
        let mut wrong = s.answer(&call);
        wrong.message = MessageId::new("other").unwrap();
        assert_eq!(s.world.refuses(s.world.chime.channel_flow_callback(&wrong)).await, (BadRequest, "W-17"));
        s.pass(&call).await;
        let again = s.answer(&call);
        assert_eq!(s.world.refuses(s.world.chime.channel_flow_callback(&again)).await, (Conflict, "T-08"));
        assert_eq!(s.texts().await, ["one"]);
    });
}

#[test]
fn a_processor_that_never_calls_back_counts_as_unreachable_once_its_time_is_over() {
    run(async {
        let s = Setting::new(&[FallbackAction::Abort]).await;
        let sent = s.world.as_user(&s.bob).send_channel_message(s.message("silence")).await.unwrap();
        s.world.send(&s.bob, &s.channel, "behind").await.unwrap();
        let first = s.the_call().await;
        // The scheduler alone takes it on.
        s.world.later(Duration::from_secs(59)).await;
        assert!(s.script.calls().is_empty());
        s.world.later(Duration::from_secs(2)).await;
        let status = s.world.as_user(&s.bob).get_channel_message_status(&s.channel, &sent.id).await;
        assert_eq!(status.unwrap(), MessageStatus::Failed);
        let late = s.world.chime.channel_flow_callback(&s.answer(&first)).await;
        assert_eq!(refused(late), (Conflict, "T-08"));
        let calls = s.script.calls();
        assert_eq!(calls.iter().map(|call| call.message("Content")).collect::<Vec<_>>(), ["behind"]);
    });
}

#[test]
fn what_nobody_saw_to_is_taken_on_by_the_scheduler() {
    run(async {
        let s = Setting::new(&[FallbackAction::Abort]).await;
        s.world.send(&s.bob, &s.channel, "orphan").await.unwrap();
        s.world.later(Duration::from_secs(5)).await;
        assert_eq!(s.script.calls().len(), 1);
    });
}

#[test]
fn control_messages_pass_by_the_flow() {
    run(async {
        let s = Setting::new(&[FallbackAction::Abort]).await;
        let mut command = s.message("typing");
        command.kind = MessageType::Control;
        let sent = s.world.as_user(&s.bob).send_channel_message(command).await.unwrap();
        assert_eq!(sent.status, MessageStatus::Sent);
        assert!(s.advance().await.is_empty());
        assert_eq!(s.texts().await, ["typing"]);
    });
}

#[test]
fn messages_that_are_not_kept_go_through_the_flow_too() {
    run(async {
        let s = Setting::new(&[FallbackAction::Abort]).await;
        let mut alices = s.world.as_user(&s.alice).inbox().await.unwrap();
        let mut command = s.message("fleeting");
        command.persistence = Persistence::NonPersistent;
        command.client_request_token = Some(ClientRequestToken::new("token").unwrap());
        let sent = s.world.as_user(&s.bob).send_channel_message(command.clone()).await.unwrap();
        let again = s.world.as_user(&s.bob).send_channel_message(command.clone()).await.unwrap();
        assert_eq!(again, sent);
        let call = s.the_call().await;
        s.pass(&call).await;
        assert_eq!(received(&mut alices).await, ["CREATE_CHANNEL_MESSAGE fleeting"]);
        assert_eq!(s.texts().await, NOTHING);
        let again = s.world.as_user(&s.bob).send_channel_message(command).await.unwrap();
        assert_eq!((again.id, again.status), (sent.id, MessageStatus::Sent));
        assert!(s.advance().await.is_empty());
    });
}

#[test]
fn a_repeated_sending_finds_its_message_wherever_it_is() {
    run(async {
        let s = Setting::new(&[FallbackAction::Abort]).await;
        let mut command = s.message("once");
        command.client_request_token = Some(ClientRequestToken::new("token").unwrap());
        let bobs = s.world.as_user(&s.bob);
        let sent = bobs.send_channel_message(command.clone()).await.unwrap();
        assert_eq!(bobs.send_channel_message(command.clone()).await.unwrap(), sent);
        let mut other = command.clone();
        other.content = Content::new("another").unwrap();
        assert_eq!(s.world.refuses(bobs.send_channel_message(other)).await, (Conflict, "T-06"));
        let call = s.the_call().await;
        s.pass(&call).await;
        let again = bobs.send_channel_message(command).await.unwrap();
        assert_eq!((again.id, again.status), (sent.id, MessageStatus::Sent));
        assert!(s.advance().await.is_empty());
        assert_eq!(s.texts().await, ["once"]);
    });
}

#[test]
fn an_edit_goes_through_the_flow_and_the_message_stays_as_it_was_until_then() {
    run(async {
        let s = Setting::new(&[FallbackAction::Abort]).await;
        let id = s.world.send(&s.bob, &s.channel, "old").await.unwrap();
        s.pass(&s.the_call().await).await;
        let (mut alices, mut bobs) = (
            s.world.as_user(&s.alice).inbox().await.unwrap(),
            s.world.as_user(&s.bob).inbox().await.unwrap(),
        );
        s.world.edit(&s.bob, &s.channel, &id, "new").await.unwrap();
        assert_eq!(s.texts().await, ["old"]);
        let call = s.the_call().await;
        assert_eq!((call.message("Content"), call.message("MessageId")), ("new", id.as_str()));
        s.pass(&call).await;
        assert_eq!(s.texts().await, ["new"]);
        assert_eq!(received(&mut alices).await, ["UPDATE_CHANNEL_MESSAGE new"]);
        assert_eq!(
            received(&mut bobs).await,
            ["PENDING_UPDATE_CHANNEL_MESSAGE new", "UPDATE_CHANNEL_MESSAGE new"]
        );

        s.world.edit(&s.bob, &s.channel, &id, "refused").await.unwrap();
        let mut deny = s.answer(&s.the_call().await);
        deny.deny = true;
        s.world.chime.channel_flow_callback(&deny).await.unwrap();
        s.world.edit(&s.bob, &s.channel, &id, "too late").await.unwrap();
        let call = s.the_call().await;
        s.world.as_user(&s.alice).redact_channel_message(&s.channel, &id).await.unwrap();
        s.pass(&call).await;
        assert_eq!(s.texts().await, ["-"]);
        let told = received(&mut bobs).await;
        assert!(told.contains(&"DENIED_UPDATE_CHANNEL_MESSAGE refused".to_owned()), "{told:?}");
        assert!(told.contains(&"FAILED_UPDATE_CHANNEL_MESSAGE too late".to_owned()), "{told:?}");
    });
}

#[test]
fn a_channel_has_one_flow_which_administrators_and_moderators_give_and_take() {
    run(async {
        let s = Setting::new(&[FallbackAction::Abort]).await;
        let bobs = s.world.as_user(&s.bob);
        let denied = s.world.refuses(bobs.disassociate_channel_flow(&s.channel, &s.flow)).await;
        assert_eq!(denied, (Forbidden, "AUTH-55"));
        let processors = Processors::new(vec![processor(1, FallbackAction::Abort)]).unwrap();
        let command = CreateChannelFlow::new(s.world.app.clone(), name("second"), processors);
        let second = s.world.chime.channel_flows().create_channel_flow(command).await.unwrap();
        let alices = s.world.as_user(&s.alice);
        let another = s.world.refuses(alices.associate_channel_flow(&s.channel, &second)).await;
        assert_eq!(another, (Conflict, "T-08"));
        alices.associate_channel_flow(&s.channel, &s.flow).await.unwrap();
        let flows = s.world.chime.channel_flows();
        assert_eq!(s.world.refuses(flows.delete_channel_flow(&s.flow)).await, (Conflict, "T-08"));
        let page = PageRequest::default();
        let of_flow = flows.list_channels_associated_with_channel_flow(&s.flow, &page).await.unwrap();
        assert_eq!(of_flow.items.iter().map(|view| &view.channel.arn).collect::<Vec<_>>(), [&s.channel]);
        let described = alices.describe_channel(&s.channel).await.unwrap();
        assert_eq!(described.channel.flow.as_ref(), Some(&s.flow));

        alices.disassociate_channel_flow(&s.channel, &s.flow).await.unwrap();
        let gone = s.world.refuses(alices.disassociate_channel_flow(&s.channel, &s.flow)).await;
        assert_eq!(gone, (NotFound, "E-06"));
        s.world.send(&s.bob, &s.channel, "free").await.unwrap();
        assert_eq!(s.texts().await, ["free"]);
        flows.delete_channel_flow(&s.flow).await.unwrap();
        flows.delete_channel_flow(&s.flow).await.unwrap();
        assert_eq!(refused(flows.describe_channel_flow(&s.flow).await), (Forbidden, "E-06"));
        let missing = s.world.refuses(alices.associate_channel_flow(&s.channel, &s.flow)).await;
        assert_eq!(missing, (NotFound, "E-06"));
    });
}

#[test]
fn what_is_under_way_keeps_the_processors_that_it_was_accepted_with() {
    run(async {
        let s = Setting::new(&[FallbackAction::Abort]).await;
        s.world.send(&s.bob, &s.channel, "under way").await.unwrap();
        let processors = Processors::new(vec![processor(2, FallbackAction::Abort)]).unwrap();
        let command = UpdateChannelFlow { arn: s.flow.clone(), name: name("renamed"), processors };
        s.world.chime.channel_flows().update_channel_flow(command).await.unwrap();
        s.world.as_user(&s.alice).disassociate_channel_flow(&s.channel, &s.flow).await.unwrap();
        let call = s.the_call().await;
        assert!(call.function.ends_with(":p1"));
        s.pass(&call).await;
        assert_eq!(s.texts().await, ["under way"]);
    });
}

#[test]
fn a_deleted_channel_takes_its_queue_and_its_place_in_the_flow_along() {
    run(async {
        let s = Setting::new(&[FallbackAction::Abort]).await;
        s.world.send(&s.bob, &s.channel, "waiting").await.unwrap();
        let call = s.the_call().await;
        s.world.as_user(&s.alice).delete_channel(&s.channel).await.unwrap();
        s.world.later(Duration::from_secs(1)).await;
        let late = s.world.chime.channel_flow_callback(&s.answer(&call)).await;
        assert_eq!(refused(late), (Conflict, "T-08"));
        s.world.chime.channel_flows().delete_channel_flow(&s.flow).await.unwrap();
    });
}

#[test]
fn the_number_of_flows_is_a_quota() {
    run(async {
        let limits = Limits::default().with(Quota::FlowsPerAppInstance, 1);
        let world = World::with(Arc::new(MemoryStore::new()), |settings| settings.limits = limits).await;
        let create = || {
            let processors = Processors::new(vec![processor(1, FallbackAction::Abort)]).unwrap();
            CreateChannelFlow::new(world.app.clone(), name("flow"), processors)
        };
        let flows = world.chime.channel_flows();
        let first = flows.create_channel_flow(create()).await.unwrap();
        assert_eq!(
            world.refuses(flows.create_channel_flow(create())).await,
            (ResourceLimitExceeded, "APP-20")
        );
        flows.delete_channel_flow(&first).await.unwrap();
        flows.create_channel_flow(create()).await.unwrap();
    });
}

#[test]
fn processors_are_one_to_three_each_with_a_place_and_a_name_of_its_own() {
    let abort = |place| processor(place, FallbackAction::Abort);
    let named = |place, text: &str| Processor { name: name(text), ..abort(place) };
    for bad in [
        vec![],
        vec![abort(0)],
        vec![abort(4)],
        vec![abort(1), named(1, "other")],
        vec![abort(1), named(2, "p1")],
        vec![abort(1), abort(2), abort(3), named(3, "x")],
    ] {
        assert_eq!(Processors::new(bad).unwrap_err().rule(), "W-17");
    }
    let sorted = Processors::new(vec![abort(3), abort(1)]).unwrap();
    assert_eq!(sorted.as_slice().iter().map(|one| one.execution_order).collect::<Vec<_>>(), [1, 3]);
}

/// What happens next to the queue of a channel.
#[derive(Clone, Debug)]
enum Next {
    Send,
    Advance,
    Pass,
    Deny,
    CallAgain,
    Later(u64),
    Down(bool),
}

fn next() -> impl Strategy<Value = Next> {
    prop_oneof![
        4 => Just(Next::Send),
        3 => Just(Next::Advance),
        3 => Just(Next::Pass),
        1 => Just(Next::Deny),
        1 => Just(Next::CallAgain),
        1 => (1_u64..90).prop_map(Next::Later),
        1 => any::<bool>().prop_map(Next::Down),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    /// Whatever happens, in whatever order: what is sent is sent once and in the order of acceptance, and everything
    /// that was accepted ends as sent, denied or failed.
    #[test]
    fn everything_accepted_ends_once_and_in_order(steps in proptest::collection::vec(next(), 1..60)) {
        run(async {
            let s = Setting::new(&[FallbackAction::Abort, FallbackAction::Continue]).await;
            let mut bobs = s.world.as_user(&s.bob).inbox().await.unwrap();
            let (mut accepted, mut last): (Vec<String>, Option<Called>) = (Vec::new(), None);
            for step in steps {
                match step {
                    Next::Send => {
                        let text = format!("m{}", accepted.len());
                        s.world.send(&s.bob, &s.channel, &text).await.unwrap();
                        accepted.push(text);
                    }
                    Next::Advance => last = s.advance().await.into_iter().last().or(last),
                    Next::Pass | Next::CallAgain => {
                        if let Some(call) = &last {
                            let _ = s.world.chime.channel_flow_callback(&s.answer(call)).await;
                        }
                    }
                    Next::Deny => {
                        if let Some(call) = &last {
                            let mut callback = s.answer(call);
                            callback.deny = true;
                            let _ = s.world.chime.channel_flow_callback(&callback).await;
                        }
                    }
                    Next::Later(seconds) => {
                        s.world.later(Duration::from_secs(seconds)).await;
                        last = s.script.calls().into_iter().last().or(last);
                    }
                    Next::Down(down) => s.script.set_down(down),
                }
            }
            for _ in 0..2 * accepted.len() + 2 {
                s.world.later(Duration::from_secs(61)).await;
            }
            let told = received(&mut bobs).await;
            let ends = |text: &str| {
                let of = |event: &str| told.iter().filter(|line| **line == format!("{event} {text}")).count();
                (of("CREATE_CHANNEL_MESSAGE"), of("DENIED_CREATE_CHANNEL_MESSAGE") + of("FAILED_CREATE_CHANNEL_MESSAGE"))
            };
            let mut sent = Vec::new();
            for text in &accepted {
                let (created, ended) = ends(text);
                assert_eq!(created + ended, 1, "{text}: {told:?}");
                if created == 1 {
                    sent.push(text.clone());
                }
            }
            assert_eq!(s.texts().await, sent);
        });
    }
}
