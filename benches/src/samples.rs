//! A user of a vended role who sends a message: the request that the server sees most often.

use std::sync::Arc;

use anyhow::Result;
use chime_domain::access::policy::{
    Grant, NamedPolicy, PolicyDocument, PolicySet, Refused, RequestContext, Tag,
};
use chime_domain::access::{Action, Derivation, MembershipType, Mode, Privacy, Situation, Standing, decide};
use chime_domain::time::Timestamp;
use chime_server::auth::sigv4::{KeyCache, Secret, SignedRequest, Signer, parse, verify};

/// 2021-01-11T22:12:31Z.
pub const NOW: Timestamp = Timestamp::from_millis(1_610_403_151_000);
/// An app instance.
pub const APP: &str =
    "arn:aws:chime:us-east-1:111122223333:app-instance/11111111-2222-4333-8444-555555555555";
/// A user of it.
pub const USER: &str =
    "arn:aws:chime:us-east-1:111122223333:app-instance/11111111-2222-4333-8444-555555555555/user/u1";
/// A channel of it.
pub const CHANNEL: &str = "arn:aws:chime:us-east-1:111122223333:app-instance/11111111-2222-4333-8444-555555555555/channel/66666666-7777-4888-8999-000000000000";
/// The action of sending.
pub const SEND: &str = "chime:SendChannelMessage";

/// What a vended end user may do, as the guide has it: resources by the tags of the session (rule IAM-25).
pub const USER_POLICY: &str = r#"{
  "Version": "2012-10-17",
  "Statement": [
    { "Effect": "Allow", "Action": ["chime:GetMessagingSessionEndpoint"], "Resource": ["*"] },
    {
      "Effect": "Allow",
      "Action": [
        "chime:SendChannelMessage", "chime:ListChannelMessages", "chime:CreateChannelMembership",
        "chime:ListChannelMemberships", "chime:DeleteChannelMembership", "chime:CreateChannelModerator",
        "chime:ListChannelModerators", "chime:DescribeChannelModerator", "chime:CreateChannel",
        "chime:DescribeChannel", "chime:ListChannels", "chime:DeleteChannel", "chime:RedactChannelMessage",
        "chime:UpdateChannelMessage", "chime:Connect", "chime:ListChannelBans", "chime:CreateChannelBan",
        "chime:DeleteChannelBan", "chime:ListChannelMembershipsForAppInstanceUser"
      ],
      "Resource": [
        "${Chime_App_Instance_Arn}/user/${my_applications_user_id}",
        "${Chime_App_Instance_Arn}/channel/*"
      ]
    }
  ]
}"#;

/// A caller with its policies and tags, and the situation of its user in the channel.
#[derive(Debug)]
pub struct Caller {
    policies: PolicySet,
    tags: [Tag; 2],
    situation: Situation,
}

impl Caller {
    /// A DEFAULT member of a private, unrestricted channel.
    ///
    /// # Errors
    ///
    /// When the policy does not parse, which is a defect.
    pub fn new() -> Result<Self> {
        let document = Arc::new(PolicyDocument::parse(USER_POLICY)?);
        let standing = Standing { membership: Some(MembershipType::Default), ..Standing::default() };
        Ok(Self {
            policies: PolicySet::new(vec![NamedPolicy::new("inline:User", document)]),
            tags: [Tag::new("Chime_App_Instance_Arn", APP), Tag::new("my_applications_user_id", "u1")],
            situation: Situation {
                standing,
                privacy: Some(Privacy::Private),
                mode: Some(Mode::Unrestricted),
                own_arn: true,
                ..Situation::default()
            },
        })
    }

    /// What the caller's policies say to sending.
    ///
    /// # Errors
    ///
    /// [`Refused`] when they refuse.
    pub fn by_policy(&self) -> Result<Grant, Refused> {
        let ctx = RequestContext {
            principal_arn: Some("arn:aws:iam::111122223333:role/ChatUser"),
            principal_account: Some("111122223333"),
            principal_type: Some("AssumedRole"),
            session_tags: &self.tags,
            secure_transport: Some(true),
            requested_region: Some("us-east-1"),
            ..RequestContext::at(NOW)
        };
        self.policies.evaluate_all(SEND, &[USER, CHANNEL], &ctx)
    }

    /// What the user's role says to sending.
    #[must_use]
    pub fn by_role(&self) -> Derivation {
        decide(Action::SendChannelMessage, &self.situation)
    }

    /// The whole authorization of sending.
    #[must_use]
    pub fn may_send(&self) -> bool {
        self.by_policy().is_ok() && matches!(self.by_role(), Derivation::Allowed(_))
    }
}

/// A signed `SendChannelMessage` as it was received.
#[derive(Debug)]
pub struct SignedSend {
    path: String,
    headers: Vec<(&'static str, String)>,
    body: String,
    secret: Secret,
    cache: KeyCache,
}

impl SignedSend {
    /// A message of `length` bytes.
    ///
    /// # Errors
    ///
    /// When it cannot be signed, which is a defect.
    pub fn new(length: usize) -> Result<Self> {
        let escaped = CHANNEL.replace(':', "%3A").replace('/', "%2F");
        let content = "x".repeat(length);
        let body = format!(
            r#"{{"Content":"{content}","Type":"STANDARD","Persistence":"PERSISTENT","ClientRequestToken":"11111111-2222-4333-8444-555555555555"}}"#
        );
        let mut send = Self {
            path: format!("/channels/{escaped}/messages"),
            headers: vec![
                ("host", "messaging-chime.us-east-1.amazonaws.com".to_owned()),
                ("accept-encoding", "identity".to_owned()),
                ("content-type", "application/json".to_owned()),
                ("user-agent", "Boto3/1.40 md/Botocore#1.40 ua/2.1 os/linux lang/python#3.11".to_owned()),
                ("x-amz-chime-bearer", USER.to_owned()),
            ],
            body,
            secret: Secret::new("wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"),
            cache: KeyCache::new(64),
        };
        let signer = Signer {
            access_key: "AKIDEXAMPLE",
            secret: &send.secret,
            token: None,
            region: "us-east-1",
            service: "chime",
        };
        let added = send.with(|request| signer.sign_headers(request, NOW))?;
        send.headers.extend(added);
        Ok(send)
    }

    fn with<T>(&self, run: impl FnOnce(&SignedRequest<'_>) -> T) -> T {
        let headers: Vec<_> = self.headers.iter().map(|(name, value)| (*name, value.as_bytes())).collect();
        run(&SignedRequest {
            method: "POST",
            raw_path: &self.path,
            raw_query: "",
            headers: &headers,
            body: self.body.as_bytes(),
            secure: true,
        })
    }

    /// Reads and verifies the signature; the derived key is kept after the first time.
    #[must_use]
    pub fn verifies(&self) -> bool {
        self.with(|request| {
            parse(request)
                .and_then(|parsed| verify(request, &parsed, &self.secret, &self.cache, &["chime"], NOW))
                .is_ok()
        })
    }
}
