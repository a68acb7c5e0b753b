//! The handle of the context, and what all its commands share.

use super::error::{IamCode, IamError};
use super::types::Holder;
use crate::error::StoreError;
use crate::flow::{Chime, Decision, Loaded, load};
use crate::ports::{Change, Entity, Key};

/// How often a command is decided again after its facts moved.
const ATTEMPTS: usize = 16;

/// The operations of the context.
///
/// They ask for no permission: whoever calls them was allowed to by its policies. Only the STS calls weigh policies
/// themselves, as two sides have to agree there (rule IAM-23).
#[derive(Clone, Copy, Debug)]
pub struct Iam<'a> {
    pub(super) chime: &'a Chime,
}

impl Chime {
    /// Users, access keys, roles, managed policies, and temporary credentials.
    #[must_use]
    pub fn iam(&self) -> Iam<'_> {
        Iam { chime: self }
    }
}

impl Iam<'_> {
    pub(super) async fn load<T: Entity>(&self, key: Key) -> Result<Loaded<T>, IamError> {
        Ok(load(self.chime.store(), key).await?)
    }

    /// The user or role of that name.
    ///
    /// # Errors
    ///
    /// [`IamCode::NoSuchEntity`].
    pub async fn get<H: Holder>(&self, name: &str) -> Result<H, IamError> {
        Ok(self.holder::<H>(name).await?.1)
    }

    /// The same, with its record.
    pub(super) async fn holder<H: Holder>(&self, name: &str) -> Result<(Loaded<H>, H), IamError> {
        let found = self.load::<H>(H::key(name)).await?;
        match found.get().cloned() {
            Some(holder) => Ok((found, holder)),
            None => Err(missing(H::NOUN, name)),
        }
    }

    /// The same, when it may be changed.
    pub(super) async fn changeable<H: Holder>(&self, name: &str) -> Result<(Loaded<H>, H), IamError> {
        let (found, holder) = self.holder::<H>(name).await?;
        holder.changeable()?;
        Ok((found, holder))
    }

    /// Loads, decides and commits until no other writer has moved the facts in between.
    pub(super) async fn transact<R, F>(&self, mut decide: impl FnMut() -> F) -> Result<R, IamError>
    where
        F: Future<Output = Result<Decision<R>, IamError>>,
    {
        for _ in 0..ATTEMPTS {
            let decision = decide().await?;
            match self.chime.commit(decision).await.map_err(IamError::from) {
                Ok((reply, _)) => return Ok(reply),
                Err(IamError::Store(StoreError::Conflict)) => {}
                Err(IamError::Store(StoreError::LimitReached { limit, .. })) => {
                    return Err(IamError::new(
                        IamCode::LimitExceeded,
                        format!("Cannot exceed the account's limit of {limit}."),
                    ));
                }
                Err(error) => return Err(error),
            }
        }
        Err(IamError::new(
            IamCode::ConcurrentModification,
            "Other requests changed the same object at the same time. Send the request again.",
        ))
    }

    /// A new unique id: a prefix and `len` characters of base 32.
    pub(super) fn unique_id(&self, prefix: &str, len: usize) -> String {
        const ALPHABET: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
        let mut random = vec![0; len];
        self.chime.entropy().fill(&mut random);
        let letter = |byte: &u8| ALPHABET.get(usize::from(byte & 31)).copied().map_or('A', char::from);
        prefix.chars().chain(random.iter().map(letter)).collect()
    }

    /// The ARN `arn:PARTITION:iam::ACCOUNT:KIND/PATH/NAME`.
    #[must_use]
    pub fn arn(&self, kind: &str, path: &str, name: &str) -> String {
        let settings = self.chime.settings();
        format!("arn:{}:iam::{}:{kind}{path}{name}", settings.partition, settings.account)
    }
}

pub(super) fn missing(noun: &str, name: &str) -> IamError {
    IamError::new(IamCode::NoSuchEntity, format!("The {noun} with name {name} cannot be found."))
}

pub(super) fn taken(noun: &str, name: &str) -> IamError {
    IamError::new(IamCode::EntityAlreadyExists, format!("{noun} with name {name} already exists."))
}

/// One more or fewer of what the account may have `at_most` of.
pub(super) fn count(counter: Key, by: i64, at_most: u64) -> Change {
    Change::Count { counter, by, at_most: (by > 0).then_some(at_most) }
}
