use std::collections::HashSet;

use super::*;
use crate::api::namespace::Namespace;
use crate::api::query::Query;

const TABLE: &str = include_str!("testdata/operations.tsv");

const CHANNEL: &str = "arn:aws:chime:us-east-1:123456789012:app-instance/a1/channel/c1";
const CHANNEL_ESCAPED: &str =
    "arn%3Aaws%3Achime%3Aus-east-1%3A123456789012%3Aapp-instance%2Fa1%2Fchannel%2Fc1";

fn find(method: &str, target: &str) -> Result<Found, NotFound> {
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    Routes::new().find(method, path, &Query::parse(query).unwrap())
}

fn name(method: &str, target: &str) -> Result<&'static str, NotFound> {
    find(method, target).map(|found| found.operation.name)
}

fn namespace(service: &str) -> Namespace {
    match service {
        "chime" => Namespace::Chime,
        "chime-legacy" => Namespace::Legacy,
        "chime-sdk-identity" => Namespace::Identity,
        "chime-sdk-messaging" => Namespace::Messaging,
        "chime-sdk-meetings" => Namespace::Meetings,
        "chime-sdk-voice" => Namespace::Voice,
        "chime-sdk-media-pipelines" => Namespace::Pipelines,
        other => panic!("{other}"),
    }
}

#[test]
fn every_documented_route_finds_its_operation_with_the_documented_code() {
    let routes = Routes::new();
    let mut rows = 0;
    for line in TABLE.lines().skip(1) {
        let [service, operation, method, uri, _scope, ok] = line.split('\t').collect::<Vec<_>>()[..] else {
            panic!("{line}")
        };
        let (path, literal) = uri.split_once('?').unwrap_or((uri, ""));
        let filled: Vec<_> = path
            .split('/')
            .map(|part| if part.starts_with('{') { "some%2Fvalue%3A1" } else { part })
            .collect();
        // Members of the query may stand on both sides of the literal one.
        let query = Query::parse(&format!("max-results=1&{literal}&next-token=x")).unwrap();
        let found =
            routes.find(method, &filled.join("/"), &query).unwrap_or_else(|e| panic!("{line}: {e:?}"));
        let namespace = namespace(service);
        assert_eq!(found.operation.name_in(namespace), operation, "{line}");
        assert_eq!(found.operation.code_in(namespace).to_string(), ok, "{line}");
        assert!(found.operation.services.contains(namespace), "{line}");
        rows += 1;
    }
    assert_eq!(rows, 415);
}

#[test]
fn no_two_operations_have_one_route() {
    let mut seen = HashSet::new();
    for operation in all() {
        let shape: Vec<_> =
            operation.path().split('/').map(|part| if part.starts_with('{') { "{}" } else { part }).collect();
        assert!(seen.insert((operation.method, shape.join("/"), operation.literal())), "{}", operation.name);
    }
    assert_eq!(seen.len(), 269);
}

#[test]
fn no_first_segment_is_an_endpoint_prefix() {
    for operation in all() {
        let first = operation.path().split('/').nth(1).unwrap();
        assert_eq!(Namespace::of_prefix(first), None, "{}", operation.name);
    }
}

#[test]
fn labels_are_decoded_exactly_once() {
    let found = find("GET", &format!("/channels/{CHANNEL_ESCAPED}/messages/a%252Fb")).unwrap();
    assert_eq!(found.operation.name, "GetChannelMessage");
    assert_eq!(found.labels.get("channelArn"), Some(CHANNEL));
    assert_eq!(found.labels.get("messageId"), Some("a%2Fb"));
}

