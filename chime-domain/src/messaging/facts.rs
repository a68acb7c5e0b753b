//! What a rule of this context decides on, loaded as of one moment.

use super::keys::{self, Relation};
use super::types::{Ban, Channel, Membership, Moderator};
use crate::access::{Action, Derivation, Privacy, Situation, Standing, Target, decide};
use crate::arn::{AppInstanceArn, AppInstanceUserArn, ChannelArn};
use crate::error::{ErrorCode, Refusal, ServiceError};
use crate::flow::{Loaded, Settings};
use crate::identity::{
    AppInstance, AppInstanceAdmin, AppInstanceUser, IdentityRef, Retention, keys as identity_keys,
};
use crate::ids::SubChannelId;
use crate::ports::{Entity, Guard, Store, Versioned};

/// A user and what it is to a channel.
#[derive(Clone, Debug)]
pub struct UserFacts {
    /// Who.
    pub arn: AppInstanceUserArn,
    /// The user.
    pub user: Loaded<AppInstanceUser>,
    /// Its administrator row.
    pub admin: Loaded<AppInstanceAdmin>,
    /// Its membership of the channel.
    pub membership: Loaded<Membership>,
    /// Its moderator row of the channel.
    pub moderator: Loaded<Moderator>,
    /// Its ban from the channel.
    pub ban: Loaded<Ban>,
}

impl UserFacts {
    /// What the user is to the channel.
    #[must_use]
    pub fn standing(&self) -> Standing {
        Standing {
            admin: self.admin.exists(),
            moderator: self.moderator.exists(),
            membership: self.membership.get().map(|membership| membership.kind),
            banned: self.ban.exists(),
        }
    }

    /// The user as others' records name it.
    ///
    /// # Errors
    ///
    /// Forbidden when there is no such user (wire rule E-09).
    pub fn identity(&self) -> Result<IdentityRef, Refusal> {
        self.user
            .get()
            .filter(|user| user.arn == self.arn)
            .map(AppInstanceUser::identity)
            .ok_or_else(bad_target)
    }

    /// Guards of the rows that give the user its rights, so that a decision does not outlive them.
    pub fn rights(&self) -> impl Iterator<Item = Guard> {
        [
            self.admin.exists().then(|| self.admin.guard()),
            self.moderator.exists().then(|| self.moderator.guard()),
            self.membership.exists().then(|| self.membership.guard()),
        ]
        .into_iter()
        .flatten()
    }
}

/// The channel, the caller, and the users that the request names.
#[derive(Clone, Debug)]
pub struct ChannelFacts {
    /// The app instance.
    pub instance: Loaded<AppInstance>,
    /// Its retention.
    pub retention: Loaded<Retention>,
    /// The channel.
    pub channel: Loaded<Channel>,
    arn: ChannelArn,
    /// Who acts.
    pub caller: UserFacts,
    /// Whom the request names, in its order.
    pub targets: Vec<UserFacts>,
}

/// The refusal of a bad, unknown or foreign bearer (wire rule E-09).
#[must_use]
pub fn bad_bearer() -> Refusal {
    Refusal::documented(
        ErrorCode::UnauthorizedClient,
        "E-09",
        "An invalid app instance user ARN was supplied for the x-amz-chime-bearer HTTP header.",
    )
}

/// The refusal of a user ARN in the input that names nobody (wire rule E-09).
#[must_use]
pub fn bad_target() -> Refusal {
    Refusal::documented(
        ErrorCode::Forbidden,
        "E-09",
        "An invalid app instance user ARN was supplied for the input parameter.",
    )
}

/// Whether an operation's model knows NotFound (wire rule E-06).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Missing {
    /// A missing channel is NotFound.
    NotFound,
    /// A missing channel is Forbidden, like one that is not visible.
    Forbidden,
}

struct Reader {
    found: std::vec::IntoIter<Option<Versioned>>,
    keys: std::vec::IntoIter<crate::ports::Key>,
}

impl Reader {
    fn next<T: Entity>(&mut self) -> Result<Loaded<T>, ServiceError> {
        let missing =
            || crate::error::StoreError::Corrupt { what: "fewer records than keys".into(), source: None };
        let key = self.keys.next().ok_or_else(missing)?;
        let found = self.found.next().ok_or_else(missing)?;
        Ok(Loaded::decode(key, found)?)
    }

