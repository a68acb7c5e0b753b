//! The facts of a request that conditions test and variables name.

use std::net::IpAddr;

use serde::{Deserialize, Serialize};

use super::value::Value;
use crate::time::Timestamp;

/// A tag of a principal, a session, a request or a resource.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Tag {
    /// The name; compared without regard to case.
    pub key: String,
    /// The value; compared with regard to case. May be empty.
    pub value: String,
}

impl Tag {
    /// A tag from its two texts.
    #[must_use]
    pub fn new(key: impl Into<String>, value: impl Into<String>) -> Self {
        Self { key: key.into(), value: value.into() }
    }
}

/// What a request brings to policy evaluation: borrowed, so that making one costs nothing worth counting.
///
/// A field that is `None` or empty is an absent condition key. Start from [`RequestContext::at`] and set what is
/// known: `RequestContext { username: Some("ada"), ..RequestContext::at(now) }`.
#[derive(Clone, Copy, Debug)]
pub struct RequestContext<'a> {
    /// The moment of the request: `aws:CurrentTime` and `aws:EpochTime`.
    pub now: Timestamp,
    /// `aws:PrincipalArn`: the user's ARN, or the role's (not that of the session).
    pub principal_arn: Option<&'a str>,
    /// `aws:PrincipalAccount`: twelve digits.
    pub principal_account: Option<&'a str>,
    /// `aws:PrincipalType`: `Account`, `User`, `FederatedUser`, `AssumedRole` or `Anonymous`.
    pub principal_type: Option<&'a str>,
    /// `aws:username`: only of an IAM user.
    pub username: Option<&'a str>,
    /// `aws:userid`: the unique id, or `roleId:sessionName`.
    pub userid: Option<&'a str>,
    /// Tags passed when the session was made; they hide principal tags of the same key.
    pub session_tags: &'a [Tag],
    /// Tags of the IAM user or role itself.
    pub principal_tags: &'a [Tag],
    /// `aws:SourceIp`.
    pub source_ip: Option<IpAddr>,
    /// `aws:SecureTransport`: whether the request came over TLS.
    pub secure_transport: Option<bool>,
    /// `aws:RequestedRegion`.
    pub requested_region: Option<&'a str>,
    /// `aws:UserAgent`.
    pub user_agent: Option<&'a str>,
    /// `aws:Referer`.
    pub referer: Option<&'a str>,
    /// `aws:RequestTag/KEY`; their keys are values of `aws:TagKeys`.
    pub request_tags: &'a [Tag],
    /// Further values of `aws:TagKeys`: an UntagResource call names keys only.
    pub request_tag_keys: &'a [String],
    /// `aws:ResourceTag/KEY`.
    pub resource_tags: &'a [Tag],
    /// `sts:ExternalId`.
    pub external_id: Option<&'a str>,
    /// `sts:RoleSessionName`.
    pub role_session_name: Option<&'a str>,
    /// Any other key with its value, such as `kms:ViaService` or the `issuer:aud` of a web identity; a key that
    /// stands several times has several values.
    pub other: &'a [(&'a str, &'a str)],
}

impl RequestContext<'_> {
    /// A context that knows the time and nothing else.
    #[must_use]
    pub const fn at(now: Timestamp) -> Self {
        Self {
            now,
            principal_arn: None,
            principal_account: None,
            principal_type: None,
            username: None,
            userid: None,
            session_tags: &[],
            principal_tags: &[],
            source_ip: None,
            secure_transport: None,
            requested_region: None,
            user_agent: None,
            referer: None,
            request_tags: &[],
            request_tag_keys: &[],
            resource_tags: &[],
            external_id: None,
            role_session_name: None,
            other: &[],
        }
    }
}

