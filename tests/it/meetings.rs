//! Meetings on the reference store: their lives, their attendees, who may join, when they end, what is told of them.

mod ends;
mod events;
mod model;

use std::sync::Arc;
use std::time::Duration;

use chime_adapters::memory::MemoryStore;
use chime_domain::error::ErrorCode::{BadRequest, NotFound, ResourceLimitExceeded, TooManyTags};
use chime_domain::error::ServiceError;
use chime_domain::identity::Tag;
use chime_domain::ids::{AttendeeId, ClientRequestToken, MediaRegion, MeetingId};
use chime_domain::limits::{Limits, Profile, Quota};
use chime_domain::meetings::{
    AdmitError, Attendee, CreateAttendee, CreateMeeting, MediaReport, Meeting, MeetingFeatures,
    VideoResolution, notification_arns,
};
use chime_domain::page::PageRequest;
use chime_domain::ports::{Capabilities, EventTarget, Key, MediaCapability, Store};
use chime_domain::text::{ExternalMeetingId, ExternalUserId, TagKey, TagValue};
use chime_domain::{Chime, Settings};
use chime_tests::{NotedEvents, NotedMedia, World, dump, refused, run};

const MINUTE: Duration = Duration::from_secs(60);

/// A world with its media services and listeners.
struct Place {
    world: World,
    media: Arc<NotedMedia>,
    events: Arc<NotedEvents>,
}

impl Place {
    async fn new() -> Self {
        Self::with(NotedEvents::standing(), |_| {}).await
    }

    async fn quiet() -> Self {
        Self::with(Arc::default(), |_| {}).await
    }

    async fn with(events: Arc<NotedEvents>, change: impl FnOnce(&mut Settings)) -> Self {
        let media = Arc::new(NotedMedia::default());
        let store: Arc<dyn Store> = Arc::new(MemoryStore::new());
        let world = World::with_meetings(store, Arc::clone(&media), Arc::clone(&events), change).await;
        Self { world, media, events }
    }

    async fn limited(quotas: &[(Quota, u64)]) -> Self {
        let limits =
            quotas.iter().fold(Limits::default(), |limits, (quota, value)| limits.with(*quota, *value));
        Self::with(Arc::default(), |settings| settings.limits = limits).await
    }

    fn chime(&self) -> &Chime {
        &self.world.chime
    }

    async fn meeting(&self, token: &str) -> Meeting {
        self.chime().meetings().create_meeting(&creation(token)).await.unwrap()
    }

    async fn attendee(&self, meeting: &Meeting, user: &str) -> Attendee {
        self.chime().meetings().create_attendee(&meeting.id, wanted(user)).await.unwrap()
    }

    async fn report(&self, meeting: &Meeting, report: MediaReport) {
        self.chime().meetings().report(&meeting.id, &meeting.node, report).await.unwrap();
    }

    async fn joins(&self, meeting: &Meeting, attendee: &Attendee) {
        self.report(meeting, MediaReport::Joined { attendee: attendee.id.clone(), content: false }).await;
    }

    async fn leaves(&self, meeting: &Meeting, attendee: &Attendee) {
        self.report(meeting, MediaReport::Left { attendee: attendee.id.clone(), content: false }).await;
    }

    async fn lives(&self, meeting: &Meeting) -> bool {
        match self.chime().meetings().get_meeting(&meeting.id).await {
            Ok(_) => true,
            Err(error) => {
                assert_eq!(refused::<()>(Err(error)), (NotFound, "MTG-19"));
                false
            }
        }
    }

    /// Everything in the store that is of meetings.
    async fn left(&self) -> Vec<String> {
        let all = dump(self.chime()).await;
        let of = ["meeting", "attendee", "task"];
        all.into_iter().filter(|line| of.iter().any(|kind| line.starts_with(kind))).collect()
    }
}

fn token(text: &str) -> ClientRequestToken {
    ClientRequestToken::new(text).unwrap()
}

fn creation(text: &str) -> CreateMeeting {
    CreateMeeting::new(token(text))
}

