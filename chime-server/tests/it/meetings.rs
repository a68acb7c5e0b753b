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

#[test]
fn e_05_errors_about_tags_name_their_meeting() {
    let server = Server::start();
    let (_, _, arn) = meeting(&server);
    let tag = |arn: &str, first: usize| {
        let tags: Vec<_> =
            (first..first + 40).map(|n| json!({ "Key": format!("k{n}"), "Value": "v" })).collect();
        let body = json!({ "ResourceARN": arn, "Tags": tags }).to_string();
        server.signed("POST", "/tags?operation=tag-resource", &body)
    };
    assert_eq!(tag(&arn, 0).status, 204);
    let many = tag(&arn, 40);
    many.is_error(400, "TooManyTagsException");
    assert_eq!(many.json()["ResourceName"], arn.as_str());
    let other = format!("{}000000000000", arn.split_at(arn.len() - 12).0);
    let missing = tag(&other, 0);
    missing.is_error(404, "ResourceNotFoundException");
    assert_eq!(missing.json()["ResourceName"], other.as_str());
    let wrong = bad_tags(&server, &arn);
    assert!(wrong.json()["ResourceName"].is_null(), "{wrong:?}");
}

fn bad_tags(server: &Server, arn: &str) -> Answer {
    let body = json!({ "ResourceARN": arn }).to_string();
    let answer = server.signed("POST", "/tags?operation=tag-resource", &body);
    bad(&answer);
    answer
}

#[test]
fn r_03_an_error_has_the_id_of_its_request_before_anybody_knows_whose_it_is() {
    let server = Server::start();
    let answer = server.signed("POST", "/meetings/m/attendees?operation=nonsense", "{}");
    bad(&answer);
    assert_eq!(answer.json()["RequestId"].as_str(), answer.header("x-amzn-requestid"));
}

#[test]
fn w_17_the_settings_of_a_transcription_are_checked_before_it_is_known_who_transcribes() {
    let server = Server::with(&[
        ("CHIME_THROTTLE__MEETINGS_PER_SECOND", "1000"),
        ("CHIME_THROTTLE__MEETINGS_BURST", "1000"),
    ]);
    let (meeting, ..) = meeting(&server);
    let start = |settings: Value| {
        let body = json!({ "TranscriptionConfiguration": settings }).to_string();
        server.signed("POST", &format!("/meetings/{meeting}/transcription?operation=start"), &body)
    };
    let general = |settings: Value| start(json!({ "EngineTranscribeSettings": settings }));
    let medical = |settings: Value| start(json!({ "EngineTranscribeMedicalSettings": settings }));
    for wrong in [
        json!({ "LanguageCode": "xx-XX" }),
        json!({ "LanguageCode": 3 }),
        json!({ "Region": "moon-1" }),
        json!({ "VocabularyFilterMethod": "shout" }),
        json!({ "PartialResultsStability": "some" }),
        json!({ "ContentIdentificationType": "PHI" }),
        json!({ "ContentRedactionType": "all" }),
        json!({ "EnablePartialResultsStabilization": "yes" }),
        json!({ "IdentifyLanguage": 1 }),
        json!({ "PreferredLanguage": "xx" }),
        json!({ "LanguageOptions": "" }),
        json!({ "PiiEntityTypes": "name" }),
        json!({ "LanguageModelName": "a b" }),
        json!({ "VocabularyNames": "a b" }),
        json!({ "VocabularyFilterNames": "a".repeat(3001) }),
        json!({ "VocabularyName": "a".repeat(4097) }),
        json!([]),
    ] {
        bad(&general(wrong));
    }
    let whole = json!({ "LanguageCode": "en-US", "Specialty": "CARDIOLOGY", "Type": "DICTATION" });
    for member in ["LanguageCode", "Specialty", "Type"] {
        let mut wrong = whole.clone();
        wrong.as_object_mut().unwrap().remove(member);
        bad(&medical(wrong));
        let mut wrong = whole.clone();
        wrong[member] = "de-DE".into();
        bad(&medical(wrong));
    }
    let full = json!({
        "LanguageCode": "de-DE", "Region": "auto", "VocabularyFilterMethod": "mask", "VocabularyFilterName": "f",
        "VocabularyName": "v", "EnablePartialResultsStabilization": true, "PartialResultsStability": "low",
        "ContentIdentificationType": "PII", "PiiEntityTypes": "NAME, PIN", "LanguageModelName": "m-1",
        "IdentifyLanguage": false, "LanguageOptions": "en-US,de-DE", "PreferredLanguage": "en-US",
        "VocabularyNames": "a,b", "VocabularyFilterNames": "c", "SomethingNew": 1, "ContentRedactionType": null,
    });
    for right in [general(json!({})), general(full), medical(whole)] {
        right.is_error(422, "UnprocessableEntityException");
    }
}
