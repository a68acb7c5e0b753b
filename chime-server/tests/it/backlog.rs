//! Senders that are faster than deliveries are throttled, and nothing that was acknowledged is lost.

use std::collections::BTreeSet;
use std::io::Write;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use chime_adapters::memory::{InProcessBus, MemoryStore};
use chime_adapters::{SystemClock, SystemEntropy};
use chime_domain::Chime;
use chime_domain::arn::{AppInstanceUserArn, ChannelArn};
use chime_domain::error::StoreError;
use chime_domain::identity::{CreateAppInstance, CreateAppInstanceUser};
use chime_domain::ids::AppInstanceUserId;
use chime_domain::messaging::{CreateChannel, ListChannelMessages};
use chime_domain::page::PageRequest;
use chime_domain::ports::{Announced, Bus, Clock, Subscription};
use chime_domain::text::{ResourceName, UserName};
use chime_server::auth::RootKey;
use chime_server::auth::sigv4::{Secret, SignedRequest, Signer};
use chime_server::http::{ConnectionLimits, Listener, router, serve};
use chime_server::{App, AppOptions, worker};
use futures_util::StreamExt;
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::{WebSocketStream, client_async};

use crate::signed::request;
use crate::wire::{Answer, KEY, SECRET, connect};

/// Announcements that may wait.
const MOST: u64 = 50;
/// Senders, each with one request under way.
const SENDERS: usize = 16;

/// A bus that carries nothing while it is held.
#[derive(Debug)]
struct HeldBus {
    inner: InProcessBus,
    open: watch::Sender<bool>,
}

#[async_trait]
impl Bus for HeldBus {
    async fn publish(&self, run: Arc<[Announced]>) -> Result<(), StoreError> {
        let _ = self.open.subscribe().wait_for(|open| *open).await;
        self.inner.publish(run).await
    }

    async fn subscribe(&self) -> Result<Box<dyn Subscription>, StoreError> {
        self.inner.subscribe().await
    }
}

struct Stage {
    app: App,
    bus: Arc<HeldBus>,
    address: SocketAddr,
    alice: AppInstanceUserArn,
    channel: ChannelArn,
}

impl Stage {
    async fn new(backlog: Option<u64>) -> Self {
        let chime = Chime::builder(MemoryStore::new(), SystemClock, SystemEntropy).build().await.unwrap();
        let name = || ResourceName::new("name").unwrap();
        let instance = chime.identity().create_app_instance(CreateAppInstance::new(name())).await.unwrap();
        let id = AppInstanceUserId::new("alice").unwrap();
        let alice = CreateAppInstanceUser::new(instance.clone(), id, UserName::new("alice").unwrap());
        let alice = chime.identity().create_app_instance_user(alice).await.unwrap();
        let channel =
            chime.messaging(&alice).create_channel(CreateChannel::new(instance, name())).await.unwrap();
        let mut options = AppOptions::default();
        options.root = Some(RootKey::new(KEY, SECRET));
        options.backlog = backlog;
        let app = App::new(chime, options);
        let bus = Arc::new(HeldBus { inner: InProcessBus::new(), open: watch::Sender::new(true) });
        worker::spawn(&app, Arc::clone(&bus) as Arc<dyn Bus>).await.unwrap();
        let listener = Listener::bind((Ipv4Addr::LOCALHOST, 0).into(), None).await.unwrap();
        let address = listener.address();
        let limits = ConnectionLimits::new(1000, Duration::from_secs(20));
        tokio::spawn(serve(listener, router(app.clone()), limits, app.shutdown().clone()));
        Self { app, bus, address, alice, channel }
    }

    /// Connects alice.
    async fn socket(&self) -> WebSocketStream<TcpStream> {
        let signer = Signer {
            access_key: KEY,
            secret: &Secret::new(SECRET.to_owned()),
            token: None,
            region: "us-east-1",
            service: "chime",
        };
        let host = self.address.to_string();
        let query = format!("sessionId=s&userArn={}", escaped(self.alice.as_str()));
        let request = SignedRequest {
            method: "GET",
            raw_path: "/connect",
            raw_query: &query,
            headers: &[("host", host.as_bytes())],
            body: b"",
            secure: false,
        };
        let target = signer.presign(&request, 60, SystemClock.now()).unwrap();
        let stream = TcpStream::connect(self.address).await.unwrap();
        let (mut socket, _) = client_async(format!("ws://{host}/connect?{target}"), stream).await.unwrap();
        assert!(frame(&mut socket).await.0.contains("SESSION_ESTABLISHED"));
        socket
    }

    /// Sends on a connection of its own.
    fn send(&self, content: &str) -> Answer {
        let body = json!({ "Content": content, "Type": "STANDARD", "Persistence": "PERSISTENT",
            "ClientRequestToken": content });
        let path = format!("/channels/{}/messages", escaped(self.channel.as_str()));
        let bearer = [("x-amz-chime-bearer", self.alice.as_str())];
        self.exchange(&request((KEY, SECRET), "POST", &path, &bearer, &body.to_string()))
    }