fn user(text: &str) -> ExternalUserId {
    ExternalUserId::new(text).unwrap()
}

fn wanted(text: &str) -> CreateAttendee {
    CreateAttendee::new(user(text))
}

fn tag(key: &str, value: &str) -> Tag {
    Tag { key: TagKey::new(key).unwrap(), value: TagValue::new(value).unwrap() }
}

#[test]
fn mtg_01_02_06_11_and_14_a_meeting_is_made_with_a_token_alone_in_any_region() {
    run(async {
        let place = Place::quiet().await;
        let meetings = place.chime().meetings();
        let first = place.meeting("t0").await;
        assert_eq!((first.media_region.as_str(), &first.external_id), ("us-east-1", &None));
        let mut command = creation("t1");
        command.media_region = MediaRegion::new("eu-north-1").unwrap();
        command.external_id = Some(ExternalMeetingId::new("standup").unwrap());
        let second = meetings.create_meeting(&command).await.unwrap();
        assert_ne!(first.id, second.id);
        assert_eq!(second.placement.signaling_url, format!("wss://eu-north-1.test/control/{}", second.id));
        assert_eq!(second.placement.audio_host_url, "eu-north-1.test:3478");
        assert_eq!(meetings.get_meeting(&second.id).await.unwrap(), second);
    });
}

#[test]
fn mtg_07_mtg_08_and_mtg_09_one_token_is_one_meeting_by_either_creation_until_it_ends() {
    run(async {
        let place = Place::quiet().await;
        let meetings = place.chime().meetings();
        let first = place.meeting("t0").await;
        let mut again = creation("t0");
        again.media_region = MediaRegion::new("eu-west-1").unwrap();
        assert_eq!(meetings.create_meeting(&again).await.unwrap(), first, "the first writer wins");
        let (same, attendees) = meetings
            .create_meeting_with_attendees(&again, vec![wanted("alice"), wanted("bob")])
            .await
            .unwrap();
        assert_eq!((same, attendees.len()), (first.clone(), 2));
        let (_, again_attendees) =
            meetings.create_meeting_with_attendees(&again, vec![wanted("bob")]).await.unwrap();
        assert_eq!(again_attendees[0], attendees[1]);
        meetings.delete_meeting(&first.id).await.unwrap();
        assert_ne!(meetings.create_meeting(&again).await.unwrap().id, first.id, "the token is free again");
    });
}

#[test]
fn mtg_07_any_combination_of_creations_at_once_makes_exactly_one_meeting() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    runtime.block_on(async {
        for round in 0..20 {
            let place = Arc::new(Place::new().await);
            let creations = (0..8).map(|n| {
                let place = Arc::clone(&place);
                tokio::spawn(async move {
                    let meetings = place.chime().meetings();
                    for _ in 0..(n * 7 + round) % 5 {
                        tokio::task::yield_now().await;
                    }
                    if n % 2 == 0 {
                        meetings.create_meeting(&creation("same")).await.unwrap().id
                    } else {
                        let more = vec![wanted("everybody"), wanted(&format!("user-{n}"))];
                        let made = meetings.create_meeting_with_attendees(&creation("same"), more).await;
                        let (meeting, attendees) = made.unwrap();
                        assert!(attendees.iter().all(Result::is_ok));
                        meeting.id
                    }
                })
            });
            let mut ids = Vec::new();
            for creation in creations.collect::<Vec<_>>() {
                ids.push(creation.await.unwrap());
            }
            assert!(ids.iter().all(|id| *id == ids[0]), "{ids:?}");
            let page = PageRequest::default().within(100);
            let meetings = place.chime().meetings();
            assert_eq!(meetings.list_meetings(&page).await.unwrap().items.len(), 1);
            assert_eq!(meetings.list_attendees(&ids[0], &page).await.unwrap().items.len(), 5);
            place.world.later(Duration::ZERO).await;
            let types = place.events.types();
            assert_eq!(types.iter().filter(|name| *name == "MeetingStarted").count(), 1);
            assert_eq!(types.iter().filter(|name| *name == "AttendeeAdded").count(), 5);
        }
    });
}

