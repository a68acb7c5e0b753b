//! WebSocket sessions, spoken to in bytes.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::{Duration, SystemTime};

use aws_credential_types::Credentials;
use aws_sigv4::http_request::{SignableBody, SignableRequest, SignatureLocation, SigningSettings, sign};
use aws_sigv4::sign::v4;
use chime_domain::iam::Caller;
use serde_json::Value;

use crate::rights::{Stage, on};
use crate::wire::{KEY, SECRET, connect};

/// One connection.
struct Socket(TcpStream);

/// What the server sent.
#[derive(Debug, PartialEq)]
enum Frame {
    Text(Value),
    Close(u16),
}

impl Socket {
    /// Connects alice with these credentials and further parameters.
    fn open(stage: &Stage, credentials: Credentials, query: &[(&str, &str)]) -> Self {
        let encoded = |text: &str| text.replace(':', "%3A").replace('/', "%2F");
        let mut target = format!("/connect?userArn={}", encoded(stage.alice.as_str()));
        for (name, value) in query {
            target.push_str(&format!("&{name}={value}"));
        }
        let identity = credentials.into();
        let mut settings = SigningSettings::default();
        settings.signature_location = SignatureLocation::QueryParams;
        settings.expires_in = Some(Duration::from_secs(10));
        let params = v4::SigningParams::builder()
            .identity(&identity)
            .region("us-east-1")
            .name("chime")
            .time(SystemTime::now())
            .settings(settings)
            .build()
            .unwrap()
            .into();
        let url = format!("http://chime.test{target}");
        let headers = [("host", "chime.test")];
        let signable =
            SignableRequest::new("GET", &url, headers.into_iter(), SignableBody::Bytes(b"")).unwrap();
        let (instructions, _) = sign(signable, &params).unwrap().into_parts();
        for (name, value) in instructions.params() {
            let value = value.replace('/', "%2F").replace('+', "%2B").replace('=', "%3D");
            target.push_str(&format!("&{name}={value}"));
        }
        let mut stream = connect(stage.server.address());
        write!(
            stream,
            "GET {target} HTTP/1.1\r\nhost: chime.test\r\nconnection: upgrade\r\nupgrade: websocket\r\n\
             sec-websocket-version: 13\r\nsec-websocket-key: MDEyMzQ1Njc4OWFiY2RlZg==\r\n\r\n"
        )
        .unwrap();
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            let mut byte = [0];
            stream.read_exact(&mut byte).unwrap();
            head.push(byte[0]);
        }
        assert!(head.starts_with(b"HTTP/1.1 101"), "{}", String::from_utf8_lossy(&head));
        Self(stream)
    }

    fn of_owner(stage: &Stage, query: &[(&str, &str)]) -> Self {
        Self::open(stage, Credentials::from_keys(KEY, SECRET, None), query)
    }

    fn bytes<const N: usize>(&mut self) -> [u8; N] {
        let mut bytes = [0; N];
        self.0.read_exact(&mut bytes).unwrap();
        bytes
    }

    /// The next frame that is no ping.
    fn next(&mut self) -> Frame {
        loop {
            let [first, length] = self.bytes();
            let length = match length {
                126 => usize::from(u16::from_be_bytes(self.bytes())),
                127 => usize::try_from(u64::from_be_bytes(self.bytes())).unwrap(),
                short => usize::from(short),
            };
            let mut payload = vec![0; length];
            self.0.read_exact(&mut payload).unwrap();
            match first & 0x0f {
                1 => return Frame::Text(serde_json::from_slice(&payload).unwrap()),
                8 => return Frame::Close(u16::from_be_bytes([payload[0], payload[1]])),
                _ => {}
            }
        }
    }

    /// What comes soon but for pings.
    fn rest(&mut self) -> Vec<Frame> {
        let mut rest = Vec::new();
        self.0.set_read_timeout(Some(Duration::from_millis(300))).unwrap();
        let mut head = [0; 2];
        while self.0.peek(&mut head).is_ok_and(|read| read > 0) && !rest.iter().any(is_close) {
            // A ping is as short as a frame can be.
            match head {
                [0x89, 0] => drop(self.bytes::<2>()),
                _ => rest.push(self.next()),
            }
        }
        self.0.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
        rest
    }

    /// The next details of a channel; what happened lately may come in between.
    fn details(&mut self) -> Value {
        loop {
            let (event, payload) = self.event();
            if event == "CHANNEL_DETAILS" {
                return payload;
            }
        }
    }

    /// The name of the next event, and its payload.
    fn event(&mut self) -> (String, Value) {
        let Frame::Text(frame) = self.next() else { panic!("closed") };
        let payload = frame["Payload"].as_str().unwrap();
        let payload = if payload.is_empty() { Value::Null } else { serde_json::from_str(payload).unwrap() };
        (frame["Headers"]["x-amz-chime-event-type"].as_str().unwrap().to_owned(), payload)
    }
}

fn is_close(frame: &Frame) -> bool {
    matches!(frame, Frame::Close(_))
}

const SESSION: (&str, &str) = ("sessionId", "one");

