//! ARNs of app instances, users, bots, channels and channel flows.
//!
//! `arn:<partition>:chime:<region>:<account>:app-instance/<id>[/user/<id> | /bot/<id> | /channel/<id> |
//! /channel-flow/<id>]`
//!
//! # Our choices
//!
//! - Whatever takes part in channels is an [`AppInstanceUserArn`], users and bots alike, as the bearer and the member
//!   ARNs of the later models are. Both share one space of ids.

use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::ids::{AppInstanceUserId, ChannelId};
use crate::text::TextError;

/// The longest ARN the models accept, in characters.
pub const MAX_ARN_LENGTH: usize = 1600;

fn fault(expected: &'static str) -> TextError {
    TextError::new("APP-01", expected)
}

/// The length of the part up to and including the app instance id, and what follows it.
fn split(text: &str) -> Option<(usize, &str)> {
    if text.len() > MAX_ARN_LENGTH {
        return None;
    }
    let mut parts = text.splitn(6, ':');
    let is_word = |part: &str| {
        part.len() <= 63
            && part.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b"-.".contains(&b))
    };
    if parts.next()? != "arn" {
        return None;
    }
    let partition = parts.next()?;
    if partition.is_empty() || !is_word(partition) || parts.next()? != "chime" {
        return None;
    }
    let region = parts.next()?;
    let account = parts.next()?;
    if region.is_empty()
        || !is_word(region)
        || account.len() != 12
        || !account.bytes().all(|b| b.is_ascii_digit())
    {
        return None;
    }
    let rest = parts.next()?.strip_prefix("app-instance/")?;
    let (id, tail) = match rest.find('/') {
        Some(at) => rest.split_at(at),
        None => (rest, ""),
    };
    let is_id = (1..=64).contains(&id.len())
        && id.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_');
    is_id.then(|| (text.len() - tail.len(), tail))
}

