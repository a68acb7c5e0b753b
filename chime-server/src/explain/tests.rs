use chime_adapters::memory::Local;
use chime_domain::arn::{AppInstanceArn, AppInstanceUserArn, ChannelArn};
use chime_domain::iam::{CreateRole, CreateUser, Role, User};
use chime_domain::messaging::CreateChannel;
use chime_domain::text::ResourceName;

use super::*;
use crate::app::AppOptions;
use crate::auth::RootKey;

/// A channel of alice with the member bob, and IAM users beside them.
struct World {
    app: App,
    chime: Local,
    instance: AppInstanceArn,
    alice: AppInstanceUserArn,
    bob: AppInstanceUserArn,
    channel: ChannelArn,
}

impl World {
    async fn new() -> Self {
        let chime = Local::new().await.unwrap();
        let instance = chime.app_instance("demo").await.unwrap();
        let alice = chime.user(&instance, "alice").await.unwrap();
        let bob = chime.user(&instance, "bob").await.unwrap();
        let command = CreateChannel::new(instance.clone(), ResourceName::new("room").unwrap());
        let command = command.with_members([bob.clone()]);
        let channel = chime.messaging(&alice).create_channel(command).await.unwrap();
        let options = AppOptions { root: Some(RootKey::new("AKIAROOT", "secret")), ..AppOptions::default() };
        let app = App::new((*chime).clone(), options);
        Self { app, chime, instance, alice, bob, channel }
    }

    /// An IAM user with one inline policy, and its ARN.
    async fn iam_user(&self, name: &str, policy: &str) -> String {
        let command = CreateUser { name: name.into(), path: None, tags: Vec::new() };
        let user = self.chime.iam().create_user(command).await.unwrap();
        self.chime.iam().put_inline_policy::<User>(name, "chat", policy).await.unwrap();
        user.arn
    }

    /// The minimal policy of the guide (rule IAM-15), for bob.
    fn minimal(&self) -> String {
        format!(
            r#"{{"Version": "2012-10-17", "Statement": [
                {{"Action": "chime:GetMessagingSessionEndpoint", "Effect": "Allow", "Resource": "*"}},
                {{"Action": ["chime:ListChannels", "chime:DescribeChannel",
                    "chime:ListChannelMembershipsForAppInstanceUser",
                    "chime:DescribeChannelMembershipForAppInstanceUser",
                    "chime:ListChannelsModeratedByAppInstanceUser",
                    "chime:DescribeChannelModeratedByAppInstanceUser",
                    "chime:SendChannelMessage", "chime:GetChannelMessage", "chime:ListChannelMessages",
                    "chime:Connect"],
                  "Effect": "Allow", "Resource": ["{}", "{}/channel/*"]}}
            ]}}"#,
            self.bob, self.instance
        )
    }

    /// Bob does something to the channel, signed by a principal.
    fn on_channel(&self, principal: &str, action: &str) -> Question {
        Question {
            principal: principal.into(),
            action: action.into(),
            resources: vec![self.channel.to_string()],
            acting: Some(self.bob.to_string()),
            ..Question::default()
        }
    }

    async fn explain(&self, question: &Question) -> Explained {
        explain(&self.app, question).await.unwrap()
    }
}

#[track_caller]
fn has(explained: &Explained, allowed: bool, parts: &[&str]) {
    assert_eq!(explained.allowed, allowed, "{}", explained.text);
    for part in parts {
        assert!(explained.text.contains(part), "no `{part}` in:\n{}", explained.text);
    }
    assert_eq!(explained.text.ends_with("\nverdict: allowed\n"), allowed, "{}", explained.text);
}

