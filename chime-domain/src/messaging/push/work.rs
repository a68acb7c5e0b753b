//! Telling the devices, in bounded steps.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::filter::FilterRule;
use crate::arn::{AppInstanceUserArn, ChannelArn};
use crate::error::{ServiceError, StoreError};
use crate::flow::{Chime, Decision, Loaded, Task, TaskKind, load};
use crate::identity::{EndpointFault, EndpointType, UserEndpoint, keys as identity_keys};
use crate::ids::{AppInstanceUserId, MessageId, SubChannelId};
use crate::messaging::keys::{self, Relation};
use crate::messaging::types::{
    AllowNotifications, Message, MessageAttributes, Preferences, PushNotification, PushNotificationType,
};
use crate::ports::{Batch, Change, Device, Entity, Key, Notification, NotifyError, Record, Scan};
use crate::text::Private;
use crate::time::Timestamp;

/// Members whose devices are told in one step.
const CHUNK: usize = 100;
/// How long a step that failed waits before it is tried again.
const RETRY: Duration = Duration::from_secs(10);
/// Devices that are remembered to be told later; when a service is down for all of its devices, it is down for good.
const MOST_LEFT: usize = 1_000;
/// How long it is tried.
const GIVE_UP: Duration = Duration::from_secs(3600);

/// A message that the devices of a channel's members are being told of.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct PushWork {
    channel: ChannelArn,
    message: MessageId,
    sender: AppInstanceUserArn,
    target: Option<AppInstanceUserArn>,
    #[serde(default)]
    sub_channel: Option<SubChannelId>,
    attributes: MessageAttributes,
    push: PushNotification,
    /// When the message was sent.
    began: Timestamp,
    /// The id of the last member whose devices were told.
    after: Option<String>,
    /// All members were come by.
    #[serde(default)]
    all: bool,
    /// Devices that could not be told when others could: the ids of their users and their own.
    #[serde(default)]
    left: Vec<(String, String)>,
}

impl Entity for PushWork {
    const NAME: &'static str = "push-work";
}

/// What starts the telling, with the commit that sends the message.
pub(in crate::messaging) fn begin(message: &Message, now: Timestamp) -> Vec<Change> {
    let Some(push) = &message.push else { return Vec::new() };
    let work = PushWork {
        channel: message.channel.clone(),
        message: message.id.clone(),
        sender: message.sender.arn.clone(),
        target: message.target.clone(),
        sub_channel: message.sub_channel.clone(),
        attributes: message.attributes.clone(),
        push: push.clone(),
        began: now,
        after: None,
        all: false,
        left: Vec::new(),
    };
    let subject = [message.channel.to_string(), message.id.to_string()];
    vec![
        Change::Put(keys::push_work(&message.channel, &message.id), Record::of(work)),
        Task::new(TaskKind::Push, now, subject).schedule(),
    ]
}