macro_rules! arn {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(Arc<str>);

        impl $name {
            /// The ARN as text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }

            /// The id of the app instance it belongs to.
            #[must_use]
            pub fn app_instance_id(&self) -> &str {
                self.0.split('/').nth(1).unwrap_or_default()
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl From<$name> for String {
            fn from(arn: $name) -> Self {
                arn.0.as_ref().to_owned()
            }
        }

        impl TryFrom<String> for $name {
            type Error = TextError;

            fn try_from(text: String) -> Result<Self, TextError> {
                Self::parse(&text)
            }
        }
    };
}

arn!(
    /// ARN of an app instance.
    AppInstanceArn
);
arn!(
    /// ARN of a user or a bot of an app instance.
    AppInstanceUserArn
);
arn!(
    /// ARN of a channel flow of an app instance.
    ChannelFlowArn
);
arn!(
    /// ARN of a channel of an app instance.
    ChannelArn
);

impl AppInstanceArn {
    /// The ARN of the app instance `id`, which is a UUID made by the service.
    ///
    /// # Errors
    ///
    /// [`TextError`] when a part does not have the form of an ARN's part.
    pub fn new(partition: &str, region: &str, account: &str, id: &str) -> Result<Self, TextError> {
        Self::parse(&format!("arn:{partition}:chime:{region}:{account}:app-instance/{id}"))
    }

    /// Reads an ARN.
    ///
    /// # Errors
    ///
    /// [`TextError`] when the text is not the ARN of an app instance.
    pub fn parse(text: &str) -> Result<Self, TextError> {
        match split(text) {
            Some((_, "")) => Ok(Self(Arc::from(text))),
            _ => Err(fault("expected the ARN of an app instance")),
        }
    }

    /// The ARN of a user of this app instance.
    #[must_use]
    pub fn user(&self, id: &AppInstanceUserId) -> AppInstanceUserArn {
        AppInstanceUserArn(format!("{self}/user/{id}").into())
    }

    /// The ARN of a bot of this app instance.
    #[must_use]
    pub fn bot(&self, id: &AppInstanceUserId) -> AppInstanceUserArn {
        AppInstanceUserArn(format!("{self}/bot/{id}").into())
    }

    /// The ARN of a channel flow of this app instance.
    #[must_use]
    pub fn channel_flow(&self, id: &ChannelId) -> ChannelFlowArn {
        ChannelFlowArn(format!("{self}/channel-flow/{id}").into())
    }

    /// The ARN of a channel of this app instance.
    #[must_use]
    pub fn channel(&self, id: &ChannelId) -> ChannelArn {
        ChannelArn(format!("{self}/channel/{id}").into())
    }
}

impl AppInstanceUserArn {
    /// Reads an ARN.
    ///
    /// # Errors
    ///
    /// [`TextError`] when the text is not the ARN of a user or a bot.
    pub fn parse(text: &str) -> Result<Self, TextError> {
        let expected = fault("expected the ARN of an app instance user");
        let (_, tail) = split(text).ok_or(expected)?;
        let id = tail.strip_prefix("/user/").or_else(|| tail.strip_prefix("/bot/")).ok_or(expected)?;
        AppInstanceUserId::new(id).map_err(|_| expected)?;
        Ok(Self(Arc::from(text)))
    }

    /// The app instance the user belongs to.
    #[must_use]
    pub fn app_instance(&self) -> AppInstanceArn {
        AppInstanceArn(parent(&self.0))
    }

    /// True for a bot.
    #[must_use]
    pub fn is_bot(&self) -> bool {
        self.0.rsplit('/').nth(1) == Some("bot")
    }

    /// The user's id.
    #[must_use]
    pub fn user_id(&self) -> &str {
        self.0.rsplit('/').next().unwrap_or_default()
    }

    /// True when both belong to one app instance (rule APP-07).
    #[must_use]
    pub fn is_in(&self, app_instance: &AppInstanceArn) -> bool {
        self.0.strip_prefix(app_instance.as_str()).is_some_and(|rest| rest.starts_with('/'))
    }
}

/// What the ARNs of things that an app instance has are alike in: how they are read, and what they tell.
macro_rules! thing {
    ($name:ident, $kind:literal, $id:ident, $rule:literal, $expected:literal) => {
        impl $name {
            /// Reads an ARN.
            ///
            /// # Errors
            ///
            /// [`TextError`] when the text is not one.
            pub fn parse(text: &str) -> Result<Self, TextError> {
                let expected = TextError::new($rule, $expected);
                let (_, tail) = split(text).ok_or(expected)?;
                let id = tail.strip_prefix($kind).ok_or(expected)?;
                ChannelId::new(id).map_err(|_| expected)?;
                Ok(Self(Arc::from(text)))
            }

            /// The app instance it belongs to.
            #[must_use]
            pub fn app_instance(&self) -> AppInstanceArn {
                AppInstanceArn(parent(&self.0))
            }

            /// Its id.
            #[must_use]
            pub fn $id(&self) -> &str {
                self.0.rsplit('/').next().unwrap_or_default()
            }
        }
    };
}

thing!(ChannelArn, "/channel/", channel_id, "CHN-01", "expected the ARN of a channel");
thing!(ChannelFlowArn, "/channel-flow/", flow_id, "IAM-06", "expected the ARN of a channel flow");

/// Everything before the last two segments.
fn parent(text: &str) -> Arc<str> {
    Arc::from(text.rsplitn(3, '/').nth(2).unwrap_or(text))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const APP: &str = "arn:aws:chime:us-east-1:123456789012:app-instance/1d7a-b";

    #[test]
    fn arns_of_each_kind_read_back_and_know_their_parts() {
        let app = AppInstanceArn::new("aws", "us-east-1", "123456789012", "1d7a-b").unwrap();
        assert_eq!(app.as_str(), APP);
        assert_eq!(app.app_instance_id(), "1d7a-b");
        let user = app.user(&AppInstanceUserId::new("a@b.c").unwrap());
        assert_eq!(AppInstanceUserArn::parse(user.as_str()).unwrap(), user);
        assert_eq!((user.user_id(), user.app_instance()), ("a@b.c", app.clone()));
        let bot = app.bot(&AppInstanceUserId::new("b0").unwrap());
        assert_eq!(AppInstanceUserArn::parse(bot.as_str()).unwrap(), bot);
        assert!(bot.is_bot() && !user.is_bot() && bot.is_in(&app));
        let flow = app.channel_flow(&ChannelId::new("f0").unwrap());
        assert_eq!(ChannelFlowArn::parse(flow.as_str()).unwrap(), flow);
        assert_eq!((flow.flow_id(), flow.app_instance()), ("f0", app.clone()));
        let channel = app.channel(&ChannelId::new("general").unwrap());
        assert_eq!(ChannelArn::parse(channel.as_str()).unwrap(), channel);
        assert_eq!((channel.channel_id(), channel.app_instance()), ("general", app.clone()));
        assert!(user.is_in(&app));
        let other = AppInstanceArn::new("aws", "us-east-1", "123456789012", "1d7a").unwrap();
        assert!(!user.is_in(&other), "an id that is a prefix of another is another instance");
    }

    #[test]
    fn what_is_no_arn_is_refused() {
        let long = format!("{APP}/channel/{}", "x".repeat(65));
        let (empty, deeper) = (format!("{APP}/channel/"), format!("{APP}/channel/a/b"));
        for text in ["", "arn", "arn:aws:chime", "arn:aws:s3:::bucket", &empty, &deeper, &long] {
            assert!(ChannelArn::parse(text).is_err(), "{text}");
            assert!(AppInstanceUserArn::parse(text).is_err(), "{text}");
        }
        assert!(AppInstanceArn::parse(&format!("{APP}/user/alice")).is_err());
        assert!(AppInstanceArn::parse("arn:aws:chime:us-east-1:1234:app-instance/x").is_err());
    }

    proptest! {
        #[test]
        fn any_text_is_read_or_refused_without_a_panic(text in ".{0,80}", tail in ".{0,40}") {
            let _ = AppInstanceArn::parse(&text);
            let _ = ChannelArn::parse(&format!("{APP}/channel/{tail}"));
            let _ = AppInstanceUserArn::parse(&format!("{APP}{tail}"));
        }

        #[test]
        fn every_user_arn_round_trips(id in "[A-Za-z0-9]([A-Za-z0-9:._@-]{0,62}[A-Za-z0-9])?") {
            let user = AppInstanceArn::parse(APP).unwrap().user(&AppInstanceUserId::new(&id).unwrap());
            let read = AppInstanceUserArn::parse(user.as_str()).unwrap();
            prop_assert_eq!(read.user_id(), id);
        }
    }
}
