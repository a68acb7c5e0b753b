//! The facade: everything a command needs, behind one cheap handle.

use std::any::{Any, TypeId};
use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use hmac::{Hmac, Mac};
use serde::{Deserialize, Serialize};
use sha2::Sha256;

use super::{Decision, load};
use crate::arn::AppInstanceArn;
use crate::error::{Refusal, ServiceError, StoreError};
use crate::limits::Limits;
use crate::page::TokenKey;
use crate::ports::{
    Announcer, Batch, Change, Clock, Committed, Entity, Entropy, Functions, Guard, Key, Lex, MediaPlane,
    NoAnnouncer, NoFunctions, NoLex, NoMedia, NoNotifier, NoSink, NoTranscriber, Notifier, Record, Sink,
    Store, Transcriber,
};
use crate::text::{Private, TextError};
use crate::time::Timestamp;

/// How often a command is decided again after its facts moved.
const ATTEMPTS: usize = 16;

/// What an operator decides.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Settings {
    /// Partition of the ARNs that are made.
    pub partition: String,
    /// Region of the ARNs that are made.
    pub region: String,
    /// Account of the ARNs that are made, 12 digits.
    pub account: String,
    /// The quotas in force.
    pub limits: Limits,
    /// Members may redact their own messages (rule MSG-12).
    pub members_redact_own: bool,
    /// Members may remove other DEFAULT members (rule ROLE-03).
    pub members_remove_others: bool,
    /// Session tags need an Allow of `sts:TagSession` on both sides; without this, they need that nothing denies it
    /// (rule IAM-22).
    pub tag_session_required: bool,
    /// How long a processor of a channel flow may take to call back before its fallback action is taken.
    pub callback_timeout: Duration,
    /// The two events of screen shares are told beside those of content shares (rule EVT-09).
    pub screen_share_events: bool,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            partition: "aws".into(),
            region: "us-east-1".into(),
            account: "123456789012".into(),
            limits: Limits::default(),
            members_redact_own: false,
            members_remove_others: true,
            tag_session_required: false,
            callback_timeout: Duration::from_secs(60),
            screen_share_events: true,
        }
    }
}

/// A whole Chime, on the store and the clock it was given. Clones share it.
#[derive(Clone)]
pub struct Chime(Arc<Shared>);

struct Shared {
    store: Arc<dyn Store>,
    clock: Arc<dyn Clock>,
    entropy: Arc<dyn Entropy>,
    functions: Arc<dyn Functions>,
    lex: Arc<dyn Lex>,
    notifier: Arc<dyn Notifier>,
    sink: Arc<dyn Sink>,
    media: Arc<dyn MediaPlane>,
    announcer: Arc<dyn Announcer>,
    transcriber: Arc<dyn Transcriber>,
    settings: Settings,
    secret: [u8; 32],
    message_key: [u8; 32],
    local: Mutex<HashMap<TypeId, Arc<dyn Any + Send + Sync>>>,
}

impl fmt::Debug for Chime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Chime")
            .field("store", &self.0.store)
            .field("settings", &self.0.settings)
            .finish_non_exhaustive()
    }
}

/// Puts a [`Chime`] together.
#[derive(Debug)]
#[must_use]
pub struct ChimeBuilder {
    store: Arc<dyn Store>,
    clock: Arc<dyn Clock>,
    entropy: Arc<dyn Entropy>,
    functions: Arc<dyn Functions>,
    lex: Arc<dyn Lex>,
    notifier: Arc<dyn Notifier>,
    sink: Arc<dyn Sink>,
    media: Arc<dyn MediaPlane>,
    announcer: Arc<dyn Announcer>,
    transcriber: Arc<dyn Transcriber>,
    settings: Settings,
}

/// The secret of a store, made once: it seals tokens and makes ids that nobody can guess.
#[derive(Serialize, Deserialize)]
struct Secret(Private<Vec<u8>>);

impl Entity for Secret {
    const NAME: &'static str = "secret";
}

impl ChimeBuilder {
    /// Sets what an operator decides.
    pub fn settings(mut self, settings: Settings) -> Self {
        self.settings = settings;
        self
    }

    /// Sets what calls the processors of channel flows. Without it no processor can be reached.
    pub fn functions(mut self, functions: Arc<dyn Functions>) -> Self {
        self.functions = functions;
        self
    }

    /// Sets what is behind the bots of app instances. Without it no bot answers.
    pub fn lex(mut self, lex: Arc<dyn Lex>) -> Self {
        self.lex = lex;
        self
    }

    /// Sets what pushes notifications to devices. Without it nobody is told.
    pub fn notifier(mut self, notifier: Arc<dyn Notifier>) -> Self {
        self.notifier = notifier;
        self
    }

