//! Adapters for the ports of `chime-domain`.
//!
//! [`memory`] is the reference behaviour and needs no runtime. The others stand behind features, one each:
//! `sqlite` (on by default) for the embedded durable store, `postgres` for one that several processes share, `nats` for
//! the event bus between them, `file` for blobs and exported events in directories, `kinesis` and `jetstream` for exported
//! events in Kinesis and in NATS, `outbound` for calls that leave the service and for who is told of the events of
//! meetings, `aws-events` for EventBridge, SQS and SNS among those, and for the Lex bots behind bots.
//!
//! A whole Chime in a unit test:
//!
//! ```
//! # tokio::runtime::Builder::new_current_thread().build()?.block_on(async {
//! use chime_adapters::memory::Local;
//! use chime_domain::messaging::{CreateChannel, Happening, SendChannelMessage};
//! use chime_domain::text::{Content, ResourceName};
//!
//! let chime = Local::new().await?;
//! let app = chime.app_instance("lunch club").await?;
//! let (alice, bob) = (chime.user(&app, "alice").await?, chime.user(&app, "bob").await?);
//! let command = CreateChannel::new(app, ResourceName::new("today")?).with_members([bob.clone()]);
//! let channel = chime.messaging(&alice).create_channel(command).await?;
//! let mut inbox = chime.messaging(&bob).inbox().await?;
//! let message = SendChannelMessage::new(channel, Content::new("noon?")?);
//! chime.messaging(&alice).send_channel_message(message).await?;
//! assert!(matches!(inbox.next().await?, Happening::MessageCreated(sent) if sent.message.sender.arn == alice));
//! chime.advance(std::time::Duration::from_secs(24 * 60 * 60)).await?;
//! # Ok::<_, Box<dyn std::error::Error>>(())
//! # })?;
//! # Ok::<_, Box<dyn std::error::Error>>(())
//! ```
#![warn(missing_docs)]

#[cfg(feature = "outbound")]
pub mod announce;
#[cfg(any(feature = "aws-events", feature = "kinesis"))]
mod aws;
#[cfg(any(feature = "jetstream", feature = "kinesis"))]
mod chains;
#[cfg(feature = "file")]
pub mod file;
#[cfg(feature = "jetstream")]
pub mod jetstream;
#[cfg(feature = "kinesis")]
pub mod kinesis;
#[cfg(feature = "aws-events")]
pub mod lex;
pub mod memory;
#[cfg(feature = "nats")]
pub mod nats;
#[cfg(feature = "outbound")]
pub mod outbound;
#[cfg(any(feature = "postgres", feature = "nats"))]
mod percent;
#[cfg(feature = "postgres")]
pub mod postgres;
#[cfg(any(feature = "postgres", feature = "nats"))]
mod roots;
#[cfg(all(test, any(feature = "postgres", feature = "nats")))]
mod servers;
#[cfg(feature = "sqlite")]
pub mod sqlite;
#[cfg(any(feature = "postgres", feature = "sqlite"))]
pub mod state;
mod system;
mod test_clock;
#[cfg(all(test, any(feature = "aws-events", feature = "jetstream", feature = "kinesis")))]
mod test_server;

pub use system::{SystemClock, SystemEntropy};
pub use test_clock::TestClock;
