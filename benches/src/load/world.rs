//! An app instance, its users, and one channel of which all of them are members.

use std::net::SocketAddr;

use anyhow::{Context, Result};
use serde::Deserialize;
use serde_json::json;

use super::api::{Call, Client, Keys, escape};
use super::ask::{Asking, Question, ask};

/// Requests under way at once while users are made.
const AT_ONCE: usize = 8;
/// Members of one request.
const BATCH: usize = 100;

/// The world of a scenario.
#[derive(Clone, Debug)]
pub struct World {
    /// Address of the plain listener.
    pub address: SocketAddr,
    /// Who signs for the users.
    pub keys: Keys,
    /// Whether these are the owner's keys, whom no policy is evaluated for.
    pub owner: bool,
    /// The ARN of the app instance.
    pub app: String,
    /// The ARNs of the users; the first made the channel.
    pub users: Vec<String>,
    /// The ARN of the channel.
    pub channel: String,
    /// Those of further channels, which senders are spread over.
    pub others: Vec<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Made {
    app_instance_arn: Option<String>,
    app_instance_user_arn: Option<String>,
    channel_arn: Option<String>,
}

/// What the IAM user who signs for everybody may do: as a vended role, but for any user of the app instance.
const POLICY: &str = r#"{"Version":"2012-10-17","Statement":[
    {"Effect":"Allow","Action":["chime:GetMessagingSessionEndpoint"],"Resource":["*"]},
    {"Effect":"Allow","Action":["chime:SendChannelMessage","chime:ListChannelMessages",
     "chime:CreateChannelMembership","chime:BatchCreateChannelMembership","chime:ListChannelMemberships",
     "chime:CreateChannel","chime:DescribeChannel","chime:ListChannels","chime:UpdateChannelMessage","chime:Connect",
     "chime:SearchChannels","chime:ListChannelMembershipsForAppInstanceUser"],
     "Resource":["APP/user/*","APP/channel/*"]}]}"#;

impl World {
    /// Makes `users` users and their channel.
    ///
    /// # Errors
    ///
    /// When a request is refused.
    pub async fn new(address: SocketAddr, root: Keys, users: usize) -> Result<Self> {
        let mut client = Client::connect(address, root.clone()).await?;
        let body = json!({"Name": "load", "ClientRequestToken": "load"}).to_string();
        let made = client.done(&Call::post("/app-instances", body.as_bytes())).await?;
        let made: Made = serde_json::from_slice(&made)?;
        let app = made.app_instance_arn.context("no AppInstanceArn")?;
        let users = make_users(address, &root, &app, users).await?;
        let channel = make_channel(&mut client, &app, &users, "load").await?;
        // Without IAM, the owner signs.
        let (keys, owner) = match iam_user(&mut client, &POLICY.replace("APP", &app)).await {
            Ok(keys) => (keys, false),
            Err(_) => (root, true),
        };
        Ok(Self { address, keys, owner, app, users, channel, others: Vec::new() })
    }

    /// Makes further channels of all users, `channels` with the first.
    ///
    /// # Errors
    ///
    /// When a request is refused.
    pub async fn widen(&mut self, channels: usize) -> Result<()> {
        let mut client = Client::connect(self.address, self.keys.clone()).await?;
        for n in 1..channels {
            let made = make_channel(&mut client, &self.app, &self.users, &format!("load-{n}")).await?;
            self.others.push(made);
        }
        Ok(())
    }

    /// The path of the messages of a sender's channel.
    #[must_use]
    pub fn messages(&self, sender: u16) -> String {
        let place = usize::from(sender) % (self.others.len() + 1);
        let channel = place.checked_sub(1).and_then(|n| self.others.get(n)).unwrap_or(&self.channel);
        format!("/channels/{}/messages", escape(channel))
    }

    /// Whose rights were used, for reports.
    #[must_use]
    pub fn signer(&self) -> &'static str {
        if self.owner { "the owner" } else { "an IAM user with a policy" }
    }
}

async fn make_channel(client: &mut Client, app: &str, users: &[String], name: &str) -> Result<String> {
    let (first, others) = users.split_first().context("at least one user")?;
    let body = json!({"AppInstanceArn": app, "Name": name, "Mode": "UNRESTRICTED", "Privacy": "PRIVATE",
        "ClientRequestToken": name});
    let made = client.done(&Call::post("/channels", body.to_string().as_bytes()).bearer(first)).await?;
    let made: Made = serde_json::from_slice(&made)?;
    let channel = made.channel_arn.context("no ChannelArn")?;
    let path = format!("/channels/{}/memberships", escape(&channel));
    for batch in others.chunks(BATCH) {
        let body = json!({"MemberArns": batch, "Type": "DEFAULT"}).to_string();
        let call = Call::post(&path, body.as_bytes()).query("operation=batch-create").bearer(first);
        client.done(&call).await?;
    }
    Ok(channel)
}

async fn make_users(address: SocketAddr, root: &Keys, app: &str, users: usize) -> Result<Vec<String>> {
    let app = app.to_owned();
    let question = move |n: usize| {
        let body = json!({"AppInstanceArn": app, "AppInstanceUserId": format!("user-{n}"),
            "Name": format!("User {n}"), "ClientRequestToken": format!("user-{n}")});
        Question::post("/app-instance-users", &body)
    };
    let asking = Asking { clients: AT_ONCE, count: users, ..Asking::default() };
    let answers = ask(address, root, asking, question).await?.answers;
    let arn = |answer: Vec<u8>| {
        let made: Made = serde_json::from_slice(&answer)?;
        made.app_instance_user_arn.context("no AppInstanceUserArn")
    };
    answers.into_iter().map(arn).collect()
}

/// Makes an IAM user by the query protocol and gives its key.
async fn iam_user(client: &mut Client, policy: &str) -> Result<Keys> {
    query(client, "Action=CreateUser&UserName=load").await?;
    let policy: String = policy.bytes().map(|byte| format!("%{byte:02X}")).collect();
    let put = format!("Action=PutUserPolicy&UserName=load&PolicyName=load&PolicyDocument={policy}");
    query(client, &put).await?;
    let made = query(client, "Action=CreateAccessKey&UserName=load").await?;
    let element = |name: &str| {
        let (_, rest) = made.split_once(&format!("<{name}>"))?;
        Some(rest.split_once('<')?.0.to_owned())
    };
    let id = element("AccessKeyId").context("no AccessKeyId")?;
    let secret = element("SecretAccessKey").context("no SecretAccessKey")?;
    Ok(Keys { id: id.into(), secret: chime_server::auth::sigv4::Secret::new(secret) })
}

async fn query(client: &mut Client, parameters: &str) -> Result<String> {
    let body = format!("{parameters}&Version=2010-05-08");
    let answer = client.done(&Call { service: "iam", ..Call::post("/", body.as_bytes()) }).await?;
    Ok(String::from_utf8(answer)?)
}
