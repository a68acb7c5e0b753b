//! The query protocol of IAM and STS at `POST /` (wire.md section 9): a form in, XML out.
//!
//! The service of the signature's scope decides between the two; an unsigned call is one of STS. The order of the stages
//! is that of the API: body, form, signature, throttle, policy, then the operation.
//!
//! # Our choices
//!
//! - An action that is not built is `InvalidAction`, after its signature was verified. Groups are not built.
//! - A signed `AssumeRoleWithWebIdentity` is served as an unsigned one: its token speaks for the caller.
//! - The version of the form is not looked at, so that older clients are served too.

mod call;
mod error;
mod form;
mod iam;
mod operations;
mod sts;
#[cfg(test)]
mod tests;
mod web_identity;
mod xml;

use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Request, State};
use axum::response::Response;
use chime_domain::iam::Caller;
use http::header::CONTENT_TYPE;
use http::request::Parts;
use http::{HeaderValue, Method, StatusCode};
use tracing::{Instrument, field};

use self::call::{Call, Facts};
use self::error::QueryError;
use self::form::Form;
use self::operations::{Operation, Service};
use self::xml::Xml;
use crate::api::Source;
use crate::api::pipeline::collect;
use crate::api::response::{RequestId, log_store};
use crate::app::App;
use crate::auth;
use crate::auth::sigv4::{self, SigError};
use crate::http::Target;
use crate::ops::audit;
use crate::telemetry::{Stopwatch, Traced};

pub use self::web_identity::{Issuer, IssuerError, Issuers};

const XML: HeaderValue = HeaderValue::from_static("text/xml");
/// Largest form, in bytes; the longest policy document, percent-encoded, has a tenth of it.
const LARGEST: usize = 256 * 1024;
/// The signing names of the two services.
const SERVICES: &[&str] = &["iam", "sts"];

/// Whether a request is for this protocol: no route of the API has these paths (wire.md section 9). A GET has to name
/// its action, so that a look at the bare path is answered like any other unknown one.
pub(crate) fn is_query(request: &Request) -> bool {
    let names_action = || request.uri().query().is_some_and(|query| query.contains("Action="));
    let asks = *request.method() == Method::POST || (*request.method() == Method::GET && names_action());
    asks && matches!(request.uri().path(), "/" | "" | "/console" | "/console/")
}

/// Serves a request of the protocol.
pub(crate) async fn serve(State(app): State<App>, request: Request) -> Response {
    let watch = Stopwatch::start();
    let (mut parts, body) = request.into_parts();
    let id = RequestId::take(&mut parts);
    let traced = Traced::begin(&parts.headers, &id.0);
    let span =
        tracing::info_span!("request", id = %id.0, operation = field::Empty, caller.arn = field::Empty);
    let mut known = Known::default();
    let outcome =
        run(&app, &parts, body, &mut known).instrument(span.clone()).instrument(traced.span()).await;
    let (status, body, error) = match outcome {
        Ok(xml) => (200, envelope(&known, xml, &id.0), None),
        Err(error) => {
            span.in_scope(|| match &error {
                QueryError::Store(error) => {
                    log_store(error);
                    app.store_failed(error);
                }
                refused => tracing::debug!(reason = %refused, "refused"),
            });
            let (status, code, message) = error.on_the_wire();
            let code = code.to_owned();
            (status, failure(known.service, status, &code, message, &id.0), Some(code))
        }
    };
    let mut response = Response::new(Body::from(body));
    *response.status_mut() = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    response.headers_mut().insert(CONTENT_TYPE, XML);
    let operation = known.operation.map_or("unknown", |operation| operation.name);
    app.metrics().request(operation, response.status(), watch.elapsed());
    traced.end(operation, response.status());
    if app.audit().is_on() && audit::is_audited(operation, parts.method.as_str(), status) {
        app.audit().write(&audit::Entry {
            time: audit::moment(app.chime().now()),
            request_id: &id.0,
            operation,
            caller: known.caller.as_ref().map(|caller| caller.arn.as_str()),
            acting_as: None,
            source_ip: Source::of(&parts).ip,
            method: parts.method.as_str(),
            path: known.about.as_deref().unwrap_or_default(),
            outcome: audit::outcome(status),
            status,
            error: error.as_deref(),
        });
    }
    response
}

