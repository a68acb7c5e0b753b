use std::io::Write;

use chime_domain::limits::Quota;
use chime_domain::text::Private;

use super::*;

fn variables(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
    pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

fn read(flags: &[Flag], file: Option<&str>, pairs: &[(&str, &str)]) -> Result<Config, String> {
    let written = file.map(|text| {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(text.as_bytes()).unwrap();
        file
    });
    let path = written.as_ref().map(tempfile::NamedTempFile::path);
    Config::from_layers(flags, path, &variables(pairs)).map_err(|error| error.to_string())
}

#[test]
fn defaults_are_a_configuration() {
    let config = read(&[], None, &[("PATH", "/bin"), ("AWS_REGION", "x")]).unwrap();
    assert_eq!(config.auth.account_id, "123456789012");
    assert_eq!(config.storage.database, Database::Sqlite("chime-data/chime.db".into()));
    assert_eq!(config.rate, Rate { per_second: 2000, burst: 4000 });
    assert_eq!(config.limits, Limits::default());
}

#[test]
fn flags_win_over_environment_over_file_over_defaults() {
    let file = "region = 'eu-file-1'\naccount_id = '000000000001'\nhttp_listen = '127.0.0.1:1'\n[throttle]\nburst = 7\n";
    let environment = [("CHIME_ACCOUNT_ID", "000000000002"), ("CHIME_HTTP_LISTEN", "127.0.0.1:2")];
    let flags = [("--http-listen", "http_listen", "127.0.0.1:3".to_owned())];
    let config = read(&flags, Some(file), &environment).unwrap();
    assert_eq!(config.auth.region, "eu-file-1");
    assert_eq!(config.auth.account_id, "000000000002");
    assert_eq!(config.http.http_listen.port(), 3);
    assert_eq!(config.rate.burst, 7);
    assert_eq!(config.rate.per_second, 2000);
    let origin = |path| config.values.get(path).unwrap().1.to_string();
    assert_eq!(origin("http_listen"), "flag --http-listen");
    assert_eq!(origin("account_id"), "environment CHIME_ACCOUNT_ID");
    assert!(origin("region").starts_with("file "));
    assert_eq!(origin("throttle.requests_per_second"), "default");
}

#[test]
fn every_quota_can_be_set_by_its_name() {
    let config = read(&[], None, &[("CHIME_QUOTAS__MEMBERSHIPS_PER_CHANNEL", "3")]).unwrap();
    assert_eq!(config.limits.get(Quota::MembershipsPerChannel), 3);
    let config = read(&[], Some("[quotas]\nconnections_per_user = 2\n"), &[]).unwrap();
    assert_eq!(config.limits.get(Quota::ConnectionsPerUser), 2);
}

#[test]
fn media_are_reached_where_they_listen_or_at_another_address_and_port() {
    let media = |pairs: &[(&str, &str)]| read(&[], None, pairs).map(|config| config.media);
    let at = |text: &str| text.parse().unwrap();
    assert_eq!(
        media(&[]).unwrap(),
        Media { regions: vec!["us-east-1".into()], ..Media::on(at("0.0.0.0:3478")) }
    );
    let public = |text| media(&[("CHIME_MEDIA_PUBLIC", text)]).map(|media| media.public);
    assert_eq!(public("192.0.2.1").unwrap(), Some(at("192.0.2.1:3478")));
    assert_eq!(public("192.0.2.1:1").unwrap(), Some(at("192.0.2.1:1")));
    assert_eq!(public("2001:db8::1").unwrap(), Some(at("[2001:db8::1]:3478")));
    for bad in ["media.test", "0.0.0.0", "::", "192.0.2.1:x"] {
        assert!(public(bad).unwrap_err().contains("media_public"), "{bad}");
    }
}

#[test]
fn regions_are_media_regions_each_for_all_or_for_a_network() {
    let regions =
        |text| read(&[], None, &[("CHIME_REGIONS", text)]).map(|config| config.nearest_region.regions);
    let of = |text| regions(text).unwrap().into_iter().map(|(name, network)| (name, network.is_some()));
    assert!(
        of("eu-west-1=10.0.0.0/8, us-west-2").eq([("eu-west-1".into(), true), ("us-west-2".into(), false)])
    );
    let media = |pairs: &[(&str, &str)]| read(&[], None, pairs).unwrap().media.regions;
    assert_eq!(media(&[("CHIME_REGIONS", "eu-west-1=10.0.0.0/8")]), ["eu-west-1"]);
    assert_eq!(media(&[("CHIME_MEDIA_REGIONS", "eu-west-1,sa-east-1")]), ["eu-west-1", "sa-east-1"]);
    assert!(read(&[], None, &[("CHIME_MEDIA_REGIONS", "mars")]).unwrap_err().contains("media_regions"));
    for bad in ["mars-north-1", "eu-west-1=ten", "eu-west-1="] {
        assert!(regions(bad).unwrap_err().contains("`regions`"), "{bad}");
    }
}

#[test]
fn listeners_are_read_and_what_they_hold_is_not_shown() {
    let read = |text| read(&[], None, &[("CHIME_MEETING_EVENTS", text)]);
    let config = read(
        "eventbridge,eventbridge:mine,targets,https://hooks.test/s3cret,nats://u:s3cret@127.0.0.1:4222/a.b,tls://x,\
         nats://a;tls://u:s3cret@b:1/c",
    )
    .unwrap();
    let nats = |urls: &str, subject: &str| StandingListener::Nats {
        servers: super::Nats {
            urls: Private(urls.to_owned()),
            ca_file: None,
            certificate: None,
            credentials_file: None,
        },
        subject: subject.to_owned(),
    };
    let expected = [
        StandingListener::EventBridge("default".into()),
        StandingListener::EventBridge("mine".into()),
        StandingListener::Webhook(Private("https://hooks.test/s3cret".into())),
        nats("nats://u:s3cret@127.0.0.1:4222", "a.b"),
        nats("tls://x", "chime.meetings"),
        nats("nats://a,tls://u:s3cret@b:1", "c"),
    ];
    assert_eq!(config.meeting_events.standing, expected);
    assert!(config.meeting_events.targets && config.meeting_events.needs_aws());
    assert!(!format!("{config:?}{}", explain(&config)).contains("s3cret"));
    let none = super::Config::from_layers(&[], None, &[]).unwrap().meeting_events;
    assert!(none.standing.is_empty() && !none.needs_aws());
    for bad in [
        "bus",
        "https://",
        "nats:",
        "nats://",
        "nats:///a",
        "nats://x/",
        "nats://x/a b",
        "nats://x/a/b",
        "nats://x/a;nats://y",
        "nats://x;nats://",
    ] {
        let error = read(bad).unwrap_err();
        assert!(error.contains("meeting_events"), "{bad}: {error}");
    }
}

#[test]
fn unknown_names_are_refused_wherever_they_stand() {
    for file in
        ["colour = 1", "[throttle]\nbrust = 1", "[colours]\nred = 1", "[region]\nx = 1", "throttle = 3"]
    {
        let error = read(&[], Some(file), &[]).unwrap_err();
        assert!(error.contains("names no setting") || error.contains("expected"), "{file}: {error}");
    }
    let error = read(&[], None, &[("CHIME_HTTP_LISTENS", "127.0.0.1:1")]).unwrap_err();
    assert!(error.contains("CHIME_HTTP_LISTENS"), "{error}");
    let error = read(&[], None, &[("CHIME_QUOTAS__NOTHING", "1")]).unwrap_err();
    assert!(error.contains("CHIME_QUOTAS__NOTHING"), "{error}");
    let oidc = "[[oidc]]\nissuer = 'i'\naudience = 'a'\njwks_file = 'k'\ncolour = 'x'\n";
    assert!(read(&[], Some(oidc), &[]).is_err());
}

#[test]
fn values_of_another_kind_or_beyond_their_bounds_are_refused_with_their_key() {
    for (name, value) in [
        ("CHIME_HTTP_LISTEN", "localhost"),
        ("CHIME_THROTTLE__BURST", "0"),
        ("CHIME_THROTTLE__BURST", "-1"),
        ("CHIME_TEST_CLOCK", "maybe"),
        ("CHIME_ACCOUNT_ID", "12345"),
        ("CHIME_REGION", "US East"),
        ("CHIME_DATABASE", "mysql:x"),
        ("CHIME_DATABASE", "sqlite:"),
        ("CHIME_PUBLIC_HOST", "https://x"),
        ("CHIME_ROOT_ACCESS_KEY_ID", "AKIAIOSFODNN7EXAMPLE"),
        ("CHIME_ROOT_SECRET_ACCESS_KEY", "secret"),
        ("CHIME_TLS__CERT_FILE", "/x"),
        ("CHIME_QUOTAS__USERS_PER_APP_INSTANCE", "many"),
    ] {
        let error = read(&[], None, &[(name, value)]).unwrap_err();
        assert!(error.contains('`') && !error.contains("secret`)"), "{name}={value}: {error}");
    }
    assert!(read(&[], Some("account_id = 123456789012"), &[]).is_err(), "a number is no text");
    assert!(read(&[], Some("[throttle]\nburst = '7'"), &[]).is_err(), "a text is no number");
}

#[test]
fn the_file_named_by_the_environment_is_read_and_a_missing_one_is_an_error() {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(b"region = 'eu-west-1'\n[[oidc]]\nissuer='i'\naudience='a'\njwks_file='k'\n").unwrap();
    let config = read(&[], None, &[("CHIME_CONFIG", file.path().to_str().unwrap())]).unwrap();
    assert_eq!(config.auth.region, "eu-west-1");
    assert_eq!(config.oidc.len(), 1);
    assert!(read(&[], None, &[("CHIME_CONFIG", "/nowhere/chime.toml")]).is_err());
}

#[test]
fn explain_shows_every_key_and_no_secret() {
    let root = [
        ("CHIME_ROOT_ACCESS_KEY_ID", "AKIAIOSFODNN7EXAMPLE"),
        ("CHIME_ROOT_SECRET_ACCESS_KEY", "hunter2-hunter2"),
    ];
    let config = read(&[], None, &root).unwrap();
    let text = explain(&config);
    assert!(!text.contains("hunter2"));
    assert!(!format!("{config:?}").contains("hunter2"));
    for key in keys() {
        assert!(text.contains(&format!("{} = ", key.path)), "{}", key.path);
    }
}

#[test]
fn the_schema_knows_every_key_and_no_other() {
    let schema: serde_json::Value = serde_json::from_str(&schema()).unwrap();
    for key in keys() {
        let pointer = format!("/properties/{}", key.path.replace('.', "/properties/"));
        assert!(schema.pointer(&pointer).is_some(), "{pointer}");
    }
    assert_eq!(schema["additionalProperties"], false);
    assert_eq!(schema["properties"]["throttle"]["additionalProperties"], false);
}

#[test]
fn every_variable_is_of_one_key() {
    let mut seen = std::collections::HashSet::new();
    for key in keys() {
        assert!(seen.insert(key.variable()), "{}", key.path);
    }
}

#[test]
fn a_profile_decides_the_rules_that_no_key_sets() {
    let of = |environment: &[(&str, &str)]| read(&[], None, environment).unwrap().rules;
    let printed = of(&[]);
    assert!(!printed.members_redact_own && printed.members_remove_others && !printed.tag_session_required);
    let current = of(&[("CHIME_PROFILE", "current")]);
    assert!(current.members_redact_own && !current.members_remove_others && current.tag_session_required);
    let mixed = of(&[("CHIME_PROFILE", "current"), ("CHIME_RULES__MEMBERS_REDACT_OWN", "false")]);
    assert!(!mixed.members_redact_own && !mixed.members_remove_others);
    assert!(read(&[], None, &[("CHIME_PROFILE", "2019")]).unwrap_err().contains("profile"));
}

#[test]
fn a_database_that_servers_share_and_how_they_hear_of_each_other() {
    let of = |environment: &[(&str, &str)]| Ok::<_, String>(read(&[], None, environment)?.storage.database);
    let url = ("CHIME_DATABASE", "postgres://me:hunter2@db.test/chime");
    let expected = |wire| Database::Postgres { url: Private(url.1.to_owned()), wire };
    assert_eq!(of(&[url]), Ok(expected(Wire::Alone)));
    assert_eq!(of(&[url, ("CHIME_CLUSTER", "notify")]), Ok(expected(Wire::Notify)));
    let nats = ("CHIME_NATS", "nats://n.test:4222");
    let servers = super::Nats {
        urls: Private(nats.1.to_owned()),
        ca_file: None,
        certificate: None,
        credentials_file: None,
    };
    assert_eq!(of(&[url, nats]), Ok(expected(Wire::Nats(servers))));
    assert!(of(&[url, nats, ("CHIME_CLUSTER", "notify")]).unwrap_err().contains("cluster"));
    assert!(of(&[url, ("CHIME_CLUSTER", "gossip")]).unwrap_err().contains("notify"));
    for wire in [nats, ("CHIME_CLUSTER", "notify")] {
        assert!(of(&[wire]).unwrap_err().contains("postgres://"));
        assert!(of(&[wire, ("CHIME_DATABASE", "memory:")]).unwrap_err().contains("postgres://"));
    }
}

#[test]
fn files_for_nats_hold_wherever_it_is_used() {
    let of = |more: &[(&str, &str)]| {
        let used = [
            ("CHIME_DATABASE", "postgres://db.test/chime"),
            ("CHIME_NATS", "nats://a,tls://b"),
            ("CHIME_EXPORT", "nats://a,tls://b"),
            ("CHIME_MEETING_EVENTS", "nats://a;tls://b"),
        ];
        read(&[], None, &[&used, more].concat())
    };
    let files = [
        ("CHIME_NATS_CREDENTIALS_FILE", "me.creds"),
        ("CHIME_NATS_CA_FILE", "ca.pem"),
        ("CHIME_NATS_CERT_FILE", "me.pem"),
        ("CHIME_NATS_KEY_FILE", "me.key"),
    ];
    let config = of(&files).unwrap();
    let expected = super::Nats {
        urls: Private("nats://a,tls://b".into()),
        ca_file: Some("ca.pem".into()),
        certificate: Some(("me.pem".into(), "me.key".into())),
        credentials_file: Some("me.creds".into()),
    };
    let Database::Postgres { wire, .. } = &config.storage.database else { panic!("{config:?}") };
    assert_eq!(*wire, Wire::Nats(expected.clone()));
    assert_eq!(config.export, super::Export::Nats(expected.clone()));
    let listener = StandingListener::Nats { servers: expected, subject: "chime.meetings".into() };
    assert_eq!(config.meeting_events.standing, [listener]);
    for alone in &files[2..] {
        let refused = of(&[*alone]).unwrap_err();
        assert!(refused.contains("nats_cert_file") && refused.contains("nats_key_file"), "{refused}");
    }
}

#[test]
fn passwords_in_urls_are_not_shown() {
    for (database, shown) in [
        (
            "postgres://me:hunter2@db.test:5432/chime?sslmode=require",
            "postgres://me:(hidden)@db.test:5432/chime?sslmode",
        ),
        ("postgres://me:hunter2@a,b:1/chime", "postgres://me:(hidden)@a,b:1/chime"),
        ("postgres://me:hun@ter2@db.test/chime", "postgres://me:(hidden)@db.test/chime"),
        (
            "postgresql://db.test/chime?user=me&password=hunter2&sslmode=require",
            "password=(hidden)&sslmode=require",
        ),
        ("postgres://db.test/chime?password=hunter2", "password=(hidden)"),
    ] {
        let nats = ("CHIME_NATS", "nats://me:hunter2@n1.test:4222,nats://hunter2@n2.test");
        let export = ("CHIME_EXPORT", nats.1);
        let config = read(&[], None, &[("CHIME_DATABASE", database), nats, export]).unwrap();
        let text = explain(&config);
        assert!(text.contains(shown), "{text}");
        assert!(text.contains("nats://me:(hidden)@n1.test:4222,nats://(hidden):(hidden)@n2.test"), "{text}");
        for text in [text, format!("{config:?}")] {
            assert!(!text.contains("hunter2") && !text.contains("ter2"), "{text}");
        }
    }
}

#[test]
fn traces_go_nowhere_unless_told_and_a_build_without_them_says_so() {
    let of = |environment: &[(&str, &str)]| Ok::<_, String>(read(&[], None, environment)?.telemetry.traces);
    let endpoint = ("CHIME_TELEMETRY__OTLP_ENDPOINT", "https://collector.test:4318/");
    assert_eq!(of(&[]), Ok(None));
    for bad in ["1.5", "-0.1", "NaN", "half"] {
        assert!(of(&[("CHIME_TELEMETRY__TRACE_RATIO", bad)]).unwrap_err().contains("trace_ratio"), "{bad}");
    }
    if cfg!(not(feature = "otlp")) {
        assert!(of(&[endpoint]).unwrap_err().contains("this build has no feature `otlp`"));
        return;
    }
    let traces = of(&[
        endpoint,
        ("CHIME_TELEMETRY__OTLP_HEADERS", "authorization=Basic aHVudGVyMg==, x-tenant=7"),
        ("CHIME_TELEMETRY__TRACE_RATIO", "0.25"),
        ("CHIME_TELEMETRY__SERVICE_NAME", "chat"),
    ]);
    let traces = traces.unwrap().unwrap();
    assert_eq!(traces.endpoint.as_str(), "https://collector.test:4318/v1/traces");
    let header = |name: &str, value: &str| (name.to_owned(), Private(value.to_owned()));
    assert_eq!(traces.headers, [header("authorization", "Basic aHVudGVyMg=="), header("x-tenant", "7")]);
    assert_eq!((traces.ratio, traces.service.as_str()), (0.25, "chat"));
    assert!(!format!("{traces:?}").contains("aHVudGVyMg"));
    assert!(of(&[("CHIME_TELEMETRY__OTLP_ENDPOINT", "collector:4318")]).unwrap_err().contains("http"));
    for bad in ["novalue", "bad name=1", "=1"] {
        let refused = of(&[endpoint, ("CHIME_TELEMETRY__OTLP_HEADERS", bad)]).unwrap_err();
        assert!(refused.contains("otlp_headers"), "{refused}");
    }
}
