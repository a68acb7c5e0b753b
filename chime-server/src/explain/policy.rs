//! The acting user, and the stage of policies.

use chime_domain::access::policy::{Explanation, RequestContext, Verdict, denied_message};
use chime_domain::iam::Caller;
use chime_domain::messaging::bad_bearer;

use super::question::{self, Question};
use super::request::Made;
use super::{Denial, ExplainError, line};
use crate::api::operations::{Bearer, Operation, all};
use crate::api::{Acting, ApiError, Query, Source};
use crate::app::App;
use crate::auth::{self, Asked, Hints, Subject};

/// What the stage of policies found.
pub(super) struct Outcome {
    pub(super) operation: Option<&'static Operation>,
    pub(super) acting: Acting,
    pub(super) denial: Option<Denial>,
}

/// Explains what the policies of the caller say, into `text`.
///
/// # Errors
///
/// [`ExplainError::Question`].
pub(super) async fn explain(
    app: &App,
    caller: &Caller,
    question: &Question,
    text: &mut String,
) -> Result<Outcome, ExplainError> {
    let action = question.action();
    let operation = action.strip_prefix("chime:").and_then(|name| {
        let is = |known: &str| known.eq_ignore_ascii_case(name);
        all().find(|row| is(row.name) || row.legacy_name.is_some_and(is))
    });
    match operation {
        Some(operation) => of_operation(app, caller, operation, question, text).await,
        None => {
            line(text, format_args!("action: {action}"));
            of_resources(app, caller, &action, question, text).await
        }
    }
}

async fn of_operation(
    app: &App,
    caller: &Caller,
    operation: &'static Operation,
    question: &Question,
    text: &mut String,
) -> Result<Outcome, ExplainError> {
    let action = format!("chime:{}", operation.name);
    line(text, format_args!("action: {action}"));
    let named = question.acting(operation);
    if let Some(arn) = named {
        question::user(arn)?;
    }
    let made = Made::of(operation, question)?;
    let unreadable = || ExplainError::Question("the resources cannot be put into a request".into());
    let query = Query::parse(&made.query).ok_or_else(unreadable)?;
    let found = app.routes().find(operation.method, &made.path, &query).map_err(|_| unreadable())?;
    let hints = Hints::of(operation, &made.body);
    let subject = Subject {
        operation,
        labels: &found.labels,
        query: &query,
        hints: &hints,
        bearer: named,
        source: Source { ip: None, secure: true },
        user_agent: None,
    };
    let acting = auth::acting_as(app, caller, &subject);
    match (&acting, operation.bearer) {
        (_, Bearer::Unused) if named.is_some() => {
            line(text, format_args!("acting user: none, as {} acts as nobody", operation.name));
        }
        (Acting::User(user), _) if named.is_none() => {
            line(
                text,
                format_args!("acting user: {user}, to whom the policies tie the principal (rule D-02)"),
            );
        }
        (Acting::User(user), _) => line(text, format_args!("acting user: {user}")),
        _ => {}
    }
    let resources = subject.resources(app, &caller.policies, &acting).await?;
    let ctx = auth::context(app, caller, &subject, &[]);
    text.push_str("\npolicies\n");
    let mut explanations = Vec::new();
    for resource in &resources {
        for name in [Some(operation.name), operation.legacy_name].into_iter().flatten() {
            let explanation =
                caller.policies.explain(&format!("chime:{name}"), &resource.arn, &resource.context(&ctx));
            show(&explanation, text);
            explanations.push(explanation);
        }
    }
    if app.handler(found.index).is_none() {
        // As in the stages of a request: what is not built is nobody's, whatever the policies say.
        let error = ApiError::UnknownOperation(format!("{} is not available.", operation.name).into());
        let denial = Some(Denial { by: "the server", error, remedy: None });
        return Ok(Outcome { operation: None, acting, denial });
    }
    let denial = match auth::authorize(app, caller, &acting, &subject, &resources) {
        Err(error @ ApiError::AccessDenied(_)) => {
            let remedy = remedy(&explanations);
            Some(Denial { by: "policy", error, remedy })
        }
        Err(error) => Some(nobody(error)),
        Ok(()) if operation.bearer == Bearer::Required && acting == Acting::Nobody => {
            Some(nobody(bad_bearer().into()))
        }
        Ok(()) => None,
    };
    Ok(Outcome { operation: Some(operation), acting, denial })
}

/// The refusal of a request that acts as nobody.
fn nobody(error: ApiError) -> Denial {
    let remedy = Some("name the acting user with --as, which is the header x-amz-chime-bearer.".to_owned());
    Denial { by: "the bearer", error, remedy }
}

/// An action without a row: `chime:Connect`, and those of other services. Each resource is taken as it was given.
async fn of_resources(
    app: &App,
    caller: &Caller,
    action: &str,
    question: &Question,
    text: &mut String,
) -> Result<Outcome, ExplainError> {
    let ctx = RequestContext {
        secure_transport: Some(true),
        requested_region: Some(&app.chime().settings().region),
        ..caller.context(app.chime().now())
    };
    let any = ["*".to_owned()];
    let mut resources: Vec<_> = question.acting.iter().chain(&question.resources).collect();
    resources.dedup();
    if resources.is_empty() {
        resources.extend(&any);
    }
    text.push_str("\npolicies\n");
    let mut explanations = Vec::new();
    for resource in resources {
        let asked = Asked::of(app, &caller.policies, resource.clone()).await?;
        let explanation = caller.policies.explain(action, &asked.arn, &asked.context(&ctx));
        show(&explanation, text);
        explanations.push(explanation);
    }
    let refused = explanations.iter().find(|explanation| !explanation.verdict.is_allowed());
    let denial = refused.map(|refused| {
        let message = denied_message(&caller.arn, action, &refused.resource, refused.verdict);
        Denial { by: "policy", error: ApiError::AccessDenied(message), remedy: remedy(&explanations) }
    });
    Ok(Outcome { operation: None, acting: Acting::Nobody, denial })
}

fn show(explanation: &Explanation, text: &mut String) {
    for shown in explanation.to_string().lines() {
        line(text, format_args!("  {shown}"));
    }
}

/// What would let the policies pass: an explicit deny has to go before anything that allows helps.
fn remedy(explanations: &[Explanation]) -> Option<String> {
    let denied = |explanation: &&Explanation| matches!(explanation.verdict, Verdict::ExplicitDeny(_));
    let refused = || explanations.iter().find(|explanation| !explanation.verdict.is_allowed());
    let Explanation { action, resource, verdict, .. } = explanations.iter().find(denied).or_else(refused)?;
    Some(match verdict {
        Verdict::ExplicitDeny(_) => {
            format!("take {action} on {resource} out of the statement that denies it.")
        }
        _ => format!("allow {action} on {resource}."),
    })
}
