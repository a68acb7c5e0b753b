//! A meeting service in one file: the engine behind a WebSocket listener, for clients that were told
//! `SignalingUrl = ws://ADDRESS/control/MEETING` and a join token that is their attendee id.
//!
//! There is no API here, and nobody is asked who they are: that is the server's part. Run it with
//! `cargo run -p chime-media --example embedded -- 127.0.0.1:8090 127.0.0.1:3478`. With `udp-relay` or `tcp-relay` behind it,
//! clients are sent through the relay.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::print_stdout,
    clippy::result_large_err,
    reason = "an example stops with a message"
)]

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use chime_media::config::{Limits, TurnService};
use chime_media::driver::{Engine, Input, MeetingKey, Options};
use chime_media::event::Output;
use chime_media::ids::{Attendee, Capabilities, SessionId};
use futures_util::{SinkExt, StreamExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc::{UnboundedSender, unbounded_channel};
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::handshake::server::{Request, Response};
use tokio_tungstenite::tungstenite::protocol::CloseFrame;

type Clients = Arc<Mutex<HashMap<SessionId, UnboundedSender<Message>>>>;

struct Service {
    engine: Engine,
    meetings: Mutex<HashMap<String, (MeetingKey, Clients)>>,
    next: Mutex<u64>,
}

impl Service {
    /// The meeting of this name, begun if need be.
    fn meeting(&self, name: &str) -> (MeetingKey, Clients) {
        let mut meetings = self.meetings.lock().unwrap();
        let begin = || {
            let clients = Clients::default();
            let theirs = Arc::clone(&clients);
            let sink = Box::new(move |output| match output {
                Output::Signal { session, message } => {
                    if let Some(client) = theirs.lock().unwrap().get(&session) {
                        let _gone = client.send(Message::binary(message.to_vec()));
                    }
                }
                Output::Close { session, code } => {
                    if let Some(client) = theirs.lock().unwrap().remove(&session) {
                        let frame = CloseFrame { code: code.into(), reason: "".into() };
                        let _gone = client.send(Message::Close(Some(frame)));
                    }
                }
                Output::Event(event) => println!("{}: {:?}", event.attendee.name(), event.what),
                _ => {}
            });
            (self.engine.open(Limits::default(), sink), clients)
        };
        meetings.entry(name.to_owned()).or_insert_with(begin).clone()
    }
}

async fn serve(service: Arc<Service>, stream: TcpStream) -> Option<()> {
    let (mut path, mut token) = (String::new(), String::new());
    let look = |request: &Request, mut response: Response| {
        path = request.uri().path().to_owned();
        let protocols = request.headers().get("sec-websocket-protocol").and_then(|value| value.to_str().ok());
        token = protocols.and_then(|all| all.split(", ").nth(1)).unwrap_or_default().to_owned();
        response.headers_mut().insert("sec-websocket-protocol", "_aws_wt_session".parse().unwrap());
        Ok(response)
    };
    let socket = tokio_tungstenite::accept_hdr_async(stream, look).await.ok()?;
    let (key, clients) = service.meeting(&path);
    let session = {
        let mut next = service.next.lock().unwrap();
        *next += 1;
        SessionId(*next)
    };
    let (id, content) = token.strip_suffix("#content").map_or((token.as_str(), false), |id| (id, true));
    let attendee = Attendee {
        id: id.into(),
        external_user_id: format!("user-{id}").into(),
        content,
        capabilities: Capabilities::default(),
        replica: None,
    };
    let (sender, mut receiver) = unbounded_channel();
    clients.lock().unwrap().insert(session, sender);
    service.engine.post(key, Input::Connect(session, attendee));
    let (mut out, mut input) = socket.split();
    let writer = tokio::spawn(async move {
        while let Some(message) = receiver.recv().await {
            if out.send(message).await.is_err() {
                break;
            }
        }
    });
    while let Some(Ok(message)) = input.next().await {
        if let Message::Binary(bytes) = message {
            service.engine.post(key, Input::Message(session, bytes.to_vec()));
        }
    }
    clients.lock().unwrap().remove(&session);
    service.engine.post(key, Input::Disconnected(session));
    writer.await.ok()
}

/// Clients that cannot send datagrams come over TCP to the same port.
async fn serve_streams(engine: Engine, address: SocketAddr) {
    let listener = TcpListener::bind(address).await.expect("the media listener");
    while let Ok((stream, peer)) = listener.accept().await {
        let engine = engine.clone();
        tokio::spawn(async move { engine.stream(stream, peer, ()).await });
    }
}

#[tokio::main]
async fn main() {
    let mut arguments = std::env::args().skip(1);
    let mut address = |default: &str| -> SocketAddr {
        arguments.next().unwrap_or_else(|| default.to_owned()).parse().expect("an address")
    };
    let (http, media) = (address("127.0.0.1:8090"), address("127.0.0.1:3478"));
    let mut options = Options::new(media);
    options.config.tcp_candidates = vec![media];
    options.config.turn = std::env::args().nth(3).map(|how| TurnService {
        uris: vec![format!("turn:{media}?transport={}", how.trim_end_matches("-relay"))],
        ttl: Duration::from_secs(3600),
        secret: [0x5a; 32],
    });
    let engine = Engine::start(options).expect("the media socket");
    tokio::spawn(serve_streams(engine.clone(), media));
    let service = Arc::new(Service { engine, meetings: Mutex::default(), next: Mutex::new(0) });
    let listener = TcpListener::bind(http).await.expect("the WebSocket listener");
    println!("signaling on ws://{http}/control/NAME, media on {}", service.engine.address());
    while let Ok((stream, _)) = listener.accept().await {
        tokio::spawn(serve(Arc::clone(&service), stream));
    }
}