    fn user(&mut self, arn: &AppInstanceUserArn) -> Result<UserFacts, ServiceError> {
        Ok(UserFacts {
            arn: arn.clone(),
            user: self.next()?,
            admin: self.next()?,
            membership: self.next()?,
            moderator: self.next()?,
            ban: self.next()?,
        })
    }
}

impl ChannelFacts {
    /// Reads everything about a channel, the caller and the targets, as of one moment.
    ///
    /// # Errors
    ///
    /// The store's errors.
    pub async fn load(
        store: &dyn Store,
        channel: &ChannelArn,
        caller: &AppInstanceUserArn,
        targets: &[AppInstanceUserArn],
    ) -> Result<Self, ServiceError> {
        let instance = channel.app_instance();
        let mut keys = Vec::with_capacity(8 + 5 * targets.len());
        keys.extend([
            identity_keys::app_instance(&instance),
            identity_keys::retention(&instance),
            keys::channel(channel),
        ]);
        for user in std::iter::once(caller).chain(targets) {
            keys.extend([identity_keys::user(user), identity_keys::admin(user)]);
            keys.extend(Relation::ALL.map(|relation| relation.key(channel, user)));
        }
        let found = store.get(&keys).await?;
        let mut reader = Reader { found: found.into_iter(), keys: keys.into_iter() };
        Ok(Self {
            instance: reader.next()?,
            retention: reader.next()?,
            channel: reader.next()?,
            arn: channel.clone(),
            caller: reader.user(caller)?,
            targets: targets.iter().map(|target| reader.user(target)).collect::<Result<_, _>>()?,
        })
    }

    /// The channel, once the caller is known to be a user of its app instance (wire rule E-07: bearer, then
    /// visibility).
    ///
    /// # Errors
    ///
    /// 401 for the bearer; Forbidden or NotFound for the channel.
    pub fn admit(&self, missing: Missing) -> Result<&Channel, Refusal> {
        let instance = self.instance.get().filter(|instance| instance.arn == self.arn.app_instance());
        let same = instance.is_some_and(|instance| self.caller.arn.is_in(&instance.arn));
        if !same || self.caller.identity().is_err() {
            return Err(bad_bearer());
        }
        let text = "The channel does not exist or is not visible to the caller.";
        self.channel.get().filter(|channel| channel.arn == self.arn).ok_or_else(|| match missing {
            Missing::NotFound => Refusal::not_found("E-06", text),
            Missing::Forbidden => Refusal::forbidden("E-06", text),
        })
    }

    /// The situation of a decision about this channel.
    #[must_use]
    pub fn situation(&self, settings: &Settings) -> Situation {
        let channel = self.channel.get();
        let target = self.targets.first();
        Situation {
            standing: self.caller.standing(),
            privacy: channel.map(|channel| channel.privacy),
            mode: channel.map(|channel| channel.mode),
            own_arn: target.is_none_or(|target| target.arn == self.caller.arn),
            own_message: false,
            target: target.map_or_else(Target::default, |target| Target {
                is_caller: target.arn == self.caller.arn,
                standing: target.standing(),
            }),
            members_redact_own: settings.members_redact_own,
            members_remove_others: settings.members_remove_others,
        }
    }

    /// Admits the caller and decides by its role.
    ///
    /// # Errors
    ///
    /// As [`Self::admit`], or Forbidden by the role's row.
    pub fn authorize(
        &self,
        action: Action,
        missing: Missing,
        settings: &Settings,
    ) -> Result<&Channel, Refusal> {
        let channel = self.admit_to(action, missing, settings)?;
        self.derive(action, settings).enforce()?;
        Ok(channel)
    }

    /// Admits the caller to an action, whose role is still to be asked. A missing channel is refused in the words of a
    /// private channel of others, so that they do not tell which of both it is (wire rule E-06).
    ///
    /// # Errors
    ///
    /// As [`Self::admit`].
    pub(super) fn admit_to(
        &self,
        action: Action,
        missing: Missing,
        settings: &Settings,
    ) -> Result<&Channel, Refusal> {
        self.admit(missing).or_else(|refusal| {
            if refusal.code() == ErrorCode::Forbidden && !self.caller.admin.exists() {
                let private = Situation { privacy: Some(Privacy::Private), ..self.situation(settings) };
                decide(action, &private).enforce()?;
            }
            Err(refusal)
        })
    }

