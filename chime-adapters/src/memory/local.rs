//! A whole Chime in memory.

use std::ops::Deref;
use std::sync::Arc;
use std::time::Duration;

use chime_domain::arn::{AppInstanceArn, AppInstanceUserArn};
use chime_domain::error::{ServiceError, StoreError};
use chime_domain::identity::{CreateAppInstance, CreateAppInstanceUser};
use chime_domain::ids::AppInstanceUserId;
use chime_domain::ports::{Clock, Sink};
use chime_domain::text::{ResourceName, UserName};
use chime_domain::time::Timestamp;
use chime_domain::{Chime, Settings};

use super::{MemorySink, MemoryStore};
use crate::{SystemEntropy, TestClock};

/// 2021-01-01T00:00:00Z, when the time of every [`Local`] begins.
const BEGINNING: Timestamp = Timestamp::from_millis(1_609_459_200_000);

/// A Chime of its own for a test or a demonstration: empty, forgotten when it is dropped, and with a clock that stands
/// still until it is moved. It needs no async runtime beyond one that drives its futures.
///
/// It is a [`Chime`] in every other respect.
#[derive(Clone, Debug)]
pub struct Local {
    chime: Chime,
    clock: Arc<TestClock>,
    sink: Arc<MemorySink>,
}

impl Local {
    /// An empty one with the documented quotas.
    ///
    /// # Errors
    ///
    /// [`StoreError`], which memory does not give.
    pub async fn new() -> Result<Self, StoreError> {
        Self::with(Settings::default()).await
    }

    /// An empty one with other settings.
    ///
    /// # Errors
    ///
    /// [`StoreError`], which memory does not give.
    pub async fn with(settings: Settings) -> Result<Self, StoreError> {
        let clock = Arc::new(TestClock::frozen(BEGINNING));
        let handle = Arc::clone(&clock) as Arc<dyn Clock>;
        let builder = Chime::shared(Arc::new(MemoryStore::new()), handle, Arc::new(SystemEntropy));
        let sink = Arc::new(MemorySink::new());
        let builder = builder.settings(settings).sink(Arc::clone(&sink) as Arc<dyn Sink>);
        Ok(Self { chime: builder.build().await?, clock, sink })
    }

    /// Where its streams go to.
    #[must_use]
    pub fn sink(&self) -> &MemorySink {
        &self.sink
    }

    /// Moves the clock forwards and does everything that falls due.
    ///
    /// # Errors
    ///
    /// The first error of a due task.
    pub async fn advance(&self, by: Duration) -> Result<(), ServiceError> {
        self.clock.advance(by);
        self.chime.run_due().await.map(drop)
    }

    /// A new app instance.
    ///
    /// # Errors
    ///
    /// A bad request for a name that is none; the quota's refusal.
    pub async fn app_instance(&self, name: &str) -> Result<AppInstanceArn, ServiceError> {
        let name = ResourceName::new(name).map_err(|error| error.of("Name"))?;
        self.chime.identity().create_app_instance(CreateAppInstance::new(name)).await
    }

    /// A new user, named after its id.
    ///
    /// # Errors
    ///
    /// A bad request for an id that is none; a conflict when it is taken; the quota's refusal.
    pub async fn user(&self, app: &AppInstanceArn, id: &str) -> Result<AppInstanceUserArn, ServiceError> {
        let name = UserName::new(id).map_err(|error| error.of("Name"))?;
        let id = AppInstanceUserId::new(id).map_err(|error| error.of("AppInstanceUserId"))?;
        let command = CreateAppInstanceUser::new(app.clone(), id, name);
        self.chime.identity().create_app_instance_user(command).await
    }
}

impl Deref for Local {
    type Target = Chime;

    fn deref(&self) -> &Chime {
        &self.chime
    }
}