#[test]
fn mtg_03_16_and_17_an_external_user_is_one_attendee_with_one_token() {
    run(async {
        let place = Place::quiet().await;
        let meetings = place.chime().meetings();
        let (one, other) = (place.meeting("t0").await, place.meeting("t1").await);
        let alice = place.attendee(&one, "alice").await;
        assert_eq!(place.attendee(&one, "alice").await, alice);
        assert_eq!(alice.external_user_id, user("alice"));
        assert_eq!(meetings.get_attendee(&one.id, &alice.id).await.unwrap(), alice);
        let elsewhere = place.attendee(&other, "alice").await;
        assert_ne!((elsewhere.id, elsewhere.join_token), (alice.id.clone(), alice.join_token.clone()));
        meetings.delete_attendee(&one.id, &alice.id).await.unwrap();
        let anew = place.attendee(&one, "alice").await;
        assert_ne!((anew.id, anew.join_token), (alice.id, alice.join_token));
    });
}

#[test]
fn mtg_18_and_qta_08_a_batch_that_overfills_the_meeting_is_refused_item_by_item() {
    run(async {
        let place = Place::limited(&[(Quota::AttendeesPerMeeting, 3)]).await;
        let meetings = place.chime().meetings();
        let meeting = place.meeting("t0").await;
        place.attendee(&meeting, "alice").await;
        let batch = ["alice", "bob", "carol", "dave", "bob"].map(wanted).to_vec();
        let outcomes = meetings.batch_create_attendee(&meeting.id, batch).await.unwrap();
        let codes: Vec<_> = outcomes.iter().map(|o| o.as_ref().err().map(|r| (r.code(), r.rule()))).collect();
        assert_eq!(codes, [None, None, None, Some((ResourceLimitExceeded, "QTA-08")), None]);
        assert_eq!(outcomes[1].as_ref().unwrap(), outcomes[4].as_ref().unwrap());
        let refusal = place.world.refuses(meetings.create_attendee(&meeting.id, wanted("dave"))).await;
        assert_eq!(refusal, (ResourceLimitExceeded, "QTA-08"));
        let bob = outcomes[1].as_ref().unwrap();
        meetings.delete_attendee(&meeting.id, &bob.id).await.unwrap();
        place.attendee(&meeting, "dave").await;
    });
}

#[test]
fn qta_02_the_250th_attendee_is_taken_and_the_251st_refused() {
    run(async {
        let place = Place::quiet().await;
        let meetings = place.chime().meetings();
        let meeting = place.meeting("t0").await;
        for batch in 0..3 {
            let batch = (0..100).map(|n| wanted(&format!("user-{batch}-{n}"))).collect();
            let outcomes = meetings.batch_create_attendee(&meeting.id, batch).await.unwrap();
            let _ = outcomes;
        }
        let page = PageRequest::default().within(100);
        let mut page = meetings.list_attendees(&meeting.id, &page).await.unwrap();
        let mut count = page.items.len();
        while let Some(next) = page.next {
            let request = PageRequest::new(None, Some(next)).within(100);
            page = meetings.list_attendees(&meeting.id, &request).await.unwrap();
            count += page.items.len();
        }
        assert_eq!(count, 250);
    });
}

#[test]
fn qta_01_the_251st_meeting_is_refused_and_an_ended_one_makes_room() {
    run(async {
        let place = Place::quiet().await;
        let meetings = place.chime().meetings();
        let mut made = Vec::new();
        for n in 0..250 {
            made.push(place.meeting(&format!("token-{n}")).await);
        }
        let refusal = place.world.refuses(meetings.create_meeting(&creation("more"))).await;
        assert_eq!(refusal, (ResourceLimitExceeded, "QTA-01"));
        place.meeting("token-7").await;
        meetings.delete_meeting(&made[0].id).await.unwrap();
        place.meeting("more").await;
        place.world.later(6 * MINUTE).await;
        assert_eq!(meetings.list_meetings(&PageRequest::default()).await.unwrap().items.len(), 0);
        place.meeting("after").await;
    });
}

