//! The stage of roles.

use chime_domain::access::{Action, MembershipType, Privacy, Situation, Standing, decide};
use chime_domain::arn::{AppInstanceArn, AppInstanceUserArn, ChannelArn};
use chime_domain::error::{Refusal, ServiceError};
use chime_domain::messaging::{CallerFacts, ChannelFacts, Missing, UserFacts, bad_bearer};

use super::question::{self, Question};
use super::{Denial, ExplainError, line};
use crate::api::operations::Operation;
use crate::app::App;

/// The row's action that decides an operation, and how the operation answers for a channel that is missing.
fn row_of(operation: &Operation) -> Option<(Action, Missing)> {
    let (name, missing) = match operation.name {
        "GetChannelMessageStatus" => ("GetChannelMessage", Missing::Forbidden),
        "PutChannelExpirationSettings" => ("UpdateChannel", Missing::Forbidden),
        "BatchCreateChannelMembership" => ("CreateChannelMembership", Missing::NotFound),
        name @ ("GetChannelMessage"
        | "CreateChannelMembership"
        | "DescribeChannelMembership"
        | "DescribeChannelModerator"
        | "DescribeChannelBan") => (name, Missing::NotFound),
        name => (name, Missing::Forbidden),
    };
    Action::named(name).map(|action| (action, missing))
}

/// Explains what the role of the acting user says, into `text`. Operations that no table knows pass.
///
/// # Errors
///
/// [`ExplainError`].
pub(super) async fn explain(
    app: &App,
    operation: &Operation,
    user: &AppInstanceUserArn,
    question: &Question,
    text: &mut String,
) -> Result<Option<Denial>, ExplainError> {
    let Some((action, missing)) = row_of(operation) else { return Ok(None) };
    let target = match &question.target {
        Some(arn) => Some(question::user(arn)?),
        None => None,
    };
    text.push_str("\nrole\n");
    let decided = if operation.route.contains("{channelArn}") {
        let channel = question.resource("channel").unwrap_or_default();
        let channel = ChannelArn::parse(channel)
            .map_err(|_| ExplainError::Question(format!("`{channel}` is no ARN of a channel")))?;
        let facts = ChannelFacts::load(app.chime().store(), &channel, user, target.as_slice()).await;
        facts.and_then(|facts| Ok(in_channel(app, &facts, action, missing, question, text)?))
    } else {
        in_app_instance(app, action, user, target.as_ref(), question, text).await
    };
    match decided {
        Ok(()) => Ok(None),
        Err(ServiceError::Store(error)) => Err(error.into()),
        Err(refused) => {
            let bearer = matches!(&refused, ServiceError::Refused(refusal) if *refusal == bad_bearer());
            let by = if bearer { "the bearer" } else { "role" };
            Ok(Some(Denial { by, error: refused.into(), remedy: None }))
        }
    }
}

fn in_channel(
    app: &App,
    facts: &ChannelFacts,
    action: Action,
    missing: Missing,
    question: &Question,
    text: &mut String,
) -> Result<(), Refusal> {
    match facts.channel.get() {
        Some(channel) => {
            line(text, format_args!("  {} is {:?}, {:?}", channel.arn, channel.privacy, channel.mode));
        }
        None => text.push_str("  the channel does not exist\n"),
    }
    show(&facts.caller, text);
    for target in &facts.targets {
        show(target, text);
    }
    facts.admit(missing)?;
    let mut situation = facts.situation(app.chime().settings());
    situation.own_message = question.own_message;
    derive(action, &situation, text)?;
    if facts.targets.is_empty() {
        return Ok(());
    }
    let target = facts.target()?;
    if matches!(action, Action::CreateChannelMembership | Action::CreateChannelModerator) {
        target.identity()?;
        if target.ban.exists() {
            return Err(Refusal::forbidden("CHN-13", "The user is banned from the channel.")
                .unless("delete the ban first."));
        }
    }
    Ok(())
}

/// The lists, which name no channel: who is no administrator counts as nobody special.
async fn in_app_instance(
    app: &App,
    action: Action,
    user: &AppInstanceUserArn,
    target: Option<&AppInstanceUserArn>,
    question: &Question,
    text: &mut String,
) -> Result<(), ServiceError> {
    let named = question.resource("app-instance").and_then(|arn| AppInstanceArn::parse(arn).ok());
    let app_instance = named.unwrap_or_else(|| user.app_instance());
    let facts = CallerFacts::load(app.chime().store(), &app_instance, user).await?;
    let admin = facts.admin.exists();
    line(text, format_args!("  {user} is {}", if admin { ADMIN } else { "a user of the app instance" }));
    let situation = Situation {
        standing: Standing { admin, ..Standing::default() },
        privacy: Some(Privacy::Public),
        own_arn: target.is_none_or(|target| target == user),
        ..Situation::default()
    };
    Ok(derive(action, &situation, text)?)
}

fn derive(action: Action, situation: &Situation, text: &mut String) -> Result<(), Refusal> {
    let derivation = decide(action, situation);
    line(text, format_args!("  {derivation}"));
    derivation.enforce()
}

const ADMIN: &str = "an administrator of the app instance";

/// What a user is to the channel.
fn show(user: &UserFacts, text: &mut String) {
    let standing = user.standing();
    let membership = standing.membership.map(|kind| match kind {
        MembershipType::Default => "a DEFAULT member",
        MembershipType::Hidden => "a HIDDEN member",
    });
    let held = [
        standing.admin.then_some(ADMIN),
        standing.moderator.then_some("a moderator"),
        membership,
        standing.banned.then_some("banned"),
    ];
    let held: Vec<_> = held.into_iter().flatten().collect();
    let held = match (user.identity().is_ok(), held.as_slice()) {
        (false, _) => "no user that exists".to_owned(),
        (true, []) => "neither administrator, moderator nor member".to_owned(),
        (true, held) => held.join(", "),
    };
    line(text, format_args!("  {} is {held}", user.arn));
}
