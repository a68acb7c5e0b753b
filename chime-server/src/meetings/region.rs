//! The media region nearest to a client (rules MTG-23, MTG-24).
//!
//! The vendor serves it at the root of a host of its own, which the documents spell in two ways; a server of one's own may
//! have any name, and then it is asked at a path.

use std::net::IpAddr;

use axum::body::Body;
use axum::extract::{Request, State};
use axum::response::Response;
use chime_domain::access::policy::IpRange;
use chime_domain::limits::MEDIA_REGION_DEFAULT;
use http::Method;
use serde_json::json;

use crate::api::Source;
use crate::app::App;

/// What is answered to whom, and where it is asked.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct NearestRegion {
    /// Regions, each for the clients of a network or for all; the first that fits is the nearest.
    pub regions: Vec<(String, Option<IpRange>)>,
    /// Hosts at whose root it is asked.
    pub hosts: Vec<String>,
    /// The path at which it is asked on any host.
    pub path: String,
}

impl Default for NearestRegion {
    fn default() -> Self {
        let hosts = ["nearest-media-region.1.chime.aws", "nearest-media-region.l.chime.aws"];
        Self {
            regions: Vec::new(),
            hosts: hosts.map(str::to_owned).to_vec(),
            path: "/nearest-media-region".to_owned(),
        }
    }
}

impl NearestRegion {
    fn of(&self, client: Option<IpAddr>) -> &str {
        let fits = |range: &Option<IpRange>| match (range, client) {
            (None, _) => true,
            (Some(range), Some(client)) => range.contains(client),
            (Some(_), None) => false,
        };
        let found = self.regions.iter().find(|(_, range)| fits(range));
        found.map_or(MEDIA_REGION_DEFAULT, |(region, _)| region)
    }
}

/// Whether a request asks for the nearest region. It is not signed.
pub(crate) fn is_probe(app: &App, request: &Request) -> bool {
    let nearest = &app.options().nearest_region;
    let path = request.uri().path();
    if request.method() != Method::GET || path != nearest.path && !matches!(path, "/" | "") {
        return false;
    }
    let in_header = || request.headers().get(http::header::HOST).and_then(|host| host.to_str().ok());
    let host = request.uri().authority().map(|authority| authority.as_str()).or_else(in_header);
    let name = host.unwrap_or_default().split(':').next().unwrap_or_default();
    path == nearest.path || nearest.hosts.iter().any(|known| known.eq_ignore_ascii_case(name))
}

/// The answer.
pub(crate) async fn nearest(State(app): State<App>, request: Request) -> Response {
    let (parts, _) = request.into_parts();
    let region = app.options().nearest_region.of(Source::of(&parts).ip);
    Response::new(Body::from(json!({ "region": region }).to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mtg_23_the_first_region_whose_network_has_the_client_is_the_nearest() {
        let network = |text: &str| Some(IpRange::parse(text).unwrap());
        let regions = vec![
            ("eu-west-1".to_owned(), network("10.1.0.0/16")),
            ("eu-central-1".to_owned(), network("10.0.0.0/8")),
            ("us-west-2".to_owned(), None),
        ];
        let nearest = NearestRegion { regions, ..NearestRegion::default() };
        let of = |text: &str| nearest.of(Some(text.parse().unwrap()));
        assert_eq!(
            (of("10.1.2.3"), of("10.2.2.3"), of("192.0.2.1")),
            ("eu-west-1", "eu-central-1", "us-west-2")
        );
        assert_eq!(nearest.of(None), "us-west-2");
        assert_eq!(NearestRegion::default().of(None), "us-east-1");
    }
}
