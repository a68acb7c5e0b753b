//! The two layers of permission on the wire: the policy of whoever signed, then the role of whom it acts as.

use chime_domain::access::{Mode, Privacy};
use chime_domain::arn::{AppInstanceUserArn, ChannelArn};
use chime_domain::iam::{CreateUser, User};
use chime_domain::identity::{CreateAppInstance, CreateAppInstanceUser};
use chime_domain::ids::AppInstanceUserId;
use chime_domain::messaging::CreateChannel;
use chime_domain::text::{ResourceName, UserName};
use serde_json::{Value, json};

use crate::signed::request;
use crate::wire::{Answer, KEY, SECRET, Server};

/// Alice's private channel, and bob who is no member of it.
pub(crate) struct Stage {
    pub(crate) server: Server,
    pub(crate) alice: AppInstanceUserArn,
    pub(crate) bob: AppInstanceUserArn,
    pub(crate) channel: ChannelArn,
    other: ChannelArn,
}

impl Stage {
    pub(crate) fn new() -> Self {
        Self::with(&[])
    }

    pub(crate) fn with(variables: &[(&str, &str)]) -> Self {
        let server = Server::with(variables);
        let chime = server.running().app().chime().clone();
        let (alice, bob, channel, other) = server.runtime.block_on(async {
            let command = CreateAppInstance::new(ResourceName::new("app").unwrap());
            let app = chime.identity().create_app_instance(command).await.unwrap();
            let mut users = Vec::new();
            for name in ["alice", "bob"] {
                let id = AppInstanceUserId::new(name).unwrap();
                let command = CreateAppInstanceUser::new(app.clone(), id, UserName::new(name).unwrap());
                users.push(chime.identity().create_app_instance_user(command).await.unwrap());
            }
            let mut command = CreateChannel::new(app, ResourceName::new("room").unwrap());
            (command.privacy, command.mode) = (Privacy::Private, Mode::Restricted);
            let channel = chime.messaging(&users[0]).create_channel(command.clone()).await.unwrap();
            let other = chime.messaging(&users[0]).create_channel(command).await.unwrap();
            (users[0].clone(), users[1].clone(), channel, other)
        });
        Self { server, alice, bob, channel, other }
    }

    /// The access key of a new IAM user with one inline policy of these statements.
    fn signer(&self, name: &str, statements: &Value) -> (String, String) {
        let policy = json!({ "Version": "2012-10-17", "Statement": statements }).to_string();
        let iam = self.server.running().app().chime().iam();
        self.server.runtime.block_on(async {
            iam.create_user(CreateUser { name: name.into(), path: None, tags: Vec::new() }).await.unwrap();
            iam.put_inline_policy::<User>(name, "inline", &policy).await.unwrap();
            let key = iam.create_access_key(name).await.unwrap();
            (key.id, key.secret.0)
        })
    }

    /// A request that the owner signs and alice makes.
    pub(crate) fn as_alice(&self, method: &str, target: &str, body: &str) -> Answer {
        let bearer = [("x-amz-chime-bearer", self.alice.as_str())];
        self.server.send(&request((KEY, SECRET), method, target, &bearer, body))
    }

    fn call(
        &self,
        (id, secret): (&str, &str),
        bearer: Option<&AppInstanceUserArn>,
        method: &str,
        channel: &ChannelArn,
    ) -> Answer {
        let path = format!("/channels/{}", channel.as_str().replace(':', "%3A").replace('/', "%2F"));
        let headers: Vec<_> = bearer.map(|user| ("x-amz-chime-bearer", user.as_str())).into_iter().collect();
        self.server.send(&request((id, secret), method, &path, &headers, ""))
    }

    fn on(&self, user: &AppInstanceUserArn, channel: &ChannelArn) -> Value {
        json!([user.as_str(), channel.as_str()])
    }
}

#[test]
fn iam_04_and_05_a_call_needs_the_action_and_resource_in_the_policy_and_then_the_condition_of_the_role() {
    let stage = Stage::new();
    let allow = |action: &str, resources: &Value| json!([{ "Effect": "Allow", "Action": action, "Resource": resources }]);
    let as_alice = stage.on(&stage.alice, &stage.channel);
    for (name, statements, allowed) in [
        ("both", allow("chime:DescribeChannel", &as_alice), true),
        ("other-action", allow("chime:UpdateChannel", &as_alice), false),
        ("other-resource", allow("chime:DescribeChannel", &stage.on(&stage.alice, &stage.other)), false),
    ] {
        let (id, secret) = stage.signer(name, &statements);
        let answer = stage.call((&id, &secret), Some(&stage.alice), "GET", &stage.channel);
        if allowed {
            assert_eq!(answer.status, 200, "{name}: {answer:?}");
        } else {
            answer.is_error(403, "AccessDeniedException");
        }
    }
    // DescribeChannel is "public only" for who is no member: the same policy is not enough for bob.
    let (id, secret) =
        stage.signer("bobs", &allow("chime:DescribeChannel", &stage.on(&stage.bob, &stage.channel)));
    stage.call((&id, &secret), Some(&stage.bob), "GET", &stage.channel).is_error(403, "ForbiddenException");
}

