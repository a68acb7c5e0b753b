//! What a group changes, written in one round trip, which also ends the transaction.

use std::time::Duration;

use chime_domain::ports::{Announced, Key, Position};
use chime_domain::time::Timestamp;
use tokio_postgres::types::ToSql;
use tokio_postgres::{Client, Statement};

use super::apply::{Draft, Fate, State};
use super::connect::{Step, pipeline};
use super::error::Failure;
use super::facts::StreamRow;
use super::schema::{signed, unsigned};

/// Key of the advisory lock of whoever is about to end a transaction: "chime" and a number.
const TURN: i64 = 0x6368_696d_6500_0003;

/// The changes as columns.
#[derive(Debug, Default)]
struct Columns<'a> {
    removed_of: Vec<i64>,
    removed: Vec<i64>,
    dropped: Vec<i64>,
    replaced_of: Vec<i64>,
    replaced: Vec<i64>,
    replaced_body: Vec<&'a [u8]>,
    made: Rows<'a>,
    moved: Rows<'a>,
    entry_of: Vec<i64>,
    entry_seq: Vec<i64>,
    entry_id: Vec<&'a [u8]>,
    entry_at: Vec<i64>,
    entry_body: Vec<&'a [u8]>,
    deleted: Vec<&'a [u8]>,
    changed: Vec<&'a [u8]>,
    changed_body: Vec<&'a [u8]>,
    new: Vec<&'a [u8]>,
    new_body: Vec<&'a [u8]>,
    counted: Vec<&'a [u8]>,
    counted_value: Vec<i64>,
    counter: Vec<&'a [u8]>,
    counter_value: Vec<i64>,
    /// Counters that are at zero again, as if they had never been.
    at_zero: Vec<&'a [u8]>,
}

/// Rows of streams.
#[derive(Debug, Default)]
struct Rows<'a> {
    id: Vec<i64>,
    key: Vec<&'a [u8]>,
    seq: Vec<i64>,
    at: Vec<i64>,
    last_kept: Vec<Option<i64>>,
}

impl<'a> Rows<'a> {
    fn push(&mut self, key: &'a Key, row: &StreamRow) {
        self.id.push(row.id);
        self.key.push(key.as_str().as_bytes());
        self.seq.push(signed(row.seq));
        self.at.push(row.at.millis());
        self.last_kept.push(row.last_kept.map(Timestamp::millis));
    }
}

impl<'a> Columns<'a> {
    fn of(state: &'a State) -> Self {
        let mut columns = Self::default();
        for dropped in &state.dropped {
            if let Some(row) = dropped.stored {
                columns.dropped.push(row.id);
                let gone = dropped.slots.iter().filter(|(_, slot)| slot.stored);
                for (seq, _) in gone {
                    columns.removed_of.push(row.id);
                    columns.removed.push(signed(*seq));
                }
            }
        }
        // In the order of keys, as everything that may wait for another transaction.
        let mut streams: Vec<_> = state.streams.iter().collect();
        streams.sort_unstable_by_key(|(key, _)| *key);
        for (key, stream) in streams {
            let Some(now) = &stream.now else { continue };
            match &stream.stored {
                None => columns.made.push(key, now),
                Some(stored) if stored != now => columns.moved.push(key, now),
                Some(_) => {}
            }
            for (seq, slot) in &stream.slots {
                match (slot.stored, slot.removed, &slot.new) {
                    (true, true, _) => {
                        columns.removed_of.push(now.id);
                        columns.removed.push(signed(*seq));
                    }
                    (true, false, Some(record)) => {
                        columns.replaced_of.push(now.id);
                        columns.replaced.push(signed(*seq));
                        columns.replaced_body.push(record.bytes());
                    }
                    (false, false, Some(record)) => {
                        columns.entry_of.push(now.id);
                        columns.entry_seq.push(signed(*seq));
                        columns.entry_id.push(slot.id.as_bytes());
                        columns.entry_at.push(slot.at.millis());
                        columns.entry_body.push(record.bytes());
                    }
                    _ => {}
                }
            }
        }
        let mut records: Vec<_> = state.records.iter().collect();
        records.sort_unstable_by_key(|(key, _)| *key);
        for (key, fate) in records {
            let text = key.as_str().as_bytes();
            match (fate, state.stored(key)) {
                (Fate::Put(record), Some(_)) => {
                    columns.changed.push(text);
                    columns.changed_body.push(record.bytes());
                }
                (Fate::Put(record), None) => {
                    columns.new.push(text);
                    columns.new_body.push(record.bytes());
                }
                (Fate::Deleted, Some(_)) => columns.deleted.push(text),
                _ => {}
            }
        }
        let mut counters: Vec<_> = state.counters.iter().collect();
        counters.sort_unstable_by_key(|(key, _)| *key);
        for (key, value) in counters {
            let text = key.as_str().as_bytes();
            let (keys, values) = match (state.has_counter(key), *value) {
                (true, 0) => {
                    columns.at_zero.push(text);
                    continue;
                }
                (false, 0) => continue,
                (true, _) => (&mut columns.counted, &mut columns.counted_value),
                (false, _) => (&mut columns.counter, &mut columns.counter_value),
            };
            keys.push(text);
            values.push(signed(*value));
        }
        columns
    }
}

