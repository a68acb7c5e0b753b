//! Whom a message is for.

use super::work::BotWork;
use crate::access::MembershipType;
use crate::arn::{AppInstanceUserArn, ChannelArn};
use crate::error::{ServiceError, StoreError};
use crate::flow::{Chime, Loaded, Task, TaskKind, load};
use crate::identity::{AppInstanceBot, StandardMessages, TargetedMessages, keys as identity_keys};
use crate::messaging::keys::{self, Relation};
use crate::messaging::types::{Membership, Message, MessageType};
use crate::ports::{Change, Record, Scan};

/// The attribute whose values are the ARNs of who is mentioned.
const MENTIONS: &str = "CHIME.mentions";
/// Bots of an app instance that are looked at; more than the default quota.
const MOST_BOTS: usize = 1_000;
/// Members that are looked at to see whether a bot is alone with somebody; hidden ones do not count.
const MOST_MEMBERS: usize = 100;

/// When a bot is told a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Heard {
    Always,
    /// In a channel with one other member, besides hidden ones.
    Alone,
    Never,
}

/// What tells the bots that a message is for, with the commit that sends it.
pub(in crate::messaging) async fn begin(
    chime: &Chime,
    message: &Message,
) -> Result<Vec<Change>, ServiceError> {
    let is_heard = message.kind == MessageType::Standard
        && !message.sender.arn.is_bot()
        && message.sub_channel.is_none()
        && message.content.as_ref().is_some_and(|content| !content.as_str().is_empty());
    if !is_heard || !chime.lex().is_there() {
        return Ok(Vec::new());
    }
    let mut changes = Vec::new();
    for (bot, heard) in candidates(chime, message).await? {
        if heard == Heard::Always || is_alone(chime, &message.channel, &bot).await? {
            changes.extend(summoned(chime, message, bot));
        }
    }
    Ok(changes)
}

/// Members that are bots and may be told.
async fn candidates(
    chime: &Chime,
    message: &Message,
) -> Result<Vec<(AppInstanceUserArn, Heard)>, ServiceError> {
    let bots = match &message.target {
        Some(target) if target.is_bot() => load::<AppInstanceBot>(chime.store(), identity_keys::bot(target))
            .await?
            .shared()
            .into_iter()
            .collect(),
        Some(_) => Vec::new(),
        None => {
            let all = identity_keys::bots(&message.channel.app_instance());
            let found = chime.store().scan(Scan::below(&all, MOST_BOTS)).await?;
            let read = found.into_iter().map(|(_, found)| found.record.read::<AppInstanceBot>());
            read.collect::<Result<Vec<_>, StoreError>>()?
        }
    };
    let heard = bots.iter().map(|bot| (bot.arn.clone(), heard(bot, message)));
    let heard: Vec<_> = heard.filter(|(_, heard)| *heard != Heard::Never).collect();
    if heard.is_empty() {
        return Ok(heard);
    }
    let members: Vec<_> = heard.iter().map(|(bot, _)| Relation::Member.key(&message.channel, bot)).collect();
    let found = chime.store().get(&members).await?;
    let mut candidates = Vec::new();
    for ((one, key), found) in heard.into_iter().zip(members).zip(found) {
        let membership = Loaded::<Membership>::decode(key, found)?;
        if membership.get().is_some_and(|own| own.kind == MembershipType::Default) {
            candidates.push(one);
        }
    }
    Ok(candidates)
}

/// Whether a bot is told a message that it can see.
fn heard(bot: &AppInstanceBot, message: &Message) -> Heard {
    let of = &bot.configuration;
    if message.target.is_some() {
        let told = of.invoked_by.is_some_and(|by| by.targeted == TargetedMessages::All);
        return if told { Heard::Always } else { Heard::Never };
    }
    let mentioned = || {
        let mentions = message.attributes.get(MENTIONS);
        mentions.is_some_and(|all| all.iter().any(|one| one == bot.arn.as_str()))
    };
    let standard = match of.invoked_by {
        Some(by) => by.standard,
        None if of.responds_to_standard => StandardMessages::All,
        None => StandardMessages::None,
    };
    match standard {
        StandardMessages::All => Heard::Always,
        StandardMessages::Auto | StandardMessages::Mentions if mentioned() => Heard::Always,
        StandardMessages::Auto => Heard::Alone,
        StandardMessages::Mentions | StandardMessages::None => Heard::Never,
    }
}

async fn is_alone(
    chime: &Chime,
    channel: &ChannelArn,
    bot: &AppInstanceUserArn,
) -> Result<bool, ServiceError> {
    let members = Relation::Member.of_channel(channel);
    let found = chime.store().scan(Scan::below(&members, MOST_MEMBERS)).await?;
    if found.len() == MOST_MEMBERS {
        return Ok(false);
    }
    let mut others = 0;
    for (_, found) in found {
        let member = found.record.read::<Membership>()?;
        others += usize::from(member.kind == MembershipType::Default && member.member.arn != *bot);
    }
    Ok(others == 1)
}

fn summoned(chime: &Chime, message: &Message, bot: AppInstanceUserArn) -> [Change; 2] {
    let now = chime.now();
    let subject = [message.channel.to_string(), message.id.to_string(), bot.to_string()];
    let key = keys::bot_work(&message.channel, &message.id, &bot);
    let work = BotWork {
        channel: message.channel.clone(),
        message: message.id.clone(),
        sender: message.sender.arn.clone(),
        bot,
        text: message.content.clone(),
        targeted: message.target.is_some(),
        persistence: message.persistence,
        began: now,
    };
    [Change::Put(key, Record::of(work)), Task::new(TaskKind::AskBot, now, subject).schedule()]
}
