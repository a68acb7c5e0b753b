//! Shapes and bounds that several operations share.

use chime_domain::access::{MembershipType, Mode, Privacy};
use chime_domain::arn::{AppInstanceArn, AppInstanceUserArn, ChannelArn, MAX_ARN_LENGTH};
use chime_domain::error::Refusal;
use chime_domain::identity::{Expiration, ExpirationCriterion, IdentityRef, Tag};
use chime_domain::ids::ClientRequestToken;
use chime_domain::limits::{PAGE_SIZE, TAGS_PER_REQUEST};
use chime_domain::messaging::bad_target;
use chime_domain::page::PageRequest;
use chime_domain::text::{TagKey, TagValue, TextError};
use chime_domain::time::Timestamp;
use serde::{Deserialize, Serialize};

use super::{ApiError, ApiRequest};

/// A number of epoch seconds, the form of moments in these namespaces (wire rule TS-01).
pub(crate) fn epoch(at: Timestamp) -> f64 {
    at.epoch_seconds()
}

/// The value of a required member.
pub(crate) fn required<T>(value: Option<T>, member: &str) -> Result<T, ApiError> {
    value.ok_or_else(|| ApiError::bad_request("W-17", format!("The member `{member}` is required.")))
}

/// The value of a member that has a type of its own.
pub(crate) fn parsed<T>(
    text: Option<String>,
    member: &str,
    parse: impl FnOnce(String) -> Result<T, TextError>,
) -> Result<Option<T>, ApiError> {
    Ok(text.map(parse).transpose().map_err(|error| error.of(member))?)
}

/// `[a-z]{2}-[a-z]+-\d`, the form of regions in the ARNs of functions and Lex bots.
pub(crate) fn is_region(text: &str) -> bool {
    let parts: Vec<_> = text.split('-').collect();
    let [land, place, number] = parts.as_slice() else { return false };
    let letters = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_lowercase());
    land.len() == 2
        && letters(land)
        && letters(place)
        && number.len() == 1
        && number.bytes().all(|b| b.is_ascii_digit())
}

/// True for what the models accept as an ARN: then it names something that does not exist, and is no bad request.
pub(crate) fn is_arn(text: &str) -> bool {
    text.len() <= MAX_ARN_LENGTH && text.starts_with("arn:") && text.splitn(6, ':').count() == 6
}

/// The app instance that a member or label names.
pub(crate) fn app_instance_arn(text: &str, member: &str) -> Result<AppInstanceArn, Refusal> {
    let missing = "The app instance does not exist or is not visible to the caller.";
    AppInstanceArn::parse(text)
        .map_err(|error| if is_arn(text) { Refusal::forbidden("E-06", missing) } else { error.of(member) })
}

/// The channel that a member or label names.
pub(crate) fn channel_arn(text: &str) -> Result<ChannelArn, Refusal> {
    let missing = "The channel does not exist or is not visible to the caller.";
    ChannelArn::parse(text).map_err(|error| {
        if is_arn(text) { Refusal::forbidden("E-06", missing) } else { error.of("ChannelArn") }
    })
}

/// The user that a member or label names (wire rule E-09).
pub(crate) fn user_arn(text: &str, member: &str) -> Result<AppInstanceUserArn, Refusal> {
    AppInstanceUserArn::parse(text)
        .map_err(|error| if is_arn(text) { bad_target() } else { error.of(member) })
}

/// An idempotency token.
pub(crate) fn token(text: Option<String>) -> Result<Option<ClientRequestToken>, ApiError> {
    parsed(text, "ClientRequestToken", ClientRequestToken::new)
}

impl ApiRequest {
    /// The channel of the path.
    pub(crate) fn channel(&self) -> Result<ChannelArn, Refusal> {
        channel_arn(self.label("channelArn"))
    }

    /// `max-results` and `next-token`.
    pub(crate) fn page(&self) -> Result<PageRequest, ApiError> {
        self.page_within(*PAGE_SIZE.end())
    }

    /// The same of a list with another bound.
    pub(crate) fn page_within(&self, most: usize) -> Result<PageRequest, ApiError> {
        let bad = || ApiError::bad_request("P-01", "MaxResults is not a number.");
        let max_results =
            self.query.get("max-results").map(|text| text.parse().map_err(|_| bad())).transpose()?;
        let next_token = self.query.get("next-token").map(ToOwned::to_owned);
        let page = PageRequest::new(max_results, next_token).within(most);
        page.size()?;
        Ok(page)
    }

