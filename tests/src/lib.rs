//! The harness that the tests share: a small world to act in.
#![expect(clippy::expect_used, clippy::panic, reason = "a harness fails its test by panicking")]

mod dump;
mod events;
mod functions;
mod held;
mod lex;
mod meetings;

use std::sync::Arc;
use std::time::Duration;

use chime_adapters::memory::{MemorySink, MemoryStore};
use chime_adapters::{SystemEntropy, TestClock};
use chime_domain::access::{MembershipType, Mode, Privacy};
use chime_domain::arn::{AppInstanceArn, AppInstanceUserArn, ChannelArn};
use chime_domain::error::{ErrorCode, ServiceError};
use chime_domain::flow::ChimeBuilder;
use chime_domain::identity::{CreateAppInstance, CreateAppInstanceUser};
use chime_domain::ids::{AppInstanceUserId, MessageId};
use chime_domain::limits::{Limits, Quota};
use chime_domain::messaging::{
    CreateChannel, ListChannelMessages, Messaging, SendChannelMessage, UpdateChannelMessage,
};
use chime_domain::page::PageRequest;
use chime_domain::ports::{Functions, NoFunctions, NoNotifier, Notifier, Sink, Store};
use chime_domain::text::{Content, ResourceName, UserName};
use chime_domain::time::Timestamp;
use chime_domain::{Chime, Settings};

pub use dump::dump;
pub use events::{received, shown};
pub use functions::{Called, Script};
pub use held::HeldStore;
pub use lex::Echo;
pub use meetings::{NotedEvents, NotedMedia};

/// 2021-01-11T22:12:31.123Z, when every world begins.
pub const BEGINNING: Timestamp = Timestamp::from_millis(1_610_403_151_123);

/// A whole Chime with an app instance, on a clock that stands still until it is moved.
#[derive(Debug)]
pub struct World {
    /// The Chime.
    pub chime: Chime,
    /// Its clock.
    pub clock: Arc<TestClock>,
    /// Its app instance.
    pub app: AppInstanceArn,
    /// Where its streams go to.
    pub sink: Arc<MemorySink>,
}

impl World {
    /// A world on the memory store.
    pub async fn new() -> Self {
        Self::with(Arc::new(MemoryStore::new()), |_| {}).await
    }

    /// A world in which some quotas are small.
    pub async fn with_quotas(quotas: &[(Quota, u64)]) -> Self {
        let limits =
            quotas.iter().fold(Limits::default(), |limits, (quota, value)| limits.with(*quota, *value));
        Self::with(Arc::new(MemoryStore::new()), |settings| settings.limits = limits).await
    }

    /// A world on any store, with other settings.
    pub async fn with(store: Arc<dyn Store>, change: impl FnOnce(&mut Settings)) -> Self {
        Self::with_functions(store, Arc::new(NoFunctions), change).await
    }

    /// A world whose channel flows call these functions.
    pub async fn with_functions(
        store: Arc<dyn Store>,
        functions: Arc<dyn Functions>,
        change: impl FnOnce(&mut Settings),
    ) -> Self {
        Self::build(store, functions, Arc::new(NoNotifier), change).await
    }

    /// A world with media services and listeners that note what they are told.
    pub async fn with_meetings(
        store: Arc<dyn Store>,
        media: Arc<NotedMedia>,
        events: Arc<NotedEvents>,
        change: impl FnOnce(&mut Settings),
    ) -> Self {
        let more = |builder: ChimeBuilder| builder.media(media).announcer(events);
        Self::build_with(store, Arc::new(NoFunctions), Arc::new(NoNotifier), change, more).await
    }

    /// A world whose bots are these, and whose channel flows call these functions.
    pub async fn with_lex(store: Arc<dyn Store>, lex: Arc<Echo>, functions: Arc<dyn Functions>) -> Self {
        let more = |builder: ChimeBuilder| builder.lex(lex);
        Self::build_with(store, functions, Arc::new(NoNotifier), |_| {}, more).await
    }

    /// A world that pushes to these devices.
    pub async fn with_notifier(store: Arc<dyn Store>, notifier: Arc<dyn Notifier>) -> Self {
        Self::build(store, Arc::new(NoFunctions), notifier, |_| {}).await
    }

    async fn build(
        store: Arc<dyn Store>,
        functions: Arc<dyn Functions>,
        notifier: Arc<dyn Notifier>,
        change: impl FnOnce(&mut Settings),
    ) -> Self {
        Self::build_with(store, functions, notifier, change, |builder| builder).await
    }

    async fn build_with(
        store: Arc<dyn Store>,
        functions: Arc<dyn Functions>,
        notifier: Arc<dyn Notifier>,
        change: impl FnOnce(&mut Settings),
        more: impl FnOnce(ChimeBuilder) -> ChimeBuilder,
    ) -> Self {
        let clock = Arc::new(TestClock::frozen(BEGINNING));
        let mut settings = Settings::default();
        change(&mut settings);
        let handle = Arc::clone(&clock) as Arc<dyn chime_domain::ports::Clock>;
        let builder = Chime::shared(store, handle, Arc::new(SystemEntropy)).settings(settings);
        let sink = Arc::new(MemorySink::new());
        let builder = more(builder.sink(Arc::clone(&sink) as Arc<dyn Sink>));
        let chime = builder.functions(functions).notifier(notifier).build().await.expect("the store is new");
        let name = ResourceName::new("world").expect("a name");
        let app = chime
            .identity()
            .create_app_instance(CreateAppInstance::new(name))
            .await
            .expect("an app instance");
        Self { chime, clock, app, sink }
    }

