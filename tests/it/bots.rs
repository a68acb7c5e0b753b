//! Bots: made, changed, listed apart from users, and members of channels like them.

use std::time::Duration;

use chime_domain::access::Mode::Unrestricted;
use chime_domain::access::Privacy::Public;
use chime_domain::error::ErrorCode::{
    Conflict, Forbidden, NotFound, ResourceLimitExceeded, UnauthorizedClient,
};
use chime_domain::identity::{
    CreateAppInstanceBot, InvokedBy, LexConfiguration, StandardMessages, TargetedMessages,
    UpdateAppInstanceBot,
};
use chime_domain::ids::ClientRequestToken;
use chime_domain::limits::Quota;
use chime_domain::page::PageRequest;
use chime_domain::text::Metadata;
use chime_tests::{World, refused, run};

fn bot(world: &World, name: &str) -> CreateAppInstanceBot {
    let lex = LexConfiguration {
        responds_to_standard: false,
        invoked_by: Some(InvokedBy { standard: StandardMessages::Auto, targeted: TargetedMessages::All }),
        alias: "arn:aws:lex:us-east-1:123456789012:bot-alias/ABCDEFGHIJ/0123456789".into(),
        locale: "en_US".into(),
        welcome_intent: None,
    };
    let mut command = CreateAppInstanceBot::new(world.app.clone(), lex);
    command.name = Metadata::new(name).unwrap();
    command
}

#[test]
fn a_bot_is_made_described_changed_and_deleted() {
    run(async {
        let world = World::with_quotas(&[(Quota::BotsPerAppInstance, 1)]).await;
        let identity = world.chime.identity();
        let mut command = bot(&world, "helper");
        command.client_request_token = Some(ClientRequestToken::new("token").unwrap());
        let arn = identity.create_app_instance_bot(command.clone()).await.unwrap();
        assert!(arn.is_bot());
        assert_eq!(identity.create_app_instance_bot(command.clone()).await.unwrap(), arn);
        command.name = Metadata::new("another").unwrap();
        assert_eq!(world.refuses(identity.create_app_instance_bot(command)).await, (Conflict, "T-06"));
        let second = world.refuses(identity.create_app_instance_bot(bot(&world, "second"))).await;
        assert_eq!(second, (ResourceLimitExceeded, "APP-20"));
        let (name, metadata) = (Metadata::new("renamed").unwrap(), Metadata::new("{}").unwrap());
        let update = UpdateAppInstanceBot { arn: arn.clone(), name, metadata, configuration: None };
        identity.update_app_instance_bot(update).await.unwrap();
        let found = identity.describe_app_instance_bot(&arn).await.unwrap();
        assert_eq!((found.name.as_str(), found.configuration.locale.as_ref()), ("renamed", "en_US"));
        identity.delete_app_instance_bot(&arn).await.unwrap();
        identity.delete_app_instance_bot(&arn).await.unwrap();
        assert_eq!(refused(identity.describe_app_instance_bot(&arn).await), (NotFound, "E-06"));
        identity.create_app_instance_bot(bot(&world, "second")).await.unwrap();
    });
}

#[test]
fn bots_and_users_are_listed_apart_and_no_operation_on_users_knows_a_bot() {
    run(async {
        let world = World::new().await;
        let alice = world.user("alice").await;
        let identity = world.chime.identity();
        let arn = identity.create_app_instance_bot(bot(&world, "helper")).await.unwrap();
        let page = PageRequest::default();
        let users = identity.list_app_instance_users(&world.app, &page).await.unwrap();
        assert_eq!(users.items.iter().map(|user| &user.arn).collect::<Vec<_>>(), [&alice]);
        let bots = identity.list_app_instance_bots(&world.app, &page).await.unwrap();
        assert_eq!(bots.items.iter().map(|bot| &bot.arn).collect::<Vec<_>>(), [&arn]);
        assert_eq!(refused(identity.describe_app_instance_user(&arn).await), (Forbidden, "E-06"));
        identity.create_app_instance_admin(&world.app, &arn).await.unwrap();
        let admins = identity.list_app_instance_admins(&world.app, &page).await.unwrap();
        assert_eq!(admins.items.iter().map(|admin| &admin.admin.arn).collect::<Vec<_>>(), [&arn]);
        identity.delete_app_instance_user(&arn).await.unwrap();
        identity.describe_app_instance_bot(&arn).await.unwrap();
        identity.delete_app_instance_bot(&arn).await.unwrap();
        let admins = identity.list_app_instance_admins(&world.app, &page).await.unwrap();
        assert!(admins.items.is_empty());
    });
}

#[test]
fn a_bot_is_a_member_that_sends_and_reads_until_it_is_deleted() {
    run(async {
        let world = World::new().await;
        let alice = world.user("alice").await;
        let arn = world.chime.identity().create_app_instance_bot(bot(&world, "")).await.unwrap();
        let channel = world.channel(&alice, Public, Unrestricted).await;
        world.join(&alice, &channel, &arn).await;
        let id = world.send(&arn, &channel, "I am a bot").await.unwrap();
        let sent = world.as_user(&alice).get_channel_message(&channel, &id).await.unwrap();
        assert_eq!((&sent.message.sender.arn, sent.message.sender.name.as_str()), (&arn, arn.user_id()));
        world.chime.identity().delete_app_instance_bot(&arn).await.unwrap();
        world.later(Duration::from_secs(1)).await;
        assert_eq!(refused(world.send(&arn, &channel, "ghost").await), (UnauthorizedClient, "E-09"));
        let members = world.members(&alice, &channel, chime_domain::access::MembershipType::Default).await;
        assert_eq!(members, ["alice"]);
        assert_eq!(world.texts(&alice, &channel).await, ["I am a bot"]);
    });
}
