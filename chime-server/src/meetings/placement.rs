//! Where meetings are, as clients reach it.

use std::net::IpAddr;

use chime_domain::ports::MediaPlacement;

use crate::app::App;

/// The URLs of a meeting for whoever sent a request: those of the plain listener, when it came over that from this
/// machine and the meeting lives here. A page on localhost cannot be expected to trust the certificate.
pub(crate) fn as_reached(app: &App, host: &str, secure: bool, placement: &MediaPlacement) -> MediaPlacement {
    let mut urls = placement.clone();
    if secure || !is_loopback(host) {
        return urls;
    }
    let here = app.messaging_endpoint();
    let plain = |url: &mut String, secure: &str, scheme: &str| {
        let path = url.strip_prefix(secure).and_then(|rest| rest.strip_prefix(here));
        if let Some(path) = path.filter(|path| path.starts_with('/')) {
            *url = format!("{scheme}{host}{path}");
        }
    };
    plain(&mut urls.signaling_url, "wss://", "ws://");
    plain(&mut urls.event_ingestion_url, "https://", "http://");
    plain(&mut urls.turn_control_url, "https://", "http://");
    urls
}

/// Whether a host, with its port or without, is this machine.
pub(crate) fn is_loopback(host: &str) -> bool {
    let name = match host.strip_prefix('[') {
        Some(rest) => rest.split(']').next().unwrap_or_default(),
        None => host.split(':').next().unwrap_or_default(),
    };
    let is_name = name.eq_ignore_ascii_case("localhost") || name.to_ascii_lowercase().ends_with(".localhost");
    is_name || name.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::is_loopback;

    #[test]
    fn loopback_is_told_by_name_and_address_with_a_port_or_without() {
        for (host, is) in [
            ("localhost", true),
            ("LocalHost:8080", true),
            ("app.localhost:80", true),
            ("127.0.0.1:8080", true),
            ("127.1.2.3", true),
            ("[::1]:8080", true),
            ("[::1]", true),
            ("chime.test", false),
            ("localhost.chime.test", false),
            ("10.0.0.1:80", false),
            ("[2001:db8::1]:80", false),
            ("", false),
        ] {
            assert_eq!(is_loopback(host), is, "{host}");
        }
    }
}
