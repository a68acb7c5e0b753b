//! The configuration: flags over `CHIME_*` variables over a TOML file over defaults. This module alone reads them.
//!
//! Every key stands once in the `KEYS` of its section's file, and from there feeds the reading, the refusal of unknown
//! names, the JSON schema and `config explain`. The variable of a key is its path in capitals, with two underscores for
//! the dot: `quotas.memberships_per_channel` is `CHIME_QUOTAS__MEMBERSHIPS_PER_CHANNEL`.

mod auth;
mod error;
mod events;
mod explain;
mod export;
mod http;
mod key;
mod layers;
mod limits;
mod meetings;
mod nats;
mod oidc;
mod outbound;
mod rules;
mod storage;
mod telemetry;
#[cfg(test)]
mod tests;
mod throttle;
mod tls;
mod value;

use std::path::Path;

use chime_domain::limits::Limits;

pub use auth::Auth;
pub use error::ConfigError;
pub use events::{MeetingEvents, StandingListener};
pub use explain::{explain, schema};
pub use export::Export;
pub use http::Http;
pub use key::{Key, Kind};
pub use layers::Flag;
pub use meetings::{Media, Relay};
pub use nats::Nats;
pub use oidc::Oidc;
pub use outbound::Outbound;
pub use rules::Rules;
pub use storage::{Database, Storage, Wire};
pub use telemetry::{Telemetry, Traces};
pub use tls::{Acme, Tls};
pub use value::{Origin, Value, Values};

use crate::Demo;
use crate::meetings::NearestRegion;
use crate::throttle::Rate;

/// Every setting, typed.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Config {
    /// Listeners, and the bounds of what they take in.
    pub http: Http,
    /// Where the certificate comes from.
    pub tls: Tls,
    /// Where the state is.
    pub storage: Storage,
    /// The account and its owner.
    pub auth: Auth,
    /// The quotas.
    pub limits: Limits,
    /// Variants of rules.
    pub rules: Rules,
    /// Calls that leave the server.
    pub outbound: Outbound,
    /// Where streams go to.
    pub export: Export,
    /// Who is told of the events of meetings.
    pub meeting_events: MeetingEvents,
    /// Rates of requests.
    pub rate: Rate,
    /// The rate that operations on meetings share.
    pub meetings_rate: Option<Rate>,
    /// Where the media of meetings are.
    pub media: Media,
    /// Who may use the page `/demo/meeting`.
    pub demo: Demo,
    /// Which media region is nearest to whom.
    pub nearest_region: NearestRegion,
    /// Announcements that may wait for the fan-out of this node before senders are throttled.
    pub backlog: Option<u64>,
    /// Logs and traces.
    pub telemetry: Telemetry,
    /// Whether the clock can be moved over HTTP.
    pub test_clock: bool,
    /// Issuers of web identities.
    pub oidc: Vec<Oidc>,
    /// The values with their origins.
    pub values: Values,
}

impl Config {
    /// Reads the configuration of this process.
    ///
    /// # Errors
    ///
    /// [`ConfigError`] for the first thing that is wrong.
    pub fn read(flags: &[Flag], file: Option<&Path>) -> Result<Self, ConfigError> {
        let environment: Vec<_> = std::env::vars_os()
            .filter_map(|(name, value)| {
                Some((name.into_string().ok()?, value.to_string_lossy().into_owned()))
            })
            .collect();
        Self::from_layers(flags, file, &environment)
    }

    /// Reads a configuration from the given flags, file and environment.
    ///
    /// # Errors
    ///
    /// [`ConfigError`] for the first thing that is wrong.
    pub fn from_layers(
        flags: &[Flag],
        file: Option<&Path>,
        environment: &[(String, String)],
    ) -> Result<Self, ConfigError> {
        let layers::Layers { values, oidc } = layers::read(flags, file, environment)?;
        let storage = Storage::read(&values)?;
        let rules = Rules::read(&values)?;
        let nearest_region = meetings::nearest_region(&values)?;
        Ok(Self {
            http: Http::read(&values)?,
            tls: Tls::read(&values)?,
            export: Export::read(&values, &storage.data_dir)?,
            storage,
            auth: Auth::read(&values)?,
            limits: limits::read(&values, rules.profile),
            rules,
            media: Media::read(&values, &nearest_region)?,
            demo: meetings::demo(&values)?,
            nearest_region,
            meetings_rate: throttle::meetings(&values),
            outbound: Outbound::read(&values)?,
            meeting_events: MeetingEvents::read(&values)?,
            rate: throttle::read(&values),
            backlog: throttle::backlog(&values),
            telemetry: Telemetry::read(&values)?,
            test_clock: values.flag("test_clock"),
            oidc,
            values,
        })
    }
}

/// Every key, by section.
pub fn keys() -> impl Iterator<Item = &'static Key> {
    [
        storage::KEYS,
        nats::KEYS,
        http::KEYS,
        auth::KEYS,
        tls::KEYS,
        rules::KEYS,
        outbound::KEYS,
        export::KEYS,
        meetings::KEYS,
        events::KEYS,
        throttle::KEYS,
        telemetry::KEYS,
        &limits::KEYS,
    ]
    .into_iter()
    .flatten()
}
