//! Cross-origin requests: browsers call the API directly (wire.md section 11, trap 19).

use axum::body::Body;
use axum::extract::Request;
use axum::response::Response;
use http::header::{
    ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_ALLOW_ORIGIN,
    ACCESS_CONTROL_EXPOSE_HEADERS, ACCESS_CONTROL_MAX_AGE, ACCESS_CONTROL_REQUEST_HEADERS,
    ACCESS_CONTROL_REQUEST_METHOD, ORIGIN,
};
use http::{HeaderMap, HeaderValue, Method, StatusCode};

/// Headers that clients send. `authorization` has to be named: the wildcard does not cover it.
const ALLOWED: &str = "authorization, content-type, amz-sdk-invocation-id, amz-sdk-request, x-amz-chime-bearer, \
                       x-amz-content-sha256, x-amz-date, x-amz-security-token, x-amz-user-agent, x-amzn-trace-id, \
                       x-chime-auth-token";
/// Families of headers that the vendor's clients may add to.
const FAMILIES: [&str; 3] = ["x-amz-", "x-amzn-", "amz-sdk-"];
const EXPOSED: HeaderValue =
    HeaderValue::from_static("x-amzn-errortype, x-amzn-requestid, date, retry-after");
const METHODS: HeaderValue = HeaderValue::from_static("GET, POST, PUT, DELETE, OPTIONS");
const ANY: HeaderValue = HeaderValue::from_static("*");
/// Seconds for which a browser may remember the answer.
const MAX_AGE: HeaderValue = HeaderValue::from_static("7200");
/// Webhook addresses are secrets that no page of another origin may use (wire.md section 11, trap 19).
const NOT_SHARED: [&str; 1] = ["/incomingwebhooks/"];

/// Whether the answer may be shown to the page that asked.
pub(crate) fn origin_wants(request: &Request) -> bool {
    let path = request.uri().path();
    request.headers().contains_key(ORIGIN) && !NOT_SHARED.iter().any(|prefix| path.starts_with(prefix))
}

/// Whether it is the question of a browser before the request proper.
pub(crate) fn is_preflight(request: &Request) -> bool {
    request.method() == Method::OPTIONS
        && request.headers().contains_key(ACCESS_CONTROL_REQUEST_METHOD)
        && origin_wants(request)
}

/// The answer to that question; it is never signed.
pub(crate) fn preflight(request: &Request) -> Response {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::NO_CONTENT;
    let headers = response.headers_mut();
    headers.insert(ACCESS_CONTROL_ALLOW_METHODS, METHODS);
    headers.insert(ACCESS_CONTROL_MAX_AGE, MAX_AGE);
    let wanted = request.headers().get(ACCESS_CONTROL_REQUEST_HEADERS).and_then(|value| value.to_str().ok());
    if let Ok(allowed) = HeaderValue::from_str(&allowed_headers(wanted.unwrap_or_default())) {
        headers.insert(ACCESS_CONTROL_ALLOW_HEADERS, allowed);
    }
    response
}

/// Lets the page read an answer.
pub(crate) fn expose(headers: &mut HeaderMap) {
    headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, ANY);
    headers.insert(ACCESS_CONTROL_EXPOSE_HEADERS, EXPOSED);
}

fn allowed_headers(wanted: &str) -> String {
    let wanted = wanted.split(',').map(|name| name.trim().to_ascii_lowercase());
    let is_family = |name: &String| FAMILIES.iter().any(|family| name.starts_with(family));
    let is_name = |name: &String| name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_');
    let is_new = |name: &String| !ALLOWED.split(", ").any(|known| known == name);
    let mut allowed = ALLOWED.to_owned();
    for name in wanted.filter(is_family).filter(is_name).filter(is_new) {
        allowed.push_str(", ");
        allowed.push_str(&name);
    }
    allowed
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(method: &str, path: &str, headers: &[(&str, &str)]) -> Request {
        let mut request = Request::builder().method(method).uri(path);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        request.body(Body::empty()).unwrap()
    }

    #[test]
    fn a_preflight_names_authorization_and_the_vendors_own_headers() {
        let asked = [
            ("origin", "https://app.test"),
            ("access-control-request-method", "POST"),
            ("access-control-request-headers", "authorization, X-Amz-New-Thing, cookie, x-amz-bad name"),
        ];
        let request = request("OPTIONS", "/channels", &asked);
        assert!(is_preflight(&request));
        let response = preflight(&request);
        assert_eq!(response.status(), 204);
        let allowed = response.headers()[ACCESS_CONTROL_ALLOW_HEADERS].to_str().unwrap().to_owned();
        let names: Vec<_> = allowed.split(", ").collect();
        for name in
            ["authorization", "content-type", "x-amz-chime-bearer", "amz-sdk-request", "x-amz-new-thing"]
        {
            assert!(names.contains(&name), "{name}");
        }
        assert!(!names.contains(&"cookie"));
        assert!(!allowed.contains('*') && !allowed.contains("bad"));
    }

    #[test]
    fn webhooks_are_not_shared_with_other_origins() {
        let asked = [("origin", "https://app.test"), ("access-control-request-method", "POST")];
        assert!(!is_preflight(&request("OPTIONS", "/incomingwebhooks/w1", &asked)));
        assert!(!origin_wants(&request("POST", "/incomingwebhooks/w1", &asked)));
        assert!(origin_wants(&request("POST", "/channels", &asked)));
        assert!(!origin_wants(&request("POST", "/channels", &[])));
    }
}