#[test]
fn mtg_19_what_is_of_no_meeting_is_not_found() {
    run(async {
        let place = Place::quiet().await;
        let meetings = place.chime().meetings();
        let meeting = place.meeting("t0").await;
        let gone = MeetingId::new("00000000-0000-4000-8000-000000000000").unwrap();
        let nobody = AttendeeId::new("00000000-0000-4000-8000-000000000000").unwrap();
        let page = PageRequest::default();
        let all = Capabilities::default();
        let refusals = [
            refused(meetings.get_meeting(&gone).await),
            refused(meetings.delete_meeting(&gone).await),
            refused(meetings.create_attendee(&gone, wanted("alice")).await),
            refused(meetings.list_attendees(&gone, &page).await),
            refused(meetings.get_attendee(&gone, &nobody).await),
            refused(meetings.get_attendee(&meeting.id, &nobody).await),
            refused(meetings.delete_attendee(&meeting.id, &nobody).await),
            refused(meetings.update_attendee_capabilities(&meeting.id, &nobody, all).await),
            refused(meetings.tag_meeting(&gone, &[tag("a", "b")]).await),
            refused(meetings.untag_attendee(&meeting.id, &nobody, &[]).await),
        ];
        assert_eq!(refusals, [(NotFound, "MTG-19"); 10]);
    });
}

#[test]
fn mtg_20_end_07_and_end_08_deleting_a_meeting_ends_it_at_once_and_leaves_nothing() {
    run(async {
        let place = Place::quiet().await;
        let meetings = place.chime().meetings();
        let before = place.left().await;
        let meeting = place.meeting("t0").await;
        let attendee = place.attendee(&meeting, "alice").await;
        place.joins(&meeting, &attendee).await;
        meetings.delete_meeting(&meeting.id).await.unwrap();
        assert!(!place.lives(&meeting).await);
        assert_eq!(refused(meetings.get_attendee(&meeting.id, &attendee.id).await), (NotFound, "MTG-19"));
        let admitted = meetings.admit(meeting.id.as_str(), &attendee.join_token.0).await;
        assert!(matches!(admitted, Err(AdmitError::UnknownMeeting)));
        place.leaves(&meeting, &attendee).await;
        place.world.later(Duration::ZERO).await;
        assert_eq!(place.media.told(), [format!("end {} {}", meeting.id, NotedMedia::NODE)]);
        assert_eq!(place.left().await, before);
    });
}

#[test]
fn mtg_04_05_and_21_a_join_token_is_good_for_one_attendee_of_one_meeting_until_it_is_deleted() {
    run(async {
        let place = Place::quiet().await;
        let meetings = place.chime().meetings();
        let (one, other) = (place.meeting("t0").await, place.meeting("t1").await);
        let (alice, bob) = (place.attendee(&one, "alice").await, place.attendee(&one, "bob").await);
        let at = |meeting: &Meeting, token: &str| {
            let (id, token) = (meeting.id.to_string(), token.to_owned());
            async move { place_admit(meetings, &id, &token).await }
        };
        assert_eq!(at(&one, &alice.join_token.0).await.unwrap(), alice.id);
        assert_eq!(at(&one, &bob.join_token.0).await.unwrap(), bob.id);
        assert_eq!(at(&other, &alice.join_token.0).await, Err("wrong token"));
        let (id, code) = (alice.join_token.0.split_at(32).0, bob.join_token.0.split_at(32).1);
        let mixed = format!("{id}{code}");
        assert_eq!(at(&one, &mixed).await, Err("wrong token"));
        for text in
            ["", "#content", "x", alice.join_token.0.split_at(95).0, &format!("{}0", alice.join_token.0)]
        {
            assert_eq!(at(&one, text).await, Err("wrong token"), "{text}");
        }
        assert_eq!(place_admit(meetings, "none", &alice.join_token.0).await, Err("unknown meeting"));
        meetings.delete_attendee(&one.id, &alice.id).await.unwrap();
        assert_eq!(place.media.told(), [format!("remove {} {} {}", one.id, NotedMedia::NODE, alice.id)]);
        assert_eq!(at(&one, &alice.join_token.0).await, Err("deleted attendee"));
        assert_eq!(at(&one, &bob.join_token.0).await.unwrap(), bob.id);
        assert_eq!(meetings.token_holder(one.id.as_str(), &alice.join_token.0), Some((one.id, alice.id)));
    });
}

