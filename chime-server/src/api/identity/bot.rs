//! `…AppInstanceBot(s)`.

use std::sync::Arc;

use chime_domain::arn::AppInstanceUserArn;
use chime_domain::error::Refusal;
use chime_domain::identity::{
    AppInstanceBot, CreateAppInstanceBot, InvokedBy, LexConfiguration, StandardMessages, TargetedMessages,
    UpdateAppInstanceBot,
};
use chime_domain::text::{Metadata, ResourceName};
use serde::{Deserialize, Serialize};

use crate::api::wire::{self, TagWire, epoch, parsed, required};
use crate::api::{ApiError, ApiRequest, Reply};
use crate::app::App;

#[derive(Deserialize, Serialize)]
enum RespondsTo {
    #[serde(rename = "STANDARD_MESSAGES")]
    StandardMessages,
}

#[derive(Deserialize, Serialize)]
#[serde(rename_all = "PascalCase")]
struct InvokedByWire {
    standard_messages: StandardMessages,
    targeted_messages: TargetedMessages,
}

#[derive(Deserialize, Serialize)]
#[serde(rename_all = "PascalCase")]
struct Lex {
    #[serde(skip_serializing_if = "Option::is_none")]
    responds_to: Option<RespondsTo>,
    #[serde(skip_serializing_if = "Option::is_none")]
    invoked_by: Option<InvokedByWire>,
    lex_bot_alias_arn: String,
    locale_id: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    welcome_intent: Option<String>,
}