/// Tells the devices of the next members, and at last those that could not be told before.
pub(crate) async fn run(chime: &Chime, task: &Task) -> Result<Option<Task>, ServiceError> {
    let [channel, id] = task.subject.as_slice() else { return Ok(None) };
    let (Ok(channel), Ok(id)) = (ChannelArn::parse(channel), MessageId::new(id)) else { return Ok(None) };
    let found = load::<PushWork>(chime.store(), keys::push_work(&channel, &id)).await?;
    let Some(work) = found.get() else { return Ok(None) };
    let now = chime.now();
    let again = |due| Task::new(TaskKind::Push, due, task.subject.clone());
    let told = if work.all { again_tell(chime, work).await? } else { tell_next(chime, work).await? };
    let (change, next) = match told {
        // Nobody could be told: it is not the devices. The same ones later.
        None if now < work.began + GIVE_UP => return Ok(Some(again(now + RETRY))),
        Some(rest) if !rest.all => (put(&found, rest), Some(again(now))),
        Some(rest) if !rest.left.is_empty() && now < work.began + GIVE_UP => {
            (put(&found, rest), Some(again(now + RETRY)))
        }
        None | Some(_) => (Change::Delete(found.key().clone()), None),
    };
    let batch = Batch { guards: vec![found.guard()], changes: vec![change], announce: Vec::new() };
    match chime.store().commit(batch).await {
        Ok(_) => Ok(next),
        // The lease ran out and another goes on with it.
        Err(StoreError::Conflict) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

fn put(found: &Loaded<PushWork>, work: PushWork) -> Change {
    Change::Put(found.key().clone(), Record::of(work))
}

/// Tells the devices of the next members. Gives what is left to do, or nothing when nobody could be told.
async fn tell_next(chime: &Chime, work: &PushWork) -> Result<Option<PushWork>, ServiceError> {
    let members = next_members(chime, work).await?;
    let endpoints = wanted_endpoints(chime, work, &members).await?;
    let (told, failed) = tell(chime, work, &endpoints).await?;
    if told == 0 && !failed.is_empty() {
        return Ok(None);
    }
    let mut rest = work.clone();
    rest.all = members.len() < CHUNK || work.target.is_some();
    rest.after = members.last().map(|member| member.user_id().to_owned()).or(rest.after);
    let room = MOST_LEFT.saturating_sub(rest.left.len());
    rest.left.extend(failed.into_iter().take(room));
    Ok(Some(rest))
}

/// Tells the devices once more that could not be told. Gives what is left to do.
async fn again_tell(chime: &Chime, work: &PushWork) -> Result<Option<PushWork>, ServiceError> {
    let app_instance = work.channel.app_instance();
    let key = |(user, id): &(String, String)| {
        let user = AppInstanceUserId::new(user).ok()?;
        Some(identity_keys::endpoint(&app_instance.user(&user), id))
    };
    let keys: Vec<_> = work.left.iter().filter_map(key).collect();
    let found = chime.store().get(&keys).await?;
    let decoded = keys.into_iter().zip(found).map(|(key, found)| Loaded::<UserEndpoint>::decode(key, found));
    let endpoints = decoded.collect::<Result<Vec<_>, _>>()?;
    let (_, failed) = tell(chime, work, &endpoints).await?;
    Ok(Some(PushWork { left: failed, ..work.clone() }))
}

/// The next members of the channel, or the two who see a targeted message.
async fn next_members(chime: &Chime, work: &PushWork) -> Result<Vec<AppInstanceUserArn>, ServiceError> {
    if let Some(target) = &work.target {
        let mut both = vec![work.sender.clone(), target.clone()];
        both.dedup();
        return Ok(both);
    }
    let channel = &work.channel;
    let all = match &work.sub_channel {
        Some(sub) => keys::sub_channel_members(channel, sub),
        None => Relation::Member.of_channel(channel),
    };
    let after = work.after.as_ref().map(|id| Key::from_stored(&format!("{}{id}", all.below())));
    let found = chime.store().scan(Scan::below(&all, CHUNK).after(after)).await?;
    // What is kept of endpoints and preferences goes by the id alone, that of users and of bots.
    let user = |key: &Key| AppInstanceUserId::new(key.last()).ok().map(|id| channel.app_instance().user(&id));
    Ok(found.iter().filter_map(|(key, _)| user(key)).collect())
}

/// The endpoints of members who want to be told.
async fn wanted_endpoints(
    chime: &Chime,
    work: &PushWork,
    members: &[AppInstanceUserArn],
) -> Result<Vec<Loaded<UserEndpoint>>, ServiceError> {
    let preferences: Vec<_> = members.iter().map(|member| keys::preferences(&work.channel, member)).collect();
    let found = chime.store().get(&preferences).await?;
    let mut endpoints = Vec::new();
    for ((member, key), found) in members.iter().zip(preferences).zip(found) {
        let preferences = Loaded::<Preferences>::decode(key, found)?;
        if wanted(preferences.get(), &work.attributes) {
            endpoints.extend(chime.endpoints_of(member).await?);
        }
    }
    Ok(endpoints)
}

/// Tells those of the endpoints that can be told. Gives how many were told, or will never be, and who may be later.
async fn tell(
    chime: &Chime,
    work: &PushWork,
    endpoints: &[Loaded<UserEndpoint>],
) -> Result<(usize, Vec<(String, String)>), ServiceError> {
    let usable = |endpoint: &&Loaded<UserEndpoint>| {
        endpoint.get().is_some_and(|endpoint| endpoint.allow_messages && endpoint.fault.is_none())
    };
    let endpoints: Vec<_> = endpoints.iter().filter(usable).collect();
    let notifications: Vec<_> =
        endpoints.iter().filter_map(|endpoint| Some(notification(work, endpoint.get()?))).collect();
    let outcomes = chime.notifier().notify_all(notifications).await;
    let (mut told, mut failed) = (0, Vec::new());
    for (endpoint, outcome) in endpoints.into_iter().zip(outcomes) {
        match outcome {
            Ok(()) => told += 1,
            Err(NotifyError::Rejected) => {
                told += 1;
                invalid(chime, endpoint).await?;
            }
            Err(NotifyError::Unavailable(_)) => {
                failed.extend(endpoint.get().map(|one| (one.user.user_id().to_owned(), one.id.to_string())));
            }
        }
    }
    Ok((told, failed))
}

fn wanted(preferences: Option<&Preferences>, attributes: &MessageAttributes) -> bool {
    let Some(preferences) = preferences else { return true };
    match (preferences.allow_notifications, &preferences.filter_rule) {
        (AllowNotifications::All, _) => true,
        (AllowNotifications::None, _) => false,
        (AllowNotifications::Filtered, rule) => rule
            .as_ref()
            .and_then(|rule| FilterRule::parse(&rule.0).ok())
            .is_some_and(|rule| rule.fits(attributes)),
    }
}

fn notification(work: &PushWork, endpoint: &UserEndpoint) -> Notification {
    let calls = work.push.kind == PushNotificationType::Voip;
    let token = endpoint.voip_device_token.as_ref().filter(|_| calls).unwrap_or(&endpoint.device_token);
    let service = match endpoint.kind {
        EndpointType::Apns => "APNS",
        EndpointType::ApnsSandbox => "APNS_SANDBOX",
        EndpointType::Gcm => "GCM",
    };
    let text = |text: &Option<Private<String>>| text.clone().unwrap_or_default();
    Notification {
        recipient: token.clone(),
        device: Some(Device { service, application: endpoint.resource_arn.to_string(), call: calls }),
        title: text(&work.push.title),
        body: text(&work.push.body),
        data: [
            ("chime.message_id".to_owned(), work.message.to_string()),
            ("chime.channel_arn".to_owned(), work.channel.to_string()),
        ]
        .into(),
        id: format!("{}:{}", work.message, endpoint.id),
    }
}

/// The device is not to be told again.
async fn invalid(chime: &Chime, endpoint: &Loaded<UserEndpoint>) -> Result<(), ServiceError> {
    let Some(value) = endpoint.get() else { return Ok(()) };
    let value = UserEndpoint {
        fault: Some(EndpointFault::InvalidDeviceToken),
        updated: chime.now(),
        ..value.clone()
    };
    let decision = Decision::reply(())
        .guard(endpoint.guard())
        .change(Change::Put(endpoint.key().clone(), Record::of(value)));
    match chime.commit(decision).await {
        // It was changed in between, or deregistered.
        Ok(_) | Err(ServiceError::Store(StoreError::Conflict)) => Ok(()),
        Err(error) => Err(error),
    }
}
