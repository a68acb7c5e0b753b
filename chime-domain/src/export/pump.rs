//! From the outbox into the queues.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use super::keys;
use super::types::{Cursor, ExportState, Queued, data_type};
use crate::error::StoreError;
use crate::flow::{Chime, load};
use crate::identity::{
    AppInstanceDeleted, StreamingChanged, StreamingConfiguration, StreamingConfigurations,
    keys as identity_keys,
};
use crate::messaging::Happening;
use crate::ports::{Announced, Batch, Change, Entity, Guard, Key, Position, Record, Scan};
use crate::time::Timestamp;

const CHUNK: usize = 200;
/// How often a cursor that passed nothing of interest is written.
const WRITE_EVERY: Duration = Duration::from_secs(1);

/// Follows the outbox and queues what is to be exported.
///
/// Any number may run on one store. One of them moves at a time; the others meet its commits and read anew.
#[derive(Debug)]
pub struct Pump {
    chime: Chime,
    /// Tells its commits from those of others.
    writer: String,
    state: Option<State>,
}

#[derive(Debug)]
struct State {
    /// The cursor's record, as it was last read.
    cursor: Guard,
    /// How far it got; the record may lie behind, but not behind anything of interest.
    position: Position,
    written: Timestamp,
    streaming: BTreeMap<String, ExportState>,
}

/// What a step did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// There was nothing new.
    Idle,
    /// It passed announcements.
    Passed {
        /// As many as it was allowed to: there may be more.
        full: bool,
        /// Ids of the app instances of which it queued something, or whose configurations changed.
        touched: BTreeSet<String>,
    },
    /// Another pump was there first. The next step reads anew how far that got.
    Overtaken,
}

/// What a run of announcements asks for.
#[derive(Debug, Default)]
struct Moves {
    changes: Vec<Change>,
    lengths: BTreeMap<String, i64>,
    touched: BTreeSet<String>,
}

impl Pump {
    /// A pump on the store of `chime`.
    #[must_use]
    pub fn new(chime: Chime) -> Self {
        let writer = chime.entropy().uuid();
        Self { chime, writer, state: None }
    }

    /// Everything up to here is queued, or of no interest: the outbox may forget it. `None` before the first step.
    #[must_use]
    pub fn position(&self) -> Option<Position> {
        self.state.as_ref().map(|state| state.position)
    }

    /// True when an app instance streams.
    #[must_use]
    pub fn is_streaming(&self) -> bool {
        self.state.as_ref().is_some_and(|state| !state.streaming.is_empty())
    }

    /// Passes at most `most` announcements.
    ///
    /// # Errors
    ///
    /// [`StoreError`]. It is at the same place then, or behind the run when the store made the change all the same.
    pub async fn step(&mut self, most: usize) -> Result<Step, StoreError> {
        // Whatever goes wrong, the state is read anew.
        let mut state = match self.state.take() {
            Some(state) => state,
            None => match self.open().await? {
                Some(state) => state,
                None => return Ok(Step::Overtaken),
            },
        };
        let run = self.chime.store().announced(state.position, most).await?;
        // In this order: what another pump let the outbox forget before the run was read, it had committed before.
        let cursor = load::<Cursor>(self.chime.store(), keys::cursor()).await?;
        if cursor.guard() != state.cursor {
            return Ok(Step::Overtaken);
        }
        let Some(last) = run.last().map(|announced| announced.position) else {
            self.state = Some(state);
            return Ok(Step::Idle);
        };
        let mut moves = Moves::default();
        for announced in &run {
            state.take(announced, self.chime.now(), &mut moves)?;
        }
        state.position = last;
        let now = self.chime.now();
        let fresh = now >= state.written && now < state.written + WRITE_EVERY;
        if !(moves.changes.is_empty() && fresh) {
            let Some(cursor) = self.write(&state, moves.changes, moves.lengths).await? else {
                return Ok(Step::Overtaken);
            };
            state.cursor = cursor;
            state.written = now;
        }
        self.state = Some(state);
        Ok(Step::Passed { full: run.len() >= most, touched: moves.touched })
    }

