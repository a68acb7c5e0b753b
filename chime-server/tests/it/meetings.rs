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