    /// Sets what takes exported events. Without it no streaming can be configured.
    pub fn sink(mut self, sink: Arc<dyn Sink>) -> Self {
        self.sink = sink;
        self
    }

    /// Sets what carries the media of meetings. Without it meetings are made, and nobody can join them.
    pub fn media(mut self, media: Arc<dyn MediaPlane>) -> Self {
        self.media = media;
        self
    }

    /// Sets what tells the events of meetings. Without it nobody is told.
    pub fn announcer(mut self, announcer: Arc<dyn Announcer>) -> Self {
        self.announcer = announcer;
        self
    }

    /// Sets what transcribes meetings. Without it none is.
    pub fn transcriber(mut self, transcriber: Arc<dyn Transcriber>) -> Self {
        self.transcriber = transcriber;
        self
    }

    /// Opens the store's secret, which is made when the store is new.
    ///
    /// # Errors
    ///
    /// [`StoreError`].
    pub async fn build(self) -> Result<Chime, StoreError> {
        let Self {
            store,
            clock,
            entropy,
            functions,
            lex,
            notifier,
            sink,
            media,
            announcer,
            transcriber,
            settings,
        } = self;
        let key = Key::new("secret", &["service"]);
        let mut fresh = [0; 32];
        entropy.fill(&mut fresh);
        let record = Record::of(Secret(Private(fresh.to_vec())));
        let guards = vec![Guard { key: key.clone(), revision: None }];
        let batch = Batch { guards, changes: vec![Change::Put(key.clone(), record)], announce: Vec::new() };
        match store.commit(batch).await {
            Ok(_) | Err(StoreError::Conflict) => {}
            Err(error) => return Err(error),
        }
        let kept = load::<Secret>(&*store, key).await?;
        let secret = kept
            .get()
            .and_then(|kept| <[u8; 32]>::try_from(kept.0.0.as_slice()).ok())
            .ok_or_else(|| StoreError::Corrupt { what: "the service's secret".into(), source: None })?;
        let message_key = derive(&secret, "message-id");
        let local = Mutex::default();
        let shared = Shared {
            store,
            clock,
            entropy,
            functions,
            lex,
            notifier,
            sink,
            media,
            announcer,
            transcriber,
            settings,
            secret,
            message_key,
            local,
        };
        Ok(Chime(Arc::new(shared)))
    }
}

fn derive(secret: &[u8; 32], purpose: &str) -> [u8; 32] {
    // HMAC takes keys of every length, so there is no error to meet here.
    Hmac::<Sha256>::new_from_slice(secret).map_or([0; 32], |mut mac| {
        mac.update(purpose.as_bytes());
        mac.finalize().into_bytes().into()
    })
}

impl Chime {
    /// Puts one together from a store, a clock and a source of randomness.
    pub fn builder(
        store: impl Store + 'static,
        clock: impl Clock + 'static,
        entropy: impl Entropy + 'static,
    ) -> ChimeBuilder {
        Self::shared(Arc::new(store), Arc::new(clock), Arc::new(entropy))
    }

    /// The same, with ports that others hold too.
    pub fn shared(store: Arc<dyn Store>, clock: Arc<dyn Clock>, entropy: Arc<dyn Entropy>) -> ChimeBuilder {
        ChimeBuilder {
            store,
            clock,
            entropy,
            functions: Arc::new(NoFunctions),
            lex: Arc::new(NoLex),
            notifier: Arc::new(NoNotifier),
            sink: Arc::new(NoSink),
            media: Arc::new(NoMedia),
            announcer: Arc::new(NoAnnouncer),
            transcriber: Arc::new(NoTranscriber),
            settings: Settings::default(),
        }
    }

    /// The store.
    #[must_use]
    pub fn store(&self) -> &dyn Store {
        &*self.0.store
    }

    /// The store, to hold on to.
    #[must_use]
    pub fn store_handle(&self) -> Arc<dyn Store> {
        Arc::clone(&self.0.store)
    }

    /// The clock.
    #[must_use]
    pub fn clock(&self) -> &Arc<dyn Clock> {
        &self.0.clock
    }