    /// A user, named after its id.
    pub async fn user(&self, id: &str) -> AppInstanceUserArn {
        let name = UserName::new(id).expect("a name");
        let id = AppInstanceUserId::new(id).expect("an id");
        let command = CreateAppInstanceUser::new(self.app.clone(), id, name);
        self.chime.identity().create_app_instance_user(command).await.expect("a user")
    }

    /// A user who is an administrator.
    pub async fn admin(&self, id: &str) -> AppInstanceUserArn {
        let arn = self.user(id).await;
        self.chime.identity().create_app_instance_admin(&self.app, &arn).await.expect("an administrator");
        arn
    }

    /// The operations, as a user.
    pub fn as_user<'a>(&'a self, user: &'a AppInstanceUserArn) -> Messaging<'a> {
        self.chime.messaging(user)
    }

    /// A channel of a creator.
    pub async fn channel(&self, creator: &AppInstanceUserArn, privacy: Privacy, mode: Mode) -> ChannelArn {
        let mut command = CreateChannel::new(self.app.clone(), ResourceName::new("channel").expect("a name"));
        command.privacy = privacy;
        command.mode = mode;
        self.as_user(creator).create_channel(command).await.expect("a channel")
    }

    /// Makes a user a member, through the creator or another who may.
    pub async fn join(&self, by: &AppInstanceUserArn, channel: &ChannelArn, user: &AppInstanceUserArn) {
        let added = self.as_user(by).create_channel_membership(channel, user, MembershipType::Default).await;
        added.expect("a membership");
    }

    /// Sends a persistent STANDARD message.
    ///
    /// # Errors
    ///
    /// Those of the operation.
    pub async fn send(
        &self,
        user: &AppInstanceUserArn,
        channel: &ChannelArn,
        text: &str,
    ) -> Result<MessageId, ServiceError> {
        let content = Content::new(text).expect("content");
        let message = SendChannelMessage::new(channel.clone(), content);
        Ok(self.as_user(user).send_channel_message(message).await?.id)
    }

    /// Edits a message.
    ///
    /// # Errors
    ///
    /// Those of the operation.
    pub async fn edit(
        &self,
        user: &AppInstanceUserArn,
        channel: &ChannelArn,
        id: &MessageId,
        text: &str,
    ) -> Result<MessageId, ServiceError> {
        let mut command = UpdateChannelMessage::new(channel.clone(), id.clone());
        command.content = Some(Content::new(text).expect("content"));
        Ok(self.as_user(user).update_channel_message(command).await?.id)
    }

    /// The contents of a channel's messages as a user lists them, oldest first; `-` for a redacted one.
    pub async fn texts(&self, user: &AppInstanceUserArn, channel: &ChannelArn) -> Vec<String> {
        let mut command = ListChannelMessages::new(channel.clone());
        let mut texts = Vec::new();
        loop {
            let page = self.as_user(user).list_channel_messages(&command).await.expect("messages");
            let contents = page.items.iter().map(|sent| sent.message.content.clone());
            texts.extend(contents.map(|content| content.map_or("-".into(), |text| text.as_str().to_owned())));
            if page.next.is_none() {
                texts.reverse();
                return texts;
            }
            command.page = PageRequest::new(None, page.next);
        }
    }

    /// The ids of a channel's members of one kind, as a user lists them.
    pub async fn members(
        &self,
        user: &AppInstanceUserArn,
        channel: &ChannelArn,
        kind: MembershipType,
    ) -> Vec<String> {
        let page = PageRequest::default();
        let page = self.as_user(user).list_channel_memberships(channel, Some(kind), &page).await;
        let page = page.expect("memberships");
        page.items.iter().map(|membership| membership.member.arn.user_id().to_owned()).collect()
    }

    /// The refusal of an operation, which leaves no trace in the store: nothing written, nothing announced.
    pub async fn refuses<T: std::fmt::Debug>(
        &self,
        operation: impl Future<Output = Result<T, ServiceError>>,
    ) -> (ErrorCode, &'static str) {
        let before = dump(&self.chime).await;
        let refusal = refused(operation.await);
        assert_eq!(dump(&self.chime).await, before, "a refused operation left a trace: {refusal:?}");
        refusal
    }

    /// Moves the clock and does what falls due.
    pub async fn later(&self, by: Duration) {
        self.clock.advance(by);
        self.chime.run_due().await.expect("the due tasks");
    }

    /// Moves the clock by whole days and does what falls due.
    pub async fn days_later(&self, days: u64) {
        self.later(Duration::from_secs(days * 86_400)).await;
    }
}

/// The refusal's code and rule.
///
/// # Panics
///
/// When it was no refusal.
pub fn refused<T: std::fmt::Debug>(result: Result<T, ServiceError>) -> (ErrorCode, &'static str) {
    let error = result.expect_err("a refusal");
    match error.refusal() {
        Some(refusal) => (refusal.code(), refusal.rule()),
        None => panic!("no refusal: {error}"),
    }
}

/// Runs a test's future.
pub fn run<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_time().build().expect("a runtime").block_on(future)
}
