//! `chime-server explain`: why a request is allowed or denied, through the stages that decide it.
//!
//! A [`Question`] names a principal, an action and resources. The request that it stands for is made up (`request.rs`),
//! and goes through the same functions as a real one: the acting user, the resources that the policies must allow, the
//! policies' verdict. Then the role tables speak, for the operations that they know (`role.rs`).
//!
//! The command reads the store itself. When a server has it open, it asks that one at `POST /_chime/explain`, which
//! only the account's owner may do: the answer tells what is in the policies of others.
//!
//! # Our choices
//!
//! - Neither the address nor the program of the client is known; the request counts as one over TLS.
//! - A role stands for its sessions; tags given with the question are those of the session.
//! - `ListChannels` is taken to ask for public channels, and a message is another user's unless the question says so.
//! - What the operation checks after the role is not explained: its input, quotas and conflicts.

pub(crate) mod endpoint;
mod policy;
mod question;
pub(crate) mod remote;
mod request;
mod role;
#[cfg(test)]
mod tests;

use std::fmt::Write;

use chime_domain::error::StoreError;
use chime_domain::iam::Caller;

use crate::api::{Acting, ApiError};
use crate::app::App;

pub use question::Question;

/// An explanation, line by line, and what it comes to.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Explained {
    /// The derivation, ending in the verdict.
    pub text: String,
    /// Whether the request is allowed.
    pub allowed: bool,
}

/// Why there is no explanation.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ExplainError {
    /// Nobody is known by that name.
    #[error(
        "there is no principal `{0}`: give an active access key id, the ARN of an IAM user or a role, or `root`"
    )]
    NoPrincipal(String),
    /// The question cannot be read, or leaves out what the action needs.
    #[error("{0}")]
    Question(String),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// A stage that refuses, and what the server would answer.
struct Denial {
    by: &'static str,
    error: ApiError,
    remedy: Option<String>,
}

/// Answers a question from the store of `app`.
///
/// # Errors
///
/// [`ExplainError`].
pub async fn explain(app: &App, question: &Question) -> Result<Explained, ExplainError> {
    let caller = principal(app, question).await?;
    let mut text = format!("principal: {} ({:?})\n", caller.arn, caller.kind);
    for tag in &caller.session_tags {
        line(&mut text, format_args!("  session tag {} = {}", tag.key, tag.value));
    }
    let by_policy = policy::explain(app, &caller, question, &mut text).await?;
    let mut denial = by_policy.denial;
    if let (Some(operation), Acting::User(user)) = (by_policy.operation, &by_policy.acting) {
        let by_role = role::explain(app, operation, user, question, &mut text).await?;
        denial = denial.or(by_role);
    }
    text.push('\n');
    match &denial {
        None => text.push_str("verdict: allowed\n"),
        Some(denial) => {
            let answer = denial.error.on_the_wire(None);
            let (name, status) = (answer.name, answer.status.as_u16());
            line(&mut text, format_args!("verdict: denied by {} ({name}, {status})", denial.by));
            line(&mut text, format_args!("  {}", answer.message));
            if let Some(remedy) = &denial.remedy {
                line(&mut text, format_args!("  To pass: {remedy}"));
            }
        }
    }
    Ok(Explained { text, allowed: denial.is_none() })
}

/// Whom the question is about, with the session tags that it gives.
async fn principal(app: &App, question: &Question) -> Result<Caller, ExplainError> {
    let name = question.principal.as_str();
    let found = if name == "root" {
        Some(Caller::root(&app.chime().settings().account))
    } else if name.starts_with("arn:") {
        app.chime().iam().caller_named(name).await?
    } else {
        app.keys().find(name, None).await?.map(|credentials| Caller::clone(&credentials.caller))
    };
    let mut caller = found.ok_or_else(|| ExplainError::NoPrincipal(name.to_owned()))?;
    caller.session_tags.extend(question.session_tags());
    Ok(caller)
}

/// Adds a line.
fn line(text: &mut String, arguments: std::fmt::Arguments<'_>) {
    // Writing to a text does not fail.
    let _ = writeln!(text, "{arguments}");
}

impl From<ExplainError> for ApiError {
    fn from(error: ExplainError) -> Self {
        match error {
            ExplainError::Store(error) => error.into(),
            error => Self::bad_request("explain", sentence(&error.to_string())),
        }
    }
}

fn sentence(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().into_iter().flat_map(char::to_uppercase).chain(letters).chain(['.']).collect()
}
