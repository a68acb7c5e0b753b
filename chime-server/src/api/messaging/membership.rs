//! Memberships, read markers, preferences.

use chime_domain::access::MembershipType;
use chime_domain::arn::AppInstanceUserArn;
use chime_domain::ids::SubChannelId;
use chime_domain::limits::BATCH_MEMBERSHIPS;
use chime_domain::messaging::{AllowNotifications, FilterRule, Preferences};
use chime_domain::text::Private;
use serde::{Deserialize, Serialize};

use super::shapes::{Epoch, MembershipWire};
use crate::api::wire::{self, IdentityWire, MEMBERSHIP, membership_word, required};
use crate::api::{ApiError, ApiRequest, Reply};
use crate::app::App;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Create {
    member_arn: Option<String>,
    r#type: Option<MembershipType>,
    sub_channel_id: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Batch {
    member_arns: Option<Vec<String>>,
    r#type: Option<MembershipType>,
    sub_channel_id: Option<String>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Created<'a> {
    channel_arn: &'a str,
    member: IdentityWire<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    sub_channel_id: Option<&'a str>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Added<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    invited_by: Option<IdentityWire<'a>>,
    r#type: &'static str,
    members: Vec<IdentityWire<'a>>,
    channel_arn: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    sub_channel_id: Option<&'a str>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct NotAdded<'a> {
    member_arn: &'a str,
    error_code: &'static str,
    error_message: String,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct BatchCreated<'a> {
    batch_channel_memberships: Added<'a>,
    errors: Vec<NotAdded<'a>>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Described<'a> {
    channel_membership: MembershipWire<'a, Epoch>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Summary<'a> {
    member: IdentityWire<'a>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Listed<'a> {
    channel_arn: &'a str,
    channel_memberships: Vec<Summary<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    next_token: Option<&'a str>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Marked<'a> {
    channel_arn: &'a str,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Push {
    allow_notifications: AllowNotifications,
    #[serde(skip_serializing_if = "Option::is_none")]
    filter_rule: Option<String>,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct PreferencesWire {
    #[serde(skip_serializing_if = "Option::is_none")]
    push_notifications: Option<Push>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct PutPreferences {
    preferences: Option<PreferencesWire>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct WithPreferences<'a> {
    channel_arn: &'a str,
    member: IdentityWire<'a>,
    preferences: PreferencesWire,
}

/// A `SubChannelId` of a body.
pub(super) fn sub_channel(text: Option<String>) -> Result<Option<SubChannelId>, ApiError> {
    wire::parsed(text, "SubChannelId", SubChannelId::new)
}

/// A `SubChannelId` of the query.
pub(super) fn sub_channel_of(request: &ApiRequest) -> Result<Option<SubChannelId>, ApiError> {
    sub_channel(request.query.get("sub-channel-id").map(str::to_owned))
}

fn member(request: &ApiRequest) -> Result<AppInstanceUserArn, ApiError> {
    Ok(wire::user_arn(request.label("memberArn"), "MemberArn")?)
}

pub(super) async fn create_channel_membership(app: App, request: ApiRequest) -> Result<Reply, ApiError> {
    let input: Create = request.json()?;
    let sub_channel = sub_channel(input.sub_channel_id)?;
    let text = required(input.member_arn, "MemberArn")?;
    let kind = required(input.r#type, "Type")?;
    let channel = request.channel()?;
    let bearer = request.acting_user()?;
    let member = wire::user_arn(&text, "MemberArn")?;
    let messaging = app.chime().messaging(bearer).in_sub_channel(sub_channel.as_ref());
    let membership = messaging.create_channel_membership(&channel, &member, kind).await?;
    Reply::json(&Created {
        channel_arn: channel.as_str(),
        member: (&membership.member).into(),
        sub_channel_id: membership.sub_channels.last().map(SubChannelId::as_str),
    })
}

pub(super) async fn batch_create_channel_membership(
    app: App,
    request: ApiRequest,
) -> Result<Reply, ApiError> {
    let input: Batch = request.json()?;
    let sub_channel = sub_channel(input.sub_channel_id)?;
    let texts = required(input.member_arns, "MemberArns")?;
    if !BATCH_MEMBERSHIPS.contains(&texts.len()) {
        let message = format!("MemberArns holds {} ARNs, outside 1 to 100.", texts.len());
        return Err(ApiError::bad_request("CHN-12", message));
    }
    let kind = input.r#type.unwrap_or(MembershipType::Default);
    let channel = request.channel()?;
    let bearer = request.acting_user()?;
    let mut members = Vec::new();
    let mut unreadable = Vec::new();
    for text in &texts {
        match wire::user_arn(text, "MemberArns") {
            Ok(member) => members.push(member),
            Err(refusal) => unreadable.push((text.as_str(), refusal)),
        }
    }
    let chime = app.chime();
    let (added, errors) = if members.is_empty() {
        (Vec::new(), Vec::new())
    } else {
        let messaging = chime.messaging(bearer).in_sub_channel(sub_channel.as_ref());
        messaging.batch_create_channel_membership(&channel, &members, kind).await?
    };
    let not_added = unreadable.iter().map(|(text, refusal)| (*text, refusal));
    let not_added = not_added.chain(errors.iter().map(|error| (error.member.as_str(), &error.refusal)));
    Reply::json(&BatchCreated {
        batch_channel_memberships: Added {
            invited_by: added.first().map(|membership| (&membership.invited_by).into()),
            r#type: membership_word(kind),
            members: added.iter().map(|membership| (&membership.member).into()).collect(),
            channel_arn: channel.as_str(),
            sub_channel_id: sub_channel.as_ref().map(SubChannelId::as_str),
        },
        errors: not_added
            .map(|(member_arn, refusal)| {
                let error = ApiError::from(refusal.clone()).on_the_wire(Some(request.namespace));
                NotAdded { member_arn, error_code: error.code, error_message: error.message }
            })
            .collect(),
    })
}

pub(super) async fn describe_channel_membership(app: App, request: ApiRequest) -> Result<Reply, ApiError> {
    let (channel, member) = (request.channel()?, member(&request)?);
    let messaging = app.chime().messaging(request.acting_user()?);
    let membership = messaging.describe_channel_membership(&channel, &member).await?;
    Reply::json(&Described { channel_membership: (&membership).into() })
}

pub(super) async fn delete_channel_membership(app: App, request: ApiRequest) -> Result<Reply, ApiError> {
    let (channel, member) = (request.channel()?, member(&request)?);
    let sub_channel = sub_channel_of(&request)?;
    let messaging = app.chime().messaging(request.acting_user()?).in_sub_channel(sub_channel.as_ref());
    messaging.delete_channel_membership(&channel, &member).await?;
    Ok(Reply::empty())
}

pub(super) async fn list_channel_memberships(app: App, request: ApiRequest) -> Result<Reply, ApiError> {
    let channel = request.channel()?;
    let kind = request.choice("type", MEMBERSHIP)?;
    let page = request.page()?;
    let sub_channel = sub_channel_of(&request)?;
    let messaging = app.chime().messaging(request.acting_user()?).in_sub_channel(sub_channel.as_ref());
    let page = messaging.list_channel_memberships(&channel, kind, &page).await?;
    Reply::json(&Listed {
        channel_arn: channel.as_str(),
        channel_memberships: page
            .items
            .iter()
            .map(|found| Summary { member: (&found.member).into() })
            .collect(),
        next_token: page.next.as_deref(),
    })
}

pub(super) async fn update_channel_read_marker(app: App, request: ApiRequest) -> Result<Reply, ApiError> {
    let channel = request.channel()?;
    app.chime().messaging(request.acting_user()?).update_channel_read_marker(&channel).await?;
    Reply::json(&Marked { channel_arn: channel.as_str() })
}

pub(super) async fn put_channel_membership_preferences(
    app: App,
    request: ApiRequest,
) -> Result<Reply, ApiError> {
    let input: PutPreferences = request.json()?;
    let push = required(input.preferences, "Preferences")?.push_notifications;
    let push = push.unwrap_or(Push { allow_notifications: AllowNotifications::All, filter_rule: None });
    let filtered = push.allow_notifications == AllowNotifications::Filtered;
    if filtered != push.filter_rule.is_some() {
        return Err(ApiError::bad_request("W-17", "FilterRule goes with AllowNotifications FILTERED."));
    }
    if let Some(rule) = &push.filter_rule {
        FilterRule::parse(rule)
            .map_err(|error| ApiError::bad_request("W-17", format!("FilterRule is not valid: {error}.")))?;
    }
    let preferences = Preferences {
        allow_notifications: push.allow_notifications,
        filter_rule: push.filter_rule.clone().map(Private),
    };
    let (channel, member) = (request.channel()?, member(&request)?);
    let messaging = app.chime().messaging(request.acting_user()?);
    let membership = messaging.put_channel_membership_preferences(&channel, &member, preferences).await?;
    Reply::json(&WithPreferences {
        channel_arn: channel.as_str(),
        member: (&membership.member).into(),
        preferences: PreferencesWire { push_notifications: Some(push) },
    })
}

pub(super) async fn get_channel_membership_preferences(
    app: App,
    request: ApiRequest,
) -> Result<Reply, ApiError> {
    let (channel, member) = (request.channel()?, member(&request)?);
    let messaging = app.chime().messaging(request.acting_user()?);
    let (membership, found) = messaging.get_channel_membership_preferences(&channel, &member).await?;
    let push_notifications = found.map(|found| Push {
        allow_notifications: found.allow_notifications,
        filter_rule: found.filter_rule.map(|rule| rule.0),
    });
    Reply::json(&WithPreferences {
        channel_arn: channel.as_str(),
        member: (&membership.member).into(),
        preferences: PreferencesWire { push_notifications },
    })
}