    /// The moment.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        self.0.clock.now()
    }

    /// The source of randomness.
    #[must_use]
    pub fn entropy(&self) -> &dyn Entropy {
        &*self.0.entropy
    }

    /// What calls the processors of channel flows.
    #[must_use]
    pub fn functions(&self) -> &dyn Functions {
        &*self.0.functions
    }

    /// What is behind the bots of app instances.
    #[must_use]
    pub fn lex(&self) -> &dyn Lex {
        &*self.0.lex
    }

    /// What pushes notifications to devices.
    #[must_use]
    pub fn notifier(&self) -> &dyn Notifier {
        &*self.0.notifier
    }

    /// What takes exported events.
    #[must_use]
    pub fn sink(&self) -> &dyn Sink {
        &*self.0.sink
    }

    /// What carries the media of meetings.
    #[must_use]
    pub fn media(&self) -> &dyn MediaPlane {
        &*self.0.media
    }

    /// What tells the events of meetings.
    #[must_use]
    pub fn announcer(&self) -> &dyn Announcer {
        &*self.0.announcer
    }

    /// What transcribes meetings.
    #[must_use]
    pub fn transcriber(&self) -> &dyn Transcriber {
        &*self.0.transcriber
    }

    /// What the operator decided.
    #[must_use]
    pub fn settings(&self) -> &Settings {
        &self.0.settings
    }

    /// A secret of this store for one purpose; the same after every start.
    #[must_use]
    pub fn secret_for(&self, purpose: &str) -> [u8; 32] {
        derive(&self.0.secret, purpose)
    }

    /// What a context keeps in this process only, made when first asked for: caches, never the truth.
    pub(crate) fn local<T: Default + Send + Sync + 'static>(&self) -> Arc<T> {
        // A panic elsewhere leaves a map of complete entries behind.
        let mut all = self.0.local.lock().unwrap_or_else(PoisonError::into_inner);
        let kept = all.entry(TypeId::of::<T>()).or_insert_with(|| Arc::new(T::default()));
        Arc::clone(kept).downcast::<T>().unwrap_or_default()
    }

    /// What makes the ids of messages from their tokens.
    pub(crate) fn message_key(&self) -> [u8; 32] {
        self.0.message_key
    }

    /// What seals the tokens of lists.
    #[must_use]
    pub fn token_key(&self) -> TokenKey {
        TokenKey::new(self.secret_for("next-token"))
    }

    /// A fresh ARN for an app instance.
    ///
    /// # Errors
    ///
    /// [`TextError`] when the settings hold a region or an account that no ARN can.
    pub fn new_app_instance_arn(&self) -> Result<AppInstanceArn, TextError> {
        let Settings { partition, region, account, .. } = &self.0.settings;
        AppInstanceArn::new(partition, region, account, &self.0.entropy.uuid())
    }

    /// Commits a decision and gives its reply.
    ///
    /// # Errors
    ///
    /// [`ServiceError::Store`].
    pub async fn commit<R>(&self, decision: Decision<R>) -> Result<(R, Committed), ServiceError> {
        if decision.batch.is_empty() {
            return Ok((decision.reply, Committed::default()));
        }
        let committed = self.0.store.commit(decision.batch).await?;
        Ok((decision.reply, committed))
    }

    /// Loads, decides and commits until no other writer has moved the facts in between.
    ///
    /// # Errors
    ///
    /// What `decide` refuses; the quota's refusal when a counter is full; a conflict when it was overtaken too often.
    pub(crate) async fn transact<R, F>(&self, mut decide: impl FnMut(usize) -> F) -> Result<R, ServiceError>
    where
        // An `AsyncFnMut` would read better, but nothing can say yet that its futures are `Send`.
        F: Future<Output = Result<Decision<R>, ServiceError>>,
    {
        for attempt in 0..ATTEMPTS {
            let decision = decide(attempt).await?;
            match self.commit(decision).await {
                Ok((reply, _)) => return Ok(reply),
                Err(ServiceError::Store(StoreError::Conflict)) => {}
                // Not a quota: what was full is not chosen again.
                Err(ServiceError::Store(StoreError::LimitReached { counter, .. }))
                    if !counter.starts_with("count/") => {}
                Err(ServiceError::Store(StoreError::LimitReached { counter, limit })) => {
                    return Err(quota_refusal(&counter, limit).into());
                }
                Err(error) => return Err(error),
            }
        }
        Err(Refusal::conflict("T-08", "Other requests changed the same objects at the same time.")
            .unless("send the request again.")
            .into())
    }
}

/// The refusal of a creation beyond a quota. The counter's key is `count/<quota's configuration name>/…`.
fn quota_refusal(counter: &str, limit: u64) -> Refusal {
    let name = counter.split('/').nth(1).unwrap_or_default();
    let rule = crate::limits::QUOTAS.iter().find(|row| row.name == name).map_or("APP-20", |row| row.rule);
    Refusal::new(
        crate::error::ErrorCode::ResourceLimitExceeded,
        rule,
        format!("The quota `{name}` of {limit} is reached."),
    )
    .unless("delete some, or have the operator raise the quota.")
}