#[tokio::test]
async fn the_owner_passes_the_policies_by_whatever_name_and_then_the_role_decides() {
    let world = World::new().await;
    for principal in ["root", "arn:aws:iam::123456789012:root", "AKIAROOT"] {
        let sent = world.explain(&world.on_channel(principal, "chime:SendChannelMessage")).await;
        has(&sent, true, &["principal: arn:aws:iam::123456789012:root (Root)", "account owner", "AUTH-67"]);
    }
    let update = world.explain(&world.on_channel("root", "UpdateChannel")).await;
    has(
        &update,
        false,
        &[
            &format!("{} is a DEFAULT member", world.bob),
            "is Public, Restricted",
            "role Member, row AUTH-55: UpdateChannel is Denied -> refused",
            "verdict: denied by role (ForbiddenException, 403)",
            "[AUTH-55] To pass: act as an administrator or a moderator of the channel.",
        ],
    );
}

#[tokio::test]
async fn the_minimal_policy_of_the_guide_lets_a_member_send_and_names_what_it_lacks() {
    let world = World::new().await;
    let app = world.iam_user("app", &world.minimal()).await;
    let sent = world.explain(&world.on_channel(&app, "chime:SendChannelMessage")).await;
    let on_user = format!("  chime:SendChannelMessage on {}\n", world.bob);
    let on_channel = format!("  chime:SendChannelMessage on {}\n", world.channel);
    has(
        &sent,
        true,
        &[
            &on_user,
            &on_channel,
            "identity-based policy inline:chat",
            "Statement[0] (Allow): is about other actions",
            "Statement[1] (Allow): applies",
        ],
    );

    let update = world.explain(&world.on_channel(&app, "chime:UpdateChannel")).await;
    has(
        &update,
        false,
        &[
            "Statement[1] (Allow): is about other actions",
            "verdict: denied, as no identity-based policy allows it",
            // The role is shown, though the policies decide.
            "AUTH-55",
            "verdict: denied by policy (AccessDeniedException, 403)",
            "because no identity-based policy allows the chime:UpdateChannel action",
            &format!("To pass: allow chime:UpdateChannel on {}.", world.bob),
        ],
    );

    let as_alice = Question {
        acting: Some(world.alice.to_string()),
        ..world.on_channel(&app, "chime:SendChannelMessage")
    };
    has(
        &world.explain(&as_alice).await,
        false,
        &["Statement[1] (Allow): is about other resources", "denied by policy"],
    );
}

#[tokio::test]
async fn who_is_tied_to_one_user_acts_as_that_one() {
    let world = World::new().await;
    let app = world.iam_user("app", &world.minimal()).await;
    let tied = Question { acting: None, ..world.on_channel(&app, "chime:SendChannelMessage") };
    let acting = format!("acting user: {}, to whom the policies tie the principal (rule D-02)", world.bob);
    has(&world.explain(&tied).await, true, &[&acting]);

    let nobody = Question { principal: "root".into(), ..tied };
    let parts = ["denied by the bearer (UnauthorizedClientException, 401)", "--as"];
    has(&world.explain(&nobody).await, false, &parts);
}

#[tokio::test]
async fn an_explicit_deny_beats_an_allow_and_is_named() {
    let world = World::new().await;
    let policy = r#"{"Version": "2012-10-17", "Statement": [
        {"Effect": "Allow", "Action": "*", "Resource": "*"},
        {"Sid": "HandsOff", "Effect": "Deny", "Action": "chime:Send*", "Resource": "*"}]}"#;
    let app = world.iam_user("app", policy).await;
    let sent = world.explain(&world.on_channel(&app, "chime:SendChannelMessage")).await;
    has(
        &sent,
        false,
        &[
            "Statement[0] (Allow): applies",
            "Statement[1] HandsOff (Deny): applies",
            "verdict: denied, by Statement[1] of the identity-based policy inline:chat",
            "with an explicit deny in an identity-based policy",
            "out of the statement that denies it",
        ],
    );
}

