//! Meetings: where their media are, and which media region is nearest to whom.

use std::net::{IpAddr, SocketAddr};

use chime_domain::access::policy::IpRange;
use chime_domain::limits::MEDIA_REGIONS;

use super::key::Kind::{Address, Flag, List, Number, Text};
use super::{ConfigError, Key, Values};
use crate::Demo;
use crate::meetings::NearestRegion;

pub(super) const KEYS: &[Key] = &[
    Key::new(
        "media_listen",
        Address,
        "0.0.0.0:3478",
        "UDP and TCP address of the media of meetings; all attendees share it.",
    ),
    Key::new(
        "media_public",
        Text,
        "",
        "IP address, or address and port, at which clients reach the media, when it is another than that of the listener: \
         behind NAT, in a container. By default the address that is listened at, or the one this machine sends from.",
    ),
    Key::new(
        "media_tls_listen",
        Text,
        "",
        "Address of the relay for clients that may speak TLS only, as 0.0.0.0:5349; its certificate is that of HTTPS.",
    ),
    Key::new(
        "media_relay",
        List,
        "",
        "Ways to our relay that clients are told to use, of udp, tcp and tls: then all of them use it. By default they \
         come directly, over UDP or else TCP.",
    ),
    Key::new(
        "media_complexity",
        Number(0, 10),
        "5",
        "Effort of coding the mix of a meeting, as Opus counts it: 0 saves processor time, 10 sounds best.",
    ),
    Key::new(
        "media_noise_suppression",
        Flag,
        "false",
        "Whether noise is taken out of attendees' voices before they are mixed: 10 ms more delay, and about the work of \
         another decoder for each who talks.",
    ),
    Key::new(
        "media_regions",
        List,
        "",
        "Media regions that this server carries, where several share a database: meetings are placed on a server of their \
         region. By default those of `regions`.",
    ),
    Key::new(
        "regions",
        List,
        "us-east-1",
        "Media regions that clients are told to be the nearest: REGION for all, or REGION=NETWORK for those of a network, \
         as eu-west-1=10.1.0.0/16; the first that fits.",
    ),
    Key::new(
        "nearest_region_hosts",
        List,
        "nearest-media-region.1.chime.aws,nearest-media-region.l.chime.aws",
        "Host names at whose root clients ask for the nearest media region.",
    ),
    Key::new(
        "demo",
        Text,
        "local",
        "Who may meet by the page /demo/meeting, without any credentials: `local`, browsers on this machine; `on`, everybody \
         who reaches the server; `off`.",
    ),
    Key::new(
        "nearest_region_path",
        Text,
        "/nearest-media-region",
        "Path at which they ask for it on any host name.",
    ),
];

/// A way to our relay.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Relay {
    /// Datagrams.
    Udp,
    /// A stream.
    Tcp,
    /// A stream inside of TLS.
    Tls,
}

/// Where the media of meetings are.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Media {
    /// The address to listen on.
    pub listen: SocketAddr,
    /// Where clients reach it, if not there.
    pub public: Option<SocketAddr>,
    /// Where the relay listens for TLS, if it does.
    pub tls_listen: Option<SocketAddr>,
    /// The ways to the relay that clients are told to use.
    pub relay: Vec<Relay>,
    /// The media regions that it carries.
    pub regions: Vec<String>,
    /// Effort of coding the mix, 0 to 10.
    pub complexity: u8,
    /// Whether noise is taken out of voices.
    pub noise_suppression: bool,
}

impl Media {
    /// Media on this address, and nothing else.
    #[must_use]
    pub fn on(listen: SocketAddr) -> Self {
        Self {
            listen,
            public: None,
            tls_listen: None,
            relay: Vec::new(),
            regions: Vec::new(),
            complexity: 5,
            noise_suppression: false,
        }
    }

    pub(super) fn read(values: &Values, nearest: &NearestRegion) -> Result<Self, ConfigError> {
        let required = || values.refuse("media_listen", "is required");
        let listen = values.address("media_listen").ok_or_else(required)?;
        let address = |text: &str| {
            // Port 0 of the listener is some port that is free then.
            let alone = text.parse::<IpAddr>().map(|ip| SocketAddr::new(ip, listen.port()));
            let found = alone.ok().or_else(|| text.parse().ok()).filter(|at| !at.ip().is_unspecified());
            found
                .ok_or_else(|| values.refuse("media_public", "expected an IP address that clients can reach"))
        };
        let public = values.text("media_public").map(|text| address(&text)).transpose()?;
        let tls_listen = values.text("media_tls_listen").map(|text| {
            text.parse().map_err(|_| values.refuse("media_tls_listen", "expected an address and a port"))
        });
        let relay = |name: &String| match name.as_str() {
            "udp" => Ok(Relay::Udp),
            "tcp" => Ok(Relay::Tcp),
            "tls" => Ok(Relay::Tls),
            _ => Err(values.refuse("media_relay", "expected udp, tcp or tls")),
        };
        let names = values.list("media_relay");
        let relay: Vec<_> =
            names.iter().filter(|name| !name.is_empty()).map(relay).collect::<Result<_, _>>()?;
        if relay.contains(&Relay::Tls) && tls_listen.is_none() {
            return Err(values.refuse("media_relay", "tls needs media_tls_listen"));
        }
        let complexity = u8::try_from(values.number("media_complexity")).unwrap_or_default();
        let noise_suppression = values.flag("media_noise_suppression");
        if noise_suppression && cfg!(not(feature = "noise-suppression")) {
            let missing = "this build has no feature `noise-suppression`";
            return Err(values.refuse("media_noise_suppression", missing));
        }
        let mut regions = values.list("media_regions");
        regions.retain(|region| !region.is_empty());
        if regions.iter().any(|region| !MEDIA_REGIONS.contains(&region.as_str())) {
            return Err(values.refuse("media_regions", "expected media regions, such as us-east-1"));
        }
        if regions.is_empty() {
            regions = nearest.regions.iter().map(|(region, _)| region.clone()).collect();
        }
        let tls_listen = tls_listen.transpose()?;
        Ok(Self { listen, public, tls_listen, relay, regions, complexity, noise_suppression })
    }
}

pub(super) fn nearest_region(values: &Values) -> Result<NearestRegion, ConfigError> {
    let refuse = |problem: &str| values.refuse("regions", problem);
    let mut nearest = NearestRegion::default();
    for text in values.list("regions").iter().filter(|text| !text.is_empty()) {
        let (region, range) = match text.split_once('=') {
            Some((region, range)) => {
                let range = IpRange::parse(range).ok_or_else(|| refuse("expected a network after `=`"))?;
                (region, Some(range))
            }
            None => (text.as_str(), None),
        };
        if !MEDIA_REGIONS.contains(&region) {
            return Err(refuse("expected media regions, such as us-east-1"));
        }
        nearest.regions.push((region.to_owned(), range));
    }
    nearest.hosts = values.list("nearest_region_hosts");
    nearest.path = values.text("nearest_region_path").unwrap_or_default();
    if !nearest.path.starts_with('/') || nearest.path.len() < 2 {
        return Err(values.refuse("nearest_region_path", "expected a path, such as /nearest-media-region"));
    }
    Ok(nearest)
}

pub(super) fn demo(values: &Values) -> Result<Demo, ConfigError> {
    match values.text("demo").as_deref() {
        Some("local") => Ok(Demo::Local),
        Some("on") => Ok(Demo::On),
        Some("off") => Ok(Demo::Off),
        _ => Err(values.refuse("demo", "it must be `local`, `on` or `off`")),
    }
}
