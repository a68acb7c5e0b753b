//! What requests on identity and messaging may say.

use chime_domain::access::MembershipType;
use chime_domain::messaging::{CreateChannel, ElasticChannelConfiguration, SendChannelMessage};
use chime_domain::text::{Content, ResourceName};
use serde_json::json;

use crate::rights::{Stage, on};
use crate::wire::{Answer, Server};

fn bad(answer: &Answer) -> String {
    answer.is_error(400, "BadRequestException")
}

#[test]
fn ts_04_the_bounds_of_a_list_are_within_what_was_asked_for_to_the_microsecond() {
    let stage = Stage::new();
    let messages = format!("{}/messages", on("channels", stage.channel.as_str()));
    let body = json!({ "Content": "text", "Type": "STANDARD", "Persistence": "PERSISTENT", "ClientRequestToken": "t1" });
    assert_eq!(stage.as_alice("POST", &messages, &body.to_string()).status, 201);
    let count = |query: &str| {
        let listed = stage.as_alice("GET", &format!("{messages}?{query}"), "");
        listed.json()["ChannelMessages"].as_array().unwrap().len()
    };
    let listed = stage.as_alice("GET", &messages, "").json();
    let seconds = listed["ChannelMessages"][0]["CreatedTimestamp"].as_f64().unwrap();
    let at = chime_domain::time::Timestamp::from_millis((seconds * 1000.0).round() as i64).to_string();
    let (whole, _) = at.split_once('Z').unwrap();
    let escaped = |text: &str| text.replace(':', "%3A");
    assert_eq!(count(&format!("not-before={}", escaped(&at))), 1);
    assert_eq!(count(&format!("not-before={}", escaped(&format!("{whole}000Z")))), 1);
    assert_eq!(count(&format!("not-before={}", escaped(&format!("{whole}001Z")))), 0);
    assert_eq!(count(&format!("not-after={}", escaped(&format!("{whole}001Z")))), 1);
    assert_eq!(count(&format!("not-before={seconds:.3}")), 1);
    assert_eq!(count(&format!("not-before={seconds:.3}001")), 0);
}
