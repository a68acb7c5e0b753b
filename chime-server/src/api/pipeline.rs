//! The stages of a request, in their order (wire rule E-07).

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::extract::{Request, State};
use axum::response::Response;
use bytes::Bytes;
use chime_domain::error::ServiceError;
use futures_util::FutureExt;
use http::request::Parts;
use http_body_util::{BodyExt, LengthLimitError, Limited};
use tracing::{Instrument, field};

use super::error::ApiError;
use super::namespace::{Clues, Namespace};
use super::operations::{Found, NotFound, Operation};
use super::query::Query;
use super::reply::Reply;
use super::request::{Acting, ApiRequest, Source};
use super::response::{self, RequestId};
use crate::app::App;
use crate::auth::{self, Caller, Hints, Subject};
use crate::http::Target;
use crate::ops::audit;
use crate::telemetry::{Stopwatch, Traced};

/// The signing name of every Chime namespace (wire rule A-01).
const SERVICES: &[&str] = &["chime"];

/// Serves any request that is not for a fixed path of the server.
pub(crate) async fn serve(State(app): State<App>, request: Request) -> Response {
    let watch = Stopwatch::start();
    let (mut parts, body) = request.into_parts();
    let id = RequestId::take(&mut parts);
    let traced = Traced::begin(&parts.headers, &id.0);
    let span =
        tracing::info_span!("request", id = %id.0, operation = field::Empty, caller.arn = field::Empty);
    let mut known = Known::default();
    let running = run(&app, &parts, body, &id, &mut known).instrument(span.clone());
    let outcome = running.instrument(traced.span()).await;
    let answer = match outcome {
        Ok(reply) => response::success(reply, &known),
        Err(error) => {
            span.in_scope(|| response::log(&error));
            if let ApiError::Service(ServiceError::Store(error)) = &error {
                app.store_failed(error);
            }
            response::failure_about(&error, known.namespace, &id, known.tagged.as_deref())
        }
    };
    let operation = known.operation.map_or("unknown", |operation| operation.name);
    app.metrics().request(operation, answer.status(), watch.elapsed());
    traced.end(operation, answer.status());
    audit(&app, &parts, &id, &known, &answer);
    answer
}

/// Notes a request in the audit log, if it belongs there.
fn audit(app: &App, parts: &Parts, id: &RequestId, known: &Known, answer: &Response) {
    let operation = known.operation.map_or("unknown", |operation| operation.name);
    let (method, status) = (parts.method.as_str(), answer.status().as_u16());
    if !app.audit().is_on() || !audit::is_audited(operation, method, status) {
        return;
    }
    app.audit().write(&audit::Entry {
        time: audit::moment(app.chime().now()),
        request_id: &id.0,
        operation,
        caller: known.caller.as_ref().map(|caller| caller.arn.as_str()),
        acting_as: known.acting.as_deref(),
        source_ip: Source::of(parts).ip,
        method,
        path: Target::of(parts).path,
        outcome: audit::outcome(status),
        status,
        error: response::error_name(answer),
    });
}

/// What is known of a request so far; errors are worded with it.
#[derive(Debug, Default)]
pub(crate) struct Known {
    pub(crate) operation: Option<&'static Operation>,
    pub(crate) namespace: Option<Namespace>,
    /// The resource that a tag operation names.
    tagged: Option<String>,
    /// Who signed.
    pub(crate) caller: Option<Arc<Caller>>,
    /// The user that the request acts as.
    pub(crate) acting: Option<String>,
}

