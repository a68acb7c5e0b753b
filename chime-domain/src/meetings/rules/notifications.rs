//! Who may be told of a meeting (rules MTG-10, EVT-03).

use std::sync::Arc;

use crate::error::Refusal;
use crate::limits::NOTIFICATION_REGION;
use crate::meetings::types::NotificationsConfiguration;

/// Longest ARN, in characters.
const LONGEST: usize = 1024;

/// Checks the ARNs of a `NotificationsConfiguration`.
///
/// # Errors
///
/// A bad request for what is no ARN of a function, a topic or a queue, and for topics and queues elsewhere than in
/// us-east-1.
pub fn notification_arns(
    function: Option<&str>,
    topic: Option<&str>,
    queue: Option<&str>,
) -> Result<NotificationsConfiguration, Refusal> {
    Ok(NotificationsConfiguration {
        function: function.map(|arn| checked(arn, "lambda", "LambdaFunctionArn")).transpose()?,
        topic: topic.map(|arn| checked(arn, "sns", "SnsTopicArn")).transpose()?,
        queue: queue.map(|arn| checked(arn, "sqs", "SqsQueueArn")).transpose()?,
    })
}

fn checked(arn: &str, service: &str, member: &str) -> Result<Arc<str>, Refusal> {
    let bad = |rule, expected: &str| {
        Err(Refusal::bad_request(rule, format!("the value of `{member}` is not valid: {expected}")))
    };
    let is_arn_char = |b: u8| b.is_ascii_alphanumeric() || b"/:-_.".contains(&b);
    let parts: Vec<_> = arn.splitn(6, ':').collect();
    let ["arn", partition, of, region, account, name] = parts.as_slice() else {
        return bad("MTG-10", "expected an ARN");
    };
    let is_account = account.len() == 12 && account.bytes().all(|b| b.is_ascii_digit());
    let is_name = if service == "lambda" {
        name.strip_prefix("function:").is_some_and(|name| !name.is_empty())
    } else {
        !name.is_empty() && !name.contains([':', '/'])
    };
    if arn.len() > LONGEST || !arn.bytes().all(is_arn_char) || partition.is_empty() || region.is_empty() {
        return bad("MTG-10", "expected an ARN");
    }
    if *of != service || !is_account || !is_name {
        return bad("MTG-10", &format!("expected an ARN of {service}"));
    }
    if service != "lambda" && *region != NOTIFICATION_REGION {
        return bad("EVT-03", "queues and topics have to be in us-east-1");
    }
    Ok(Arc::from(arn))
}
