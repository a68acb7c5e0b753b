//! Calls that leave the server.

use std::collections::HashMap;
use std::path::PathBuf;
use std::time::Duration;

use reqwest::Url;

use super::key::Kind::{Flag, List, Number, Text};
use super::{ConfigError, Key, Values};

pub(super) const KEYS: &[Key] = &[
    Key::new(
        "outbound_ca_file",
        Text,
        "",
        "PEM file of authorities that calls out of the server trust beside those of the system.",
    ),
    Key::new(
        "outbound_allow_private",
        Flag,
        "false",
        "Calls to destinations that users name may go to private addresses. What the operator configures always may.",
    ),
    Key::new(
        "lambda_endpoint_url",
        Text,
        "",
        "Endpoint that speaks Lambda's Invoke; the processors of channel flows are called through it.",
    ),
    Key::new(
        "lex_endpoint_url",
        Text,
        "",
        "Endpoint of Lex's runtime (V2), by which the bots of app instances answer; without it they do not.",
    ),
    Key::new(
        "functions",
        List,
        "",
        "Functions with a URL of their own, each as ARN=URL. The URL gets the event as the body of a POST.",
    ),
    Key::new(
        "push_gateway_url",
        Text,
        "",
        "HTTP service that hands push notifications to devices; without it nobody is told.",
    ),
    Key::new(
        "web_push_contact",
        Text,
        "",
        "mailto: or https: URL that push services of browsers find the operator by; without it browsers are not pushed to.",
    ),
    Key::new(
        "callback_timeout_seconds",
        Number(1, 172_800),
        "60",
        "How long a processor of a channel flow may take to call back before its fallback action is taken.",
    ),
];

/// Calls that leave the server.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Outbound {
    /// Authorities to trust beside those of the system.
    pub ca_file: Option<PathBuf>,
    /// Users may name private addresses.
    pub allow_private: bool,
    /// Where functions are called.
    pub lambda_endpoint: Option<Url>,
    /// Where Lex bots are.
    pub lex_endpoint: Option<Url>,
    /// Functions that are called elsewhere.
    pub functions: HashMap<String, Url>,
    /// What hands push notifications to devices.
    pub push_gateway: Option<Url>,
    /// How push services of browsers find the operator.
    pub web_push_contact: Option<String>,
    /// How long a processor may take to call back.
    pub callback_timeout: Duration,
}

impl Outbound {
    pub(super) fn read(values: &Values) -> Result<Self, ConfigError> {
        let url = |path, text: &str| match text.parse::<Url>() {
            Ok(url) if matches!(url.scheme(), "http" | "https") && url.has_host() => Ok(url),
            _ => Err(values.refuse(path, "expected an http or https URL")),
        };
        let mut functions = HashMap::new();
        for pair in values.list("functions").iter().filter(|pair| !pair.is_empty()) {
            let parts = pair.split_once('=').filter(|(arn, _)| arn.starts_with("arn:"));
            let (arn, to) = parts.ok_or_else(|| values.refuse("functions", "expected ARN=URL"))?;
            functions.insert(arn.to_owned(), url("functions", to)?);
        }
        let web_push_contact = values.text("web_push_contact");
        if web_push_contact.as_ref().is_some_and(|to| !to.starts_with("mailto:") && !to.starts_with("https:"))
        {
            return Err(values.refuse("web_push_contact", "expected a mailto: or https: URL"));
        }
        let endpoint = values.text("lambda_endpoint_url");
        let lex = values.text("lex_endpoint_url");
        if cfg!(not(feature = "aws-events")) && lex.is_some() {
            return Err(values.refuse("lex_endpoint_url", "this build has no feature `aws-events`"));
        }
        let push_gateway = values.text("push_gateway_url");
        Ok(Self {
            ca_file: values.text("outbound_ca_file").map(PathBuf::from),
            allow_private: values.flag("outbound_allow_private"),
            lambda_endpoint: endpoint.map(|text| url("lambda_endpoint_url", &text)).transpose()?,
            lex_endpoint: lex.map(|text| url("lex_endpoint_url", &text)).transpose()?,
            functions,
            push_gateway: push_gateway.map(|text| url("push_gateway_url", &text)).transpose()?,
            web_push_contact,
            callback_timeout: values.seconds("callback_timeout_seconds"),
        })
    }
}