#[test]
fn role_13_a_denial_by_policy_comes_before_a_denial_by_role_and_each_has_its_name() {
    let stage = Stage::new();
    let beside = json!([{ "Effect": "Allow", "Action": "chime:ListAppInstances", "Resource": "*" }]);
    let (id, secret) = stage.signer("nobody", &beside);
    let everything = json!([{ "Effect": "Allow", "Action": "chime:*", "Resource": "*" }]);
    let (able, able_secret) = stage.signer("able", &everything);
    for method in ["GET", "DELETE"] {
        let refused = stage.call((&id, &secret), Some(&stage.bob), method, &stage.channel);
        refused.is_error(403, "AccessDeniedException");
        assert_eq!(refused.json()["Code"], "AccessDenied");
        let refused = stage.call((&able, &able_secret), Some(&stage.bob), method, &stage.channel);
        refused.is_error(403, "ForbiddenException");
        assert_eq!(refused.json()["Code"], "Forbidden");
    }
    // Neither took effect.
    assert_eq!(stage.call((KEY, SECRET), Some(&stage.alice), "GET", &stage.channel).status, 200);
}

#[test]
fn role_14_credentials_without_a_user_do_what_developers_do_and_no_messaging() {
    let stage = Stage::new();
    let refused = stage.call((KEY, SECRET), None, "GET", &stage.channel);
    refused.is_error(401, "UnauthorizedClientException");
    let refused = stage.call((KEY, SECRET), None, "DELETE", &stage.channel);
    refused.is_error(401, "UnauthorizedClientException");
    for target in ["/app-instances", "/endpoints/messaging-session"] {
        assert_eq!(stage.server.signed("GET", target, "").status, 200, "{target}");
    }
    assert_eq!(stage.call((KEY, SECRET), Some(&stage.alice), "GET", &stage.channel).status, 200);
}

/// A processor of a channel flow.
fn processor() -> Value {
    let function = "arn:aws:lambda:us-east-1:123456789012:function:filter";
    json!({
        "Name": "filter", "ExecutionOrder": 1, "FallbackAction": "ABORT",
        "Configuration": { "Lambda": { "ResourceArn": function, "InvocationType": "ASYNC" } },
    })
}

impl Stage {
    /// The ARN of a new bot.
    fn bot(&self) -> String {
        let alias = "arn:aws:lex:us-east-1:123456789012:bot-alias/ABCDEFGHIJ/ABCDEFGHIJ";
        let lex = json!({ "Lex": { "LexBotAliasArn": alias, "LocaleId": "en_US" } });
        self.made("/app-instance-bots", "AppInstanceBotArn", json!({ "Configuration": lex }))
    }

    /// The ARN of a new channel flow.
    fn flow(&self) -> String {
        self.made("/channel-flows", "ChannelFlowArn", json!({ "Processors": [processor()] }))
    }

    fn made(&self, path: &str, arn: &str, mut body: Value) -> String {
        body["AppInstanceArn"] = self.alice.app_instance().as_str().into();
        body["Name"] = "made".into();
        body["ClientRequestToken"] = "token".into();
        let made = self.server.signed("POST", path, &body.to_string());
        made.json()[arn].as_str().unwrap_or_else(|| panic!("{made:?}")).to_owned()
    }
}

/// The path of an operation on something that has an ARN.
pub(crate) fn on(collection: &str, arn: &str) -> String {
    format!("/{collection}/{}", arn.replace(':', "%3A").replace('/', "%2F"))
}

#[test]
fn iam_02_a_statement_about_tags_is_about_those_of_each_resource_that_the_request_names() {
    let stage = Stage::new();
    let everything = json!({ "Effect": "Allow", "Action": "chime:*", "Resource": "*" });
    let locked = |effect: &str| {
        let condition = json!({ "StringEquals": { "aws:ResourceTag/locked": "yes" } });
        json!({ "Effect": effect, "Action": "chime:*", "Resource": "*", "Condition": condition })
    };
    let (able, able_secret) = stage.signer("able", &json!([everything, locked("Deny")]));
    let (only, only_secret) = stage.signer("only", &json!([locked("Allow")]));
    let instance = stage.alice.app_instance().to_string();
    let (alice, channel) = (stage.alice.as_str(), stage.channel.as_str());
    let (bot, flow) = (stage.bot(), stage.flow());
    let update = json!({ "Name": "new", "Metadata": "", "Mode": "RESTRICTED", "Processors": [processor()] })
        .to_string();
    let bearer = [("x-amz-chime-bearer", alice)];
    for (collection, arn) in [
        ("app-instances", instance.as_str()),
        ("app-instance-bots", &bot),
        ("channel-flows", &flow),
        ("channels", channel),
        ("app-instance-users", alice),
    ] {
        let send = |key: (&str, &str)| {
            stage.server.send(&request(key, "PUT", &on(collection, arn), &bearer, &update))
        };
        assert_eq!(send((&able, &able_secret)).status, 200, "{collection}");
        send((&only, &only_secret)).is_error(403, "AccessDeniedException");
        let tags = json!({ "ResourceARN": arn, "Tags": [{ "Key": "locked", "Value": "yes" }] }).to_string();
        assert_eq!(stage.server.signed("POST", "/tags?operation=tag-resource", &tags).status, 204);
        let denied = send((&able, &able_secret)).is_error(403, "AccessDeniedException");
        assert!(denied.contains("explicit deny") && denied.contains(arn), "{denied}");
        // A channel is updated by a user, who has to be allowed as well, and is tagged last.
        if collection == "channels" {
            send((&only, &only_secret)).is_error(403, "AccessDeniedException");
        } else {
            assert_eq!(send((&only, &only_secret)).status, 200, "{collection}");
        }
    }
    let path = on("channels", channel);
    let update = request((&only, &only_secret), "PUT", &path, &bearer, &update);
    assert_eq!(stage.server.send(&update).status, 200);
}
