//! Bots that answer through Lex: which messages they are told, and what they send.

use std::sync::Arc;
use std::time::Duration;

use chime_adapters::memory::MemoryStore;
use chime_domain::access::MembershipType::{Default as Member, Hidden};
use chime_domain::access::Mode::Unrestricted;
use chime_domain::access::Privacy::Public;
use chime_domain::arn::{AppInstanceUserArn, ChannelArn};
use chime_domain::identity::{
    CreateAppInstanceBot, InvokedBy, LexConfiguration, StandardMessages, TargetedMessages,
};
use chime_domain::ids::MessageId;
use chime_domain::messaging::{
    ChannelFlowCallback, CreateChannelFlow, FallbackAction, ListChannelMessages, Message, MessageType,
    Persistence, Processor, Processors, SendChannelMessage,
};
use chime_domain::text::{Content, Metadata, ResourceName};
use chime_tests::{Echo, Script, World, run};

/// Alice and a bot in a channel, which bob may join.
struct Setting {
    world: World,
    lex: Arc<Echo>,
    script: Arc<Script>,
    channel: ChannelArn,
    alice: AppInstanceUserArn,
    bob: AppInstanceUserArn,
    bot: AppInstanceUserArn,
}

impl Setting {
    async fn new(invoked_by: Option<(StandardMessages, TargetedMessages)>) -> Self {
        let (lex, script) = (Arc::new(Echo::default()), Arc::new(Script::default()));
        let world = World::with_lex(Arc::new(MemoryStore::new()), lex.clone(), script.clone()).await;
        let (alice, bob) = (world.user("alice").await, world.user("bob").await);
        let channel = world.channel(&alice, Public, Unrestricted).await;
        let bot = make(&world, "bot", invoked_by, false).await;
        world.join(&alice, &channel, &bot).await;
        Self { world, lex, script, channel, alice, bob, bot }
    }

    fn message(&self, text: &str) -> SendChannelMessage {
        SendChannelMessage::new(self.channel.clone(), Content::new(text).unwrap())
    }

    /// Alice sends it; gives what the bot was told.
    async fn told(&self, message: SendChannelMessage) -> Vec<String> {
        self.world.as_user(&self.alice).send_channel_message(message).await.unwrap();
        self.world.later(Duration::from_secs(1)).await;
        self.lex.told().into_iter().map(|utterance| utterance.text.0).collect()
    }

    fn mention(&self, text: &str) -> SendChannelMessage {
        let mut message = self.message(text);
        message.attributes.insert("CHIME.mentions".into(), vec!["x".into(), self.bot.to_string()]);
        message
    }

    fn to(&self, who: &AppInstanceUserArn, text: &str) -> SendChannelMessage {
        let mut message = self.message(text);
        message.target = Some(who.clone());
        message
    }

    /// What somebody sees of the bot, oldest first.
    async fn answers(&self, who: &AppInstanceUserArn) -> Vec<Message> {
        let listing = ListChannelMessages::new(self.channel.clone());
        let page = self.world.as_user(who).list_channel_messages(&listing).await.unwrap();
        let mut found: Vec<_> = page.items.iter().map(|sent| Message::clone(&sent.message)).collect();
        found.retain(|message| message.sender.arn == self.bot);
        found.reverse();
        found
    }
}

async fn make(
    world: &World,
    name: &str,
    invoked_by: Option<(StandardMessages, TargetedMessages)>,
    responds_to_standard: bool,
) -> AppInstanceUserArn {
    let lex = LexConfiguration {
        responds_to_standard,
        invoked_by: invoked_by.map(|(standard, targeted)| InvokedBy { standard, targeted }),
        alias: "arn:aws:lex:us-east-1:123456789012:bot-alias/ABCDEFGHIJ/0123456789".into(),
        locale: "en_US".into(),
        welcome_intent: None,
    };
    let mut command = CreateAppInstanceBot::new(world.app.clone(), lex);
    command.name = Metadata::new(name).unwrap();
    world.chime.identity().create_app_instance_bot(command).await.unwrap()
}

fn content(message: &Message) -> &str {
    message.content.as_ref().unwrap().as_str()
}