async fn place_admit(
    meetings: chime_domain::meetings::Meetings<'_>,
    meeting: &str,
    token: &str,
) -> Result<AttendeeId, &'static str> {
    match meetings.admit(meeting, token).await {
        Ok(admission) => Ok(admission.attendee),
        Err(AdmitError::UnknownMeeting) => Err("unknown meeting"),
        Err(AdmitError::WrongToken) => Err("wrong token"),
        Err(AdmitError::DeletedAttendee) => Err("deleted attendee"),
        Err(error) => panic!("{error}"),
    }
}

#[test]
fn join_tokens_are_letters_and_digits_that_no_log_shows_and_no_record_holds() {
    run(async {
        let place = Place::quiet().await;
        let meeting = place.meeting("t0").await;
        for n in 0..50 {
            let attendee = place.attendee(&meeting, &format!("user-{n}")).await;
            let text = &attendee.join_token.0;
            assert!(text.len() >= 64 && text.bytes().all(|b| b.is_ascii_alphanumeric()), "{text}");
            assert!(!format!("{attendee:?}").contains(text.split_at(32).1));
            assert!(!dump(place.chime()).await.join("\n").contains(text.split_at(32).1));
        }
    });
}

#[test]
fn med_15_and_qta_03_to_05_an_admission_tells_what_counts_for_media() {
    run(async {
        let place =
            Place::with(Arc::default(), |settings| settings.limits = Limits::of(Profile::Of2020)).await;
        let meetings = place.chime().meetings();
        let mut command = creation("t0");
        command.external_id = Some(ExternalMeetingId::new("standup").unwrap());
        command.features = Some(MeetingFeatures {
            video: Some(VideoResolution::Fhd),
            max_attendees: Some(20),
            ..MeetingFeatures::default()
        });
        let meeting = meetings.create_meeting(&command).await.unwrap();
        let alice = place.attendee(&meeting, "alice").await;
        let content = format!("{}#content", alice.join_token.0);
        let admitted = meetings.admit(meeting.id.as_str(), &content).await.unwrap();
        assert!(admitted.content && admitted.attendee == alice.id);
        assert_eq!(admitted.external_user_id, user("alice"));
        let facts = &admitted.meeting;
        assert_eq!((&facts.id, facts.node.as_str()), (&meeting.id, NotedMedia::NODE));
        assert_eq!(facts.features.video, Some(VideoResolution::Fhd));
        let limits = facts.limits;
        assert_eq!((limits.attendees, limits.audio_streams), (20, 250));
        assert_eq!((limits.video_tiles, limits.content_shares), (16, 2));
        assert!(!meetings.admit(meeting.id.as_str(), &alice.join_token.0).await.unwrap().content);
    });
}

#[test]
fn who_joins_while_being_deleted_is_not_there_and_is_disconnected_again() {
    run(async {
        let place = Place::quiet().await;
        let meetings = place.chime().meetings();
        let meeting = place.meeting("t0").await;
        let alice = place.attendee(&meeting, "alice").await;
        meetings.delete_attendee(&meeting.id, &alice.id).await.unwrap();
        place.media.told();
        place.joins(&meeting, &alice).await;
        assert_eq!(place.media.told().len(), 1);
        place.world.later(6 * MINUTE).await;
        assert!(!place.lives(&meeting).await, "it counted as nobody");
    });
}