#[derive(Deserialize, Serialize)]
#[serde(rename_all = "PascalCase")]
struct Configuration {
    lex: Lex,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Input {
    app_instance_arn: Option<String>,
    name: Option<String>,
    metadata: Option<String>,
    client_request_token: Option<String>,
    tags: Option<Vec<TagWire>>,
    configuration: Option<Configuration>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct ArnOnly<'a> {
    app_instance_bot_arn: &'a str,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Summary<'a> {
    app_instance_bot_arn: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    name: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    metadata: &'a str,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Whole<'a> {
    #[serde(flatten)]
    summary: Summary<'a>,
    configuration: Configuration,
    created_timestamp: f64,
    last_updated_timestamp: f64,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Described<'a> {
    app_instance_bot: Whole<'a>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Listed<'a> {
    app_instance_arn: &'a str,
    app_instance_bots: Vec<Summary<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    next_token: Option<&'a str>,
}

impl<'a> From<&'a AppInstanceBot> for Summary<'a> {
    fn from(bot: &'a AppInstanceBot) -> Self {
        let (name, metadata) = (bot.name.as_str(), bot.metadata.as_str());
        Self { app_instance_bot_arn: bot.arn.as_str(), name, metadata }
    }
}

impl From<&LexConfiguration> for Configuration {
    fn from(lex: &LexConfiguration) -> Self {
        Self {
            lex: Lex {
                responds_to: lex.responds_to_standard.then_some(RespondsTo::StandardMessages),
                invoked_by: lex.invoked_by.map(|by| InvokedByWire {
                    standard_messages: by.standard,
                    targeted_messages: by.targeted,
                }),
                lex_bot_alias_arn: lex.alias.as_ref().to_owned(),
                locale_id: lex.locale.as_ref().to_owned(),
                welcome_intent: lex.welcome_intent.as_deref().map(str::to_owned),
            },
        }
    }
}

/// `arn:aws:lex:<region>:<account>:bot-alias/<10>/<10>`, as the model has it.
fn is_alias(arn: &str) -> bool {
    let parts: Vec<_> = arn.split(':').collect();
    let ["arn", "aws", "lex", region, account, alias] = parts.as_slice() else { return false };
    let ids: Vec<_> = alias.split('/').collect();
    let is_id =
        |id: &&str| id.len() == 10 && id.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit());
    wire::is_region(region)
        && account.len() == 12
        && account.bytes().all(|b| b.is_ascii_digit())
        && matches!(ids.as_slice(), ["bot-alias", ids @ ..] if ids.len() == 2 && ids.iter().all(is_id))
}

/// Letters, with single underscores between or behind them.
fn is_intent(name: &str) -> bool {
    (1..=100).contains(&name.len())
        && name.bytes().all(|b| b.is_ascii_alphabetic() || b == b'_')
        && !name.starts_with('_')
        && !name.contains("__")
}

fn lex(wire: Configuration) -> Result<LexConfiguration, ApiError> {
    let Lex { responds_to, invoked_by, lex_bot_alias_arn, locale_id, welcome_intent } = wire.lex;
    if !is_alias(&lex_bot_alias_arn) {
        return Err(ApiError::bad_request(
            "W-17",
            "LexBotAliasArn must be the ARN of an alias of a Lex bot.",
        ));
    }
    if !(1..=64).contains(&locale_id.len()) {
        return Err(ApiError::bad_request("W-17", "LocaleId must have 1 to 64 characters."));
    }
    if welcome_intent.as_deref().is_some_and(|name| !is_intent(name)) {
        return Err(ApiError::bad_request("W-17", "WelcomeIntent must be the name of an intent."));
    }
    Ok(LexConfiguration {
        responds_to_standard: responds_to.is_some(),
        invoked_by: invoked_by.map(|InvokedByWire { standard_messages, targeted_messages }| InvokedBy {
            standard: standard_messages,
            targeted: targeted_messages,
        }),
        alias: lex_bot_alias_arn.into(),
        locale: locale_id.into(),
        welcome_intent: welcome_intent.map(Arc::from),
    })
}

/// A name of 0 to 256 characters.
fn bot_name(text: Option<String>) -> Result<Option<Metadata>, ApiError> {
    if let Some(text) = text.as_ref().filter(|text| !text.is_empty()) {
        ResourceName::new(text).map_err(|error| error.of("Name"))?;
    }
    parsed(text, "Name", Metadata::new)
}

fn bot_arn(request: &ApiRequest) -> Result<AppInstanceUserArn, ApiError> {
    let text = request.label("appInstanceBotArn");
    match AppInstanceUserArn::parse(text) {
        Ok(arn) if arn.is_bot() => Ok(arn),
        _ if wire::is_arn(text) => {
            Err(Refusal::forbidden("E-06", "The bot does not exist or is not visible to the caller.").into())
        }
        _ => Err(ApiError::bad_request("W-17", "AppInstanceBotArn is not the ARN of a bot.")),
    }
}

pub(super) async fn create_app_instance_bot(app: App, request: ApiRequest) -> Result<Reply, ApiError> {
    let input: Input = request.json()?;
    let instance = required(input.app_instance_arn, "AppInstanceArn")?;
    let instance = wire::app_instance_arn(&instance, "AppInstanceArn")?;
    let configuration = lex(required(input.configuration, "Configuration")?)?;
    let mut command = CreateAppInstanceBot::new(instance, configuration);
    command.name = bot_name(input.name)?.unwrap_or_default();
    command.metadata = parsed(input.metadata, "Metadata", Metadata::new)?.unwrap_or_default();
    command.tags = wire::tags(input.tags)?;
    command.client_request_token = wire::token(input.client_request_token)?;
    let arn = app.chime().identity().create_app_instance_bot(command).await?;
    Reply::json(&ArnOnly { app_instance_bot_arn: arn.as_str() })
}

pub(super) async fn describe_app_instance_bot(app: App, request: ApiRequest) -> Result<Reply, ApiError> {
    let bot = app.chime().identity().describe_app_instance_bot(&bot_arn(&request)?).await?;
    Reply::json(&Described {
        app_instance_bot: Whole {
            summary: Summary::from(&bot),
            configuration: Configuration::from(&bot.configuration),
            created_timestamp: epoch(bot.created),
            last_updated_timestamp: epoch(bot.updated),
        },
    })
}

pub(super) async fn update_app_instance_bot(app: App, request: ApiRequest) -> Result<Reply, ApiError> {
    let input: Input = request.json()?;
    let command = UpdateAppInstanceBot {
        arn: bot_arn(&request)?,
        name: required(bot_name(input.name)?, "Name")?,
        metadata: required(parsed(input.metadata, "Metadata", Metadata::new)?, "Metadata")?,
        configuration: input.configuration.map(lex).transpose()?,
    };
    let arn = app.chime().identity().update_app_instance_bot(command).await?;
    Reply::json(&ArnOnly { app_instance_bot_arn: arn.as_str() })
}

pub(super) async fn delete_app_instance_bot(app: App, request: ApiRequest) -> Result<Reply, ApiError> {
    app.chime().identity().delete_app_instance_bot(&bot_arn(&request)?).await?;
    app.scheduler().nudge().await;
    Ok(Reply::empty())
}

pub(super) async fn list_app_instance_bots(app: App, request: ApiRequest) -> Result<Reply, ApiError> {
    let instance = required(request.query.get("app-instance-arn"), "app-instance-arn")?;
    let instance = wire::app_instance_arn(instance, "AppInstanceArn")?;
    let page = app.chime().identity().list_app_instance_bots(&instance, &request.page()?).await?;
    Reply::json(&Listed {
        app_instance_arn: instance.as_str(),
        app_instance_bots: page.items.iter().map(Summary::from).collect(),
        next_token: page.next.as_deref(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn aliases_and_intents_are_those_of_the_model() {
        let alias = |rest: &str| format!("arn:aws:lex:us-east-1:123456789012:bot-alias/{rest}");
        assert!(is_alias(&alias("ABCDEFGHIJ/0123456789")));
        for bad in
            ["", "ABCDEFGHIJ", "abcdefghij/0123456789", "ABCDEFGHIJ/0123456789/X", "ABCDEFGHI/0123456789"]
        {
            assert!(!is_alias(&alias(bad)), "{bad}");
        }
        for good in ["Welcome", "Say_Hello", "A_"] {
            assert!(is_intent(good), "{good}");
        }
        for bad in ["", "_A", "A__B", "Intent1", &"a".repeat(101)] {
            assert!(!is_intent(bad), "{bad}");
        }
    }
}
