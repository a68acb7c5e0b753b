//! What the targets share: a whole server in the process, on the memory store and a clock that stands still.

pub mod media;

use std::cell::RefCell;
use std::sync::Arc;

use axum::Router;
use axum::body::{Body, Bytes};
use chime_adapters::memory::{InProcessBus, MemoryStore};
use chime_adapters::{SystemEntropy, TestClock};
use chime_domain::arn::{AppInstanceUserArn, ChannelArn};
use chime_domain::flow::{Chime, Settings};
use chime_domain::identity::{CreateAppInstance, CreateAppInstanceUser};
use chime_domain::ids::AppInstanceUserId;
use chime_domain::messaging::CreateChannel;
use chime_domain::text::{ResourceName, UserName};
use chime_domain::time::Timestamp;
use chime_server::auth::RootKey;
use chime_server::auth::sigv4::{Secret, SignedRequest, Signer};
use chime_server::throttle::Rate;
use chime_server::{App, AppOptions, http::router, worker};
use http::Request;
use http_body_util::BodyExt;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::runtime::Runtime;
use tower_service::Service;

/// 2021-01-11T22:12:31Z, always.
pub const NOW: Timestamp = Timestamp::from_millis(1_610_403_151_000);
/// The owner's access key id.
pub const ACCESS_KEY: &str = "AKIDEXAMPLE000000000";
/// The app instance of the seeds; ids are of one length.
const SEEDED: &[u8] = b"11111111-2222-4333-8444-555555555555";
const HOST: &str = "chime.test";
/// After so many calls the world begins anew, so that what was made does not fill the memory.
const CALLS: u32 = 2000;

/// The owner's secret.
pub fn secret() -> Secret {
    Secret::new("wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY")
}

/// Signs as the owner.
pub fn signer<'a>(secret: &'a Secret, service: &'a str) -> Signer<'a> {
    Signer { access_key: ACCESS_KEY, secret, token: None, region: "us-east-1", service }
}

/// A server with an app instance, a user and a channel of the user.
pub struct World {
    runtime: Runtime,
    router: Router,
    app: App,
    user: AppInstanceUserArn,
    channel: ChannelArn,
    calls: u32,
}

thread_local! {
    static WORLD: RefCell<Option<World>> = const { RefCell::new(None) };
}

/// Runs something in the world of this thread.
pub fn with_world<T>(run: impl FnOnce(&World) -> T) -> T {
    WORLD.with_borrow_mut(|world| {
        if world.as_ref().is_some_and(|world| world.calls >= CALLS) {
            *world = None;
        }
        let world = world.get_or_insert_with(World::new);
        world.calls += 1;
        run(world)
    })
}

impl World {
    fn new() -> Self {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let (app, user, channel) = runtime.block_on(async {
            let clock = TestClock::frozen(NOW);
            let mut settings = Settings::default();
            settings.account = "111122223333".into();
            let chime = Chime::builder(MemoryStore::new(), clock, SystemEntropy).settings(settings);
            let chime = chime.build().await.unwrap();
            let name = ResourceName::new("world").unwrap();
            let instance =
                chime.identity().create_app_instance(CreateAppInstance::new(name.clone())).await.unwrap();
            let id = AppInstanceUserId::new("ada").unwrap();
            let user = CreateAppInstanceUser::new(instance.clone(), id, UserName::new("Ada").unwrap());
            let user = chime.identity().create_app_instance_user(user).await.unwrap();
            let channel =
                chime.messaging(&user).create_channel(CreateChannel::new(instance, name)).await.unwrap();
            let mut options = AppOptions::default();
            options.root = Some(RootKey::new(ACCESS_KEY, secret().expose()));
            options.rate = Rate { per_second: 0, burst: 0 };
            let app = App::new(chime, options);
            worker::spawn(&app, Arc::new(InProcessBus::new())).await.unwrap();
            (app, user, channel)
        });
        Self { runtime, router: router(app.clone()), app, user, channel, calls: 0 }
    }

    /// The ARN of the user.
    pub fn user(&self) -> &str {
        self.user.as_str()
    }

    /// The path of the channel's messages.
    pub fn messages(&self) -> String {
        format!("/channels/{}/messages", escape(self.channel.as_str()))
    }