#[test]
fn web_11_a_connection_ends_with_the_temporary_credentials_it_was_opened_with() {
    let stage = Stage::with(&[("CHIME_TEST_CLOCK", "true")]);
    let chime = stage.server.running().app().chime().clone();
    let owner = Caller::root(&chime.settings().account);
    let vended = chime.iam().session_token(&owner, Some(900)).unwrap();
    let token = Some(vended.token.0.clone());
    let credentials = Credentials::from_keys(vended.access_key_id.clone(), vended.secret.0.clone(), token);
    let mut lasting = Socket::of_owner(&stage, &[("sessionId", "lasting")]);
    let mut socket = Socket::open(&stage, credentials, &[SESSION]);
    assert_eq!(socket.event().0, "SESSION_ESTABLISHED");
    assert_eq!(lasting.event().0, "SESSION_ESTABLISHED");
    let advance = |seconds: u32| {
        let body = format!(r#"{{"AdvanceSeconds": {seconds}}}"#);
        assert_eq!(stage.server.post("/_chime/clock", &body).status, 200);
    };
    advance(800);
    assert!(!socket.rest().iter().any(is_close), "the credentials have not ended");
    advance(101);
    assert_eq!(socket.next(), Frame::Close(4403));
    assert!(!lasting.rest().iter().any(is_close), "keys that do not end keep their connections");
}

#[test]
fn web_14_an_empty_session_id_is_a_missing_one() {
    let stage = Stage::new();
    assert_eq!(Socket::of_owner(&stage, &[("sessionId", "")]).next(), Frame::Close(4003));
    assert_eq!(Socket::of_owner(&stage, &[]).next(), Frame::Close(4003));
}

#[test]
fn s_10_what_is_too_large_is_refused_with_the_code_for_it() {
    let stage = Stage::new();
    let mut socket = Socket::of_owner(&stage, &[SESSION]);
    assert_eq!(socket.event().0, "SESSION_ESTABLISHED");
    let length = 64 * 1024 + 1_u64;
    let mut frame = vec![0x81, 0xff];
    frame.extend(length.to_be_bytes());
    frame.extend([0; 4]);
    frame.resize(frame.len() + usize::try_from(length).unwrap(), b'x');
    // The server may answer before it has read everything.
    let _ = socket.0.write_all(&frame);
    assert_eq!(socket.next(), Frame::Close(1009));
}

#[test]
fn web_35_prefetch_tells_of_fifty_channels_and_whether_they_have_more_messages() {
    let stage = Stage::new();
    let chime = stage.server.running().app().chime().clone();
    stage.server.runtime.block_on(async {
        for n in 0..50 {
            let name = chime_domain::text::ResourceName::new(format!("room {n}")).unwrap();
            let command = chime_domain::messaging::CreateChannel::new(stage.alice.app_instance(), name);
            chime.messaging(&stage.alice).create_channel(command).await.unwrap();
        }
    });
    let messages = format!("{}/messages", on("channels", stage.channel.as_str()));
    for n in 0..21 {
        let body = format!(
            r#"{{"Content":"{n}","Type":"STANDARD","Persistence":"PERSISTENT","ClientRequestToken":"t{n}"}}"#
        );
        assert_eq!(stage.as_alice("POST", &messages, &body).status, 201);
    }
    let mut socket = Socket::of_owner(&stage, &[SESSION, ("prefetch-on", "connect")]);
    assert_eq!(socket.event().0, "SESSION_ESTABLISHED");
    for n in 0..50 {
        let payload = socket.details();
        // Of the two that were made first, one has messages and comes first of all.
        assert_eq!(payload["ChannelMessagesHasMore"], n == 0, "{n}: {payload}");
        let messages = payload["ChannelMessages"].as_array().unwrap().len();
        assert_eq!(messages, if n == 0 { 20 } else { 0 });
    }
    let undocumented =
        |frame: &Frame| matches!(frame, Frame::Text(text) if text.to_string().contains("PREFETCH"));
    let rest = socket.rest();
    assert!(!rest.iter().any(|frame| undocumented(frame) || is_close(frame)), "{rest:?}");
}

#[test]
fn web_35_a_prefetch_that_is_larger_than_what_may_wait_for_a_client_arrives_as_it_reads() {
    let stage = Stage::new();
    let chime = stage.server.running().app().chime().clone();
    stage.server.runtime.block_on(async {
        for n in 0..10 {
            let name = chime_domain::text::ResourceName::new(format!("room {n}")).unwrap();
            let command = chime_domain::messaging::CreateChannel::new(stage.alice.app_instance(), name);
            let channel = chime.messaging(&stage.alice).create_channel(command).await.unwrap();
            for _ in 0..20 {
                let content = chime_domain::text::Content::new("x".repeat(4000)).unwrap();
                let command = chime_domain::messaging::SendChannelMessage::new(channel.clone(), content);
                chime.messaging(&stage.alice).send_channel_message(command).await.unwrap();
            }
        }
    });
    let mut socket = Socket::of_owner(&stage, &[SESSION, ("prefetch-on", "connect")]);
    assert_eq!(socket.event().0, "SESSION_ESTABLISHED");
    for _ in 0..12 {
        socket.details();
    }
}
