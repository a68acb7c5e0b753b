//! From an access key to its credentials, and from an ARN to its principal, as the records are now.
//!
//! A request whose records did not change since the last one costs one read of the store, which compares revisions:
//! nothing is parsed again, and a change acts on the next request.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use super::caller::{Caller, CallerKind, Credentials};
use super::keys;
use super::policies::policy_key;
use super::service::Iam;
use super::session::{Session, Subject};
use super::types::{AccessKey, CustomerPolicy, Held, Holder, Role, User};
use crate::access::policy::{NamedPolicy, PolicyDocument, PolicySet, managed};
use crate::error::StoreError;
use crate::ports::{Entity, Key, Revision, Versioned};

/// Credentials that are kept, some kilobytes each where nothing is shared.
const CACHED: usize = 16_384;
/// Records whose policies are kept parsed.
const COMPILED: usize = 4_096;
/// How often the records are read again because they name others.
const ROUNDS: usize = 16;

/// What this process has resolved.
#[derive(Debug, Default)]
pub(crate) struct Cache {
    credentials: Mutex<HashMap<Box<str>, Arc<Cached>>>,
    compiled: Mutex<HashMap<Key, Compiled>>,
}

/// The policies of a record, with the revision at which they were read.
type Compiled = (Revision, Arc<[NamedPolicy]>);

#[derive(Debug)]
struct Cached {
    token: Option<Box<str>>,
    keys: Vec<Key>,
    revisions: Vec<Option<Revision>>,
    credentials: Arc<Credentials>,
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    // A panic elsewhere leaves a map of complete entries behind.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn revisions(found: &[Option<Versioned>]) -> Vec<Option<Revision>> {
    found.iter().map(|record| record.as_ref().map(|record| record.revision)).collect()
}

/// Compares in a time that does not tell where two texts differ.
fn same(one: &str, other: &str) -> bool {
    let differences = one.bytes().zip(other.bytes()).fold(0, |sum, (a, b)| sum | (a ^ b));
    one.len() == other.len() && differences == 0
}

impl Cache {
    fn find(&self, id: &str, token: Option<&str>) -> Option<Arc<Cached>> {
        let found = lock(&self.credentials).get(id).cloned()?;
        let fits = match (&found.token, token) {
            (None, None) => true,
            (Some(known), Some(sent)) => same(known, sent),
            _ => false,
        };
        fits.then_some(found)
    }

    fn keep(&self, id: &str, cached: Cached) {
        let mut map = lock(&self.credentials);
        if map.len() >= CACHED && !map.contains_key(id) {
            map.clear();
        }
        map.insert(id.into(), Arc::new(cached));
    }

    /// The policies of a record, parsed once for each of its revisions.
    fn policies(
        &self,
        key: &Key,
        revision: Revision,
        compile: impl FnOnce() -> Vec<NamedPolicy>,
    ) -> Arc<[NamedPolicy]> {
        if let Some((known, policies)) = lock(&self.compiled).get(key)
            && *known == revision
        {
            return Arc::clone(policies);
        }
        let policies: Arc<[NamedPolicy]> = compile().into();
        let mut map = lock(&self.compiled);
        if map.len() >= COMPILED && !map.contains_key(key) {
            map.clear();
        }
        map.insert(key.clone(), (revision, Arc::clone(&policies)));
        policies
    }
}

/// Records as of one moment, which say when another is needed.
struct View<'a> {
    keys: &'a [Key],
    found: &'a [Option<Versioned>],
}

/// What was put together, and from which records.
struct Read<T> {
    value: T,
    keys: Vec<Key>,
    revisions: Vec<Option<Revision>>,
}

/// Why credentials could not be put together yet.
enum Gap {
    Need(Vec<Key>),
    Store(StoreError),
}

impl From<StoreError> for Gap {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

type Seen<T> = Option<(Revision, Arc<T>)>;

impl View<'_> {
    /// Asks for the customer's policies among `arns` that are not in view, all at once.
    fn need_policies(&self, arns: &[String]) -> Result<(), Gap> {
        let own = arns.iter().filter(|arn| managed::managed_policy(arn).is_none());
        let mut missing: Vec<_> = own.map(|arn| policy_key(arn)).collect();
        missing.retain(|key| !self.keys.contains(key));
        missing.sort_unstable();
        missing.dedup();
        if missing.is_empty() { Ok(()) } else { Err(Gap::Need(missing)) }
    }