#[tokio::test]
async fn session_tags_give_the_variables_of_a_roles_policies_their_values() {
    let world = World::new().await;
    let trust = r#"{"Statement": [{"Effect": "Allow", "Principal": {"AWS": "123456789012"}, "Action": "sts:AssumeRole"}]}"#;
    let policy = world.minimal().replace("/user/bob", "/user/${my_user}");
    let role = CreateRole {
        name: "Chat".into(),
        path: None,
        trust: trust.into(),
        description: None,
        max_session: None,
        tags: Vec::new(),
    };
    let role = world.chime.iam().create_role(role).await.unwrap().arn;
    world.chime.iam().put_inline_policy::<Role>("Chat", "chat", &policy).await.unwrap();
    let session = "arn:aws:sts::123456789012:assumed-role/Chat/demo";
    for principal in [role.as_str(), session] {
        let mut question = world.on_channel(principal, "chime:SendChannelMessage");
        has(&world.explain(&question).await, false, &["${my_user} has no value in this request"]);
        question.tags.insert("my_user".into(), "alice".into());
        has(&world.explain(&question).await, false, &["session tag my_user = alice"]);
        question.tags.insert("my_user".into(), "bob".into());
        has(&world.explain(&question).await, true, &[principal, "session tag my_user = bob"]);
    }
}

#[tokio::test]
async fn what_the_row_turns_on_can_be_given() {
    let world = World::new().await;
    let mut edit = world.on_channel("root", "chime:UpdateChannelMessage");
    has(&world.explain(&edit).await, false, &["act as the sender of the message"]);
    edit.own_message = true;
    has(&world.explain(&edit).await, true, &["OwnMessage"]);

    // Alice, a moderator, may not be banned by another one; bob may.
    let mut ban = world.on_channel("root", "chime:CreateChannelBan");
    ban.acting = Some(world.alice.to_string());
    ban.target = Some(world.bob.to_string());
    has(&world.explain(&ban).await, true, &[&format!("{} is a moderator, a DEFAULT member", world.alice)]);
    ban.target = Some(world.alice.to_string());
    has(&world.explain(&ban).await, false, &["AUTH-50"]);

    let lists = Question { resources: Vec::new(), ..world.on_channel("root", "chime:ListChannels") };
    has(&world.explain(&lists).await, true, &["PublicOnly"]);
}

#[tokio::test]
async fn other_kinds_of_resources_are_those_of_the_operation() {
    let world = World::new().await;
    let policy = format!(
        r#"{{"Statement": [{{"Effect": "Allow", "Action": "chime:*", "Resource": "{}"}}]}}"#,
        world.instance
    );
    let app = world.iam_user("app", &policy).await;
    let ask = |action: &str| Question {
        principal: app.clone(),
        action: action.into(),
        resources: vec![world.instance.to_string()],
        ..Question::default()
    };
    has(&world.explain(&ask("chime:DescribeAppInstance")).await, true, &[]);
    // An ARN does not grant what has no resource level (rule IAM-12).
    has(&world.explain(&ask("chime:CreateAppInstance")).await, false, &["chime:CreateAppInstance on *"]);
    let every_user = format!("on {}/user/*", world.instance);
    has(&world.explain(&ask("chime:ListAppInstanceUsers")).await, false, &[&every_user]);
    let admin = Question { target: Some(world.bob.to_string()), ..ask("chime:CreateAppInstanceAdmin") };
    has(&world.explain(&admin).await, false, &[&format!("chime:CreateAppInstanceAdmin on {}\n", world.bob)]);
    // Either name grants (rule IAM-21); both are shown.
    let streaming = world.explain(&ask("chime:PutAppInstanceStreamingConfigurations")).await;
    has(&streaming, true, &["chime:PutMessagingStreamingConfigurations on", "chime:PutAppInstanceStreaming"]);
    // No operation has this action: the resources are taken as they are.
    has(&world.explain(&ask("chime:Connect")).await, true, &[]);
    has(&world.explain(&ask("iam:CreateUser")).await, false, &["because no identity-based policy allows"]);
}

