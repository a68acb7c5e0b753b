//! What a request is for, exactly as it was received.

use axum::extract::OriginalUri;
use http::Uri;
use http::header::HOST;
use http::request::Parts;

use super::Peer;
use crate::api::Source;
use crate::auth::sigv4::SignedRequest;

/// Host, path and query of a request, still encoded.
///
/// An absolute-form target, from a client that uses us as its proxy, counts as its path and query, and names the host
/// instead of the header (RFC 9112 section 3.2.2); so does `:authority` of HTTP/2.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Target<'a> {
    /// Host and port.
    pub(crate) host: &'a str,
    /// The path to route: without what an embedding router took off.
    pub(crate) path: &'a str,
    /// The path that was signed.
    signed_path: &'a str,
    /// The query without its question mark.
    pub(crate) query: &'a str,
    /// Host and port in the target itself.
    authority: Option<&'a str>,
}

impl<'a> Target<'a> {
    pub(crate) fn of(parts: &'a Parts) -> Self {
        let received: &Uri = parts.extensions.get::<OriginalUri>().map_or(&parts.uri, |uri| &uri.0);
        let authority = received.authority().map(|authority| authority.as_str());
        let in_header = || parts.headers.get(HOST).and_then(|host| host.to_str().ok());
        Self {
            host: authority.or_else(in_header).unwrap_or_default(),
            path: parts.uri.path(),
            signed_path: received.path(),
            query: received.query().unwrap_or_default(),
            authority,
        }
    }

    /// The headers as signatures see them.
    pub(crate) fn headers(&self, parts: &'a Parts) -> Vec<(&'a str, &'a [u8])> {
        let own = self.authority.map(|authority| ("host", authority.as_bytes()));
        let received = parts.headers.iter().map(|(name, value)| (name.as_str(), value.as_bytes()));
        received.filter(|(name, _)| own.is_none() || *name != "host").chain(own).collect()
    }

    /// The parts that a signature covers.
    pub(crate) fn signed_request(
        &self,
        parts: &'a Parts,
        headers: &'a [(&'a str, &'a [u8])],
        body: &'a [u8],
        source: Source,
    ) -> SignedRequest<'a> {
        SignedRequest {
            method: parts.method.as_str(),
            raw_path: self.signed_path,
            raw_query: self.query,
            headers,
            body,
            secure: source.secure,
        }
    }
}

impl Source {
    /// What the listener told of a request's connection.
    pub(crate) fn of(parts: &Parts) -> Self {
        let peer = parts.extensions.get::<Peer>();
        peer.map_or_else(Self::default, |peer| Self { ip: Some(peer.address.ip()), secure: peer.secure })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parts(uri: &str, host: &str) -> Parts {
        http::Request::builder()
            .uri(uri)
            .header(HOST, host)
            .header("x-a", "1")
            .body(())
            .unwrap()
            .into_parts()
            .0
    }

    #[test]
    fn an_absolute_target_is_its_path_and_names_the_host() {
        let parts = parts("http://messaging-chime.test:8080/channels/a%2Fb?x=%20", "proxy.test");
        let target = Target::of(&parts);
        assert_eq!((target.host, target.path), ("messaging-chime.test:8080", "/channels/a%2Fb"));
        assert_eq!((target.signed_path, target.query), ("/channels/a%2Fb", "x=%20"));
        let headers = target.headers(&parts);
        assert_eq!(headers, [("x-a", &b"1"[..]), ("host", b"messaging-chime.test:8080")]);
    }

    #[test]
    fn an_origin_target_leaves_the_host_to_the_header() {
        let parts = parts("/channels", "chime.test");
        let target = Target::of(&parts);
        assert_eq!((target.host, target.path), ("chime.test", "/channels"));
        assert_eq!(target.headers(&parts), [("host", &b"chime.test"[..]), ("x-a", b"1")]);
    }

    #[test]
    fn a_prefix_that_an_embedding_router_took_off_was_signed_all_the_same() {
        let mut parts = parts("/channels", "chime.test");
        parts.extensions.insert(OriginalUri(Uri::from_static("/api/chime/channels?a=b")));
        let target = Target::of(&parts);
        assert_eq!((target.path, target.signed_path), ("/channels", "/api/chime/channels"));
        assert_eq!(target.query, "a=b");
    }
}