    /// A member of the query that is one of a few words.
    pub(crate) fn choice<T: Copy>(&self, name: &str, words: &[(&str, T)]) -> Result<Option<T>, ApiError> {
        let Some(given) = self.query.get(name) else { return Ok(None) };
        let found = words.iter().find(|(word, _)| *word == given).map(|(_, value)| *value);
        let names: Vec<_> = words.iter().map(|(word, _)| *word).collect();
        let refusal = || {
            ApiError::bad_request(
                "W-17",
                format!("The query member `{name}` must be one of {}.", names.join(", ")),
            )
        };
        found.map(Some).ok_or_else(refusal)
    }
}

/// `{Arn, Name}`.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct IdentityWire<'a> {
    arn: &'a str,
    name: &'a str,
}

impl<'a> From<&'a IdentityRef> for IdentityWire<'a> {
    fn from(identity: &'a IdentityRef) -> Self {
        Self { arn: identity.arn.as_str(), name: identity.name.as_str() }
    }
}

/// `{Key, Value}`.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct TagWire {
    key: String,
    value: String,
}

impl From<&Tag> for TagWire {
    fn from(tag: &Tag) -> Self {
        Self { key: tag.key.as_str().to_owned(), value: tag.value.as_str().to_owned() }
    }
}

/// The tags of a request (rule APP-21).
pub(crate) fn tags(wire: Option<Vec<TagWire>>) -> Result<Vec<Tag>, ApiError> {
    tags_read_by(wire, |value| TagValue::new(value))
}

/// The same with values that are read in another way.
pub(crate) fn tags_read_by(
    wire: Option<Vec<TagWire>>,
    value_of: fn(&str) -> Result<TagValue, TextError>,
) -> Result<Vec<Tag>, ApiError> {
    let Some(wire) = wire else { return Ok(Vec::new()) };
    if !TAGS_PER_REQUEST.contains(&wire.len()) {
        return Err(ApiError::bad_request(
            "APP-21",
            format!("Tags holds {} tags, outside 1 to 50.", wire.len()),
        ));
    }
    let mut tags: Vec<Tag> = Vec::with_capacity(wire.len());
    for TagWire { key, value } in wire {
        let key = TagKey::new(key).map_err(|error| error.of("Tags.Key"))?;
        let value = value_of(&value).map_err(|error| error.of("Tags.Value"))?;
        if tags.iter().any(|known| known.key == key) {
            return Err(ApiError::bad_request("APP-21", "Tags names a key twice."));
        }
        tags.push(Tag { key, value });
    }
    Ok(tags)
}

/// `ExpirationSettings`.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct ExpirationWire {
    expiration_days: u32,
    expiration_criterion: ExpirationCriterion,
}

impl From<Expiration> for ExpirationWire {
    fn from(expiration: Expiration) -> Self {
        Self { expiration_days: expiration.days, expiration_criterion: expiration.criterion }
    }
}

/// The expiration of a request.
pub(crate) fn expiration(wire: Option<ExpirationWire>) -> Result<Option<Expiration>, ApiError> {
    Ok(wire.map(|wire| Expiration::new(wire.expiration_days, wire.expiration_criterion)).transpose()?)
}

/// The words of [`Privacy`].
pub(crate) const PRIVACY: &[(&str, Privacy)] = &[("PUBLIC", Privacy::Public), ("PRIVATE", Privacy::Private)];
/// The words of [`MembershipType`].
pub(crate) const MEMBERSHIP: &[(&str, MembershipType)] =
    &[("DEFAULT", MembershipType::Default), ("HIDDEN", MembershipType::Hidden)];

/// The word of a membership type.
pub(crate) const fn membership_word(kind: MembershipType) -> &'static str {
    match kind {
        MembershipType::Default => "DEFAULT",
        MembershipType::Hidden => "HIDDEN",
    }
}

/// The word of a mode.
pub(crate) const fn mode_word(mode: Mode) -> &'static str {
    match mode {
        Mode::Unrestricted => "UNRESTRICTED",
        Mode::Restricted => "RESTRICTED",
    }
}

/// The word of a privacy.
pub(crate) const fn privacy_word(privacy: Privacy) -> &'static str {
    match privacy {
        Privacy::Public => "PUBLIC",
        Privacy::Private => "PRIVATE",
    }
}
