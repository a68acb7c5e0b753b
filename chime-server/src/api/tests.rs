//! The stages around a handler, with handlers made for the purpose.

use std::sync::Arc;

use axum::body::Body;
use chime_adapters::memory::MemoryStore;
use chime_adapters::{SystemEntropy, TestClock};
use chime_domain::error::StoreError;
use chime_domain::flow::Chime;
use chime_domain::time::Timestamp;
use http_body_util::BodyExt;
use serde::Deserialize;
use serde_json::{Value, json};
use tower_service::Service;

use super::{ApiError, ApiRequest, Handler, Reply, operations};
use crate::app::{App, AppOptions};
use crate::auth::RootKey;
use crate::auth::sigv4::{Secret, SignedRequest, Signer};

const NOW: Timestamp = Timestamp::from_millis(1_600_000_000_000);

struct Answer {
    status: u16,
    name: String,
    body: Value,
}

/// Serves one signed request by `handler`, which stands at every operation.
async fn serve(handler: Handler, method: &str, path: &str, headers: &[(&str, &str)], body: &[u8]) -> Answer {
    let clock = Arc::new(TestClock::frozen(NOW));
    let chime = Chime::shared(Arc::new(MemoryStore::new()), clock, Arc::new(SystemEntropy));
    let options = AppOptions { root: Some(RootKey::new("AKIAROOT", "secret")), ..AppOptions::default() };
    let handlers = operations::all().map(|_| Some(handler)).collect();
    let app = App::with_handlers(chime.build().await.unwrap(), options, handlers);

    let secret = Secret::new("secret");
    let signer = Signer {
        access_key: "AKIAROOT",
        secret: &secret,
        token: None,
        region: "us-east-1",
        service: "chime",
    };
    let mut all = vec![("host", &b"chime.test"[..])];
    all.extend(headers.iter().map(|(name, value)| (*name, value.as_bytes())));
    let (raw_path, raw_query) = path.split_once('?').unwrap_or((path, ""));
    let signed = SignedRequest { method, raw_path, raw_query, headers: &all, body, secure: false };
    let mut request = http::Request::builder().method(method).uri(path);
    for (name, value) in signer.sign_headers(&signed, NOW).unwrap() {
        request = request.header(name, value);
    }
    for (name, value) in all {
        request = request.header(name, value);
    }
    let request = request.body(Body::from(body.to_vec())).unwrap();
    let response = crate::http::router(app).call(request).await.unwrap();
    let header = |name: &str| response.headers().get(name).map(|value| value.to_str().unwrap().to_owned());
    let (status, name) = (response.status().as_u16(), header("x-amzn-errortype").unwrap_or_default());
    assert_eq!(header("date").as_deref(), Some("Sun, 13 Sep 2020 12:26:40 GMT"));
    let bytes = response.into_body().collect().await.unwrap().to_bytes();
    let body = if bytes.is_empty() { Value::Null } else { serde_json::from_slice(&bytes).unwrap() };
    Answer { status, name, body }
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Input {
    name: Option<String>,
}

/// Shows what it got.
async fn echo(_: App, request: ApiRequest) -> Result<Reply, ApiError> {
    let Input { name } = request.json()?;
    Reply::json(&json!({
        "Name": name,
        "Arn": request.label("channelArn"),
        "Token": request.query.get("next-token"),
        "Caller": request.caller.arn,
        "Acting": request.acting_user_if_any()?.map(ToString::to_string),
        "Operation": request.operation.name_in(request.namespace),
    }))
}

async fn nothing(_: App, _: ApiRequest) -> Result<Reply, ApiError> {
    Ok(Reply::empty())
}

async fn panics(_: App, _: ApiRequest) -> Result<Reply, ApiError> {
    panic!("a defect")
}

async fn unavailable(_: App, _: ApiRequest) -> Result<Reply, ApiError> {
    Err(StoreError::unavailable("the disk is full", "ENOSPC").into())
}

async fn needs_user(_: App, request: ApiRequest) -> Result<Reply, ApiError> {
    request.acting_user().map(|_| Reply::empty())
}

fn boxed<F>(future: F) -> std::pin::Pin<Box<dyn Future<Output = Result<Reply, ApiError>> + Send>>
where
    F: Future<Output = Result<Reply, ApiError>> + Send + 'static,
{
    Box::pin(future)
}

const ECHO: Handler = |app, request| boxed(echo(app, request));

#[tokio::test]
async fn a_handler_gets_labels_query_body_bearer_and_caller() {
    let user = "arn:aws:chime:us-east-1:123456789012:app-instance/a/user/u";
    let answer = serve(
        ECHO,
        "PUT",
        "/channels/arn%3Aa%2Fb?next-token=a%2Bb",
        &[("x-amz-chime-bearer", user)],
        r#"{"Name":"né","Unknown":1}"#.as_bytes(),
    )
    .await;
    assert_eq!(answer.status, 200);
    assert_eq!(
        answer.body,
        json!({
            "Name": "né", "Arn": "arn:a/b", "Token": "a+b", "Caller": "arn:aws:iam::123456789012:root",
            "Acting": user, "Operation": "UpdateChannel"
        })
    );
}

#[tokio::test]
async fn no_body_and_null_mean_an_empty_object() {
    for body in ["", "{}", " \n", r#"{"Name":null}"#] {
        let answer = serve(ECHO, "POST", "/channels", &[], body.as_bytes()).await;
        assert_eq!((answer.status, &answer.body["Name"]), (201, &Value::Null), "{body:?}");
    }
}

#[tokio::test]
async fn a_body_that_cannot_be_read_is_a_400() {
    let deep = format!(r#"{{"Name":{}}}"#, "[".repeat(100_000));
    let deep_unknown = format!(r#"{{"X":{}1{}}}"#, "[".repeat(1000), "]".repeat(1000));
    for body in [
        &b"{"[..],
        b"[]",
        b"null",
        b"\"x\"",
        br#"{"Name":1}"#,
        br#"{"Name":"a"}x"#,
        b"{\"Name\":\"\xff\"}",
        b"{\"X\":\"\xc3\x28\"}",
        br#"{"Name":"\ud800"}"#,
        deep.as_bytes(),
        deep_unknown.as_bytes(),
        b"Action=x",
    ] {
        let answer = serve(ECHO, "POST", "/channels", &[], body).await;
        let shown = String::from_utf8_lossy(&body[..body.len().min(40)]).into_owned();
        assert_eq!((answer.status, answer.name.as_str()), (400, "BadRequestException"), "{shown}");
        assert_eq!(answer.body["Code"], "BadRequest");
    }
}

#[tokio::test]
async fn the_status_of_success_is_that_of_the_namespace_and_204_has_no_body() {
    let nothing: Handler = |app, request| boxed(nothing(app, request));
    let answer = serve(nothing, "DELETE", "/channels/x", &[], b"").await;
    assert_eq!((answer.status, &answer.body), (204, &Value::Null));
    let todays = br#"{"ExternalMeetingId": "ab", "MediaRegion": "us-east-1"}"#;
    assert_eq!(serve(ECHO, "POST", "/meetings", &[], todays).await.status, 200);
    assert_eq!(serve(ECHO, "POST", "/console/meetings", &[], todays).await.status, 201);
    // Without a member that today's clients always send (N-05).
    assert_eq!(serve(ECHO, "POST", "/meetings", &[], br#"{"MediaRegion": "us-east-1"}"#).await.status, 201);
    let streaming = "/app-instances/x/streaming-configurations";
    let answer = serve(ECHO, "GET", &format!("/console{streaming}"), &[], b"").await;
    assert_eq!(answer.body["Operation"], "GetAppInstanceStreamingConfigurations");
    let answer = serve(ECHO, "GET", streaming, &[], b"").await;
    assert_eq!(answer.body["Operation"], "GetMessagingStreamingConfigurations");
}

#[tokio::test]
async fn a_defect_of_a_handler_and_a_failing_store_are_answered_in_shape() {
    let panics: Handler = |app, request| boxed(panics(app, request));
    let answer = serve(panics, "GET", "/channels", &[], b"").await;
    assert_eq!((answer.status, answer.name.as_str()), (500, "ServiceFailureException"));
    let unavailable: Handler = |app, request| boxed(unavailable(app, request));
    let answer = serve(unavailable, "GET", "/channels", &[], b"").await;
    assert_eq!((answer.status, answer.name.as_str()), (503, "ServiceUnavailableException"));
}

#[tokio::test]
async fn a_missing_or_malformed_bearer_is_a_401_in_the_documented_words() {
    let needs_user: Handler = |app, request| boxed(needs_user(app, request));
    for headers in [&[][..], &[("x-amz-chime-bearer", "alice")], &[("x-amz-chime-bearer", "")]] {
        let answer = serve(needs_user, "GET", "/channels", headers, b"").await;
        assert_eq!((answer.status, answer.name.as_str()), (401, "UnauthorizedClientException"));
        assert_eq!(answer.body["Code"], "Unauthorized");
        let message = answer.body["Message"].as_str().unwrap();
        let documented =
            "An invalid app instance user ARN was supplied for the x-amz-chime-bearer HTTP header.";
        assert!(message.starts_with(documented), "{message}");
    }
}