/// What is known of a request so far; answers are worded with it.
#[derive(Debug, Default)]
struct Known {
    service: Option<Service>,
    operation: Option<&'static Operation>,
    caller: Option<Arc<Caller>>,
    /// The user, role or policy that it is about.
    about: Option<String>,
}

async fn run(app: &App, parts: &Parts, body: Body, known: &mut Known) -> Result<Xml, QueryError> {
    let target = Target::of(parts);
    let largest = app.options().max_body.min(LARGEST);
    let body = collect(body, largest, app.options().body_timeout).await?;
    let form = Form::parse(if body.is_empty() { target.query.as_bytes() } else { &body })?;
    let action = form.get("Action");
    let unsigned = action.is_some_and(Operation::is_unsigned);
    let source = Source::of(parts);
    let (service, caller) = if unsigned {
        (Service::Sts, None)
    } else {
        let headers = target.headers(parts);
        let signed = target.signed_request(parts, &headers, &body, source);
        let scope = sigv4::parse(&signed)?;
        let caller = auth::authenticate(app, &signed, SERVICES).await?.caller;
        tracing::Span::current().record("caller.arn", caller.arn.as_str());
        let service = Service::signed_as(&scope.scope.service);
        let service = service.ok_or_else(|| SigError::Service { expected: SERVICES.join(" or ") })?;
        (service, Some(caller))
    };
    known.service = Some(service);
    known.caller.clone_from(&caller);
    let about = ["UserName", "RoleName", "RoleArn", "PolicyArn"].iter().find_map(|name| form.get(name));
    known.about = about.map(str::to_owned);
    let missing = || QueryError::new(400, "MissingAction", "The request must contain the parameter Action.");
    let action = action.ok_or_else(missing)?;
    let operation = Operation::find(service, action).ok_or_else(|| QueryError::invalid_action(action))?;
    known.operation = Some(operation);
    tracing::Span::current().record("operation", operation.name);
    if !app.admit_query(app.chime().now()) {
        return Err(QueryError::new(400, "Throttling", "Rate exceeded"));
    }
    let header = |name| parts.headers.get(name).and_then(|value| value.to_str().ok());
    let facts = Facts { source, user_agent: header("user-agent"), referer: header("referer") };
    let (chime, issuers, form) = (app.chime(), &app.options().issuers, &form);
    answer(&Call { chime, issuers, operation, form, caller, facts }).await
}

/// Decides and carries out a call.
async fn answer(call: &Call<'_>) -> Result<Xml, QueryError> {
    call.authorize().await?;
    let mut xml = Xml::default();
    match call.operation.service {
        Service::Iam => iam::answer(call, &mut xml).await?,
        Service::Sts => sts::answer(call, &mut xml).await?,
    }
    Ok(xml)
}

/// The answer of an operation around its result.
fn envelope(known: &Known, result: Xml, request_id: &str) -> Vec<u8> {
    let Some(operation) = known.operation else { return result.into_bytes() };
    let mut xml = Xml::default();
    let name = format!("{}Response", operation.name);
    xml.open_in(&name, operation.service.namespace());
    if operation.answers {
        xml.element(&format!("{}Result", operation.name), |xml| xml.append(&result));
    }
    xml.element("ResponseMetadata", |xml| xml.text("RequestId", request_id));
    xml.close(&name);
    xml.into_bytes()
}

/// The answer to anything that went wrong.
fn failure(service: Option<Service>, status: u16, code: &str, message: &str, request_id: &str) -> Vec<u8> {
    let mut xml = Xml::default();
    xml.open_in("ErrorResponse", service.unwrap_or(Service::Sts).namespace());
    xml.element("Error", |xml| {
        xml.text("Type", if status < 500 { "Sender" } else { "Receiver" });
        xml.text("Code", code);
        xml.text("Message", message);
    });
    xml.text("RequestId", request_id);
    xml.close("ErrorResponse");
    xml.into_bytes()
}
