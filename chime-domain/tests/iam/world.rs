//! A small world: one account, a clock that stands still, and shorthands.

use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use chime_adapters::memory::{MemorySink, MemoryStore};
use chime_adapters::{SystemEntropy, TestClock};
use chime_domain::access::policy::Tag;
use chime_domain::iam::{
    AssumeRole, Caller, CreateRole, CreateUser, Credentials, IamCode, IamError, Role, SessionOptions, User,
    Vended,
};
use chime_domain::time::Timestamp;
use chime_domain::{Chime, Settings};

pub(crate) const ACCOUNT: &str = "123456789012";
pub(crate) const START: Timestamp = Timestamp::from_millis(1_610_403_151_000);
/// A policy that allows everything.
pub(crate) const ALL: &str = r#"{"Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}"#;

/// Drives a future that waits for nothing but the memory store.
pub(crate) fn run<T>(future: impl Future<Output = T>) -> T {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(value) => value,
        Poll::Pending => panic!("the memory store does not wait"),
    }
}

pub(crate) struct World {
    pub(crate) chime: Chime,
    pub(crate) clock: Arc<TestClock>,
    store: Arc<MemoryStore>,
}

impl World {
    pub(crate) fn new() -> Self {
        Self::with(|_| {})
    }

    pub(crate) fn with(change: impl FnOnce(&mut Settings)) -> Self {
        let store = Arc::new(MemoryStore::new());
        let clock = Arc::new(TestClock::frozen(START));
        let mut settings = Settings::default();
        change(&mut settings);
        let chime = Chime::shared(store.clone(), clock.clone(), Arc::new(SystemEntropy));
        let chime = run(chime.settings(settings).sink(Arc::new(MemorySink::new())).build()).unwrap();
        Self { chime, clock, store }
    }

    /// Another node, or the same after a restart.
    pub(crate) fn restarted(&self) -> Chime {
        let chime = Chime::shared(self.store.clone(), self.clock.clone(), Arc::new(SystemEntropy));
        run(chime.build()).unwrap()
    }

    pub(crate) fn advance(&self, seconds: u64) {
        self.clock.advance(Duration::from_secs(seconds));
    }

    /// A user with one inline policy.
    pub(crate) fn user(&self, name: &str, policy: &str) -> User {
        let command = CreateUser { name: name.into(), path: None, tags: Vec::new() };
        let user = run(self.chime.iam().create_user(command)).unwrap();
        run(self.chime.iam().put_inline_policy::<User>(name, "p", policy)).unwrap();
        user
    }

    /// A role with one inline policy.
    pub(crate) fn role(&self, name: &str, trust: &str, policy: &str) -> Role {
        let role = run(self.chime.iam().create_role(create_role(name, trust))).unwrap();
        run(self.chime.iam().put_inline_policy::<Role>(name, "p", policy)).unwrap();
        role
    }

    /// What a new key of the user stands for.
    pub(crate) fn signs_as(&self, user: &str) -> (String, Arc<Credentials>) {
        let key = run(self.chime.iam().create_access_key(user)).unwrap();
        let credentials = self.whose(&key.id, None).unwrap();
        assert_eq!(credentials.secret, key.secret);
        (key.id, credentials)
    }

    pub(crate) fn whose(&self, id: &str, token: Option<&str>) -> Option<Arc<Credentials>> {
        run(self.chime.iam().identity_of(id, token)).unwrap()
    }

    /// The caller that vended credentials make.
    pub(crate) fn session(&self, vended: &Vended) -> Option<Arc<Caller>> {
        let found = self.whose(&vended.access_key_id, Some(&vended.token.0))?;
        assert_eq!(found.secret, vended.secret);
        Some(Arc::clone(&found.caller))
    }

    pub(crate) fn assume(&self, caller: &Caller, command: &AssumeRole) -> Result<Vended, IamError> {
        let ctx = caller.context(self.chime.now());
        run(self.chime.iam().assume_role(caller, command, &ctx))
    }

    pub(crate) fn may(&self, caller: &Caller, action: &str, resource: &str) -> bool {
        caller.policies.evaluate(action, resource, &caller.context(self.chime.now())).is_allowed()
    }
}

pub(crate) fn create_role(name: &str, trust: &str) -> CreateRole {
    CreateRole {
        name: name.into(),
        path: None,
        trust: trust.into(),
        description: None,
        max_session: None,
        tags: Vec::new(),
    }
}

pub(crate) fn role_arn(name: &str) -> String {
    format!("arn:aws:iam::{ACCOUNT}:role/{name}")
}

/// A trust policy for one AWS principal.
pub(crate) fn trusts(principal: &str) -> String {
    trusts_to(principal, r#"["sts:AssumeRole", "sts:TagSession"]"#)
}

pub(crate) fn trusts_to(principal: &str, actions: &str) -> String {
    format!(
        r#"{{"Version": "2012-10-17", "Statement": [{{"Effect": "Allow", "Principal": {{"AWS": "{principal}"}}, "Action": {actions}}}]}}"#
    )
}

pub(crate) fn allows(action: &str, resource: &str) -> String {
    format!(
        r#"{{"Version": "2012-10-17", "Statement": [{{"Effect": "Allow", "Action": "{action}", "Resource": "{resource}"}}]}}"#
    )
}

pub(crate) fn assume(role: &str) -> AssumeRole {
    AssumeRole { role_arn: role_arn(role), session_name: "demo".into(), ..AssumeRole::default() }
}

pub(crate) fn tagged(role: &str, tags: &[(&str, &str)]) -> AssumeRole {
    let tags = tags.iter().map(|(key, value)| Tag::new(*key, *value)).collect();
    AssumeRole { options: SessionOptions { tags, ..SessionOptions::default() }, ..assume(role) }
}

#[track_caller]
pub(crate) fn refused<T: std::fmt::Debug>(outcome: Result<T, IamError>, code: IamCode) {
    match outcome {
        Err(error) if error.code() == Some(code) => {}
        other => panic!("expected {code:?}, got {other:?}"),
    }
}
