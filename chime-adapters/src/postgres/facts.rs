//! What a group of batches touches, read and locked in one round trip.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::time::Duration;

use chime_domain::ports::{Batch, Change, EntryId, Key, Record, Revision};
use chime_domain::time::Timestamp;
use tokio_postgres::types::ToSql;
use tokio_postgres::{Client, Row, Statement};

use super::connect::{Step, pipeline};
use super::error::Failure;
use super::schema::{rows, unsigned};

/// A stream's row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct StreamRow {
    pub(super) id: i64,
    pub(super) seq: u64,
    pub(super) at: Timestamp,
    pub(super) last_kept: Option<Timestamp>,
}

/// An entry that is there.
#[derive(Clone, Debug)]
pub(super) struct Known {
    pub(super) id: EntryId,
    pub(super) seq: u64,
    pub(super) at: Timestamp,
    /// What it holds, if somebody compares it.
    pub(super) body: Option<Record>,
}

/// What is so before the group. Of records, counters and streams, those that are not here do not exist.
#[derive(Debug, Default)]
pub(super) struct Facts {
    /// Revisions of records.
    pub(super) records: HashMap<Key, Revision>,
    pub(super) counters: HashMap<Key, u64>,
    pub(super) streams: HashMap<Key, StreamRow>,
    /// The entries that the group names, and the oldest of streams that it trims.
    pub(super) entries: HashMap<Key, Vec<Known>>,
}

/// What a group asks for.
#[derive(Debug, Default)]
pub(super) struct Wanted<'a> {
    /// Records that may be written; they are locked.
    written: BTreeSet<&'a Key>,
    /// Records that are only guarded.
    guarded: BTreeSet<&'a Key>,
    counters: BTreeSet<&'a Key>,
    streams: BTreeSet<&'a Key>,
    /// Entries by stream and id, and whether what they hold is compared.
    entries: BTreeMap<(&'a Key, &'a str), bool>,
    /// How many of the oldest entries of a stream may be removed.
    oldest: BTreeMap<&'a Key, usize>,
}

impl<'a> Wanted<'a> {
    pub(super) fn of(group: impl Iterator<Item = &'a Batch> + Clone) -> Self {
        let mut wanted = Self::default();
        for change in group.clone().flat_map(|batch| &batch.changes) {
            wanted.change(change);
        }
        for guard in group.clone().flat_map(|batch| &batch.guards) {
            if !wanted.written.contains(&guard.key) {
                wanted.guarded.insert(&guard.key);
            }
        }
        // One that is removed by its id may be among the oldest, and then one more of these is needed.
        for change in group.flat_map(|batch| &batch.changes) {
            if let Change::Remove { stream, .. } = change
                && let Some(oldest) = wanted.oldest.get_mut(stream)
            {
                *oldest = oldest.saturating_add(1);
            }
        }
        wanted
    }

    fn change(&mut self, change: &'a Change) {
        match change {
            Change::Put(key, _) | Change::Delete(key) => drop(self.written.insert(key)),
            Change::Count { counter, .. } => drop(self.counters.insert(counter)),
            Change::Append(append) => self.entry(&append.stream, &append.id, false),
            Change::Replace { stream, id, was, .. } => self.entry(stream, id, was.is_some()),
            Change::Remove { stream, id } => self.entry(stream, id, false),
            Change::Trim { stream, limit, .. } => self.oldest(stream, *limit),
            Change::DropStream(stream) => self.oldest(stream, 0),
        }
    }

    fn entry(&mut self, stream: &'a Key, id: &'a EntryId, compared: bool) {
        self.streams.insert(stream);
        *self.entries.entry((stream, id)).or_default() |= compared;
    }

    fn oldest(&mut self, stream: &'a Key, removed: usize) {
        self.streams.insert(stream);
        // One more than may go: it tells whether the stream is empty then.
        let oldest = self.oldest.entry(stream).or_insert(1);
        *oldest = oldest.saturating_add(removed);
    }

    /// Streams that the group may make, at most.
    pub(super) fn streams(&self) -> usize {
        self.streams.len()
    }
}

/// The statements that read.
pub(super) struct Reading {
    begin: Statement,
    written: Statement,
    counters: Statement,
    streams: Statement,
    guarded: Statement,
    entries: Statement,
    oldest: Statement,
}

