//! What the rules need from the outside, as object-safe traits.
//!
//! A store keeps *records* (values under ordered text keys), *logs* (sequenced entries of one stream, such as the
//! messages of a channel), *counters*, and the *outbox* (what is to be announced, in commit order). It knows nothing
//! of what they mean: contexts encode their entities themselves, so that an adapter is written once and holds
//! everything that comes later. All writes go through one [`Store::commit`].
//!
//! # Our choices
//!
//! - Records are opaque to adapters, where a table per entity would be the custom. The guards of a batch name keys and
//!   revisions, which makes every rule's check-then-write safe in the same few lines of adapter code.
//! - A log entry's moment never goes back within a stream (wire rule TS-06): the commit lifts it to the moment of the
//!   entry before it, so that order by sequence and order by time agree.

mod announcer;
mod blobs;
mod bus;
mod clock;
mod functions;
mod key;
mod lex;
mod media;
mod notify;
mod outbox;
mod record;
mod sink;
mod store;
mod transcriber;

pub use announcer::{AnnounceError, Announcer, EventTarget, NoAnnouncer};
pub use blobs::{BlobError, Blobs};
pub use bus::{Bus, Subscription};
pub use clock::{Clock, Entropy};
pub use functions::{Functions, Invocation, InvocationType, InvokeError, NoFunctions};
pub use key::{Key, KeyPart};
pub use lex::{Lex, LexButton, LexCard, LexError, LexMessage, LexReply, NoLex, Utterance};
pub use media::{Capabilities, MediaCapability, MediaError, MediaPlacement, MediaPlane, NoMedia, Placement};
pub use notify::{Device, NoNotifier, Notification, Notifier, NotifyError};
pub use outbox::{Announced, Outbox, Position, Stamp};
pub use record::{Entity, Record, Revision, Versioned};
pub use sink::{CheckError, NoSink, Sink, SinkError, SinkRecord, Taken};
pub use store::{
    Announce, Append, Batch, Change, Committed, Entry, EntryId, EntryQuery, Guard, Head, Keep, Order, Scan,
    Store,
};
pub use transcriber::{NoTranscriber, TranscribeError, Transcriber, Transcription, TranscriptionEngine};
