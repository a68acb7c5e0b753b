use std::sync::Arc;

use chime_adapters::memory::MemoryStore;
use chime_adapters::{SystemEntropy, TestClock};
use chime_domain::access::policy::{NamedPolicy, PolicyDocument, PolicySet};
use chime_domain::flow::Chime;
use chime_domain::time::Timestamp;

use super::*;
use crate::api::operations::Routes;
use crate::api::{Acting, ApiError, Query, Source};
use crate::app::{App, AppOptions};

const APP: &str = "arn:aws:chime:us-east-1:123456789012:app-instance/a1";
const ALICE: &str = "arn:aws:chime:us-east-1:123456789012:app-instance/a1/user/alice";
const BOB: &str = "arn:aws:chime:us-east-1:123456789012:app-instance/a1/user/bob";
const CHANNEL: &str = "arn:aws:chime:us-east-1:123456789012:app-instance/a1/channel/c1";

async fn app() -> App {
    let clock = TestClock::frozen(Timestamp::from_millis(1_600_000_000_000));
    let chime = Chime::builder(MemoryStore::new(), clock, SystemEntropy).build().await.unwrap();
    App::new(chime, AppOptions::default())
}

fn escaped(arn: &str) -> String {
    arn.replace(':', "%3A").replace('/', "%2F")
}

/// A caller with one policy: pairs of an action and a resource that are allowed.
fn caller(grants: &[(&str, &str)]) -> Caller {
    let statements: Vec<_> = grants
        .iter()
        .map(|(action, resource)| {
            serde_json::json!({ "Effect": "Allow", "Action": format!("chime:{action}"), "Resource": resource })
        })
        .collect();
    let document = serde_json::json!({ "Version": "2012-10-17", "Statement": statements }).to_string();
    let document = Arc::new(PolicyDocument::parse(&document).unwrap());
    Caller {
        arn: "arn:aws:iam::123456789012:user/tester".into(),
        kind: CallerKind::User,
        policies: PolicySet::new(vec![NamedPolicy::new("test", document)]),
        ..Caller::root("123456789012")
    }
}

/// Action, request, bearer and body, and the resources that have to be granted.
type Row<'a> = (&'a str, String, Option<&'a str>, &'a str, Vec<String>);

/// What the policy stage says of a request, given as `METHOD TARGET`.
async fn decide(
    caller: &Caller,
    request: &str,
    bearer: Option<&str>,
    body: &str,
) -> Result<Acting, ApiError> {
    let app = app().await;
    let (method, target) = request.split_once(' ').unwrap();
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let query = Query::parse(query).unwrap();
    let found = Routes::new().find(method, path, &query).unwrap();
    let hints = Hints::of(found.operation, body.as_bytes());
    let subject = Subject {
        operation: found.operation,
        labels: &found.labels,
        query: &query,
        hints: &hints,
        bearer,
        source: Source::default(),
        user_agent: None,
    };
    let acting = acting_as(&app, caller, &subject);
    let resources = subject.resources(&app, &caller.policies, &acting).await.unwrap();
    authorize(&app, caller, &acting, &subject, &resources).map(|()| acting)
}

