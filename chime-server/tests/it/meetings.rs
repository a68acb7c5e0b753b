//! What requests on meetings may say, and how they are answered.

use serde_json::{Value, json};

use crate::signed::request;
use crate::wire::{Answer, KEY, SECRET, Server};

const TODAYS: &str = r#"{"ExternalMeetingId":"ab","MediaRegion":"us-east-1","ClientRequestToken":"token"}"#;

fn bad(answer: &Answer) -> String {
    answer.is_error(400, "BadRequestException")
}

/// The ids of a new meeting and of an attendee, and the ARN of the meeting.
fn meeting(server: &Server) -> (String, String, String) {
    let made = server.signed("POST", "/meetings", TODAYS).json();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let (id, arn) = (text(&made["Meeting"]["MeetingId"]), text(&made["Meeting"]["MeetingArn"]));
    let attendee =
        server.signed("POST", &format!("/meetings/{id}/attendees"), r#"{"ExternalUserId":"user"}"#);
    (id, text(&attendee.json()["Attendee"]["AttendeeId"]), arn)
}

#[test]
fn n_03_the_namespace_may_be_told_by_either_header_of_the_client() {
    let server = Server::with(&[("CHIME_HTTP__LEGACY_BY_DEFAULT", "true")]);
    let node = [
        ("user-agent", "aws-sdk-js/3.1141.0 ua/2.1 os/linux lang/js api/chime-sdk-meetings#3.1141.0"),
        ("x-amz-user-agent", "aws-sdk-js/3.1141.0"),
    ];
    let made = server.send(&request((KEY, SECRET), "POST", "/meetings", &node, TODAYS));
    assert_eq!(made.status, 200, "{made:?}");
    let browser = [("user-agent", "Mozilla/5.0"), ("x-amz-user-agent", node[0].1)];
    assert_eq!(server.send(&request((KEY, SECRET), "POST", "/meetings", &browser, TODAYS)).status, 200);
    assert_eq!(server.signed("POST", "/meetings", TODAYS).status, 201);
}

#[test]
fn d_11_an_attendee_is_given_or_loses_at_most_ten_tags_at_once() {
    let server = Server::start();
    let (meeting, attendee, _) = meeting(&server);
    let tags = |count: usize| -> Vec<Value> {
        (0..count).map(|n| json!({ "Key": format!("k{n}"), "Value": "v" })).collect()
    };
    let keys = |count: usize| -> Vec<String> { (0..count).map(|n| format!("k{n}")).collect() };
    let path = format!("/meetings/{meeting}/attendees/{attendee}/tags?operation=");
    let send = |operation: &str, body: Value| {
        server.signed("POST", &format!("{path}{operation}"), &body.to_string())
    };
    bad(&send("add", json!({ "Tags": tags(11) })));
    assert_eq!(send("add", json!({ "Tags": tags(10) })).status, 204);
    bad(&send("delete", json!({ "TagKeys": keys(11) })));
    assert_eq!(send("delete", json!({ "TagKeys": keys(10) })).status, 204);
    let create = |count: usize| {
        let body = json!({ "ExternalUserId": format!("of {count}"), "Tags": tags(count) }).to_string();
        server.signed("POST", &format!("/console/meetings/{meeting}/attendees"), &body)
    };
    bad(&create(11));
    assert_eq!(create(10).status, 201);
}

#[test]
fn d_09_attendees_may_be_absent_and_not_empty() {
    let server = Server::start();
    let send = |attendees: Option<Value>| {
        let mut body: Value = serde_json::from_str(TODAYS).unwrap();
        if let Some(attendees) = attendees {
            body["Attendees"] = attendees;
        }
        server.signed("POST", "/meetings?operation=create-attendees", &body.to_string())
    };
    bad(&send(Some(json!([]))));
    assert_eq!(send(None).status, 200);
    assert_eq!(send(Some(json!([{ "ExternalUserId": "user" }]))).status, 200);
}

#[test]
fn app_21_a_meeting_may_lose_no_tags() {
    let server = Server::start();
    let (_, _, arn) = meeting(&server);
    let untag = |arn: &str| {
        let body = json!({ "ResourceARN": arn, "TagKeys": [] }).to_string();
        server.signed("POST", "/tags?operation=untag-resource", &body)
    };
    assert_eq!(untag(&arn).status, 204);
    bad(&untag("arn:aws:chime:us-east-1:123456789012:app-instance/a"));
}
