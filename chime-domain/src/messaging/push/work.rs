//! Telling the devices, in bounded steps.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::filter::FilterRule;
use crate::arn::{AppInstanceUserArn, ChannelArn};
use crate::error::{ServiceError, StoreError};
use crate::flow::{Chime, Decision, Loaded, Task, TaskKind, load};
use crate::identity::{EndpointFault, EndpointType, UserEndpoint};
use crate::ids::{AppInstanceUserId, MessageId};
use crate::messaging::keys::{self, Relation};
use crate::messaging::types::{
    AllowNotifications, Message, MessageAttributes, Preferences, PushNotification, PushNotificationType,
};
use crate::ports::{Batch, Change, Device, Entity, Notification, NotifyError, Record, Scan};
use crate::text::Private;
use crate::time::Timestamp;

/// Members whose devices are told in one step.
const CHUNK: usize = 100;
/// How long a step that failed waits before it is tried again.
const RETRY: Duration = Duration::from_secs(10);
/// How long it is tried.
const GIVE_UP: Duration = Duration::from_secs(3600);

/// A message that the devices of a channel's members are being told of.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct PushWork {
    channel: ChannelArn,
    message: MessageId,
    sender: AppInstanceUserArn,
    target: Option<AppInstanceUserArn>,
    attributes: MessageAttributes,
    push: PushNotification,
    /// When the message was sent.
    began: Timestamp,
    /// The id of the last member whose devices were told.
    after: Option<String>,
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
        attributes: message.attributes.clone(),
        push: push.clone(),
        began: now,
        after: None,
    };
    let subject = [message.channel.to_string(), message.id.to_string()];
    vec![
        Change::Put(keys::push_work(&message.channel, &message.id), Record::of(work)),
        Task::new(TaskKind::Push, now, subject).schedule(),
    ]
}

/// Tells the devices of the next members.
pub(crate) async fn run(chime: &Chime, task: &Task) -> Result<Option<Task>, ServiceError> {
    let [channel, id] = task.subject.as_slice() else { return Ok(None) };
    let (Ok(channel), Ok(id)) = (ChannelArn::parse(channel), MessageId::new(id)) else { return Ok(None) };
    let found = load::<PushWork>(chime.store(), keys::push_work(&channel, &id)).await?;
    let Some(work) = found.get() else { return Ok(None) };
    let now = chime.now();
    let members = next_members(chime, work).await?;
    let last = members.last().map(|member| member.user_id().to_owned());
    let told = tell(chime, work, &members).await?;
    let (change, next) = match (told, last) {
        (Told::Unavailable, _) if now < work.began + GIVE_UP => {
            return Ok(Some(Task::new(TaskKind::Push, now + RETRY, task.subject.clone())));
        }
        (_, Some(last)) if members.len() == CHUNK && work.target.is_none() => {
            let work = PushWork { after: Some(last), ..work.clone() };
            let next = Task::new(TaskKind::Push, now, task.subject.clone());
            (Change::Put(found.key().clone(), Record::of(work)), Some(next))
        }
        _ => (Change::Delete(found.key().clone()), None),
    };
    let batch = Batch { guards: vec![found.guard()], changes: vec![change], announce: Vec::new() };
    match chime.store().commit(batch).await {
        Ok(_) => Ok(next),
        // The lease ran out and another goes on with it.
        Err(StoreError::Conflict) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// The next members of the channel, or the two who see a targeted message.
async fn next_members(chime: &Chime, work: &PushWork) -> Result<Vec<AppInstanceUserArn>, ServiceError> {
    let all = Relation::Member.of_channel(&work.channel);
    if let Some(target) = &work.target {
        let mut both = vec![work.sender.clone(), target.clone()];
        both.dedup();
        return Ok(both);
    }
    let after = work.after.as_ref().and_then(|id| AppInstanceUserId::new(id).ok());
    let after = after.map(|id| Relation::Member.key(&work.channel, &work.channel.app_instance().user(&id)));
    let found = chime.store().scan(Scan::below(&all, CHUNK).after(after)).await?;
    let member = |record: crate::ports::Versioned| {
        Ok::<_, StoreError>(record.record.read::<crate::messaging::types::Membership>()?.member.arn.clone())
    };
    Ok(found.into_iter().map(|(_, record)| member(record)).collect::<Result<_, _>>()?)
}

enum Told {
    Done,
    /// Something could not be handed over and may be later.
    Unavailable,
}

async fn tell(chime: &Chime, work: &PushWork, members: &[AppInstanceUserArn]) -> Result<Told, ServiceError> {
    let preferences: Vec<_> = members.iter().map(|member| keys::preferences(&work.channel, member)).collect();
    let found = chime.store().get(&preferences).await?;
    let mut endpoints = Vec::new();
    for ((member, key), found) in members.iter().zip(preferences).zip(found) {
        let preferences = Loaded::<Preferences>::decode(key, found)?;
        if wanted(preferences.get(), &work.attributes) {
            endpoints.extend(chime.endpoints_of(member).await?);
        }
    }
    let usable = |endpoint: &&Loaded<UserEndpoint>| {
        endpoint.get().is_some_and(|endpoint| endpoint.allow_messages && endpoint.fault.is_none())
    };
    let endpoints: Vec<_> = endpoints.iter().filter(usable).collect();
    let notifications: Vec<_> =
        endpoints.iter().filter_map(|endpoint| Some(notification(work, endpoint.get()?))).collect();
    let outcomes = chime.notifier().notify_all(notifications).await;
    let mut told = Told::Done;
    for (endpoint, outcome) in endpoints.into_iter().zip(outcomes) {
        match outcome {
            Ok(()) => {}
            Err(NotifyError::Rejected) => invalid(chime, endpoint).await?,
            Err(NotifyError::Unavailable(_)) => told = Told::Unavailable,
        }
    }
    Ok(told)
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
