//! The runtime.

use std::collections::BTreeMap;

use async_trait::async_trait;
use chime_domain::error::ErrorCode;
use chime_domain::ports::{Lex, LexError, LexMessage, LexReply, Utterance};
use reqwest::Url;
use serde::{Deserialize, Serialize};

use crate::announce::{AwsCalls, Call};
use crate::outbound::Answer;

/// Calls Lex's runtime at an endpoint.
#[derive(Clone, Debug)]
pub struct LexRuntime {
    calls: AwsCalls,
    endpoint: Url,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Request<'a> {
    text: &'a str,
    request_attributes: &'a BTreeMap<String, String>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Recognized {
    messages: Vec<LexMessage>,
    session_state: SessionState,
    session_id: Option<String>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct SessionState {
    intent: Intent,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Intent {
    name: Option<String>,
    state: Option<String>,
}

impl LexRuntime {
    /// The runtime at `endpoint`, called with the credentials of `calls`.
    #[must_use]
    pub fn new(calls: AwsCalls, endpoint: Url) -> Self {
        Self { calls, endpoint }
    }

    /// Where a bot is told something, and its region.
    fn place<'a>(&self, utterance: &'a Utterance) -> Option<(Url, &'a str)> {
        let parts: Vec<_> = utterance.alias.split(':').collect();
        let ["arn", _, "lex", region, _, alias] = parts.as_slice() else { return None };
        let mut alias = alias.strip_prefix("bot-alias/")?.split('/');
        let (bot, alias) = (alias.next()?, alias.next()?);
        let mut url = self.endpoint.clone();
        url.path_segments_mut().ok()?.pop_if_empty().extend([
            "bots",
            bot,
            "botAliases",
            alias,
            "botLocales",
            &utterance.locale,
            "sessions",
            &utterance.session,
            "text",
        ]);
        Some((url, region))
    }
}

fn refused(code: ErrorCode, why: impl Into<String>) -> LexError {
    LexError::Refused { code, why: why.into() }
}

/// What an answer means. A text for the log holds its status alone.
fn judge(answer: &Answer) -> Result<LexReply, LexError> {
    let why = format!("status {}", answer.status);
    match answer.status {
        200..=299 => {
            let read = serde_json::from_slice::<Recognized>(&answer.body.0);
            let read = read.map_err(|_| LexError::Unreachable("the answer is none of Lex".into()))?;
            let Intent { name: intent, state } = read.session_state.intent;
            Ok(LexReply { messages: read.messages, intent, state, session: read.session_id })
        }
        408 | 409 | 424 | 429 | 500..=599 => Err(LexError::Unreachable(why.into())),
        401 | 403 => Err(refused(ErrorCode::Forbidden, why)),
        404 => Err(refused(ErrorCode::NotFound, why)),
        _ => Err(refused(ErrorCode::BadRequest, why)),
    }
}

#[async_trait]
impl Lex for LexRuntime {
    fn is_there(&self) -> bool {
        true
    }

    async fn recognize_text(&self, utterance: Utterance) -> Result<LexReply, LexError> {
        let place = self.place(&utterance);
        let (url, region) = place.ok_or_else(|| refused(ErrorCode::NotFound, "its ARN is of no alias"))?;
        let request = Request { text: &utterance.text.0, request_attributes: &utterance.attributes };
        let body = serde_json::to_vec(&request).map_err(|error| LexError::Unreachable(error.into()))?;
        let call = Call { service: "lex", region, target: None, content_type: "application/json", body };
        judge(&self.calls.post(&url, call).await.map_err(LexError::Unreachable)?)
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use chime_domain::text::Private;

    use super::*;

    fn answered(status: u16, body: &'static str) -> Result<LexReply, LexError> {
        judge(&Answer { status, function_error: None, body: Private(Bytes::from_static(body.as_bytes())) })
    }

    #[test]
    fn an_answer_is_read_with_what_it_leaves_out() {
        let text = r#"{"messages": [{"content": "Hi", "contentType": "PlainText"},
            {"contentType": "ImageResponseCard", "imageResponseCard": {"title": "T", "buttons": [{"text": "a", "value": "b"}]}}],
            "sessionState": {"intent": {"name": "Greet", "state": "Fulfilled"}}, "sessionId": "s", "more": 1}"#;
        let reply = answered(200, text).unwrap();
        assert_eq!((reply.intent.as_deref(), reply.session.as_deref()), (Some("Greet"), Some("s")));
        let written = serde_json::to_string(&reply.messages).unwrap();
        assert_eq!(
            written,
            r#"[{"Content":"Hi","ContentType":"PlainText"},{"ContentType":"ImageResponseCard","ImageResponseCard":{"Title":"T","Buttons":[{"Text":"a","Value":"b"}]}}]"#
        );
        assert_eq!(answered(200, "{}").unwrap(), LexReply::default());
        assert!(!format!("{reply:?}").contains("Hi"));
    }

    #[test]
    fn what_may_be_otherwise_later_is_told_from_what_will_not() {
        for status in [408, 409, 424, 429, 500, 503] {
            assert!(matches!(answered(status, ""), Err(LexError::Unreachable(_))), "{status}");
        }
        assert!(matches!(answered(200, "<html>"), Err(LexError::Unreachable(_))));
        for (status, expected) in
            [(400, ErrorCode::BadRequest), (403, ErrorCode::Forbidden), (404, ErrorCode::NotFound)]
        {
            let refused = answered(status, "").unwrap_err();
            assert!(matches!(refused, LexError::Refused { code, .. } if code == expected), "{status}");
        }
    }
}