#[tokio::test]
async fn a_question_about_nobody_or_nothing_has_no_answer() {
    let world = World::new().await;
    for principal in ["AKIANOBODYNOBODYNOBO", "arn:aws:iam::123456789012:user/nobody", "bob", "arn:"] {
        let error =
            explain(&world.app, &world.on_channel(principal, "chime:UpdateChannel")).await.unwrap_err();
        assert!(matches!(error, ExplainError::NoPrincipal(_)), "{error}");
    }
    let mut question = world.on_channel("root", "chime:UpdateChannel");
    question.resources.clear();
    let error = explain(&world.app, &question).await.unwrap_err();
    assert_eq!(error.to_string(), "UpdateChannel needs the ARN of a channel as --resource");
    question = world.on_channel("root", "chime:UpdateChannel");
    question.acting = Some("bob".into());
    let error = explain(&world.app, &question).await.unwrap_err();
    assert_eq!(error.to_string(), "`bob` is no ARN of an app instance user");
}

#[tokio::test]
async fn what_is_missing_or_not_built_is_denied_as_the_server_denies_it() {
    let world = World::new().await;
    let question = |action: &str, channel: String| Question {
        resources: vec![channel],
        ..world.on_channel("root", action)
    };
    let gone = || format!("{}/channel/gone", world.instance);
    for (action, answer) in [
        ("chime:DescribeChannel", "denied by role (ForbiddenException, 403)"),
        ("chime:GetChannelMessage", "denied by role (NotFoundException, 404)"),
    ] {
        let explained = world.explain(&question(action, gone())).await;
        has(&explained, false, &["the channel does not exist", answer]);
    }
    let stranger = Question {
        acting: Some(format!("{}/user/gone", world.instance)),
        ..world.on_channel("root", "chime:DescribeChannel")
    };
    let parts =
        ["/user/gone is no user that exists", "denied by the bearer (UnauthorizedClientException, 401)"];
    has(&world.explain(&stranger).await, false, &parts);
    let unbuilt = Question { acting: None, ..question("chime:CreateAccount", world.instance.to_string()) };
    let parts = ["on *\n    account owner", "denied by the server (UnknownOperationException, 404)"];
    has(&world.explain(&unbuilt).await, false, &parts);
}

#[tokio::test]
async fn the_verdict_is_what_the_rules_then_do() {
    use chime_domain::messaging::SendChannelMessage;
    use chime_domain::text::Content;
    let world = World::new().await;
    let carol = world.chime.user(&world.instance, "carol").await.unwrap();
    for user in [&world.alice, &world.bob, &carol] {
        let messaging = world.chime.messaging(user);
        let send = SendChannelMessage::new(world.channel.clone(), Content::new("hi").unwrap());
        let done = [
            ("chime:SendChannelMessage", None, messaging.send_channel_message(send).await.is_ok()),
            (
                "chime:DescribeChannelMembership",
                Some(&world.bob),
                messaging.describe_channel_membership(&world.channel, &world.bob).await.is_ok(),
            ),
            (
                "chime:CreateChannelBan",
                Some(&carol),
                messaging.create_channel_ban(&world.channel, &carol).await.is_ok(),
            ),
        ];
        for (action, target, passed) in done {
            let question = Question {
                acting: Some(user.to_string()),
                target: target.map(ToString::to_string),
                ..world.on_channel("root", action)
            };
            let explained = world.explain(&question).await;
            assert_eq!(explained.allowed, passed, "{}", explained.text);
        }
    }
    // Carol was banned by alice: nobody adds her until the ban is gone.
    let add = Question {
        acting: Some(world.alice.to_string()),
        target: Some(carol.to_string()),
        ..world.on_channel("root", "chime:CreateChannelMembership")
    };
    has(&world.explain(&add).await, false, &[&format!("{carol} is banned"), "[CHN-13]"]);
}