#[test]
fn capabilities_of_one_and_of_all_but_some_reach_the_media() {
    run(async {
        let place = Place::quiet().await;
        let meetings = place.chime().meetings();
        let meeting = place.meeting("t0").await;
        let (alice, bob) = (place.attendee(&meeting, "alice").await, place.attendee(&meeting, "bob").await);
        assert_eq!(alice.capabilities, Capabilities::default());
        let muted = Capabilities { audio: MediaCapability::Receive, ..Capabilities::default() };
        let changed = meetings.update_attendee_capabilities(&meeting.id, &alice.id, muted).await.unwrap();
        assert_eq!((changed.capabilities, &changed.join_token), (muted, &alice.join_token));
        assert_eq!(place.media.told().len(), 1);
        let except = [alice.id.clone()].into();
        let silent = Capabilities { audio: MediaCapability::None, ..Capabilities::default() };
        meetings.batch_update_attendee_capabilities_except(&meeting.id, &except, silent).await.unwrap();
        assert_eq!(
            place.media.told(),
            [format!("capabilities {} {} {} None", meeting.id, NotedMedia::NODE, bob.id)]
        );
        let of = |id: AttendeeId| {
            let meeting = meeting.id.clone();
            async move { meetings.get_attendee(&meeting, &id).await.unwrap().capabilities }
        };
        assert_eq!((of(alice.id.clone()).await, of(bob.id).await), (muted, silent));
        let wrong = Capabilities { video: MediaCapability::Send, ..Capabilities::default() };
        let refusal = meetings.update_attendee_capabilities(&meeting.id, &alice.id, wrong);
        assert_eq!(place.world.refuses(refusal).await, (BadRequest, "D-11"));
        let mut with = wanted("carol");
        with.capabilities = Some(wrong);
        let command = creation("t1");
        let made = meetings.create_meeting_with_attendees(&command, vec![with]);
        assert_eq!(place.world.refuses(made).await, (BadRequest, "D-11"), "and no meeting is made");
    });
}

#[test]
fn capabilities_of_250_attendees_change_in_steps() {
    run(async {
        let place = Place::quiet().await;
        let meetings = place.chime().meetings();
        let meeting = place.meeting("t0").await;
        for batch in 0..5 {
            let batch = (0..50).map(|n| wanted(&format!("user-{batch}-{n}"))).collect();
            meetings.batch_create_attendee(&meeting.id, batch).await.unwrap();
        }
        let silent = Capabilities { audio: MediaCapability::None, ..Capabilities::default() };
        let except = [AttendeeId::new("00000000-0000-4000-8000-000000000000").unwrap()].into();
        meetings.batch_update_attendee_capabilities_except(&meeting.id, &except, silent).await.unwrap();
        assert_eq!(place.media.told().len(), 250);
    });
}

#[test]
fn a_replica_needs_a_primary_meeting_that_takes_place() {
    run(async {
        let place = Place::quiet().await;
        let meetings = place.chime().meetings();
        let primary = place.meeting("t0").await;
        let replica_of = |id: &MeetingId, token: &str| {
            let mut command = creation(token);
            command.primary = Some(id.clone());
            command
        };
        let replica = meetings.create_meeting(&replica_of(&primary.id, "t1")).await.unwrap();
        assert_eq!(replica.primary, Some(primary.id.clone()));
        assert_eq!(replica.node, primary.node);
        let chained = refused(meetings.create_meeting(&replica_of(&replica.id, "t2")).await);
        assert_eq!(chained, (BadRequest, "D-11"));
        meetings.delete_meeting(&primary.id).await.unwrap();
        let gone = refused(meetings.create_meeting(&replica_of(&primary.id, "t2")).await);
        assert_eq!(gone, (BadRequest, "D-11"));
        assert!(place.lives(&replica).await);
    });
}

fn replica_of(primary: &Meeting, token: &str) -> CreateMeeting {
    let mut command = creation(token);
    command.primary = Some(primary.id.clone());
    command
}

