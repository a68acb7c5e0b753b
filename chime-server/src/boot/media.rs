//! The media of meetings: their sockets, and the addresses that clients are told.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket};

use anyhow::{Context, Result, bail};
use chime_domain::ports::Entropy;
use tokio::net::TcpListener;

use crate::config::{self, Relay};
use crate::media::{Media, MediaOptions};
use crate::meetings::Here;

/// The name of a server that shares its store with no other.
pub(super) const ALONE: &str = "local";
/// How often a port is looked for that is free for datagrams and streams.
const TRIES: usize = 20;

/// Media that run, and listeners that nobody serves yet.
pub(super) struct Opened {
    pub(super) media: Media,
    pub(super) address: SocketAddr,
    pub(super) plain: TcpListener,
    pub(super) tls: Option<TcpListener>,
}

impl Opened {
    /// Where this server is, as clients of meetings reach it, and what it carries.
    pub(super) fn here(&self, config: &config::Media) -> Here {
        let (node, host, media) = self.media.reached();
        Here {
            node: node.to_owned(),
            host: host.to_owned(),
            media: media.to_owned(),
            regions: config.regions.clone(),
        }
    }
}

/// Starts the media of this server, whose TLS listener is reached at `host`.
pub(super) async fn open(
    config: &config::Media,
    node: Option<&str>,
    host: &str,
    entropy: &dyn Entropy,
) -> Result<Opened> {
    let tls = match config.tls_listen {
        Some(at) => {
            Some(TcpListener::bind(at).await.with_context(|| format!("cannot listen on {at} for media"))?)
        }
        None => None,
    };
    let tls_port = tls.as_ref().and_then(|tls| tls.local_addr().ok()).map(|address| address.port());
    for _ in 0..TRIES {
        let at = config.listen;
        let plain =
            TcpListener::bind(at).await.with_context(|| format!("cannot listen on {at} for media"))?;
        let address = plain.local_addr()?;
        let mut options = MediaOptions::new(address, node.unwrap_or(ALONE).to_owned(), host.to_owned());
        options.candidates = candidates(config, address);
        options.address = match config.public {
            Some(_) => options.candidates.first().copied().unwrap_or(address).to_string(),
            None => format!("{}:{}", name(host), address.port()),
        };
        options.tcp = true;
        options.complexity = config.complexity;
        options.noise_suppression = config.noise_suppression;
        options.relays = relays(config, &options.candidates, host, tls_port)?;
        entropy.fill(&mut options.relay_secret.0);
        match Media::start(options) {
            Ok(media) => return Ok(Opened { media, address, plain, tls }),
            // The port is free for streams only: another may be free for both.
            Err(_) if at.port() == 0 => {}
            Err(error) => return Err(error).with_context(|| format!("cannot listen on {at} for media")),
        }
    }
    bail!("no port is free for media")
}

/// Where clients reach a listener: where the operator says; where it listens; or else where this machine is.
fn candidates(config: &config::Media, listening: SocketAddr) -> Vec<SocketAddr> {
    if let Some(mut public) = config.public {
        if public.port() == 0 {
            public.set_port(listening.port());
        }
        return vec![public];
    }
    if !listening.ip().is_unspecified() {
        return vec![listening];
    }
    let mut ips: Vec<IpAddr> = Vec::new();
    if listening.is_ipv6() {
        ips.extend(outward(Ipv6Addr::UNSPECIFIED.into(), "[2001:db8::1]:9"));
    }
    ips.extend(outward(Ipv4Addr::UNSPECIFIED.into(), "192.0.2.1:9"));
    ips.push(Ipv4Addr::LOCALHOST.into());
    ips.dedup();
    ips.into_iter().map(|ip| SocketAddr::new(ip, listening.port())).collect()
}

/// The address of this machine that the system would send from. Nothing is sent for that.
fn outward(any: IpAddr, to: &str) -> Option<IpAddr> {
    let socket = UdpSocket::bind(SocketAddr::new(any, 0)).ok()?;
    socket.connect(to).ok()?;
    socket.local_addr().ok().map(|address| address.ip()).filter(|ip| !ip.is_unspecified())
}

/// The URIs of our relay that clients are told to use.
fn relays(
    config: &config::Media,
    candidates: &[SocketAddr],
    host: &str,
    tls_port: Option<u16>,
) -> Result<Vec<String>> {
    let Some(media) = candidates.first() else { return Ok(Vec::new()) };
    let each = |relay: &Relay| match (relay, tls_port) {
        (Relay::Udp, _) => Ok(format!("turn:{media}?transport=udp")),
        (Relay::Tcp, _) => Ok(format!("turn:{media}?transport=tcp")),
        (Relay::Tls, Some(port)) => Ok(format!("turns:{}:{port}?transport=tcp", name(host))),
        (Relay::Tls, None) => bail!("a relay over TLS needs `media_tls_listen`"),
    };
    config.relay.iter().map(each).collect()
}

/// A host without its port.
fn name(host: &str) -> &str {
    host.rsplit_once(':').filter(|(_, port)| port.parse::<u16>().is_ok()).map_or(host, |(name, _)| name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clients_are_told_addresses_that_they_can_reach() {
        let at = |text: &str| text.parse::<SocketAddr>().unwrap();
        let media = |listen, public: Option<&str>| {
            let config = config::Media { public: public.map(at), ..config::Media::on(at(listen)) };
            candidates(&config, at(listen))
        };
        assert_eq!(media("127.0.0.1:3478", None), [at("127.0.0.1:3478")]);
        assert_eq!(media("0.0.0.0:3478", Some("192.0.2.9:4000")), [at("192.0.2.9:4000")]);
        assert_eq!(media("0.0.0.0:3478", Some("192.0.2.9:0")), [at("192.0.2.9:3478")]);
        let found = media("0.0.0.0:3478", None);
        assert!(found.contains(&at("127.0.0.1:3478")), "{found:?}");
        assert!(found.iter().all(|address| !address.ip().is_unspecified() && address.port() == 3478));
    }

    #[test]
    fn relays_are_those_that_the_operator_names() {
        let at = |text: &str| text.parse::<SocketAddr>().unwrap();
        let of = |relay: Vec<Relay>, port| {
            let config = config::Media { relay, ..config::Media::on(at("0.0.0.0:3478")) };
            relays(&config, &[at("192.0.2.9:3478")], "chime.test:8443", port)
        };
        assert!(of(vec![], None).unwrap().is_empty());
        assert_eq!(
            of(vec![Relay::Udp, Relay::Tls], Some(5349)).unwrap(),
            ["turn:192.0.2.9:3478?transport=udp", "turns:chime.test:5349?transport=tcp"]
        );
        assert!(of(vec![Relay::Tls], None).is_err());
    }
}