#[tokio::test]
async fn every_kind_of_resource_is_read_from_its_part_of_the_request() {
    let in_app = |rest: &str| format!("{APP}/{rest}");
    let own = |rest: &str| format!("arn:aws:chime:us-east-1:123456789012:{rest}");
    let (app, alice, channel) = (escaped(APP), escaped(ALICE), escaped(CHANNEL));
    let admin_body = format!(r#"{{"AppInstanceAdminArn":"{ALICE}"}}"#);
    let tag_body = format!(r#"{{"ResourceARN":"{CHANNEL}","Tags":[]}}"#);
    let list = |arn: &str| format!("GET /app-instance-users?app-instance-arn={}", escaped(arn));
    let rows: Vec<Row<'_>> = vec![
        ("CreateAppInstance", "POST /app-instances".into(), None, "{}", vec!["*".into()]),
        ("CreateAppInstanceUser", "POST /app-instance-users".into(), None, "{}", vec!["*".into()]),
        (
            "GetMessagingSessionEndpoint",
            "GET /endpoints/messaging-session".into(),
            None,
            "",
            vec!["*".into()],
        ),
        ("DescribeAppInstance", format!("GET /app-instances/{app}"), None, "", vec![APP.into()]),
        ("ListAppInstances", "GET /app-instances".into(), None, "", vec![own("app-instance/*")]),
        ("DescribeAppInstanceUser", format!("GET /app-instance-users/{alice}"), None, "", vec![ALICE.into()]),
        ("ListAppInstanceUsers", list(APP), None, "", vec![in_app("user/*")]),
        (
            "CreateAppInstanceAdmin",
            format!("POST /app-instances/{app}/admins"),
            None,
            &admin_body,
            vec![APP.into(), ALICE.into()],
        ),
        (
            "DeleteAppInstanceAdmin",
            format!("DELETE /app-instances/{app}/admins/{alice}"),
            None,
            "",
            vec![APP.into(), ALICE.into()],
        ),
        ("CreateChannel", "POST /channels".into(), Some(ALICE), "{}", vec![ALICE.into()]),
        (
            "SendChannelMessage",
            format!("POST /channels/{channel}/messages"),
            Some(ALICE),
            "{}",
            vec![ALICE.into(), CHANNEL.into()],
        ),
        ("TagResource", "POST /tags?operation=tag-resource".into(), None, &tag_body, vec![CHANNEL.into()]),
        ("ListTagsForResource", format!("GET /tags?arn={channel}"), None, "", vec![CHANNEL.into()]),
        ("GetMeeting", "GET /meetings/m1".into(), None, "", vec![own("meeting/m1")]),
        ("GetVoiceConnector", "GET /voice-connectors/v1".into(), None, "", vec![own("vc/v1")]),
        ("GetSipMediaApplication", "GET /sip-media-applications/s1".into(), None, "", vec![own("sma/s1")]),
    ];
    for (action, request, bearer, body, resources) in rows {
        let all: Vec<_> = resources.iter().map(|resource| (action, resource.as_str())).collect();
        let allowed = decide(&caller(&all), &request, bearer, body).await;
        allowed.unwrap_or_else(|error| panic!("{action}: {error}"));
        // Without any one of them it is denied, and the message names that one.
        for left_out in 0..all.len() {
            let mut rest = all.clone();
            let (_, missing) = rest.remove(left_out);
            rest.push((action, "arn:aws:chime:us-east-1:123456789012:nothing"));
            let denied = decide(&caller(&rest), &request, bearer, body).await;
            let Err(ApiError::AccessDenied(message)) = denied else { panic!("{action} without {missing}") };
            assert_eq!(
                message,
                format!(
                    "User: arn:aws:iam::123456789012:user/tester is not authorized to perform: chime:{action} on \
                     resource: {missing} because no identity-based policy allows the chime:{action} action"
                )
            );
        }
    }
}

#[tokio::test]
async fn a_policy_may_grant_streaming_configurations_by_either_name() {
    let request = format!("GET /app-instances/{}/streaming-configurations", escaped(APP));
    for action in ["GetMessagingStreamingConfigurations", "GetAppInstanceStreamingConfigurations"] {
        decide(&caller(&[(action, APP)]), &request, None, "").await.unwrap();
    }
    assert!(decide(&caller(&[("DescribeAppInstance", APP)]), &request, None, "").await.is_err());
}

#[tokio::test]
async fn the_bearer_acts_and_without_it_the_one_user_of_the_policies() {
    let request = format!("GET /channels/{}", escaped(CHANNEL));
    let everything = caller(&[("*", "*")]);
    let acting = decide(&everything, &request, Some(ALICE), "").await.unwrap();
    assert_eq!(acting, Acting::User(chime_domain::arn::AppInstanceUserArn::parse(ALICE).unwrap()));
    assert_eq!(decide(&everything, &request, Some("alice"), "").await.unwrap(), Acting::Malformed);

    let channels = format!("{APP}/channel/*");
    let of_alice = caller(&[("DescribeChannel", ALICE), ("DescribeChannel", &channels)]);
    let acting = decide(&of_alice, &request, None, "").await.unwrap();
    assert_eq!(acting, Acting::User(chime_domain::arn::AppInstanceUserArn::parse(ALICE).unwrap()));
    let as_bob = decide(&of_alice, &request, Some(BOB), "").await;
    assert!(matches!(as_bob, Err(ApiError::AccessDenied(message)) if message.contains(BOB)));
}

#[tokio::test]
async fn nobody_to_act_as_is_a_401_for_all_but_the_owner_who_hears_it_from_the_handler() {
    let request = format!("GET /channels/{}", escaped(CHANNEL));
    let of_two = caller(&[("*", ALICE), ("*", BOB), ("*", CHANNEL)]);
    let error = decide(&of_two, &request, None, "").await.unwrap_err().on_the_wire(None);
    assert_eq!((error.status.as_u16(), error.name), (401, "UnauthorizedClientException"));
    let root = Caller::root("123456789012");
    assert_eq!(decide(&root, &request, None, "").await.unwrap(), Acting::Nobody);
}

#[tokio::test]
async fn an_operation_that_acts_as_nobody_ignores_the_bearer() {
    let only_app = caller(&[("DescribeAppInstance", APP)]);
    let request = format!("GET /app-instances/{}", escaped(APP));
    assert_eq!(decide(&only_app, &request, Some(BOB), "").await.unwrap(), Acting::Nobody);
}

#[tokio::test]
async fn iam_13_attendee_actions_and_those_on_one_meeting_need_that_meeting() {
    let meeting = "arn:aws:chime:us-east-1:123456789012:meeting/m1";
    let another = "arn:aws:chime:us-east-1:123456789012:meeting/m2";
    for (action, request) in [
        ("GetMeeting", "GET /meetings/m1"),
        ("DeleteMeeting", "DELETE /meetings/m1"),
        ("CreateAttendee", "POST /meetings/m1/attendees"),
        ("BatchCreateAttendee", "POST /meetings/m1/attendees?operation=batch-create"),
        ("ListAttendees", "GET /meetings/m1/attendees"),
        ("GetAttendee", "GET /meetings/m1/attendees/a1"),
        ("DeleteAttendee", "DELETE /meetings/m1/attendees/a1"),
    ] {
        needs(action, request, meeting, another).await;
    }
}

#[tokio::test]
async fn iam_14_voice_connector_proxy_and_media_application_actions_need_what_they_act_on() {
    let own = |rest: &str| format!("arn:aws:chime:us-east-1:123456789012:{rest}");
    for (action, request) in [
        ("GetVoiceConnector", "GET /voice-connectors/v1"),
        ("DeleteVoiceConnector", "DELETE /voice-connectors/v1"),
        ("CreateProxySession", "POST /voice-connectors/v1/proxy-sessions"),
        ("GetProxySession", "GET /voice-connectors/v1/proxy-sessions/p1"),
        ("DeleteProxySession", "DELETE /voice-connectors/v1/proxy-sessions/p1"),
    ] {
        needs(action, request, &own("vc/v1"), &own("vc/v2")).await;
    }
    for (action, request) in [
        ("GetSipMediaApplication", "GET /sip-media-applications/s1"),
        ("DeleteSipMediaApplication", "DELETE /sip-media-applications/s1"),
        ("CreateSipMediaApplicationCall", "POST /sip-media-applications/s1/calls"),
    ] {
        needs(action, request, &own("sma/s1"), &own("sma/s2")).await;
    }
}

/// The action is allowed by a grant on `resource`, and neither by one on `another` nor by another action's.
async fn needs(action: &str, request: &str, resource: &str, another: &str) {
    let decide = async |action, resource| decide(&caller(&[(action, resource)]), request, None, "{}").await;
    decide(action, resource).await.unwrap_or_else(|error| panic!("{action}: {error}"));
    for (action, resource) in [(action, another), ("CreateMeeting", resource)] {
        let denied = decide(action, resource).await;
        assert!(matches!(denied, Err(ApiError::AccessDenied(_))), "{request}, {action} on {resource}");
    }
}
