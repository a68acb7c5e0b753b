//! What the table says of one operation.

use super::super::namespace::Namespace;

/// One operation: a route, and what the stages before its handler need to know.
#[derive(Clone, Copy, Debug)]
pub struct Operation {
    /// Its documented name, that of the SDK namespace where two differ (wire rule D-03).
    pub name: &'static str,
    /// The name that the single namespace of 2020 gives it, if another. Policies may grant either (rule IAM-21).
    pub legacy_name: Option<&'static str>,
    /// Its HTTP method.
    pub method: &'static str,
    /// Its path with `{label}`s, and the literal query parameter that selects it (wire rule W-02).
    pub route: &'static str,
    /// The namespaces that have it.
    pub services: Services,
    /// Status of success (wire rule R-01).
    pub code: u16,
    /// Status of success in the single namespace of 2020.
    pub legacy_code: u16,
    /// What a policy has to allow it on (rules IAM-06 to IAM-14).
    pub resource: Resource,
    /// Whether it acts as the user named by `x-amz-chime-bearer` (wire rule D-01).
    pub bearer: Bearer,
}

/// Whether an operation acts as a user.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bearer {
    /// It does not; the header is ignored.
    Unused,
    /// It may.
    Optional,
    /// It must.
    Required,
}

/// The resources of an operation in policies, by which part of the request names them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Resource {
    /// `*`: a statement limited to ARNs does not grant it (rule IAM-12).
    Any,
    /// The acting user and the channel (rules IAM-06, IAM-07).
    ActingUserAndChannel,
    /// The acting user (rule IAM-08).
    ActingUser,
    /// The channel alone; who acts is not a user.
    Channel,
    /// The user named in the path, or every user of the app instance named in the query (rule IAM-09).
    User,
    /// The app instance, and the user who is or becomes its administrator (rule IAM-10).
    AppInstanceAndUser,
    /// The app instance, or every one of the account when none is named (rule IAM-11).
    AppInstance,
    /// The bot.
    Bot,
    /// The channel flow.
    ChannelFlow,
    /// The meeting (rule IAM-13).
    Meeting,
    /// The voice connector (rule IAM-14).
    VoiceConnector,
    /// The SIP media application (rule IAM-14).
    SipMediaApplication,
    /// Whatever is tagged.
    Tagged,
}

/// A set of namespaces.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Services(u8);

impl Services {
    const fn of(namespaces: &[Namespace]) -> Self {
        let mut bits = 0;
        let mut rest = namespaces;
        while let [first, others @ ..] = rest {
            bits |= 1 << *first as u8;
            rest = others;
        }
        Self(bits)
    }

    /// Whether the namespace is in the set.
    #[must_use]
    pub const fn contains(self, namespace: Namespace) -> bool {
        self.0 & 1 << namespace as u8 != 0
    }
}

/// The sets that occur, by the letters of wire.md: Legacy, Chime, Identity, Messaging, meeTings, Voice, Pipelines.
pub(super) mod services {
    use super::Services;
    use crate::api::namespace::Namespace::{Chime, Identity, Legacy, Meetings, Messaging, Pipelines, Voice};

    pub(in super::super) const L: Services = Services::of(&[Legacy]);
    pub(in super::super) const CL: Services = Services::of(&[Chime, Legacy]);
    pub(in super::super) const CLV: Services = Services::of(&[Chime, Legacy, Voice]);
    pub(in super::super) const I: Services = Services::of(&[Identity]);
    pub(in super::super) const IL: Services = Services::of(&[Identity, Legacy]);
    pub(in super::super) const M: Services = Services::of(&[Messaging]);
    pub(in super::super) const ML: Services = Services::of(&[Messaging, Legacy]);
    pub(in super::super) const T: Services = Services::of(&[Meetings]);
    pub(in super::super) const TL: Services = Services::of(&[Meetings, Legacy]);
    pub(in super::super) const V: Services = Services::of(&[Voice]);
    pub(in super::super) const VL: Services = Services::of(&[Voice, Legacy]);
    pub(in super::super) const P: Services = Services::of(&[Pipelines]);
    pub(in super::super) const IMTVPL: Services =
        Services::of(&[Identity, Messaging, Meetings, Voice, Pipelines, Legacy]);
}

impl Operation {
    /// The name a namespace knows it by.
    #[must_use]
    pub fn name_in(&self, namespace: Namespace) -> &'static str {
        self.legacy_name.filter(|_| namespace == Namespace::Legacy).unwrap_or(self.name)
    }

    /// Status of success in a namespace.
    #[must_use]
    pub fn code_in(&self, namespace: Namespace) -> u16 {
        if namespace == Namespace::Legacy { self.legacy_code } else { self.code }
    }

    /// The path template, without the literal query.
    #[must_use]
    pub fn path(&self) -> &'static str {
        self.route.split_once('?').map_or(self.route, |(path, _)| path)
    }

    /// Name and value of the literal query parameter.
    #[must_use]
    pub fn literal(&self) -> Option<(&'static str, &'static str)> {
        self.route.split_once('?')?.1.split_once('=')
    }

    pub(super) const fn bearer(mut self) -> Self {
        self.bearer = Bearer::Required;
        self
    }

    pub(super) const fn bearer_optional(mut self) -> Self {
        self.bearer = Bearer::Optional;
        self
    }

    pub(super) const fn legacy(mut self, name: &'static str) -> Self {
        self.legacy_name = Some(name);
        self
    }

    pub(super) const fn legacy_code(mut self, code: u16) -> Self {
        self.legacy_code = code;
        self
    }
}

macro_rules! methods {
    ($($name:ident $method:literal)*) => {$(
        pub(super) const fn $name(
            route: &'static str,
            name: &'static str,
            code: u16,
            services: Services,
            resource: Resource,
        ) -> Operation {
            Operation {
                name,
                legacy_name: None,
                method: $method,
                route,
                services,
                code,
                legacy_code: code,
                resource,
                bearer: Bearer::Unused,
            }
        }
    )*};
}

methods! { get "GET" post "POST" put "PUT" delete "DELETE" }