    /// The sub-channel that a request acts in, in an elastic channel; `None` in every other.
    ///
    /// # Errors
    ///
    /// A bad request when one is given that cannot be, or none where the caller has to say which; Forbidden for one of
    /// others to who is neither administrator nor moderator.
    pub(super) fn sub_channel(&self, given: Option<&SubChannelId>) -> Result<Option<SubChannelId>, Refusal> {
        if self.channel.get().is_none_or(|channel| channel.elastic.is_none()) {
            let refusal = Refusal::bad_request("D-08", "The channel has no sub-channels.");
            return if given.is_none() { Ok(None) } else { Err(refusal.unless("leave SubChannelId out.")) };
        }
        let own = self.caller.membership.get().map(|found| found.sub_channels.as_slice()).unwrap_or_default();
        let everywhere = self.caller.admin.exists() || self.caller.moderator.exists() || own.is_empty();
        match (given, own) {
            (Some(given), own) if everywhere || own.contains(given) => Ok(Some(given.clone())),
            (Some(_), _) => Err(Refusal::forbidden("E-06", "The sub-channel is not the caller's own.")),
            (None, [only]) => Ok(Some(only.clone())),
            (None, _) => {
                Err(Refusal::bad_request("D-08", "SubChannelId is required: the channel is elastic."))
            }
        }
    }

    /// The sub-channel that a request reads: in a public channel any, as strangers may (rules AUTH-92, AUTH-95, AUTH-96).
    ///
    /// # Errors
    ///
    /// As [`Self::sub_channel`].
    pub(super) fn sub_channel_to_read(
        &self,
        given: Option<&SubChannelId>,
    ) -> Result<Option<SubChannelId>, Refusal> {
        let open = |channel: &Channel| channel.elastic.is_some() && channel.privacy == Privacy::Public;
        match given {
            Some(given) if self.channel.get().is_some_and(open) => Ok(Some(given.clone())),
            _ => self.sub_channel(given),
        }
    }

    /// Whether the caller makes HIDDEN memberships and sees those of others: administrators and moderators do (rule
    /// CHN-10).
    pub(super) fn sees_hidden(&self) -> bool {
        self.caller.admin.exists() || self.caller.moderator.exists()
    }

    /// How the caller's role decides, whether or not it is admitted.
    #[must_use]
    pub fn derive(&self, action: Action, settings: &Settings) -> Derivation {
        decide(action, &self.situation(settings))
    }

    /// The only user that the request names.
    ///
    /// # Errors
    ///
    /// Forbidden when it names none of the app instance (rule APP-07).
    pub fn target(&self) -> Result<&UserFacts, Refusal> {
        let target = self.targets.first().ok_or_else(bad_target)?;
        if target.arn.is_in(&self.arn.app_instance()) { Ok(target) } else { Err(bad_target()) }
    }

    /// Guards that hold the app instance, the channel and the caller's rights as they were read.
    pub fn guards(&self) -> impl Iterator<Item = Guard> {
        [self.instance.guard(), self.channel.guard()].into_iter().chain(self.caller.rights())
    }
}

/// Facts of an operation that names no channel.
#[derive(Clone, Debug)]
pub struct CallerFacts {
    /// The app instance.
    pub instance: Loaded<AppInstance>,
    /// Who acts.
    pub user: Loaded<AppInstanceUser>,
    /// Its administrator row.
    pub admin: Loaded<AppInstanceAdmin>,
}

impl CallerFacts {
    /// Reads the caller as of one moment.
    ///
    /// # Errors
    ///
    /// The store's errors; 401 when the bearer is no user of the app instance.
    pub async fn load(
        store: &dyn Store,
        app_instance: &AppInstanceArn,
        caller: &AppInstanceUserArn,
    ) -> Result<Self, ServiceError> {
        let keys = vec![
            identity_keys::app_instance(app_instance),
            identity_keys::user(caller),
            identity_keys::admin(caller),
        ];
        let found = store.get(&keys).await?;
        let mut reader = Reader { found: found.into_iter(), keys: keys.into_iter() };
        let facts = Self { instance: reader.next()?, user: reader.next()?, admin: reader.next()? };
        let known = facts.instance.get().is_some_and(|instance| instance.arn == *app_instance)
            && facts.user.get().is_some_and(|user| user.arn == *caller)
            && caller.is_in(app_instance);
        if known { Ok(facts) } else { Err(bad_bearer().into()) }
    }
}
