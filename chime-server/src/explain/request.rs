//! The request that a question stands for: a target and a body that name what the question names.

use serde_json::json;

use super::ExplainError;
use super::question::Question;
use crate::api::operations::Operation;

/// What a request would bring.
#[derive(Debug)]
pub(super) struct Made {
    pub(super) path: String,
    pub(super) query: String,
    pub(super) body: Vec<u8>,
}

impl Made {
    /// The request for an operation.
    ///
    /// # Errors
    ///
    /// [`ExplainError::Question`] when the path needs a resource that the question does not name.
    pub(super) fn of(operation: &Operation, question: &Question) -> Result<Self, ExplainError> {
        let mut path = String::new();
        for segment in operation.path().split('/').skip(1) {
            path.push('/');
            match segment.strip_prefix('{').and_then(|label| label.strip_suffix('}')) {
                Some(label) => escape(&mut path, label_value(operation, label, question)?),
                None => path.push_str(segment),
            }
        }
        let mut query = String::new();
        let mut add = |name: &str, value: &str| {
            query.push_str(if query.is_empty() { "" } else { "&" });
            query.push_str(name);
            query.push('=');
            escape(&mut query, value);
        };
        if let Some((name, value)) = operation.literal() {
            add(name, value);
        }
        // The list of all app instances is not about one.
        let about_one = !operation.route.contains("{appInstanceArn}") && operation.name != "ListAppInstances";
        if let Some(app_instance) = question.app_instance().filter(|_| about_one && operation.method == "GET")
        {
            add("app-instance-arn", app_instance);
        }
        let tagged = question.resources.first();
        if operation.name == "ListTagsForResource"
            && let Some(tagged) = tagged
        {
            add("arn", tagged);
        }
        let body = json!({
            "AppInstanceArn": question.app_instance(),
            "AppInstanceAdminArn": user(question),
            "ResourceARN": tagged,
        });
        Ok(Self { path, query, body: body.to_string().into_bytes() })
    }
}

/// The user that something is done to.
fn user(question: &Question) -> Option<&str> {
    question.target.as_deref().or_else(|| question.resource("user"))
}

fn label_value<'a>(
    operation: &Operation,
    label: &str,
    question: &'a Question,
) -> Result<&'a str, ExplainError> {
    let (found, what) = match label {
        "channelArn" => (question.resource("channel"), "a channel"),
        "appInstanceArn" => (question.app_instance(), "an app instance"),
        "appInstanceUserArn" | "appInstanceAdminArn" => (user(question), "an app instance user"),
        "appInstanceBotArn" => (question.resource("bot"), "a bot"),
        "channelFlowArn" => (question.resource("channel-flow"), "a channel flow"),
        "memberArn" | "channelModeratorArn" => (Some(user(question).unwrap_or("-")), ""),
        _ => {
            let id = question.resources.iter().find_map(|arn| arn.rsplit('/').next());
            (Some(id.filter(|id| !id.is_empty()).unwrap_or("-")), "")
        }
    };
    found.ok_or_else(|| {
        ExplainError::Question(format!("{} needs the ARN of {what} as --resource", operation.name))
    })
}

/// Appends a text as one segment of a path or one value of a query.
fn escape(to: &mut String, text: &str) {
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            to.push(char::from(byte));
        } else {
            to.push_str(&format!("%{byte:02X}"));
        }
    }
}
