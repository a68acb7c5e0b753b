//! Claims about a store that several threads write to.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;

use super::run::{Run, drive};
use super::things::{all, append, batch, count, guard, key, put, thing};
use crate::error::StoreError;
use crate::ports::{Batch, Position, Scan, Store};

type Subject = Arc<dyn Store>;

const WRITERS: usize = 8;
const EACH: usize = 40;

/// Runs `writer` on several threads and gives what each returned.
fn writers<T: Send>(run: Run, writer: impl AsyncWriter<T>) -> Vec<T> {
    thread::scope(|scope| {
        let writer = &writer;
        let handles: Vec<_> =
            (0..WRITERS).map(|n| scope.spawn(move || drive(run, writer.write(n)))).collect();
        handles.into_iter().map(|handle| handle.join().unwrap()).collect()
    })
}

/// What one thread does; a closure that gives a future that can be sent.
trait AsyncWriter<T>: Sync {
    fn write(&self, n: usize) -> impl Future<Output = T> + Send;
}

impl<T, F, W> AsyncWriter<T> for W
where
    F: Future<Output = T> + Send,
    W: Fn(usize) -> F + Sync,
{
    fn write(&self, n: usize) -> impl Future<Output = T> + Send {
        self(n)
    }
}

/// Tells the readers to stop, also when a claim about the writer does not hold.
struct Over<'a>(&'a AtomicBool);

impl Drop for Over<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

pub fn many_writers_of_one_stream_lose_nothing_and_leave_no_gap(store: Subject, run: Run) {
    let stamps = writers(run, |writer| {
        let store = Arc::clone(&store);
        async move {
            let mut stamps = Vec::new();
            for n in 0..EACH {
                let done =
                    store.commit(batch([append("s", &format!("{writer}-{n}"), n as i64)])).await.unwrap();
                stamps.push((format!("{writer}-{n}"), done.stamps[0]));
            }
            stamps
        }
    });
    for own in &stamps {
        assert!(
            own.windows(2).all(|pair| pair[0].1.seq < pair[1].1.seq),
            "a writer's entries are out of order"
        );
    }
    let told: HashMap<String, _> = stamps.into_iter().flatten().collect();
    let (entries, announced) = drive(run, async {
        (store.entries(all("s")).await.unwrap(), store.announced(Position::default(), 100_000).await.unwrap())
    });
    let seqs: Vec<u64> = entries.iter().map(|entry| entry.stamp.seq).collect();
    assert_eq!(seqs, (1..=(WRITERS * EACH) as u64).collect::<Vec<_>>());
    assert!(entries.windows(2).all(|pair| pair[0].stamp.at <= pair[1].stamp.at));
    assert!(entries.iter().all(|entry| told[&*entry.id] == entry.stamp));
    let announced: Vec<u64> = announced.into_iter().map(|announced| announced.entry.unwrap().1.seq).collect();
    assert_eq!(announced, seqs, "the outbox has another order than the stream");
}

pub fn each_of_many_streams_keeps_its_order_in_the_outbox(store: Subject, run: Run) {
    writers(run, |writer| {
        let store = Arc::clone(&store);
        async move {
            for n in 0..EACH {
                let stream = format!("s{}", (writer + n) % 3);
                store.commit(batch([append(&stream, &format!("{writer}-{n}"), 0)])).await.unwrap();
            }
        }
    });
    let announced = drive(run, store.announced(Position::default(), 100_000)).unwrap();
    assert_eq!(announced.len(), WRITERS * EACH);
    let mut last = HashMap::new();
    for announced in announced {
        let seq = announced.entry.unwrap().1.seq;
        let before = last.insert(announced.subject, seq).unwrap_or_default();
        assert_eq!(seq, before + 1);
    }
}

pub fn of_writers_guarded_on_one_revision_exactly_one_wins(store: Subject, run: Run) {
    for round in 0..EACH {
        let won = AtomicUsize::new(0);
        let seen = drive(run, store.get(&[key("a")])).unwrap()[0].as_ref().map(|found| found.revision);
        writers(run, |writer| {
            let (store, won) = (Arc::clone(&store), &won);
            async move {
                let text = format!("{round}-{writer}");
                let changes = [put("a", &text), append("s", &text, 0), count("n", 1, None)];
                match store.commit(Batch { guards: vec![guard("a", seen)], ..batch(changes) }).await {
                    Ok(_) => drop(won.fetch_add(1, Ordering::Relaxed)),
                    Err(StoreError::Conflict) => {}
                    Err(error) => panic!("{error}"),
                }
            }
        });
        assert_eq!(won.into_inner(), 1);
        let (count, entries) = drive(run, async {
            (store.count(&key("n")).await.unwrap(), store.entries(all("s")).await.unwrap())
        });
        assert_eq!(count, round as u64 + 1);
        assert_eq!(entries.len(), round + 1);
    }
}

pub fn no_update_is_lost_when_writers_try_again(store: Subject, run: Run) {
    drive(run, store.commit(batch([put("sum", "0")]))).unwrap();
    writers(run, |_| {
        let store = Arc::clone(&store);
        async move {
            for _ in 0..EACH / 4 {
                loop {
                    let found = store.get(&[key("sum")]).await.unwrap()[0].clone().unwrap();
                    let sum: u64 = found.record.read::<super::Thing>().unwrap().text.parse().unwrap();
                    let guards = vec![guard("sum", Some(found.revision))];
                    let next = batch([put("sum", &(sum + 1).to_string())]);
                    match store.commit(Batch { guards, ..next }).await {
                        Ok(_) => break,
                        Err(StoreError::Conflict) => {}
                        Err(error) => panic!("{error}"),
                    }
                }
            }
        }
    });
    let found = drive(run, store.get(&[key("sum")])).unwrap()[0].clone().unwrap();
    assert_eq!(found.record, thing(&(WRITERS * (EACH / 4)).to_string()));
}