    /// Commits under the guard of the cursor; `None` when another pump moved it.
    async fn write(
        &self,
        state: &State,
        mut changes: Vec<Change>,
        lengths: BTreeMap<String, i64>,
    ) -> Result<Option<Guard>, StoreError> {
        changes.extend(lengths.into_iter().map(|(id, by)| Change::Count {
            counter: keys::length(&id),
            by,
            at_most: None,
        }));
        let cursor = Cursor { position: state.position, writer: self.writer.clone() };
        changes.push(Change::Put(keys::cursor(), Record::of(cursor.clone())));
        let batch = Batch { guards: vec![state.cursor.clone()], changes, announce: Vec::new() };
        match self.chime.store().commit(batch).await {
            Ok(_) => {
                let found = load::<Cursor>(self.chime.store(), keys::cursor()).await?;
                Ok((found.get() == Some(&cursor)).then(|| found.guard()))
            }
            Err(StoreError::Conflict) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Reads how far the pumps got. The first one ever begins with what is not settled.
    async fn open(&self) -> Result<Option<State>, StoreError> {
        let store = self.chime.store();
        let cursor = load::<Cursor>(store, keys::cursor()).await?;
        let mut state = State {
            cursor: cursor.guard(),
            position: Position::default(),
            written: self.chime.now(),
            streaming: BTreeMap::new(),
        };
        let mut after = None;
        if let Some(found) = cursor.get() {
            state.position = found.position;
            loop {
                let found = store.scan(Scan::below(&keys::states(), CHUNK).after(after)).await?;
                for (key, record) in &found {
                    let value = record.record.read::<ExportState>()?;
                    if !value.lanes.is_empty() {
                        state.streaming.insert(key.last().to_owned(), ExportState::clone(&value));
                    }
                }
                if found.len() < CHUNK {
                    return Ok(Some(state));
                }
                after = found.last().map(|(key, _)| key.clone());
            }
        }
        state.position = store.settled().await?;
        let mut changes = Vec::new();
        loop {
            let found = store.scan(Scan::below(&identity_keys::streamings(), CHUNK).after(after)).await?;
            for (key, record) in &found {
                let value = record.record.read::<StreamingConfigurations>()?;
                // The outbox tells of those that were announced.
                if value.id.is_none() {
                    let begun = ExportState::default().changed(None, &value.configurations, state.position);
                    changes.push(Change::Put(keys::state(key.last()), Record::of(begun.clone())));
                    state.streaming.insert(key.last().to_owned(), begun);
                }
            }
            if found.len() < CHUNK {
                break;
            }
            after = found.last().map(|(key, _)| key.clone());
        }
        let Some(cursor) = self.write(&state, changes, BTreeMap::new()).await? else { return Ok(None) };
        state.cursor = cursor;
        Ok(Some(state))
    }
}

impl State {
    /// Takes one announcement in.
    fn take(&mut self, announced: &Announced, now: Timestamp, moves: &mut Moves) -> Result<(), StoreError> {
        match announced.record.name() {
            StreamingChanged::NAME => {
                let changed = announced.record.read::<StreamingChanged>()?;
                let id = changed.app_instance.app_instance_id();
                self.change(id, changed.id.clone(), &changed.configurations, announced.position, moves);
            }
            AppInstanceDeleted::NAME => {
                let deleted = announced.record.read::<AppInstanceDeleted>()?;
                let id = deleted.0.app_instance_id();
                if self.streaming.contains_key(id) {
                    self.change(id, None, &[], announced.position, moves);
                }
            }
            _ => {
                let id = app_instance_of(&announced.subject);
                let Some(state) = self.streaming.get(id) else { return Ok(()) };
                let Some(data_type) = Happening::read(announced)?.as_ref().and_then(data_type) else {
                    return Ok(());
                };
                if state.lane(data_type).is_some() {
                    let key = keys::queued(id, data_type, announced.position);
                    moves.changes.push(Change::Put(key, Record::of(Queued::new(announced, now)?)));
                    *moves.lengths.entry(id.to_owned()).or_default() += 1;
                    moves.touched.insert(id.to_owned());
                }
            }
        }
        Ok(())
    }

    fn change(
        &mut self,
        app_instance_id: &str,
        id: Option<String>,
        configurations: &[StreamingConfiguration],
        at: Position,
        moves: &mut Moves,
    ) {
        let before = self.streaming.remove(app_instance_id).unwrap_or_default();
        let after = before.changed(id, configurations, at);
        moves.changes.push(Change::Put(keys::state(app_instance_id), Record::of(after.clone())));
        moves.touched.insert(app_instance_id.to_owned());
        if !after.lanes.is_empty() {
            self.streaming.insert(app_instance_id.to_owned(), after);
        }
    }
}

/// The id of the app instance that an announcement belongs to: the second part of every subject.
fn app_instance_of(subject: &Key) -> &str {
    subject.as_str().split('/').nth(1).unwrap_or_default()
}