#[test]
fn a_bot_answers_with_the_documented_type_and_attributes() {
    run(async {
        let of = Setting::new(Some((StandardMessages::All, TargetedMessages::All))).await;
        let id = of.world.send(&of.alice, &of.channel, "hello").await.unwrap();
        assert!(of.lex.told().is_empty(), "the sender waits for nobody");
        of.world.later(Duration::from_secs(1)).await;
        let told = of.lex.told();
        assert_eq!((told.len(), told[0].text.0.as_str(), told[0].locale.as_ref()), (1, "hello", "en_US"));
        assert_eq!(told[0].attributes["CHIME.channel.arn"], of.channel.as_str());
        assert_eq!(told[0].attributes["CHIME.sender.arn"], of.alice.as_str());
        let [answer] = of.answers(&of.alice).await.try_into().unwrap();
        assert_eq!(answer.content_type.as_deref(), Some("application/amz-chime-lex-msgs"));
        let one = r#"{"Content":"hello","ContentType":"PlainText"}"#;
        assert_eq!(content(&answer), format!(r#"{{"Messages":[{one},{one}]}}"#));
        let attributes: Vec<_> =
            answer.attributes.iter().map(|(name, values)| (name.as_str(), values[0].as_str())).collect();
        let expected = [
            ("CHIME.LEX.sessionState.intent.name", "Echo"),
            ("CHIME.LEX.sessionState.intent.state", "Fulfilled"),
            ("CHIME.LEX.sessionState.originatingRequestId", id.as_str()),
            ("CHIME.LEX.sessionState.sessionId", told[0].session.as_str()),
        ];
        assert_eq!(attributes, expected);
        assert_eq!((answer.kind, answer.persistence), (MessageType::Standard, Persistence::Persistent));
        of.world.later(Duration::from_secs(600)).await;
        assert_eq!(of.answers(&of.alice).await.len(), 1);
        assert!(of.lex.told().is_empty(), "it hears itself");
    });
}

#[test]
fn a_conversation_is_one_of_a_user_in_a_channel() {
    run(async {
        let of = Setting::new(Some((StandardMessages::All, TargetedMessages::All))).await;
        let other = of.world.channel(&of.alice, Public, Unrestricted).await;
        of.world.join(&of.alice, &other, &of.bot).await;
        of.world.join(&of.alice, &of.channel, &of.bob).await;
        let mut sessions = Vec::new();
        for (user, channel) in
            [(&of.alice, &of.channel), (&of.alice, &of.channel), (&of.bob, &of.channel), (&of.alice, &other)]
        {
            of.world.send(user, channel, "hello").await.unwrap();
            of.world.later(Duration::from_secs(1)).await;
            sessions.extend(of.lex.told().into_iter().map(|utterance| utterance.session));
        }
        assert_eq!(sessions.len(), 4);
        assert_eq!(sessions[0], sessions[1]);
        assert!(sessions[0] != sessions[2] && sessions[0] != sessions[3], "{sessions:?}");
    });
}

#[test]
fn a_bot_is_told_the_standard_messages_that_its_configuration_says() {
    run(async {
        use StandardMessages::{All, Auto, Mentions, None};
        for (standard, alone, in_company, mentioned) in [
            (All, true, true, true),
            (Auto, true, false, true),
            (Mentions, false, false, true),
            (None, false, false, false),
        ] {
            let of = Setting::new(Some((standard, TargetedMessages::None))).await;
            // A hidden member is no company.
            let ghost = of.world.user("ghost").await;
            let added =
                of.world.as_user(&of.alice).create_channel_membership(&of.channel, &ghost, Hidden).await;
            added.unwrap();
            let heard = |is: bool, text: &str| if is { vec![text.to_owned()] } else { Vec::new() };
            assert_eq!(of.told(of.message("alone")).await, heard(alone, "alone"), "{standard:?}");
            of.world
                .as_user(&of.alice)
                .create_channel_membership(&of.channel, &of.bob, Member)
                .await
                .unwrap();
            assert_eq!(of.told(of.message("all")).await, heard(in_company, "all"), "{standard:?}");
            assert_eq!(of.told(of.mention("you")).await, heard(mentioned, "you"), "{standard:?}");
            let mut control = of.mention("control");
            control.kind = MessageType::Control;
            control.persistence = Persistence::NonPersistent;
            assert_eq!(of.told(control).await, [""; 0], "{standard:?}");
            assert_eq!(of.told(of.to(&of.bot, "you alone")).await, [""; 0], "{standard:?}");
        }
    });
}

#[test]
fn the_first_form_of_the_configuration_means_all_standard_messages() {
    run(async {
        let of = Setting::new(None).await;
        assert_eq!(of.told(of.mention("nobody")).await, [""; 0]);
        let eager = make(&of.world, "eager", None, true).await;
        of.world.join(&of.alice, &of.channel, &eager).await;
        assert_eq!(of.told(of.message("anybody")).await, ["anybody"]);
        assert_eq!(of.told(of.to(&eager, "you")).await, [""; 0]);
    });
}

#[test]
fn a_targeted_message_is_answered_to_its_sender_alone() {
    run(async {
        let of = Setting::new(Some((StandardMessages::None, TargetedMessages::All))).await;
        of.world.join(&of.alice, &of.channel, &of.bob).await;
        assert_eq!(of.told(of.to(&of.bob, "for bob")).await, [""; 0]);
        assert_eq!(of.told(of.to(&of.bot, "between us")).await, ["between us"]);
        let [answer] = of.answers(&of.alice).await.try_into().unwrap();
        assert_eq!(answer.target.as_ref(), Some(&of.alice));
        assert!(of.answers(&of.bob).await.is_empty());
    });
}

#[test]
fn a_bot_that_is_no_member_or_hidden_or_hears_another_bot_is_told_nothing() {
    run(async {
        let all = Some((StandardMessages::All, TargetedMessages::All));
        let of = Setting::new(all).await;
        let outside = make(&of.world, "outside", all, false).await;
        let hidden = make(&of.world, "hidden", all, false).await;
        of.world.as_user(&of.alice).create_channel_membership(&of.channel, &hidden, Hidden).await.unwrap();
        let other = make(&of.world, "other", all, false).await;
        of.world.join(&of.alice, &of.channel, &other).await;
        assert!(!outside.as_str().is_empty());
        assert_eq!(of.told(of.message("who?")).await, ["who?", "who?"]);
        of.world.send(&other, &of.channel, "I").await.unwrap();
        of.world.later(Duration::from_secs(600)).await;
        assert!(of.lex.told().is_empty());
    });
}

#[test]
fn what_a_bot_refuses_and_what_cannot_be_told_is_answered_as_a_failure() {
    run(async {
        let of = Setting::new(Some((StandardMessages::All, TargetedMessages::All))).await;
        assert_eq!(of.told(of.message("!rude")).await, ["!rude"]);
        let [answer] = of.answers(&of.alice).await.try_into().unwrap();
        assert_eq!(answer.content_type.as_deref(), Some("application/amz-chime-lex-error"));
        assert_eq!(content(&answer), r#"{"Code":"BadRequest"}"#);

        // It is tried for a minute, and once it is back it answers.
        of.lex.set_down(true);
        assert_eq!(of.told(of.message("hello?")).await.len(), 1);
        of.world.later(Duration::from_secs(10)).await;
        assert_eq!((of.lex.told().len(), of.answers(&of.alice).await.len()), (1, 1));
        of.lex.set_down(false);
        of.world.later(Duration::from_secs(10)).await;
        assert!(content(&of.answers(&of.alice).await[1]).contains("hello?"));
        of.lex.set_down(true);
        assert_eq!(of.told(of.message("hello??")).await.len(), 2);
        of.world.later(Duration::from_secs(61)).await;
        let answers = of.answers(&of.alice).await;
        assert_eq!(content(&answers[2]), r#"{"Code":"ServiceUnavailable"}"#);
        let _ = of.lex.told();
        of.world.later(Duration::from_secs(600)).await;
        assert!(of.lex.told().is_empty(), "it is not tried for ever");
    });
}

#[test]
fn an_answer_too_long_for_a_message_loses_its_end() {
    run(async {
        let of = Setting::new(Some((StandardMessages::All, TargetedMessages::All))).await;
        let long = "x".repeat(3000);
        of.told(of.message(&long)).await;
        let [answer] = of.answers(&of.alice).await.try_into().unwrap();
        assert_eq!(content(&answer).matches(&long).count(), 1);
    });
}

#[test]
fn what_a_bot_that_is_gone_was_told_is_forgotten() {
    run(async {
        let of = Setting::new(Some((StandardMessages::All, TargetedMessages::All))).await;
        of.world.send(&of.alice, &of.channel, "still there?").await.unwrap();
        of.world.chime.identity().delete_app_instance_bot(&of.bot).await.unwrap();
        of.world.later(Duration::from_secs(600)).await;
        assert!(of.lex.told().is_empty() && of.answers(&of.alice).await.is_empty());
    });
}

#[test]
fn in_a_channel_with_a_flow_a_bot_is_told_what_comes_out_of_it() {
    run(async {
        let of = Setting::new(Some((StandardMessages::All, TargetedMessages::All))).await;
        let name = |text| ResourceName::new(text).unwrap();
        let processor = Processor {
            name: name("p"),
            function: "arn:aws:lambda:us-east-1:123456789012:function:p".into(),
            execution_order: 1,
            fallback: FallbackAction::Abort,
        };
        let flows = of.world.chime.channel_flows();
        let command = CreateChannelFlow::new(
            of.world.app.clone(),
            name("flow"),
            Processors::new(vec![processor]).unwrap(),
        );
        let flow = flows.create_channel_flow(command).await.unwrap();
        of.world.as_user(&of.alice).associate_channel_flow(&of.channel, &flow).await.unwrap();
        assert_eq!(of.told(of.message("darn")).await, [""; 0]);
        of.world.chime.advance_flow(&of.channel).await.unwrap();
        let [call] = of.script.calls().try_into().unwrap();
        let id = MessageId::new(call.message("MessageId")).unwrap();
        let mut callback = ChannelFlowCallback::new(of.channel.clone(), call.callback(), id);
        callback.content = Some(Content::new("d***").unwrap());
        of.world.chime.channel_flow_callback(&callback).await.unwrap();
        of.world.chime.advance_flow(&of.channel).await.unwrap();
        of.world.later(Duration::from_secs(1)).await;
        assert_eq!(of.lex.told().into_iter().map(|told| told.text.0).collect::<Vec<_>>(), ["d***"]);
        // What the bot says goes through the flow as well.
        let [call] = of.script.calls().try_into().unwrap();
        assert!(call.message("Content").contains("d***") && of.answers(&of.alice).await.is_empty());
    });
}