/// The quota as each profile has it, and other numbers: each primary meeting has its own places, and one that ends
/// gives its place up, whichever of the two meetings ends first.
#[test]
fn a_primary_meeting_has_as_many_replicas_at_a_time_as_its_quota_says() {
    let set = |most| Limits::default().with(Quota::ReplicasPerPrimaryMeeting, most);
    let rows =
        [(Limits::of(Profile::Of2020), 4), (Limits::of(Profile::Current), 4), (set(1), 1), (set(0), 0)];
    run(async {
        for (limits, most) in rows {
            let place =
                Place::with(NotedEvents::standing(), |settings| settings.limits = limits.clone()).await;
            let meetings = place.chime().meetings();
            let (primary, other) = (place.meeting("one").await, place.meeting("other").await);
            let mut made = Vec::new();
            for n in 0..most {
                let command = replica_of(&primary, &format!("r{n}"));
                made.push(meetings.create_meeting(&command).await.unwrap());
                assert_eq!(meetings.create_meeting(&command).await.unwrap(), made[n], "the same token again");
            }
            let refusal = place.world.refuses(meetings.create_meeting(&replica_of(&primary, "more"))).await;
            assert_eq!(refusal, (ResourceLimitExceeded, "D-11"), "{most}");
            place.meeting("no-replica").await;
            let Some(first) = made.first() else { continue };
            meetings.create_meeting(&replica_of(&other, "of-another")).await.unwrap();
            meetings.delete_meeting(&first.id).await.unwrap();
            meetings.create_meeting(&replica_of(&primary, "more")).await.unwrap();
            let refusal = refused(meetings.create_meeting(&replica_of(&primary, "too-many")).await);
            assert_eq!(refusal, (ResourceLimitExceeded, "D-11"));
            // With all of them over, its own end first, nothing is left of the count.
            meetings.delete_meeting(&primary.id).await.unwrap();
            place.world.later(6 * MINUTE).await;
            let counter = Key::new("count", &["replicas_per_primary_meeting", primary.id.as_str()]);
            assert_eq!(place.chime().store().count(&counter).await.unwrap(), 0);
        }
    });
}

#[test]
fn tags_of_meetings_and_attendees_are_put_replaced_and_removed_up_to_50() {
    run(async {
        let place = Place::quiet().await;
        let meetings = place.chime().meetings();
        let mut command = creation("t0");
        command.tags = vec![tag("team", "red")];
        let meeting = meetings.create_meeting(&command).await.unwrap();
        meetings.tag_meeting(&meeting.id, &[tag("team", "blue"), tag("x", "1")]).await.unwrap();
        meetings.untag_meeting(&meeting.id, &[TagKey::new("x").unwrap()]).await.unwrap();
        assert_eq!(meetings.get_meeting(&meeting.id).await.unwrap().tags, [tag("team", "blue")]);
        let many: Vec<_> = (0..50).map(|n| tag(&format!("key-{n}"), "v")).collect();
        assert_eq!(refused(meetings.tag_meeting(&meeting.id, &many).await), (TooManyTags, "APP-21"));
        let alice = place.attendee(&meeting, "alice").await;
        meetings.tag_attendee(&meeting.id, &alice.id, &many).await.unwrap();
        let tagged = meetings.get_attendee(&meeting.id, &alice.id).await.unwrap();
        assert_eq!((tagged.tags, tagged.join_token), (many, alice.join_token));
    });
}

#[test]
fn without_room_in_the_media_services_no_meeting_is_made() {
    run(async {
        let place = Place::quiet().await;
        let before = place.left().await;
        place.media.is_full(true);
        let made = place.chime().meetings().create_meeting(&creation("t0")).await;
        assert!(matches!(made, Err(ServiceError::Unavailable { .. })), "{made:?}");
        assert_eq!(place.left().await, before);
        place.media.is_full(false);
        place.meeting("t0").await;
    });
}

#[test]
fn mtg_22_meetings_and_app_instances_have_nothing_to_do_with_each_other() {
    run(async {
        let place = Place::quiet().await;
        let meeting = place.meeting("t0").await;
        place.chime().identity().delete_app_instance(&place.world.app).await.unwrap();
        place.world.later(MINUTE).await;
        assert!(place.lives(&meeting).await);
    });
}