pub fn concurrent_counting_never_passes_the_limit(store: Subject, run: Run) {
    const LIMIT: u64 = 100;
    let made = writers(run, |writer| {
        let store = Arc::clone(&store);
        async move {
            let mut made = 0;
            for n in 0..EACH {
                let changes = [put(&format!("member/{writer}-{n}"), "x"), count("members", 1, Some(LIMIT))];
                match store.commit(batch(changes)).await {
                    Ok(_) => made += 1,
                    Err(StoreError::LimitReached { .. }) => {}
                    Err(error) => panic!("{error}"),
                }
            }
            made
        }
    });
    let (count, kept) = drive(run, async {
        let scan = Scan { prefix: "member/".to_owned(), after: None, before: None, limit: 10_000 };
        (store.count(&key("members")).await.unwrap(), store.scan(scan).await.unwrap().len() as u64)
    });
    assert_eq!(made.iter().sum::<u64>(), LIMIT);
    assert_eq!((count, kept), (LIMIT, LIMIT));
}

pub fn an_entry_id_is_given_once_among_many_writers(store: Subject, run: Run) {
    let made = writers(run, |_| {
        let store = Arc::clone(&store);
        async move {
            let mut made = Vec::new();
            for n in 0..EACH {
                match store.commit(batch([append("s", &n.to_string(), 0)])).await {
                    Ok(_) => made.push(n),
                    Err(StoreError::Conflict) => {}
                    Err(error) => panic!("{error}"),
                }
            }
            made
        }
    });
    let made: Vec<usize> = made.into_iter().flatten().collect();
    assert_eq!(made.len(), EACH);
    assert_eq!(made.into_iter().collect::<BTreeSet<_>>().len(), EACH);
    let entries = drive(run, store.entries(all("s"))).unwrap();
    assert_eq!(entries.last().unwrap().stamp.seq, EACH as u64);
}

pub fn what_one_commit_wrote_is_never_seen_in_part(store: Subject, run: Run) {
    let keys: Vec<String> = (0..4).map(|n| format!("pair/{n}")).collect();
    let write = |text: &str| batch(keys.iter().map(|at| put(at, text)));
    drive(run, store.commit(write("start"))).unwrap();
    let over = AtomicBool::new(false);
    thread::scope(|scope| {
        let readers: Vec<_> = (0..3)
            .map(|reader| {
                let (store, over, keys) = (Arc::clone(&store), &over, &keys);
                scope.spawn(move || {
                    let mut reads = 0;
                    while !over.load(Ordering::Relaxed) || reads < 10 {
                        // Different parts of the group, so that a cache holds some of the keys and lacks others.
                        let wanted = keys.iter().skip(reads % 2).step_by(1 + reads % 3).map(|at| key(at));
                        let wanted: Vec<_> = wanted.collect();
                        let found = drive(run, async {
                            if reader == 0 {
                                let scan =
                                    Scan { prefix: "pair/".into(), after: None, before: None, limit: 9 };
                                let found = store.scan(scan).await.unwrap();
                                found.into_iter().map(|(_, found)| found).collect::<Vec<_>>()
                            } else {
                                store.get(&wanted).await.unwrap().into_iter().flatten().collect()
                            }
                        });
                        let first = &found.first().unwrap().record;
                        assert!(found.iter().all(|found| found.record == *first), "seen in part: {found:?}");
                        reads += 1;
                    }
                })
            })
            .collect();
        let ending = Over(&over);
        for n in 0..200 {
            drive(run, store.commit(write(&n.to_string()))).unwrap();
            // A key that is read together with the others, or not at all, so that reads mix.
            if n % 7 == 0 {
                drive(run, store.commit(batch([put("other", "x")]))).unwrap();
            }
        }
        drop(ending);
        for reader in readers {
            reader.join().unwrap();
        }
    });
}

pub fn a_reader_never_sees_a_record_go_back(store: Subject, run: Run) {
    drive(run, store.commit(batch([put("a", "x"), put("b", "x")]))).unwrap();
    let over = AtomicBool::new(false);
    thread::scope(|scope| {
        for _ in 0..3 {
            let (store, over) = (Arc::clone(&store), &over);
            scope.spawn(move || {
                let mut last = 0;
                while !over.load(Ordering::Relaxed) {
                    let found = drive(run, store.get(&[key("a"), key("b")])).unwrap();
                    let revision = found[0].as_ref().unwrap().revision;
                    assert!(revision >= last, "revision {last} was seen, then {revision}");
                    last = revision;
                }
            });
        }
        let _ending = Over(&over);
        for n in 0..300 {
            let own = drive(run, async {
                store.commit(batch([put("a", &n.to_string())])).await.unwrap();
                store.get(&[key("a")]).await.unwrap()[0].clone().unwrap()
            });
            assert_eq!(own.record, thing(&n.to_string()), "a commit was not read at once");
        }
    });
}