#[test]
fn an_arn_with_raw_colons_or_raw_slashes_is_put_together() {
    let colons = CHANNEL_ESCAPED.replace("%3A", ":");
    for arn in [colons.as_str(), CHANNEL] {
        let found =
            find("DELETE", &format!("/channels/{arn}/memberships/{}", CHANNEL.replace("channel", "user")));
        let found = found.unwrap();
        assert_eq!(found.operation.name, "DeleteChannelMembership");
        assert_eq!(found.labels.get("channelArn"), Some(CHANNEL));
    }
    let instance = "arn:aws:chime:us-east-1:123456789012:app-instance/a1";
    let found = find("GET", &format!("/app-instances/{instance}/admins")).unwrap();
    assert_eq!(found.operation.name, "ListAppInstanceAdmins");
    assert_eq!(found.labels.get("appInstanceArn"), Some(instance));
    let found = find("GET", &format!("/app-instances/{instance}")).unwrap();
    assert_eq!(found.operation.name, "DescribeAppInstance");
}

#[test]
fn the_literal_query_selects_in_any_place_and_an_unknown_value_is_refused() {
    let channel = format!("/channels/{CHANNEL_ESCAPED}");
    assert_eq!(name("GET", &channel), Ok("DescribeChannel"));
    assert_eq!(
        name("GET", &format!("{channel}?app-instance-user-arn=x&scope=app-instance-user-membership")),
        Ok("DescribeChannelMembershipForAppInstanceUser")
    );
    assert_eq!(name("GET", &format!("{channel}?scope=nothing")).err(), Some(NotFound::Selector("scope")));
    assert_eq!(name("GET", &format!("{channel}?scope=")).err(), Some(NotFound::Selector("scope")));
    assert_eq!(name("POST", "/channels?operation=create").err(), Some(NotFound::Selector("operation")));
    assert_eq!(
        name("POST", "/channels?operation=search&operation=search").err(),
        Some(NotFound::Selector("operation"))
    );
    assert_eq!(name("GET", "/search?area-code=206&type=phone-numbers"), Ok("SearchAvailablePhoneNumbers"));
    assert_eq!(name("GET", "/search?type=people").err(), Some(NotFound::Selector("type")));
    assert_eq!(
        name("GET", &format!("{channel}/memberships?type=DEFAULT")),
        Ok("ListChannelMemberships"),
        "a member named type selects nothing"
    );
}

#[test]
fn hostile_paths_match_nothing() {
    for path in [
        "",
        "channels",
        "/",
        "//",
        "/channels/",
        "//channels",
        "/channels//messages",
        "/channels/x/",
        "/./channels",
        "/x/../channels",
        "/channels%2Fx",
        "/CHANNELS",
        "/channels/x/messages/y/z",
        "*",
        "/console",
        "/console/",
        "/console/console/channels",
        "/app-instances/arn:aws:chime:r:1:app-instance/",
        "/channels/arn:a/b/c/d/e/f/g",
        "/meetings/",
    ] {
        assert_eq!(name("GET", path).err(), Some(NotFound::Route), "{path}");
    }
    for path in ["/channels/%", "/channels/%2", "/channels/%zz", "/channels/%ff", "/channels/%C3%28", "/%+1"]
    {
        assert_eq!(name("GET", path).err(), Some(NotFound::Escape), "{path}");
    }
    for method in ["PATCH", "get", "HEAD", ""] {
        assert_eq!(name(method, "/channels").err(), Some(NotFound::Route), "{method}");
    }
}

#[test]
fn an_endpoint_prefix_is_taken_off_and_names_the_namespace() {
    for (prefix, namespace) in [
        ("console", Namespace::Legacy),
        ("chime", Namespace::Chime),
        ("identity", Namespace::Identity),
        ("messaging", Namespace::Messaging),
        ("meetings-api", Namespace::Meetings),
        ("voice", Namespace::Voice),
        ("media-pipelines", Namespace::Pipelines),
    ] {
        let found = find("GET", &format!("/{prefix}/channels")).unwrap();
        assert_eq!((found.operation.name, found.prefix), ("ListChannels", Some(namespace)));
    }
    assert_eq!(find("GET", "/meetings").unwrap().prefix, None);
}
