//! Who is told of the events of meetings.

use chime_domain::text::Private;
use reqwest::Url;

use super::key::Kind::{List, Text};
use super::{ConfigError, Key, Nats, Values, export};

/// The subject of a NATS URL that names none.
const SUBJECT: &str = "chime.meetings";
/// The bus when none is named.
const BUS: &str = "default";

pub(super) const KEYS: &[Key] = &[
    Key::new(
        "meeting_events",
        List,
        "",
        "Who hears of the events of meetings, each one of: `eventbridge` or `eventbridge:BUS`; `targets`, the SQS queue and \
         the SNS topic that a meeting names; an http or https URL, a webhook; `nats://HOST:PORT/SUBJECT`, by default \
         `chime.meetings`, several servers separated by semicolons. Functions that meetings name are told where functions are configured. By default nobody else.",
    )
    .secret(),
    Key::new(
        "event_source",
        Text,
        "",
        "`source` of the entries on EventBridge, whose own buses take none from others that begins with `aws.`. By default \
         the documented `aws.chime`.",
    ),
];

/// Who is told of the events of meetings.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct MeetingEvents {
    /// Those that hear of every meeting.
    pub standing: Vec<StandingListener>,
    /// The queues and topics that meetings name are told.
    pub targets: bool,
    /// Another source of the entries on EventBridge.
    pub source: Option<String>,
    /// Another endpoint of AWS.
    pub endpoint: Option<Url>,
}

/// One that hears of every meeting.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StandingListener {
    /// A bus of EventBridge.
    EventBridge(String),
    /// The URL of a webhook, which may be what keeps others out.
    Webhook(Private<String>),
    /// NATS servers.
    Nats {
        /// Where they are.
        servers: Nats,
        /// On what events are published.
        subject: String,
    },
}

impl MeetingEvents {
    pub(super) fn read(values: &Values) -> Result<Self, ConfigError> {
        let mut events = Self {
            source: values.text("event_source"),
            endpoint: export::aws_endpoint(values)?,
            ..Self::default()
        };
        for text in values.list("meeting_events").iter().filter(|text| !text.is_empty()) {
            if text == "targets" {
                events.targets = true;
                continue;
            }
            let listener = standing(values, text)?.ok_or_else(|| {
                let expected =
                    "expected eventbridge, targets, an http or https URL, or nats://HOST:PORT/SUBJECT";
                values.refuse("meeting_events", expected)
            })?;
            events.standing.push(listener);
        }
        if cfg!(not(feature = "aws-events")) && events.needs_aws() {
            return Err(values.refuse("meeting_events", "this build has no feature `aws-events`"));
        }
        Ok(events)
    }

    /// Whether AWS is called.
    #[must_use]
    pub fn needs_aws(&self) -> bool {
        self.targets || self.standing.iter().any(|each| matches!(each, StandingListener::EventBridge(_)))
    }
}

fn standing(values: &Values, text: &str) -> Result<Option<StandingListener>, ConfigError> {
    Ok(match text.split_once(':').unwrap_or((text, "")) {
        ("eventbridge", "") => Some(StandingListener::EventBridge(BUS.to_owned())),
        ("eventbridge", bus) => Some(StandingListener::EventBridge(bus.to_owned())),
        ("http" | "https", _) => {
            let url = text.parse::<Url>().ok().filter(Url::has_host);
            url.map(|_| StandingListener::Webhook(Private(text.to_owned())))
        }
        ("nats" | "tls", _) if cfg!(feature = "nats") => match on_nats(text) {
            Some((urls, subject)) => {
                Some(StandingListener::Nats { servers: Nats::read(values, urls)?, subject })
            }
            None => None,
        },
        _ => None,
    })
}

/// The servers, separated by commas, and the subject. Here semicolons separate them, as commas do the listeners.
fn on_nats(text: &str) -> Option<(String, String)> {
    let (servers, last) = text.rsplit_once("://")?;
    let (host, subject) = last.split_once('/').unwrap_or((last, SUBJECT));
    let is_subject = !subject.is_empty() && !subject.contains(['/', ' ', '*', '>', ';']);
    let urls = format!("{servers}://{host}");
    let are_named = urls
        .split(';')
        .all(|url| url.split_once("://").is_some_and(|(_, host)| !host.is_empty() && !host.contains('/')));
    (is_subject && are_named).then(|| (urls.replace(';', ","), subject.to_owned()))
}