/// How a transaction is known again.
#[derive(Clone, Debug)]
pub(super) struct Mark {
    pub(super) node: String,
    pub(super) before: i64,
    pub(super) after: i64,
}

/// The statements that write.
pub(super) struct Writing {
    mark: Statement,
    remove: Statement,
    drop_streams: Statement,
    replace: Statement,
    make_streams: Statement,
    move_streams: Statement,
    insert: Statement,
    delete: Statement,
    change: Statement,
    make: Statement,
    count: Statement,
    make_counters: Statement,
    delete_counters: Statement,
    turn: Statement,
    newest: Statement,
    compare: Statement,
    announce: Statement,
    commit: Statement,
}

impl Writing {
    pub(super) async fn prepare(client: &Client) -> Result<Self, tokio_postgres::Error> {
        let prepare = |sql: &'static str| client.prepare(sql);
        Ok(Self {
            // Fails, by a division by zero, when the mark before is not there any more.
            mark: prepare(
                "WITH marked AS (UPDATE committer SET mark = $3 WHERE node = $1 AND mark = $2 RETURNING 1) \
                 SELECT 1 / count(*)::integer FROM marked",
            )
            .await?,
            remove: prepare(
                "DELETE FROM entry USING unnest($1::bigint[], $2::bigint[]) AS gone (stream, seq) \
                 WHERE entry.stream = gone.stream AND entry.seq = gone.seq",
            )
            .await?,
            drop_streams: prepare("DELETE FROM stream WHERE id = ANY($1)").await?,
            replace: prepare(
                "UPDATE entry SET body = new.body \
                 FROM unnest($1::bigint[], $2::bigint[], $3::bytea[]) AS new (stream, seq, body) \
                 WHERE entry.stream = new.stream AND entry.seq = new.seq",
            )
            .await?,
            make_streams: prepare(
                "INSERT INTO stream (id, key, seq, at, last_kept) \
                 SELECT * FROM unnest($1::bigint[], $2::bytea[], $3::bigint[], $4::bigint[], $5::bigint[])",
            )
            .await?,
            move_streams: prepare(
                "UPDATE stream SET seq = new.seq, at = new.at, last_kept = new.last_kept \
                 FROM unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::bigint[]) AS new (id, seq, at, last_kept) \
                 WHERE stream.id = new.id",
            )
            .await?,
            insert: prepare(
                "INSERT INTO entry (stream, seq, id, at, body) \
                 SELECT * FROM unnest($1::bigint[], $2::bigint[], $3::bytea[], $4::bigint[], $5::bytea[])",
            )
            .await?,
            delete: prepare("DELETE FROM record WHERE key = ANY($1)").await?,
            change: prepare(
                "UPDATE record SET revision = nextval('revision'), body = new.body \
                 FROM unnest($1::bytea[], $2::bytea[]) AS new (key, body) WHERE record.key = new.key",
            )
            .await?,
            make: prepare(
                "INSERT INTO record (key, revision, body) SELECT new.key, nextval('revision'), new.body \
                 FROM unnest($1::bytea[], $2::bytea[]) AS new (key, body)",
            )
            .await?,
            count: prepare(
                "UPDATE counter SET value = new.value FROM unnest($1::bytea[], $2::bigint[]) AS new (key, value) \
                 WHERE counter.key = new.key",
            )
            .await?,
            make_counters: prepare(
                "INSERT INTO counter (key, value) SELECT * FROM unnest($1::bytea[], $2::bigint[])",
            )
            .await?,
            delete_counters: prepare("DELETE FROM counter WHERE key = ANY($1)").await?,
            turn: prepare("SELECT pg_advisory_xact_lock($1)").await?,
            newest: prepare("SELECT max(position) FROM outbox").await?,
            // Fails, by a division by zero, when one of them moved. It is a statement of its own, after that which took
            // the lock, so that it sees everything that was committed before the lock was taken.
            compare: prepare(
                "SELECT 1 / (count(*) = 0)::integer \
                 FROM unnest($1::bytea[], $2::bigint[]) AS relied (key, revision) \
                 LEFT JOIN record ON record.key = relied.key \
                 WHERE record.revision IS DISTINCT FROM relied.revision",
            )
            .await?,
            announce: prepare(
                "INSERT INTO outbox (position, subject, id, seq, at, body) \
                 SELECT newest.position + said.place, said.subject, said.id, said.seq, said.at, said.body \
                 FROM (SELECT max(position) AS position FROM outbox) AS newest \
                 CROSS JOIN unnest($1::bytea[], $2::bytea[], $3::bigint[], $4::bigint[], $5::bytea[]) \
                 WITH ORDINALITY AS said (subject, id, seq, at, body, place)",
            )
            .await?,
            commit: prepare("COMMIT").await?,
        })
    }

