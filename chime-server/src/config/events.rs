//! Who is told of the events of meetings.

use chime_domain::text::Private;
use reqwest::Url;

use super::key::Kind::{List, Text};
use super::{ConfigError, Key, Values, export};

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
         `chime.meetings`. Functions that meetings name are told where functions are configured. By default nobody else.",
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
    /// NATS servers, whose URL may hold a password.
    Nats {
        /// Where they are.
        url: Private<String>,
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
            let listener = standing(text).ok_or_else(|| {
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

fn standing(text: &str) -> Option<StandingListener> {
    match text.split_once(':').unwrap_or((text, "")) {
        ("eventbridge", "") => Some(StandingListener::EventBridge(BUS.to_owned())),
        ("eventbridge", bus) => Some(StandingListener::EventBridge(bus.to_owned())),
        ("http" | "https", _) => {
            text.parse::<Url>().ok().filter(Url::has_host)?;
            Some(StandingListener::Webhook(Private(text.to_owned())))
        }
        ("nats" | "tls", rest) => {
            if cfg!(not(feature = "nats")) {
                return None;
            }
            let rest = rest.strip_prefix("//")?;
            let (host, subject) = rest.split_once('/').unwrap_or((rest, SUBJECT));
            let server = text.strip_suffix(&format!("/{subject}")).unwrap_or(text);
            let is_subject = !subject.is_empty() && !subject.contains(['/', ' ', '*', '>']);
            if host.is_empty() || !is_subject {
                return None;
            }
            Some(StandingListener::Nats { url: Private(server.to_owned()), subject: subject.to_owned() })
        }
        _ => None,
    }
}
