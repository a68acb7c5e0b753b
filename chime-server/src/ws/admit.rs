//! Who may connect: a presigned URL, a policy, a user (rules WEB-02 to WEB-15).

use chime_domain::access::policy::{RequestContext, denied_message};
use chime_domain::arn::AppInstanceUserArn;
use chime_domain::time::Timestamp;
use http::request::Parts;

use crate::api::{ApiError, Query, Source};
use crate::app::App;
use crate::auth::{self, Asked, Credentials};
use crate::http::Target;

/// A refusal as a close frame.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Refused {
    pub(super) code: u16,
    pub(super) reason: String,
}

/// The signature is bad, or whose key it is unknown.
const UNAUTHORIZED: u16 = 4401;
/// A policy or the user's own state denies it.
const DENIED: u16 = 4003;
/// Something is wrong on this side; clients come again.
const TRY_AGAIN: u16 = 1013;

impl Refused {
    pub(super) fn denied(reason: impl Into<String>) -> Self {
        Self { code: DENIED, reason: reason.into() }
    }

    pub(super) fn try_again() -> Self {
        Self { code: TRY_AGAIN, reason: "the server cannot serve now".into() }
    }
}

/// What is known of a connection that may be opened.
#[derive(Clone, Debug)]
pub(super) struct Admitted {
    pub(super) user: AppInstanceUserArn,
    pub(super) session: String,
    /// When the credentials end that opened it.
    pub(super) expires: Option<Timestamp>,
    /// Whether to send what the user may want to see first, and in which order.
    pub(super) prefetch: Option<super::prefetch::SortBy>,
}

/// Checks a request for a connection.
pub(super) async fn admit(app: &App, parts: &Parts) -> Result<Admitted, Refused> {
    let target = Target::of(parts);
    let query = Query::parse(target.query).ok_or_else(|| Refused::denied("the query cannot be decoded"))?;
    let source = Source::of(parts);
    let headers = target.headers(parts);
    let signed = target.signed_request(parts, &headers, &[], source);
    let Credentials { caller, expires, .. } =
        auth::authenticate(app, &signed, &["chime"]).await.map_err(|error| match error {
            ApiError::Signature(error) => {
                Refused { code: UNAUTHORIZED, reason: format!("Unauthorized: {}", error.name()) }
            }
            _ => Refused::try_again(),
        })?;
    let user = query.get("userArn").ok_or_else(|| Refused::denied("userArn is missing"))?;
    let user =
        AppInstanceUserArn::parse(user).map_err(|_| Refused::denied("userArn is not the ARN of a user"))?;
    let session = query.get("sessionId").filter(|id| !id.is_empty() && id.len() <= 256);
    let session = session.ok_or_else(|| Refused::denied("sessionId is missing"))?.to_owned();
    let ctx = RequestContext {
        source_ip: source.ip,
        secure_transport: Some(source.secure),
        requested_region: Some(&app.chime().settings().region),
        ..caller.context(app.chime().now())
    };
    let asked = Asked::of(app, &caller.policies, user.to_string()).await.map_err(|_| Refused::try_again())?;
    let verdict = caller.policies.evaluate("chime:Connect", user.as_str(), &asked.context(&ctx));
    if !verdict.is_allowed() {
        return Err(Refused::denied(denied_message(&caller.arn, "chime:Connect", user.as_str(), verdict)));
    }
    app.chime().identity().describe_app_instance_user(&user).await.map_err(|error| {
        match error.refusal() {
            Some(_) => Refused::denied("the user does not exist"),
            None => Refused::try_again(),
        }
    })?;
    let prefetch = match (query.get("prefetch-on"), query.get("prefetch-sort-by")) {
        (Some("connect"), Some("unread")) => Some(super::prefetch::SortBy::Unread),
        (Some("connect"), _) => Some(super::prefetch::SortBy::LastMessage),
        _ => None,
    };
    Ok(Admitted { user, session, expires, prefetch })
}
