//! Against moto's server.

use std::sync::Arc;

use aws_credential_types::Credentials;
use chime_domain::ports::AnnounceError;
use chime_domain::text::Private;
use serde_json::{Value, json};

use super::calls::{Call, is_temporary};
use super::{AwsCalls, EventBridge, Queues, Topics};
use crate::SystemClock;
use crate::announce::Listener;
use crate::outbound::{OutboundClient, OutboundConfig};
use crate::test_server::TestServer;

fn calls(port: u16) -> AwsCalls {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let client = OutboundClient::new(&OutboundConfig::default()).unwrap();
    let credentials = Credentials::new("AKID", "secret", None, None, "test");
    let endpoint = format!("http://127.0.0.1:{port}").parse().unwrap();
    AwsCalls::with(credentials, endpoint, client, Arc::new(SystemClock))
}

fn moto() -> Option<(TestServer, AwsCalls)> {
    let server = TestServer::start("moto_server", |port| vec!["-H127.0.0.1".into(), format!("-p{port}")])?;
    let calls = calls(server.port);
    Some((server, calls))
}

fn arn(service: &str, name: &str) -> String {
    format!("arn:aws:{service}:us-east-1:123456789012:{name}")
}

fn event(n: u32) -> Private<Vec<u8>> {
    let event = json!({
        "source": "aws.chime", "detail-type": "Chime Meeting State Change", "resources": [],
        "detail": { "timestamp": 1_600_000_000_123_u64, "text": format!("ä {n} & = +") },
    });
    Private(event.to_string().into_bytes())
}

async fn sqs(calls: &AwsCalls, target: &'static str, body: Value) -> Value {
    let content_type = "application/x-amz-json-1.0";
    let body = body.to_string().into_bytes();
    let call = Call { service: "sqs", region: "us-east-1", target: Some(target), content_type, body };
    serde_json::from_slice(&calls.call(call).await.unwrap()).unwrap()
}

async fn sns(calls: &AwsCalls, body: &str) -> Result<(), AnnounceError> {
    let content_type = "application/x-www-form-urlencoded";
    let body = body.as_bytes().to_vec();
    calls.call(Call { service: "sns", region: "us-east-1", target: None, content_type, body }).await.map(drop)
}

/// Makes a queue; gives its URL.
async fn queue(calls: &AwsCalls, name: &str) -> String {
    let made = sqs(calls, "AmazonSQS.CreateQueue", json!({ "QueueName": name })).await;
    made["QueueUrl"].as_str().unwrap().to_owned()
}

/// The bodies of the messages in a queue.
async fn messages(calls: &AwsCalls, url: &str) -> Vec<String> {
    let asked = json!({ "QueueUrl": url, "MaxNumberOfMessages": 10 });
    let answer = sqs(calls, "AmazonSQS.ReceiveMessage", asked).await;
    let messages = answer["Messages"].as_array().cloned().unwrap_or_default();
    messages.iter().map(|message| message["Body"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn a_queue_gets_the_event_as_it_is_and_one_that_is_not_there_is_given_up() {
    let Some((_server, calls)) = moto() else { return };
    let (url, queues) = (queue(&calls, "events").await, Queues::new(calls.clone()));
    for n in 0..2 {
        queues.hear(&arn("sqs", "events"), &event(n)).await.unwrap();
    }
    let mut found = messages(&calls, &url).await;
    found.sort();
    assert_eq!(found, [event(0), event(1)].map(|event| String::from_utf8(event.0).unwrap()));
    let missing = queues.hear(&arn("sqs", "missing"), &event(2)).await.unwrap_err();
    assert!(matches!(missing, AnnounceError::Refused(_)), "{missing:?}");
    assert!(matches!(queues.hear("no ARN", &event(2)).await, Err(AnnounceError::Refused(_))));
}

#[tokio::test]
async fn a_topic_gets_the_event_as_it_is_and_one_that_is_not_there_is_given_up() {
    let Some((_server, calls)) = moto() else { return };
    let url = queue(&calls, "of-topic").await;
    sns(&calls, "Action=CreateTopic&Version=2010-03-31&Name=events").await.unwrap();
    let subscription = format!(
        "Action=Subscribe&Version=2010-03-31&TopicArn={}&Protocol=sqs&Endpoint={}\
         &Attributes.entry.1.key=RawMessageDelivery&Attributes.entry.1.value=true",
        arn("sns", "events"),
        arn("sqs", "of-topic"),
    );
    sns(&calls, &subscription).await.unwrap();
    let topics = Topics::new(calls.clone());
    topics.hear(&arn("sns", "events"), &event(1)).await.unwrap();
    assert_eq!(messages(&calls, &url).await, [String::from_utf8(event(1).0).unwrap()]);
    let missing = topics.hear(&arn("sns", "missing"), &event(2)).await.unwrap_err();
    assert!(matches!(missing, AnnounceError::Refused(_)), "{missing:?}");
}

#[tokio::test]
async fn a_bus_takes_events_and_what_is_none_is_not_sent() {
    let Some((_server, calls)) = moto() else { return };
    let bus = |name: &str| EventBridge::new(calls.clone(), "us-east-1", name, None);
    bus("default").hear("", &event(1)).await.unwrap();
    let none = bus("default").hear("", &Private(b"[]".to_vec())).await;
    assert!(matches!(none, Err(AnnounceError::Refused(_))), "{none:?}");
}

#[tokio::test]
async fn who_is_not_there_may_be_there_later() {
    // Nobody listens at the discard port of this machine.
    let error = Queues::new(calls(9)).hear(&arn("sqs", "events"), &event(1)).await.unwrap_err();
    assert!(matches!(error, AnnounceError::Unreachable(_)), "{error:?}");
}

#[test]
fn what_may_be_better_later_is_told_from_what_may_not() {
    for (status, code, later) in [
        (500, "", true),
        (503, "ServiceUnavailable", true),
        (429, "", true),
        (400, "ThrottlingException", true),
        (400, "RequestThrottled", true),
        (403, "AccessDenied", true),
        (400, "AuthorizationError", true),
        (200, "InternalFailure", true),
        (200, "NotAuthorizedForSourceException", false),
        (400, "QueueDoesNotExist", false),
        (404, "NotFound", false),
        (400, "", false),
    ] {
        assert_eq!(is_temporary(status, code), later, "{status} {code}");
    }
}
