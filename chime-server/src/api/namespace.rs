//! Which of the client namespaces a request belongs to (wire.md section 8).

use super::operations::Operation;

/// A namespace of the clients: it decides names of errors, codes of success and forms of replies.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Namespace {
    /// The single `chime` namespace of 2020.
    Legacy,
    /// Today's `chime`.
    Chime,
    /// `chime-sdk-identity`.
    Identity,
    /// `chime-sdk-messaging`.
    Messaging,
    /// `chime-sdk-meetings`.
    Meetings,
    /// `chime-sdk-voice`.
    Voice,
    /// `chime-sdk-media-pipelines`.
    Pipelines,
}

use Namespace::{Chime, Identity, Legacy, Meetings, Messaging, Pipelines, Voice};

/// Whose operation it is when nothing else tells: the SDK namespaces first (wire rule N-07).
const BY_DEFAULT: [Namespace; 7] = [Identity, Messaging, Meetings, Chime, Voice, Pipelines, Legacy];

/// What a request shows of its namespace.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Clues<'a> {
    /// The host name the client called.
    pub(crate) host: &'a str,
    /// What a prefix of the path says.
    pub(crate) prefix: Option<Namespace>,
    /// `X-Amz-User-Agent` and `User-Agent`: browsers let a client set the first alone, and elsewhere the second says more.
    pub(crate) user_agents: [Option<&'a str>; 2],
    /// The ARN that a tag operation names.
    pub(crate) tagged: Option<&'a str>,
    /// The body lacks what today's clients always send (wire rule N-05).
    pub(crate) old_body: bool,
    /// The operator serves legacy clients only.
    pub(crate) legacy_by_default: bool,
}

impl Clues<'_> {
    /// Legacy clients put these two names before the host as well (wire rule W-13), so that where they are the ones to be
    /// served, it tells nothing.
    fn is_shared_host(&self, namespace: Namespace) -> bool {
        self.legacy_by_default && matches!(namespace, Identity | Messaging)
    }
}

impl Namespace {
    /// The namespace of a request for `operation`; the first clue that fits the operation decides.
    pub(crate) fn of(operation: &Operation, clues: &Clues<'_>) -> Self {
        let has = |namespace: &Self| operation.services.contains(*namespace);
        let only = || {
            let mut having = BY_DEFAULT.into_iter().filter(has);
            having.next().filter(|_| having.next().is_none())
        };
        let told = [
            Self::of_host(clues.host).filter(|namespace| !clues.is_shared_host(*namespace)),
            clues.prefix,
            clues.user_agents.into_iter().flatten().find_map(Self::of_user_agent),
            only(),
            clues.old_body.then_some(Legacy),
            clues.legacy_by_default.then_some(Legacy),
            clues.tagged.and_then(Self::of_tagged),
        ];
        let told = told.into_iter().flatten().find_map(|namespace| match namespace {
            // Both spell their marks `chime`.
            Chime if !has(&Chime) => Some(Legacy).filter(has),
            namespace => Some(namespace).filter(has),
        });
        told.or_else(|| BY_DEFAULT.into_iter().find(has)).unwrap_or(Legacy)
    }

    /// What the first path segment says (wire rules W-12, N-02).
    pub(crate) fn of_prefix(segment: &str) -> Option<Self> {
        Some(match segment {
            "console" => Legacy,
            "chime" => Chime,
            "identity" => Identity,
            "messaging" => Messaging,
            "meetings-api" => Meetings,
            "voice" => Voice,
            "media-pipelines" => Pipelines,
            _ => return None,
        })
    }

    /// What the host name says (wire rule N-01).
    fn of_host(host: &str) -> Option<Self> {
        let prefixes = [
            ("identity-", Identity),
            ("messaging-", Messaging),
            ("meetings-", Meetings),
            ("voice-", Voice),
            ("media-pipelines-", Pipelines),
        ];
        let starts =
            |prefix: &str| host.get(..prefix.len()).is_some_and(|start| start.eq_ignore_ascii_case(prefix));
        prefixes.into_iter().find(|(prefix, _)| starts(prefix)).map(|(_, namespace)| namespace)
    }

    /// What the JavaScript SDK says of itself (wire rule N-03).
    fn of_user_agent(user_agent: &str) -> Option<Self> {
        let (_, api) = user_agent.split_once("api/chime")?;
        Some(match api.split(['#', ' ', '/']).next()? {
            "" => Chime,
            "-sdk-identity" => Identity,
            "-sdk-messaging" => Messaging,
            "-sdk-meetings" => Meetings,
            "-sdk-voice" => Voice,
            "-sdk-media-pipelines" => Pipelines,
            _ => return None,
        })
    }

