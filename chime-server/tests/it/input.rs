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
fn d_08_a_message_of_a_sub_channel_is_redacted_by_the_body_of_the_request() {
    let stage = Stage::new();
    let chime = stage.server.running().app().chime().clone();
    let alice = &stage.alice;
    let (channel, sub, id) = stage.server.runtime.block_on(async {
        let mut command = CreateChannel::new(alice.app_instance(), ResourceName::new("arena").unwrap());
        command.elastic = Some(ElasticChannelConfiguration::new(2, 3, 10, 1_000_000).unwrap());
        let messaging = chime.messaging(alice);
        let channel = messaging.create_channel(command).await.unwrap();
        let kind = MembershipType::Default;
        let membership = messaging.create_channel_membership(&channel, &stage.bob, kind).await.unwrap();
        let sub = membership.sub_channels.first().unwrap().clone();
        let messaging = chime.messaging(alice).in_sub_channel(Some(&sub));
        messaging.create_channel_membership(&channel, alice, kind).await.unwrap();
        let command = SendChannelMessage::new(channel.clone(), Content::new("text").unwrap());
        let sent = messaging.send_channel_message(command).await.unwrap();
        (channel, sub, sent.id)
    });
    let path = format!("{}/messages/{}?operation=redact", on("channels", channel.as_str()), id.as_str());
    bad(&stage.as_alice("POST", &path, "{not json"));
    let body = json!({ "SubChannelId": sub.as_str() }).to_string();
    bad(&stage.as_alice("POST", &format!("{path}&sub-channel-id=another"), &body));
    let redacted = stage.as_alice("POST", &path, &body);
    assert_eq!(redacted.status, 200, "{redacted:?}");
    assert_eq!(redacted.json()["SubChannelId"], sub.as_str());
    let by_query = format!("{path}&sub-channel-id={}", sub.as_str());
    assert_eq!(stage.as_alice("POST", &by_query, "").status, 200);
}

#[test]
fn w_18_a_list_is_no_structure() {
    let server = Server::start();
    for body in [
        json!(["name", null, "token-1", null]),
        json!({ "Name": "name", "ClientRequestToken": "token-2", "Tags": [["k", "v"]] }),
        json!([]),
        json!("name"),
        json!(null),
    ] {
        let message = bad(&server.signed("POST", "/app-instances", &body.to_string()));
        assert!(!message.contains("struct"), "{message}");
    }
    let user = json!({
        "AppInstanceArn": "arn:aws:chime:us-east-1:123456789012:app-instance/a",
        "AppInstanceUserId": "user", "Name": "name", "ClientRequestToken": "token-3",
        "ExpirationSettings": [3, "CREATED_TIMESTAMP"],
    });
    bad(&server.signed("POST", "/app-instance-users", &user.to_string()));
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

#[test]
fn w_17_bounds_of_the_models_that_clients_do_not_check() {
    let stage = Stage::new();
    let server = &stage.server;
    bad(&server.signed("GET", "/endpoints/messaging-session?network-type=NOPE", ""));
    for kind in ["IPV4_ONLY", "DUAL_STACK"] {
        let path = format!("/endpoints/messaging-session?network-type={kind}");
        assert_eq!(server.signed("GET", &path, "").status, 200);
    }
    let long = format!("arn:aws:chime:us-east-1:123456789012:app-instance/{}", "a".repeat(1600));
    bad(&server.signed("GET", &on("app-instance-bots", &long), ""));
    bad(&server.signed("GET", &on("channel-flows", &long), ""));
    bad(&server.signed("GET", &format!("/tags?arn={}", on("", &long).trim_start_matches('/')), ""));
    let endpoints = format!("{}/endpoints", on("app-instance-users", stage.alice.as_str()));
    for (method, body) in [("GET", ""), ("PUT", "{}"), ("DELETE", "")] {
        bad(&server.signed(method, &format!("{endpoints}/{}", "e".repeat(65)), body));
        let missing = server.signed(method, &format!("{endpoints}/{}", "e".repeat(64)), body);
        assert_ne!(missing.status, 400, "{missing:?}");
    }
}

#[test]
fn d_05_an_empty_content_type_clears_it_as_empty_metadata_do() {
    let stage = Stage::new();
    let messages = format!("{}/messages", on("channels", stage.channel.as_str()));
    let body = json!({
        "Content": "text", "Type": "STANDARD", "Persistence": "PERSISTENT", "ClientRequestToken": "t1",
        "ContentType": "text/plain", "Metadata": "data",
    });
    let sent = stage.as_alice("POST", &messages, &body.to_string()).json();
    let message = format!("{messages}/{}", sent["MessageId"].as_str().unwrap());
    let read = || stage.as_alice("GET", &message, "").json()["ChannelMessage"].clone();
    let update = |body: serde_json::Value| {
        let updated = stage.as_alice("PUT", &message, &body.to_string());
        assert_eq!(updated.status, 200, "{updated:?}");
    };
    update(json!({ "Content": "new" }));
    assert_eq!(read()["ContentType"], "text/plain");
    update(json!({ "Content": "new", "ContentType": "", "Metadata": "" }));
    assert!(read()["ContentType"].is_null() && read()["Metadata"] == "", "{}", read());
}

#[test]
fn e_06_the_legacy_namespace_says_not_found_where_the_operator_serves_it_alone() {
    let missing = "arn:aws:chime:us-east-1:123456789012:app-instance/missing";
    let paths = [
        format!("{}/streaming-configurations", on("app-instances", missing)),
        format!("{}/retention-settings", on("app-instances", missing)),
        format!("/tags?arn={}", on("", missing).trim_start_matches('/')),
    ];
    let legacy = Server::with(&[("CHIME_HTTP__LEGACY_BY_DEFAULT", "true")]);
    let todays = Server::start();
    for path in &paths {
        legacy.signed("GET", path, "").is_error(404, "NotFoundException");
    }
    for path in &paths[1..] {
        todays.signed("GET", path, "").is_error(403, "ForbiddenException");
    }
}