    /// Posts a body to the API; fails unless the answer is a success or a typed refusal.
    pub fn call(&self, path: &str, bearer: Option<&str>, body: &[u8]) {
        let body = self.here(body);
        let (status, kind, answer) = self.post(path, bearer, "application/json", "chime", &body);
        let text = String::from_utf8_lossy(&answer);
        assert!(status < 500, "{status}: {text}");
        if status >= 400 {
            assert!(kind.is_some(), "{status} without a type: {text}");
            assert!(serde_json::from_slice::<serde_json::Value>(&answer).is_ok(), "no JSON: {text}");
        }
    }

    /// The body with the app instance of this world in the place of that of the seeds.
    fn here(&self, body: &[u8]) -> Vec<u8> {
        let mut body = body.to_vec();
        let id = self.user.app_instance_id().as_bytes();
        while let Some(at) = body.windows(SEEDED.len()).position(|window| window == SEEDED) {
            body[at..at + id.len()].copy_from_slice(id);
        }
        body
    }

    /// Posts a form to the query protocol; fails on a 5xx.
    pub fn query(&self, form: &[u8]) {
        let service = if form.len() % 8 == 0 { "sts" } else { "iam" };
        let (status, _, answer) = self.post("/", None, "application/x-www-form-urlencoded", service, form);
        let text = String::from_utf8_lossy(&answer);
        assert!(status < 500, "{status}: {text}");
        assert!(text.starts_with('<'), "{status}: no XML: {text}");
    }

    fn post(
        &self,
        path: &str,
        bearer: Option<&str>,
        media: &str,
        service: &str,
        body: &[u8],
    ) -> (u16, Option<String>, Bytes) {
        let mut headers = vec![("host", HOST.as_bytes()), ("content-type", media.as_bytes())];
        headers.extend(bearer.map(|user| ("x-amz-chime-bearer", user.as_bytes())));
        let unsigned = SignedRequest {
            method: "POST",
            raw_path: path,
            raw_query: "",
            headers: &headers,
            body,
            secure: false,
        };
        let added = signer(&secret(), service).sign_headers(&unsigned, NOW).unwrap();
        let mut request = Request::post(path);
        for (name, value) in headers {
            request = request.header(name, value);
        }
        for (name, value) in added {
            request = request.header(name, value);
        }
        let request = request.body(Body::from(body.to_vec())).unwrap();
        self.runtime.block_on(async {
            let answer = self.router.clone().call(request).await.unwrap();
            let kind = answer.headers().get("x-amzn-errortype").map(|kind| kind.to_str().unwrap().to_owned());
            let status = answer.status().as_u16();
            (status, kind, answer.into_body().collect().await.unwrap().to_bytes())
        })
    }

    /// Opens a session over a stream in memory and sends bytes on it; fails unless the session ends with the stream.
    pub fn session(&self, frames: &[u8]) {
        let query = format!("sessionId={}&userArn={}", self.calls, escape(self.user()));
        let unsigned = SignedRequest {
            method: "GET",
            raw_path: "/connect",
            raw_query: &query,
            headers: &[("host", HOST.as_bytes())],
            body: b"",
            secure: false,
        };
        let query = signer(&secret(), "chime").presign(&unsigned, 300, NOW).unwrap();
        let handshake = format!(
            "GET /connect?{query} HTTP/1.1\r\nhost: {HOST}\r\nupgrade: websocket\r\nconnection: upgrade\r\n\
             sec-websocket-version: 13\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
        );
        self.runtime.block_on(async {
            let (mut client, server) = tokio::io::duplex(64 * 1024);
            let router = self.router.clone();
            let serving = tokio::spawn(async move {
                let service = service_fn(move |request| router.clone().call(request));
                let builder = auto::Builder::new(TokioExecutor::new());
                let _ = builder.serve_connection_with_upgrades(TokioIo::new(server), service).await;
            });
            client.write_all(handshake.as_bytes()).await.unwrap();
            let mut received = Vec::new();
            while !contains(&received, b"SESSION_ESTABLISHED") {
                assert_ne!(client.read_buf(&mut received).await.unwrap(), 0, "{received:?}");
            }
            // It may close at any byte, and whoever writes then is refused.
            let _ = client.write_all(frames).await;
            let _ = client.shutdown().await;
            let _ = client.read_to_end(&mut received).await;
            serving.await.unwrap();
        });
    }
}

impl Drop for World {
    fn drop(&mut self) {
        self.app.shutdown().force();
    }
}

fn contains(bytes: &[u8], text: &[u8]) -> bool {
    bytes.windows(text.len()).any(|window| window == text)
}

fn escape(arn: &str) -> String {
    arn.replace(':', "%3A").replace('/', "%2F")
}