    /// Which namespace owns a tagged resource (wire rule N-06).
    fn of_tagged(arn: &str) -> Option<Self> {
        let mut parts = arn.split(':').nth(5)?.split('/');
        Some(match (parts.next()?, parts.nth(1)) {
            ("meeting", _) => Meetings,
            ("vc" | "sma" | "voice-profile-domain", _) => Voice,
            ("media-pipeline" | "media-insights-pipeline-configuration", _) => Pipelines,
            ("app-instance", Some("channel" | "channel-flow")) => Messaging,
            ("app-instance", _) => Identity,
            _ => return None,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::operations;

    fn of(operation: &str, clues: Clues<'_>) -> Namespace {
        let operation = operations::all().find(|row| row.name == operation).unwrap();
        Namespace::of(operation, &clues)
    }

    #[test]
    fn the_best_clue_that_fits_the_operation_decides() {
        let none = Clues::default();
        assert_eq!(of("CreateChannel", none), Messaging);
        assert_eq!(of("CreateChannel", Clues { legacy_by_default: true, ..none }), Legacy);
        let legacy = Clues { legacy_by_default: true, host: "identity-chime.test", ..none };
        assert_eq!(of("GetAppInstanceRetentionSettings", legacy), Legacy);
        assert_eq!(
            of("TagResource", Clues { tagged: Some("arn:aws:chime:r:1:app-instance/a"), ..legacy }),
            Legacy
        );
        let agent = Some("api/chime-sdk-identity#3.9");
        assert_eq!(of("DescribeAppInstance", Clues { user_agents: [agent, None], ..legacy }), Identity);
        assert_eq!(of("CreateMeeting", Clues { host: "meetings-chime.test", ..legacy }), Meetings);
        assert_eq!(of("ListSubChannels", Clues { legacy_by_default: true, ..none }), Messaging);
        assert_eq!(of("ListMeetings", none), Legacy);
        assert_eq!(of("CreateMeeting", none), Meetings);
        assert_eq!(of("CreateMeeting", Clues { prefix: Some(Legacy), ..none }), Legacy);
        assert_eq!(of("CreateMeeting", Clues { old_body: true, ..none }), Legacy);
        assert_eq!(
            of("CreateMeeting", Clues { old_body: true, host: "meetings-chime.test", ..none }),
            Meetings
        );
        assert_eq!(of("CreateAppInstance", Clues { prefix: Some(Chime), ..none }), Legacy);
        assert_eq!(of("CreateAccount", Clues { prefix: Some(Chime), ..none }), Chime);
        assert_eq!(of("GetPhoneNumber", none), Chime);
        assert_eq!(of("GetPhoneNumber", Clues { host: "Voice-chime.test", ..none }), Voice);
        assert_eq!(of("CreateChannel", Clues { host: "identity-chime.test", ..none }), Messaging);
        let agent = "aws-sdk-js/3.9 ua/2.0 os/linux lang/js api/chime-sdk-messaging#3.9 m/E";
        assert_eq!(of("ListTagsForResource", Clues { user_agents: [Some(agent), None], ..none }), Messaging);
        let both = [Some("aws-sdk-js/3.9"), Some(agent)];
        assert_eq!(of("ListTagsForResource", Clues { user_agents: both, ..none }), Messaging);
        let agent = "aws-sdk-js/3.9 api/chime#3.9";
        assert_eq!(of("CreateMeeting", Clues { user_agents: [None, Some(agent)], ..none }), Legacy);
    }

    #[test]
    fn the_tagged_resource_decides_between_the_five_that_share_the_route() {
        let arn = |rest: &str| format!("arn:aws:chime:us-east-1:123456789012:{rest}");
        for (rest, namespace) in [
            ("app-instance/a", Identity),
            ("app-instance/a/user/u", Identity),
            ("app-instance/a/channel/c", Messaging),
            ("meeting/m", Meetings),
            ("vc/v", Voice),
            ("sma/s", Voice),
            ("media-pipeline/p", Pipelines),
            ("something", Identity),
        ] {
            let arn = arn(rest);
            assert_eq!(
                of("TagResource", Clues { tagged: Some(&arn), ..Clues::default() }),
                namespace,
                "{rest}"
            );
        }
    }
}
