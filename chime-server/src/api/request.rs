//! What a handler gets.

use std::net::IpAddr;
use std::sync::Arc;

use bytes::Bytes;
use chime_domain::arn::AppInstanceUserArn;
use chime_domain::messaging::bad_bearer;
use serde::de::DeserializeOwned;

use super::error::ApiError;
use super::namespace::Namespace;
use super::operations::{Labels, Operation};
use super::query::Query;
use super::strict;
use crate::auth::Caller;

/// A request that was routed, signed and permitted by the caller's policies.
#[derive(Clone, Debug)]
pub struct ApiRequest {
    /// The row of the operation.
    pub operation: &'static Operation,
    /// Whose form the answer takes.
    pub namespace: Namespace,
    /// The labels of the path, decoded.
    pub labels: Labels,
    /// The query, decoded.
    pub query: Query,
    /// The body as received.
    pub body: Bytes,
    /// Who acts.
    pub acting: Acting,
    /// Who signed.
    pub caller: Arc<Caller>,
    /// Where it came from.
    pub source: Source,
    /// Host and port that it was sent to.
    pub host: Arc<str>,
    /// Its id, which the answer carries too.
    pub request_id: Arc<str>,
}

/// Where a request came from.
#[derive(Clone, Copy, Debug, Default)]
pub struct Source {
    /// Address of the client, if the listener told it.
    pub ip: Option<IpAddr>,
    /// Whether it came over TLS.
    pub secure: bool,
}

/// The user that a request acts as (wire rules D-01, D-02 and E-09).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Acting {
    /// Named by the bearer header, or tied to the caller by its policies.
    User(AppInstanceUserArn),
    /// The bearer header is no user's ARN.
    Malformed,
    /// There is no header, and the policies tie to nobody.
    Nobody,
}

/// Levels of lists and objects that a body may have. No operation needs ten.
const MOST_DEPTH: usize = 64;

/// The levels of lists and objects in a JSON text, counted without recursion, in members that are ignored too.
fn depth(text: &str) -> usize {
    let (mut level, mut most) = (0_usize, 0);
    let (mut in_string, mut escaped) = (false, false);
    for byte in text.bytes() {
        match (in_string, byte) {
            (true, _) if escaped => escaped = false,
            (true, b'\\') => escaped = true,
            (_, b'"') => in_string = !in_string,
            (false, b'[' | b'{') => {
                level += 1;
                most = most.max(level);
            }
            (false, b']' | b'}') => level = level.saturating_sub(1),
            _ => {}
        }
    }
    most
}

impl ApiRequest {
    /// The decoded value of a label of the route; empty when the route has none of that name, which parses as nothing.
    #[must_use]
    pub fn label(&self, name: &str) -> &str {
        self.labels.get(name).unwrap_or_default()
    }

    /// The body. None at all means `{}` (wire rule W-09); unknown members are ignored (W-18).
    ///
    /// # Errors
    ///
    /// 400 for malformed, too deep or wrongly typed JSON (structures are objects alone), and for bytes that are no UTF-8.
    pub fn json<T: DeserializeOwned>(&self) -> Result<T, ApiError> {
        let text = std::str::from_utf8(&self.body)
            .map_err(|_| ApiError::bad_request("W-18", "The body is not UTF-8."))?;
        if depth(text) > MOST_DEPTH {
            return Err(ApiError::bad_request(
                "W-18",
                format!("The body is nested deeper than {MOST_DEPTH} levels."),
            ));
        }
        let text = if text.trim_ascii().is_empty() { "{}" } else { text };
        let mut deserializer = serde_json::Deserializer::from_str(text);
        strict::from(&mut deserializer)
            .and_then(|read| deserializer.end().map(|()| read))
            .map_err(|error| ApiError::bad_request("W-18", format!("The body cannot be read: {error}.")))
    }

    /// The user that the request acts as, for operations that need one.
    ///
    /// # Errors
    ///
    /// 401 when the bearer is missing or malformed (wire rule E-09).
    pub fn acting_user(&self) -> Result<&AppInstanceUserArn, ApiError> {
        match &self.acting {
            Acting::User(user) => Ok(user),
            Acting::Malformed | Acting::Nobody => Err(bad_bearer().into()),
        }
    }

    /// The same for operations that may act as one: a malformed bearer is refused, none is not.
    ///
    /// # Errors
    ///
    /// 401 when the bearer is malformed (wire rule E-09).
    pub fn acting_user_if_any(&self) -> Result<Option<&AppInstanceUserArn>, ApiError> {
        match &self.acting {
            Acting::Nobody => Ok(None),
            _ => self.acting_user().map(Some),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::depth;

    #[test]
    fn brackets_in_texts_do_not_nest() {
        assert_eq!(depth(r#"{"a":"[[[[\"[["}"#), 1);
        assert_eq!(depth(r#"{"a":"\\","b":[[],{}]}"#), 3);
        assert_eq!(depth("]]]][[["), 3);
        assert_eq!(depth("1"), 0);
    }
}