async fn run(
    app: &App,
    parts: &Parts,
    body: Body,
    id: &RequestId,
    known: &mut Known,
) -> Result<Reply, ApiError> {
    let target = Target::of(parts);
    let bad_escape =
        || ApiError::bad_request("W-04", "A percent escape of the path or query cannot be decoded.");
    let query = Query::parse(target.query).ok_or_else(bad_escape)?;
    let found = app.routes().find(parts.method.as_str(), target.path, &query).map_err(|why| match why {
        NotFound::Route => {
            ApiError::UnknownOperation("There is no operation at this method and path.".into())
        }
        NotFound::Escape => bad_escape(),
        NotFound::Selector(name) => ApiError::bad_request(
            "W-02",
            format!("The query parameter `{name}` names no operation of this path."),
        ),
    })?;
    known.operation = Some(found.operation);
    tracing::Span::current().record("operation", found.operation.name);

    let header = |name| parts.headers.get(name).and_then(|value| value.to_str().ok());
    let user_agents = [header("x-amz-user-agent"), header("user-agent")];
    let user_agent = user_agents.into_iter().flatten().next();
    let clues = Clues {
        host: target.host,
        prefix: found.prefix,
        user_agents,
        tagged: query.get("arn"),
        old_body: false,
        legacy_by_default: app.options().legacy_by_default,
    };
    known.namespace = Some(Namespace::of(found.operation, &clues));
    let body = collect(body, app.options().max_body, app.options().body_timeout).await?;
    let hints = Hints::of(found.operation, &body);
    let clues =
        Clues { tagged: hints.tagged(&query), old_body: hints.is_old_creation(found.operation), ..clues };
    let namespace = Namespace::of(found.operation, &clues);
    known.namespace = Some(namespace);

    known.tagged = hints.tagged(&query).map(str::to_owned);

    let source = Source::of(parts);
    let headers = target.headers(parts);
    let signed = target.signed_request(parts, &headers, &body, source);
    let caller = auth::authenticate(app, &signed, SERVICES).await?.caller;
    tracing::Span::current().record("caller.arn", caller.arn.as_str());
    known.caller = Some(Arc::clone(&caller));
    let Found { index, operation, labels, .. } = found;
    if !app.throttle().admit(index, app.chime().now()) {
        return Err(ApiError::Throttled);
    }
    let Some(handler) = app.handler(index) else {
        return Err(ApiError::UnknownOperation(
            format!("{} is not available.", operation.name_in(namespace)).into(),
        ));
    };
    let bearer = match parts.headers.get("x-amz-chime-bearer") {
        // What is no text is no user's ARN either.
        Some(value) => Some(std::str::from_utf8(value.as_bytes()).unwrap_or("?")),
        None => None,
    };
    let subject =
        Subject { operation, labels: &labels, query: &query, hints: &hints, bearer, source, user_agent };
    let acting = auth::acting_as(app, &caller, &subject);
    if let Acting::User(user) = &acting {
        known.acting = Some(user.to_string());
    }
    let resources = subject.resources(app, &caller.policies, &acting).await.map_err(ServiceError::from)?;
    auth::authorize(app, &caller, &acting, &subject, &resources)?;
    let request_id = Arc::clone(&id.0);
    let host = Arc::from(target.host);
    let request =
        ApiRequest { operation, namespace, labels, query, body, acting, caller, source, host, request_id };
    // A defect in one handler must not take the connection, and the answers under way on it, along.
    AssertUnwindSafe(handler(app.clone(), request)).catch_unwind().await.unwrap_or(Err(ApiError::Failure))
}

/// Reads a whole body, within its bounds.
pub(crate) async fn collect(body: Body, limit: usize, within: Duration) -> Result<Bytes, ApiError> {
    use http_body::Body as _;
    let announced = usize::try_from(body.size_hint().lower()).unwrap_or(usize::MAX);
    if announced > limit {
        return Err(ApiError::TooLarge { limit });
    }
    match tokio::time::timeout(within, Limited::new(body, limit).collect()).await {
        Ok(Ok(collected)) => Ok(collected.to_bytes()),
        Ok(Err(error)) if error.is::<LengthLimitError>() => Err(ApiError::TooLarge { limit }),
        Ok(Err(_)) | Err(_) => Err(ApiError::TooSlow),
    }
}