    /// Writes what the group makes and ends the transaction. Gives the position before the group's first announcement.
    ///
    /// A failure that the database told has undone the transaction; after any other, its outcome is not known.
    pub(super) async fn write(
        &self,
        client: &Client,
        mark: &Mark,
        state: &State,
        within: Duration,
    ) -> Result<Position, Failure> {
        let columns = Columns::of(state);
        let said = state.announced.len();
        let subjects: Vec<&[u8]> =
            state.announced.iter().map(|said| said.subject.as_str().as_bytes()).collect();
        let entries = || state.announced.iter().map(|said| said.entry.as_ref());
        let ids: Vec<Option<&[u8]>> = entries().map(|entry| entry.map(|(id, _)| id.as_bytes())).collect();
        let seqs: Vec<Option<i64>> =
            entries().map(|entry| entry.map(|(_, stamp)| signed(stamp.seq))).collect();
        let ats: Vec<Option<i64>> =
            entries().map(|entry| entry.map(|(_, stamp)| stamp.at.millis())).collect();
        let bodies: Vec<&[u8]> = state.announced.iter().map(|said| said.record.bytes()).collect();
        let (relied, revisions): (Vec<&[u8]>, Vec<Option<i64>>) =
            state.unlocked().map(|(key, revision)| (key.as_str().as_bytes(), revision.map(signed))).unzip();

        let c = &columns;
        // INVARIANT: `turn` comes after everything that may wait, and nothing that may wait comes after it.
        let asked: [(&Statement, Vec<&(dyn ToSql + Sync)>, bool); 18] = [
            (&self.mark, vec![&mark.node, &mark.before, &mark.after], true),
            (&self.remove, vec![&c.removed_of, &c.removed], !c.removed.is_empty()),
            (&self.drop_streams, vec![&c.dropped], !c.dropped.is_empty()),
            (&self.replace, vec![&c.replaced_of, &c.replaced, &c.replaced_body], !c.replaced.is_empty()),
            (&self.delete, vec![&c.deleted], !c.deleted.is_empty()),
            (&self.change, vec![&c.changed, &c.changed_body], !c.changed.is_empty()),
            (&self.count, vec![&c.counted, &c.counted_value], !c.counted.is_empty()),
            (&self.delete_counters, vec![&c.at_zero], !c.at_zero.is_empty()),
            (
                &self.move_streams,
                vec![&c.moved.id, &c.moved.seq, &c.moved.at, &c.moved.last_kept],
                !c.moved.id.is_empty(),
            ),
            (&self.make, vec![&c.new, &c.new_body], !c.new.is_empty()),
            (&self.make_counters, vec![&c.counter, &c.counter_value], !c.counter.is_empty()),
            (
                &self.make_streams,
                vec![&c.made.id, &c.made.key, &c.made.seq, &c.made.at, &c.made.last_kept],
                !c.made.id.is_empty(),
            ),
            (
                &self.insert,
                vec![&c.entry_of, &c.entry_seq, &c.entry_id, &c.entry_at, &c.entry_body],
                !c.entry_of.is_empty(),
            ),
            (&self.turn, vec![&TURN], true),
            (&self.newest, vec![], true),
            (&self.compare, vec![&relied, &revisions], !relied.is_empty()),
            (&self.announce, vec![&subjects, &ids, &seqs, &ats, &bodies], said > 0),
            (&self.commit, vec![], true),
        ];
        let needed = asked.iter().filter(|(_, _, needed)| *needed);
        let steps: Vec<Step<'_>> = needed
            .clone()
            .map(|(statement, parameters, _)| Box::pin(client.query(*statement, parameters)) as Step<'_>)
            .collect();
        let answers = pipeline(steps, within).await?;
        let mut newest = None;
        for ((statement, _, _), rows) in needed.zip(answers) {
            if std::ptr::eq(*statement, &self.newest)
                && let Some(row) = rows.first()
            {
                newest = row.try_get::<_, Option<i64>>(0)?;
            }
        }
        // There always is one.
        Ok(Position(newest.map(unsigned).unwrap_or_default()))
    }
}

/// The announcements after a position.
pub(super) fn announced(drafts: Vec<Draft>, after: Position) -> Vec<Announced> {
    let positions = (after.0 + 1..).map(Position);
    let announced = drafts.into_iter().zip(positions);
    announced
        .map(|(Draft { subject, record, entry }, position)| Announced { position, subject, record, entry })
        .collect()
}
