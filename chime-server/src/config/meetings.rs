//! Meetings: where their media are, and which media region is nearest to whom.

use std::net::{IpAddr, SocketAddr};

use chime_domain::access::policy::IpRange;
use chime_domain::limits::MEDIA_REGIONS;

use super::key::Kind::{Address, List, Text};
use super::{ConfigError, Key, Values};
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
         behind NAT, in a container. By default the host of the TLS listener.",
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
        "nearest_region_path",
        Text,
        "/nearest-media-region",
        "Path at which they ask for it on any host name.",
    ),
];

/// Where the media of meetings are.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Media {
    /// The address to listen on.
    pub listen: SocketAddr,
    /// Where clients reach it, if not there.
    pub public: Option<SocketAddr>,
    /// The media regions that this server carries.
    pub regions: Vec<String>,
}

impl Media {
    pub(super) fn read(values: &Values, nearest: &NearestRegion) -> Result<Self, ConfigError> {
        let required = || values.refuse("media_listen", "is required");
        let listen = values.address("media_listen").ok_or_else(required)?;
        let address = |text: &str| {
            let alone = text.parse::<IpAddr>().map(|ip| SocketAddr::new(ip, listen.port()));
            let found = alone.ok().or_else(|| text.parse().ok()).filter(|at| !at.ip().is_unspecified());
            found
                .ok_or_else(|| values.refuse("media_public", "expected an IP address that clients can reach"))
        };
        let public = values.text("media_public").map(|text| address(&text)).transpose()?;
        let mut regions = values.list("media_regions");
        regions.retain(|region| !region.is_empty());
        if regions.iter().any(|region| !MEDIA_REGIONS.contains(&region.as_str())) {
            return Err(values.refuse("media_regions", "expected media regions, such as us-east-1"));
        }
        if regions.is_empty() {
            regions = nearest.regions.iter().map(|(region, _)| region.clone()).collect();
        }
        Ok(Self { listen, public, regions })
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