    fn get<T: Entity>(&self, key: &Key) -> Result<Seen<T>, Gap> {
        let at =
            self.keys.iter().position(|known| known == key).ok_or_else(|| Gap::Need(vec![key.clone()]))?;
        match self.found.get(at).and_then(Option::as_ref) {
            Some(found) => Ok(Some((found.revision, found.record.read::<T>()?))),
            None => Ok(None),
        }
    }
}

/// What is to be resolved.
enum Source<'a> {
    Permanent(&'a str),
    Temporary(Box<Session>, &'a str),
}

impl Iam<'_> {
    /// What an access key stands for now; `None` when it does not exist, is inactive, or the session token is not its
    /// own (wire fact A-09). An ended session is given, and says so by [`Credentials::expired`].
    ///
    /// Root keys are not known here: the operator sets them outside the store.
    ///
    /// # Errors
    ///
    /// [`StoreError`].
    pub async fn identity_of(
        &self,
        access_key_id: &str,
        session_token: Option<&str>,
    ) -> Result<Option<Arc<Credentials>>, StoreError> {
        let is_id = |id: &str| {
            (16..=128).contains(&id.len()) && id.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit())
        };
        if !is_id(access_key_id) {
            return Ok(None);
        }
        let cache = self.chime.local::<Cache>();
        if let Some(cached) = cache.find(access_key_id, session_token) {
            let found = self.chime.store().get(&cached.keys).await?;
            let now = found.iter().map(|record| record.as_ref().map(|record| record.revision));
            if now.eq(cached.revisions.iter().copied()) {
                return Ok(Some(Arc::clone(&cached.credentials)));
            }
        }
        let source = match session_token {
            None => Source::Permanent(access_key_id),
            Some(token) => match self.open(access_key_id, token) {
                Some(session) => Source::Temporary(Box::new(session), token),
                None => return Ok(None),
            },
        };
        let read = self.read(|view| self.assemble(&cache, &source, view)).await?;
        Ok(read.map(|Read { value, keys, revisions }| {
            let credentials = Arc::new(value);
            let token = session_token.map(Into::into);
            let kept = Cached { token, keys, revisions, credentials: Arc::clone(&credentials) };
            cache.keep(access_key_id, kept);
            credentials
        }))
    }

    /// Reads records until `assemble` has all that it needs, all as of one moment.
    async fn read<T>(
        &self,
        assemble: impl Fn(&View<'_>) -> Result<Option<T>, Gap>,
    ) -> Result<Option<Read<T>>, StoreError> {
        let mut keys = Vec::new();
        for _ in 0..ROUNDS {
            let found = if keys.is_empty() { Vec::new() } else { self.chime.store().get(&keys).await? };
            match assemble(&View { keys: &keys, found: &found }) {
                Ok(None) => return Ok(None),
                Ok(Some(value)) => return Ok(Some(Read { value, keys, revisions: revisions(&found) })),
                Err(Gap::Need(more)) => keys.extend(more),
                Err(Gap::Store(error)) => return Err(error),
            }
        }
        Err(StoreError::Conflict)
    }

    /// The principal of that ARN, without credentials: the account's root, an IAM user, a role as its sessions are, or
    /// one session of a role by its `assumed-role` ARN. `None` when there is none.
    ///
    /// What a session brings besides its role, tags and policies of its own, is not known here.
    ///
    /// # Errors
    ///
    /// [`StoreError`].
    pub async fn caller_named(&self, arn: &str) -> Result<Option<Caller>, StoreError> {
        let settings = self.chime.settings();
        let root = Caller::root(&settings.account);
        if arn == root.arn {
            return Ok(Some(root));
        }
        let resource = arn.splitn(6, ':').nth(5).and_then(|resource| resource.split_once('/'));
        let Some((kind, path)) = resource else { return Ok(None) };
        let last = path.rsplit('/').next().unwrap_or_default();
        let cache = self.chime.local::<Cache>();
        let role = |name: &str, session: Option<&str>, view: &View<'_>| {
            let Some((revision, role)) = view.get::<Role>(&keys::role(name))? else { return Ok(None) };
            let policies = PolicySet::new(holder_policies(&cache, view, revision, &*role)?);
            Ok(Some(self.role_caller(&role, session, policies)))
        };
        let read = self.read(|view| match (kind, path.split_once('/')) {
            ("user", _) => {
                let Some((revision, user)) = view.get::<User>(&keys::user(last))? else { return Ok(None) };
                let policies = PolicySet::new(holder_policies(&cache, view, revision, &*user)?);
                Ok(Some(self.user_caller(&user, policies)))
            }
            ("role", _) => role(last, None, view),
            ("assumed-role", Some((name, session))) => role(name, Some(session), view),
            _ => Ok(None),
        });
        // Names are found without regard to case, path and account; an ARN is exact.
        Ok(read.await?.map(|read| read.value).filter(|caller| caller.arn == arn))
    }

    /// Puts credentials together from the records in view.
    fn assemble(
        &self,
        cache: &Cache,
        source: &Source<'_>,
        view: &View<'_>,
    ) -> Result<Option<Credentials>, Gap> {
        match source {
            Source::Permanent(id) => {
                let Some((_, key)) = view.get::<AccessKey>(&keys::access_key(id))? else { return Ok(None) };
                if !key.active || key.id != *id {
                    return Ok(None);
                }
                let Some((revision, user)) = view.get::<User>(&keys::user(&key.user))? else {
                    return Ok(None);
                };
                let policies = PolicySet::new(holder_policies(cache, view, revision, &*user)?);
                Ok(Some(Credentials {
                    secret: key.secret.clone(),
                    expires: None,
                    caller: Arc::new(self.user_caller(&user, policies)),
                }))
            }
            Source::Temporary(session, token) => {
                let Some(caller) = self.session_caller(cache, session, view)? else { return Ok(None) };
                Ok(Some(Credentials {
                    secret: self.secret_of(token),
                    expires: Some(session.expires),
                    caller: Arc::new(caller),
                }))
            }
        }
    }

    fn user_caller(&self, user: &User, policies: PolicySet) -> Caller {
        Caller {
            arn: user.arn.clone(),
            principal_arn: user.arn.clone(),
            kind: CallerKind::User,
            user_id: user.id.clone(),
            user_name: Some(user.name.clone()),
            policies,
            principal_tags: user.held.tags.clone(),
            ..Caller::root(&self.chime.settings().account)
        }
    }

    /// A role as the caller of a session, or of any session when none is named.
    fn role_caller(&self, role: &Role, session: Option<&str>, policies: PolicySet) -> Caller {
        let (arn, user_id) = match session {
            Some(name) => {
                let arn = self.sts_arn("assumed-role", &format!("{}/{name}", role.name));
                (arn, format!("{}:{name}", role.id))
            }
            None => (role.arn.clone(), role.id.clone()),
        };
        Caller {
            arn,
            principal_arn: role.arn.clone(),
            kind: CallerKind::Session,
            user_id,
            policies,
            principal_tags: role.held.tags.clone(),
            temporary: true,
            ..Caller::root(&self.chime.settings().account)
        }
    }

    fn sts_arn(&self, kind: &str, name: &str) -> String {
        let settings = self.chime.settings();
        format!("arn:{}:sts::{}:{kind}/{name}", settings.partition, settings.account)
    }

    fn session_caller(
        &self,
        cache: &Cache,
        session: &Session,
        view: &View<'_>,
    ) -> Result<Option<Caller>, Gap> {
        let settings = self.chime.settings();
        let narrowed = session_policies(cache, view, session)?;
        let same_user = |name: &str, id: &str| -> Result<Seen<User>, Gap> {
            Ok(view.get::<User>(&keys::user(name))?.filter(|(_, user)| user.id == *id))
        };
        let caller = match &session.subject {
            Subject::Root => Caller::root(&settings.account),
            Subject::User { user, id } => {
                let Some((revision, user)) = same_user(user, id)? else { return Ok(None) };
                let policies = PolicySet::new(holder_policies(cache, view, revision, &*user)?);
                self.user_caller(&user, policies)
            }
            Subject::Role { role, id, session: name } => {
                let found = view.get::<Role>(&keys::role(role))?.filter(|(_, role)| role.id == *id);
                let Some((revision, role)) = found else { return Ok(None) };
                let policies = PolicySet::new(holder_policies(cache, view, revision, &*role)?);
                self.role_caller(&role, Some(name), policies.with_session(narrowed))
            }
            Subject::Federated { name, by } => {
                // Without a policy of its own, such a session may do nothing.
                let policies = match by {
                    _ if narrowed.is_empty() => PolicySet::default(),
                    None => PolicySet::owner().with_session(narrowed),
                    Some((user, id)) => {
                        let Some((revision, user)) = same_user(user, id)? else { return Ok(None) };
                        PolicySet::new(holder_policies(cache, view, revision, &*user)?).with_session(narrowed)
                    }
                };
                let arn = self.sts_arn("federated-user", name);
                Caller {
                    principal_arn: arn.clone(),
                    arn,
                    kind: CallerKind::Federated,
                    user_id: format!("{}:{name}", settings.account),
                    policies,
                    ..Caller::root(&settings.account)
                }
            }
        };
        let (session_tags, transitive_tags) = (session.tags.clone(), session.transitive.clone());
        Ok(Some(Caller { session_tags, transitive_tags, temporary: true, ..caller }))
    }
}