    fn get(&self, target: &str) -> Answer {
        let bearer = [("x-amz-chime-bearer", self.alice.as_str())];
        self.exchange(&request((KEY, SECRET), "GET", target, &bearer, ""))
    }

    fn exchange(&self, request: &str) -> Answer {
        let mut stream = connect(self.address);
        stream.write_all(request.as_bytes()).unwrap();
        Answer::read(&mut stream)
    }

    /// Every sender sends until it is refused; gives what was acknowledged.
    async fn flood(self: &Arc<Self>) -> BTreeSet<String> {
        let mut senders = Vec::new();
        for sender in 0..SENDERS {
            let stage = Arc::clone(self);
            senders.push(tokio::task::spawn_blocking(move || {
                let mut acknowledged = Vec::new();
                for n in 0..1000 {
                    let content = format!("from-{sender}-number-{n}");
                    let answer = stage.send(&content);
                    if answer.status == 429 {
                        answer.is_error(429, "ThrottledClientException");
                        assert_eq!(answer.header("retry-after"), Some("1"));
                        assert_eq!(answer.json()["Code"], "Throttled");
                        return acknowledged;
                    }
                    assert_eq!(answer.status, 201, "{answer:?}");
                    acknowledged.push(content);
                }
                panic!("sender {sender} was never refused");
            }));
        }
        let mut all = BTreeSet::new();
        for sender in senders {
            all.extend(sender.await.unwrap());
        }
        all
    }

    /// The contents of the channel.
    async fn kept(&self) -> BTreeSet<String> {
        let mut command = ListChannelMessages::new(self.channel.clone());
        let mut kept = BTreeSet::new();
        loop {
            let page = self.app.chime().messaging(&self.alice).list_channel_messages(&command).await.unwrap();
            kept.extend(
                page.items.iter().map(|sent| sent.message.content.clone().unwrap().as_str().to_owned()),
            );
            if page.next.is_none() {
                return kept;
            }
            command.page = PageRequest::new(None, page.next);
        }
    }

    fn metric(&self, name: &str) -> u64 {
        let text = self.get("/metrics").body;
        let line = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
        line.unwrap_or_else(|| panic!("no {name} in {text}")).parse().unwrap()
    }
}

fn escaped(arn: &str) -> String {
    arn.replace(':', "%3A").replace('/', "%2F")
}

/// The next frame: its headers as text, and its payload.
async fn frame(socket: &mut WebSocketStream<TcpStream>) -> (String, Value) {
    let text = loop {
        let next = tokio::time::timeout(Duration::from_secs(20), socket.next()).await;
        match next.unwrap().unwrap().unwrap() {
            Message::Ping(_) => {}
            message => break message.into_text().unwrap(),
        }
    };
    let frame: Value = serde_json::from_str(&text).unwrap();
    let payload = frame["Payload"].as_str().unwrap();
    (frame["Headers"].to_string(), serde_json::from_str(payload).unwrap_or_default())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn senders_are_throttled_at_the_bound_and_all_that_was_acknowledged_is_delivered() {
    let stage = Arc::new(Stage::new(Some(MOST)).await);
    let mut socket = stage.socket().await;
    stage.bus.open.send_replace(false);
    let acknowledged = stage.flood().await;

    // The bound holds: the check of each request under way may have come before the commits of the others.
    let waiting = acknowledged.len() as u64;
    assert!((MOST..MOST + SENDERS as u64).contains(&waiting), "{waiting} wait");
    assert_eq!(stage.metric("chime_fanout_backlog"), waiting);
    assert_eq!(stage.metric("chime_sends_held_back_total"), SENDERS as u64);
    assert_eq!(stage.kept().await, acknowledged, "kept is what was acknowledged and nothing else");
    // Only senders have to wait.
    let messages = format!("/channels/{}/messages", escaped(stage.channel.as_str()));
    assert_eq!(stage.get(&messages).status, 200);

    stage.bus.open.send_replace(true);
    let mut delivered = BTreeSet::new();
    while delivered.len() < acknowledged.len() {
        let (headers, payload) = frame(&mut socket).await;
        assert!(headers.contains("CREATE_CHANNEL_MESSAGE"), "{headers}");
        assert!(delivered.insert(payload["Content"].as_str().unwrap().to_owned()), "twice: {payload}");
    }
    assert_eq!(delivered, acknowledged);

    // The fan-out has caught up: who was refused sends the same again and is heard.
    assert_eq!(stage.send("again").status, 201);
    assert_eq!(frame(&mut socket).await.1["Content"], "again");
    // A frame is out before the fan-out has noted that.
    let caught_up = async {
        while stage.metric("chime_fanout_backlog") > 0 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(10), caught_up).await.unwrap();
    stage.app.shutdown().drain();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_a_bound_senders_never_wait_for_deliveries() {
    let stage = Stage::new(None).await;
    let _socket = stage.socket().await;
    stage.bus.open.send_replace(false);
    for n in 0..3 * MOST {
        assert_eq!(stage.send(&format!("number-{n}")).status, 201);
    }
    stage.bus.open.send_replace(true);
    stage.app.shutdown().drain();
}