impl Reading {
    pub(super) async fn prepare(client: &Client) -> Result<Self, tokio_postgres::Error> {
        Ok(Self {
            begin: client.prepare("BEGIN").await?,
            written: client
                .prepare("SELECT key, revision FROM record WHERE key = ANY($1) ORDER BY key FOR UPDATE")
                .await?,
            counters: client
                .prepare("SELECT key, value FROM counter WHERE key = ANY($1) ORDER BY key FOR UPDATE")
                .await?,
            streams: client
                .prepare(
                    "SELECT key, id, seq, at, last_kept FROM stream WHERE key = ANY($1) ORDER BY key FOR UPDATE",
                )
                .await?,
            guarded: client.prepare("SELECT key, revision FROM record WHERE key = ANY($1)").await?,
            entries: client
                .prepare(
                    // Each in a subquery of its own, which the planner looks up by the index for each row; a join
                    // it would rather read in whole while it takes the tables for small.
                    "SELECT found.key, held.id, held.seq, held.at, CASE WHEN asked.compared THEN held.body END \
                     FROM unnest($1::bytea[], $2::bytea[], $3::boolean[]) AS asked (stream, id, compared) \
                     CROSS JOIN LATERAL (SELECT stream.id, stream.key FROM stream \
                     WHERE stream.key = asked.stream LIMIT 1) AS found \
                     CROSS JOIN LATERAL (SELECT entry.id, entry.seq, entry.at, entry.body FROM entry \
                     WHERE entry.stream = found.id AND entry.id = asked.id LIMIT 1) AS held",
                )
                .await?,
            oldest: client
                .prepare(
                    "SELECT stream.key, oldest.id, oldest.seq, oldest.at, NULL::bytea \
                     FROM unnest($1::bytea[], $2::bigint[]) AS asked (stream, most) \
                     JOIN stream ON stream.key = asked.stream \
                     CROSS JOIN LATERAL (SELECT entry.id, entry.seq, entry.at FROM entry \
                     WHERE entry.stream = stream.id ORDER BY entry.seq LIMIT asked.most) AS oldest",
                )
                .await?,
        })
    }

    /// Begins a transaction, and reads and locks what is wanted.
    ///
    /// INVARIANT: rows are locked in the order of records, counters, streams, each by key; so two transactions do not
    /// wait for each other.
    pub(super) async fn read(
        &self,
        client: &Client,
        wanted: &Wanted<'_>,
        within: Duration,
    ) -> Result<Facts, Failure> {
        let written = bytes(&wanted.written);
        let counters = bytes(&wanted.counters);
        let streams = bytes(&wanted.streams);
        let guarded = bytes(&wanted.guarded);
        let of: Vec<&[u8]> = wanted.entries.keys().map(|(stream, _)| stream.as_str().as_bytes()).collect();
        let ids: Vec<&[u8]> = wanted.entries.keys().map(|(_, id)| id.as_bytes()).collect();
        let compared: Vec<bool> = wanted.entries.values().copied().collect();
        let trimmed: Vec<&[u8]> = wanted.oldest.keys().map(|stream| stream.as_str().as_bytes()).collect();
        let most: Vec<i64> = wanted.oldest.values().map(|most| rows(*most)).collect();

        let parameters: [(&Statement, Vec<&(dyn ToSql + Sync)>, bool); 6] = [
            (&self.written, vec![&written], !written.is_empty()),
            (&self.counters, vec![&counters], !counters.is_empty()),
            (&self.streams, vec![&streams], !streams.is_empty()),
            (&self.guarded, vec![&guarded], !guarded.is_empty()),
            (&self.entries, vec![&of, &ids, &compared], !of.is_empty()),
            (&self.oldest, vec![&trimmed, &most], !trimmed.is_empty()),
        ];
        let mut steps: Vec<Step<'_>> = vec![Box::pin(client.query(&self.begin, &[]))];
        for (statement, parameters, needed) in &parameters {
            if *needed {
                steps.push(Box::pin(client.query(*statement, parameters)));
            }
        }
        let mut answers = pipeline(steps, within).await?.into_iter().skip(1);
        let mut of = |place: usize| match parameters.get(place) {
            Some((_, _, true)) => answers.next().unwrap_or_default(),
            _ => Vec::new(),
        };
        let mut facts = Facts::default();
        for row in of(0) {
            facts.records.insert(key(&row, 0)?, unsigned(row.try_get(1)?));
        }
        for row in of(1) {
            facts.counters.insert(key(&row, 0)?, unsigned(row.try_get(1)?));
        }
        for row in of(2) {
            let found = StreamRow {
                id: row.try_get(1)?,
                seq: unsigned(row.try_get(2)?),
                at: Timestamp::from_millis(row.try_get(3)?),
                last_kept: row.try_get::<_, Option<i64>>(4)?.map(Timestamp::from_millis),
            };
            facts.streams.insert(key(&row, 0)?, found);
        }
        for row in of(3) {
            facts.records.insert(key(&row, 0)?, unsigned(row.try_get(1)?));
        }
        for place in [4, 5] {
            for row in of(place) {
                let known = Known {
                    id: text(row.try_get(1)?).into(),
                    seq: unsigned(row.try_get(2)?),
                    at: Timestamp::from_millis(row.try_get(3)?),
                    body: row.try_get::<_, Option<Vec<u8>>>(4)?.map(Record::from_bytes),
                };
                facts.entries.entry(key(&row, 0)?).or_default().push(known);
            }
        }
        Ok(facts)
    }
}

fn bytes<'a>(keys: &BTreeSet<&'a Key>) -> Vec<&'a [u8]> {
    keys.iter().map(|key| key.as_str().as_bytes()).collect()
}

/// The key in a column.
pub(super) fn key(row: &Row, column: usize) -> Result<Key, tokio_postgres::Error> {
    Ok(Key::from_stored(text(row.try_get(column)?)))
}

/// What we stored as a text. Another's bytes, if there are any, are nobody's key.
pub(super) fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).unwrap_or_default()
}