/// The policies of a user or role: its inline ones, then those attached.
fn holder_policies<H: Holder>(
    cache: &Cache,
    view: &View<'_>,
    revision: Revision,
    holder: &H,
) -> Result<Vec<NamedPolicy>, Gap> {
    let held: &Held = holder.held();
    let key = view_key::<H>(view, holder);
    let mut all = match key {
        Some(key) => cache.policies(key, revision, || held.compile()).to_vec(),
        None => held.compile(),
    };
    view.need_policies(&held.attached)?;
    for arn in &held.attached {
        all.extend(managed_policies(cache, view, arn)?.iter().cloned());
    }
    Ok(all)
}

fn view_key<'a, H: Holder>(view: &View<'a>, holder: &H) -> Option<&'a Key> {
    let name = holder.arn().rsplit('/').next().unwrap_or_default();
    let key = H::key(name);
    view.keys.iter().find(|known| **known == key)
}

/// The policy of that ARN; none when it does not exist.
fn managed_policies(cache: &Cache, view: &View<'_>, arn: &str) -> Result<Arc<[NamedPolicy]>, Gap> {
    if let Some(document) = managed::managed_document(arn) {
        return Ok(Arc::new([NamedPolicy::new(arn, document)]));
    }
    let key = policy_key(arn);
    Ok(match view.get::<CustomerPolicy>(&key)?.filter(|(_, policy)| policy.arn == arn) {
        Some((revision, policy)) => cache.policies(&key, revision, || policy.compile()),
        None => Arc::new([]),
    })
}

/// What narrows a session. A policy that no longer exists narrows to nothing.
fn session_policies(cache: &Cache, view: &View<'_>, session: &Session) -> Result<Vec<NamedPolicy>, Gap> {
    let mut all = Vec::new();
    if let Some(text) = &session.policy
        && let Ok(document) = PolicyDocument::parse(text)
    {
        all.push(NamedPolicy::new("session", Arc::new(document)));
    }
    view.need_policies(&session.policy_arns)?;
    for arn in &session.policy_arns {
        let found = managed_policies(cache, view, arn)?;
        if found.is_empty() {
            all.extend(nothing());
        }
        all.extend(found.iter().cloned());
    }
    Ok(all)
}

/// A policy that grants nothing: it denies nothing either, but a layer that consists of it allows nothing.
fn nothing() -> Option<NamedPolicy> {
    const TEXT: &str =
        r#"{"Statement": [{"Effect": "Deny", "Action": "none:None", "Resource": "arn:none"}]}"#;
    PolicyDocument::parse(TEXT).ok().map(|document| NamedPolicy::new("session:deleted", Arc::new(document)))
}