impl<'a> RequestContext<'a> {
    /// Whether any value of the key passes the test; `None` when the key is absent.
    pub(super) fn any(&self, key: &ContextKey, mut test: impl FnMut(Value<'a>) -> bool) -> Option<bool> {
        let mut outcome = None;
        let mut visit = |value| {
            let passed = test(value);
            *outcome.get_or_insert(false) |= passed;
            passed
        };
        match key {
            ContextKey::TagKeys => {
                let keys = self.request_tags.iter().map(|tag| &tag.key).chain(self.request_tag_keys);
                for key in keys {
                    if visit(Value::Text(key)) {
                        break;
                    }
                }
            }
            ContextKey::Other(name) => {
                for (_, value) in self.other.iter().filter(|(key, _)| key.eq_ignore_ascii_case(name)) {
                    if visit(Value::Text(value)) {
                        break;
                    }
                }
            }
            single => {
                if let Some(value) = self.single(single) {
                    visit(value);
                }
            }
        }
        outcome
    }

    /// The value of a policy variable: of a key with exactly one value, or of a session tag by its bare name
    /// (rule IAM-25).
    pub(super) fn variable(&self, key: &ContextKey) -> Option<Value<'a>> {
        match key {
            ContextKey::TagKeys => None,
            ContextKey::Other(name) if name.contains(':') => {
                let mut values = self.other.iter().filter(|(key, _)| key.eq_ignore_ascii_case(name));
                let (_, value) = values.next()?;
                values.next().is_none().then_some(Value::Text(value))
            }
            ContextKey::Other(name) => tag(self.session_tags, name).map(Value::Text),
            single => self.single(single),
        }
    }

    fn single(&self, key: &ContextKey) -> Option<Value<'a>> {
        let text = match key {
            ContextKey::CurrentTime => return Some(Value::Time(self.now)),
            ContextKey::EpochTime => return Some(Value::Epoch(self.now)),
            ContextKey::SourceIp => return self.source_ip.map(|ip| Value::Ip(ip.to_canonical())),
            ContextKey::SecureTransport => return self.secure_transport.map(Value::Bool),
            ContextKey::TagKeys | ContextKey::Other(_) => None,
            ContextKey::PrincipalArn => self.principal_arn,
            ContextKey::PrincipalAccount => self.principal_account,
            ContextKey::PrincipalType => self.principal_type,
            ContextKey::Username => self.username,
            ContextKey::UserId => self.userid,
            ContextKey::RequestedRegion => self.requested_region,
            ContextKey::UserAgent => self.user_agent,
            ContextKey::Referer => self.referer,
            ContextKey::ExternalId => self.external_id,
            ContextKey::RoleSessionName => self.role_session_name,
            ContextKey::PrincipalTag(name) => {
                tag(self.session_tags, name).or_else(|| tag(self.principal_tags, name))
            }
            ContextKey::RequestTag(name) => tag(self.request_tags, name),
            ContextKey::ResourceTag(name) => tag(self.resource_tags, name),
        };
        text.map(Value::Text)
    }
}

fn tag<'a>(tags: &'a [Tag], name: &str) -> Option<&'a str> {
    tags.iter().find(|tag| tag.key.eq_ignore_ascii_case(name)).map(|tag| tag.value.as_str())
}

/// A condition key, read once so that evaluation compares no names but those of tags.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum ContextKey {
    PrincipalArn,
    PrincipalAccount,
    PrincipalType,
    PrincipalTag(Box<str>),
    Username,
    UserId,
    SourceIp,
    SecureTransport,
    CurrentTime,
    EpochTime,
    RequestedRegion,
    UserAgent,
    Referer,
    RequestTag(Box<str>),
    TagKeys,
    ResourceTag(Box<str>),
    ExternalId,
    RoleSessionName,
    Other(Box<str>),
}

impl ContextKey {
    pub(super) fn parse(name: &str) -> Self {
        if let Some((family, tag)) = name.split_once('/') {
            match family.to_ascii_lowercase().as_str() {
                "aws:principaltag" => return Self::PrincipalTag(tag.into()),
                "aws:requesttag" => return Self::RequestTag(tag.into()),
                "aws:resourcetag" => return Self::ResourceTag(tag.into()),
                _ => {}
            }
        }
        match name.to_ascii_lowercase().as_str() {
            "aws:principalarn" => Self::PrincipalArn,
            "aws:principalaccount" => Self::PrincipalAccount,
            "aws:principaltype" => Self::PrincipalType,
            "aws:username" => Self::Username,
            "aws:userid" => Self::UserId,
            "aws:sourceip" => Self::SourceIp,
            "aws:securetransport" => Self::SecureTransport,
            "aws:currenttime" => Self::CurrentTime,
            "aws:epochtime" => Self::EpochTime,
            "aws:requestedregion" => Self::RequestedRegion,
            "aws:useragent" => Self::UserAgent,
            "aws:referer" => Self::Referer,
            "aws:tagkeys" => Self::TagKeys,
            "sts:externalid" => Self::ExternalId,
            "sts:rolesessionname" => Self::RoleSessionName,
            _ => Self::Other(name.into()),
        }
    }
}
