//! What takes long: it holds up nothing that is timed, and is somebody's for as long as it takes.

use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use chime_adapters::SystemEntropy;
use chime_domain::Chime;
use chime_domain::access::Mode::Restricted;
use chime_domain::access::Privacy::Public;
use chime_domain::flow::{Lane, Task, TaskKind};
use chime_domain::ids::ClientRequestToken;
use chime_domain::meetings::CreateMeeting;
use chime_domain::ports::{Clock, Scan, Store};
use chime_tests::{HeldStore, World, run};

const DAY: Duration = Duration::from_secs(86_400);
const LEASE: Duration = Duration::from_secs(60);

/// Two servers on one store. A channel has a message that is to be deleted as soon as anybody sweeps.
struct Place {
    store: Arc<HeldStore>,
    world: World,
    other: Chime,
}

impl Place {
    async fn new() -> Self {
        let store = Arc::new(HeldStore::new(true));
        let world = World::with(Arc::clone(&store) as Arc<dyn Store>, |_| {}).await;
        let clock = Arc::clone(&world.clock) as Arc<dyn Clock>;
        let shared = Arc::clone(&store) as Arc<dyn Store>;
        let other = Chime::shared(shared, clock, Arc::new(SystemEntropy)).build().await.unwrap();
        let alice = world.user("alice").await;
        let channel = world.channel(&alice, Public, Restricted).await;
        world.send(&alice, &channel, "old").await.unwrap();
        world.chime.identity().put_app_instance_retention_settings(&world.app, Some(1)).await.unwrap();
        world.clock.advance(30 * DAY);
        Self { store, world, other }
    }

    /// The sweeps that wait or are under way.
    async fn sweeps(&self) -> Vec<Task> {
        let scan = Scan { prefix: "task/".into(), after: None, before: None, limit: usize::MAX };
        let tasks = self.store.scan(scan).await.unwrap();
        let tasks = tasks.iter().map(|(_, found)| (*found.record.read::<Task>().unwrap()).clone());
        tasks.filter(|task| task.kind == TaskKind::SweepRetention).collect()
    }

    /// The sweep was done, and the next is in an hour.
    async fn is_swept(&self) {
        let [next] = &self.sweeps().await[..] else { panic!("{:?}", self.sweeps().await) };
        assert!(next.due > self.world.clock.now() && next.leased.is_none(), "{next:?}");
    }
}

/// Lets everybody else go on.
async fn a_while() {
    for _ in 0..50 {
        tokio::task::yield_now().await;
    }
}

/// What ends although patient commits are held.
async fn soon<T>(future: impl Future<Output = T>) -> T {
    tokio::time::timeout(Duration::from_secs(5), future).await.expect("it waits for a sweep")
}

#[test]
fn ret_03_a_sweep_commits_nothing_where_nothing_is_due() {
    run(async {
        let store = Arc::new(HeldStore::new(false));
        let world = World::with(Arc::clone(&store) as Arc<dyn Store>, |_| {}).await;
        let alice = world.user("alice").await;
        let (empty, new, old) = (
            world.channel(&alice, Public, Restricted).await,
            world.channel(&alice, Public, Restricted).await,
            world.channel(&alice, Public, Restricted).await,
        );
        world.chime.identity().put_app_instance_retention_settings(&world.app, Some(20)).await.unwrap();
        world.days_later(15).await;
        world.send(&alice, &new, "new").await.unwrap();
        world.days_later(15).await;
        world.send(&alice, &old, "old one day").await.unwrap();
        world.later(Duration::from_secs(3600)).await;
        assert_eq!(store.patient(), 0, "in any of {empty}, {new}, {old}");
        world.days_later(6).await;
        assert_eq!(store.patient(), 1, "in one of them, once");
        assert_eq!(world.texts(&alice, &old).await, ["old one day"]);
    });
}

#[test]
fn end_01_a_meeting_ends_while_a_sweep_goes_on() {
    run(async {
        let place = Place::new().await;
        let chime = &place.world.chime;
        let token = ClientRequestToken::new("token").unwrap();
        let meeting = chime.meetings().create_meeting(&CreateMeeting::new(token)).await.unwrap();
        let other = place.other.clone();
        let sweep = tokio::spawn(async move { other.run_due_in(&[Lane::Patient]).await });
        a_while().await;
        place.world.clock.advance(Duration::from_secs(301));
        assert!(soon(chime.run_due_in(&[Lane::Inward])).await.unwrap() > 0);
        assert!(chime.meetings().get_meeting(&meeting.id).await.is_err(), "it still lives");
        assert_eq!(place.store.patient(), 1, "it ended because nothing was swept");
        place.store.let_go();
        sweep.await.unwrap().unwrap();
        place.is_swept().await;
    });
}

#[test]
fn ret_03_a_sweep_that_takes_longer_than_a_lease_is_one_servers_to_its_end() {
    run(async {
        let place = Place::new().await;
        let first = place.world.chime.clone();
        let first = tokio::spawn(async move { first.run_due().await });
        a_while().await;
        for _ in 0..20 {
            place.world.clock.advance(LEASE / 2);
            a_while().await;
            assert_eq!(soon(place.other.run_due()).await.unwrap(), 0, "two servers sweep");
        }
        place.store.let_go();
        first.await.unwrap().unwrap();
        place.is_swept().await;
        assert_eq!(place.other.run_due().await.unwrap(), 0, "it is not finished");
        assert_eq!(place.store.patient(), 1);
    });
}

#[test]
fn ret_03_the_sweep_of_a_server_that_is_not_heard_of_is_anothers_and_that_server_gives_it_up() {
    run(async {
        let place = Place::new().await;
        let mut first = pin!(place.world.chime.run_due());
        tokio::select! {
            biased;
            done = &mut first => panic!("{done:?}"),
            () = a_while() => {}
        }
        place.world.clock.advance(LEASE - Duration::from_millis(1));
        assert_eq!(soon(place.other.run_due()).await.unwrap(), 0, "the lease lasts");
        place.world.clock.advance(Duration::from_millis(1));
        let other = place.other.clone();
        let second = tokio::spawn(async move { other.run_due().await });
        a_while().await;
        assert_eq!(place.store.patient(), 2, "another begins");
        soon(first).await.unwrap();
        place.store.let_go();
        second.await.unwrap().unwrap();
        place.is_swept().await;
        assert_eq!(place.store.patient(), 2);
    });
}
