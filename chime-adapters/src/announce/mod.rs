//! The events of meetings, told to those who listen: an EventBridge bus, SQS queues and SNS topics (feature
//! `aws-events`), functions, webhooks, NATS (feature `nats`).
//!
//! ```
//! # tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(async {
//! use std::sync::{Arc, Mutex};
//!
//! use async_trait::async_trait;
//! use chime_adapters::announce::{Listener, Listeners};
//! use chime_domain::ports::{AnnounceError, Announcer};
//! use chime_domain::text::Private;
//!
//! #[derive(Debug, Default)]
//! struct Notes(Mutex<Vec<String>>);
//!
//! #[async_trait]
//! impl Listener for Notes {
//!     async fn hear(&self, _: &str, event: &Private<Vec<u8>>) -> Result<(), AnnounceError> {
//!         self.0.lock().unwrap().push(String::from_utf8_lossy(&event.0).into_owned());
//!         Ok(())
//!     }
//! }
//!
//! let notes = Arc::new(Notes::default());
//! let listeners = Listeners::default().with_standing("notes", notes.clone());
//! let told = listeners.tell(&Private(b"{}".to_vec()), &listeners.standing()).await;
//! assert!(told.iter().all(Result::is_ok) && *notes.0.lock().unwrap() == ["{}"]);
//! # });
//! # Ok::<_, std::io::Error>(())
//! ```
//!
//! # Our choices
//!
//! - Calls to AWS are made by hand, four actions of three services, signed by the vendor's own signer with credentials
//!   from where AWS clients look for them. The service crates (`aws-sdk-eventbridge`, `-sqs`, `-sns`) do the same and
//!   cost what `benches/outcomes.md` tells.
//! - A queue is asked for its URL and given a message, a topic is published to, and nothing else: what the documented
//!   policies grant (rules EVT-05, EVT-06). All get the same JSON text (EVT-02); for a bus it is taken apart into an entry.
//! - EventBridge refuses entries of others whose source begins with `aws.`: with the vendor's bus, set another source.
//! - What is refused for good (no such queue, a malformed call) is not tried again. Missing permissions may be granted
//!   a minute later, so they are.

#[cfg(feature = "aws-events")]
mod aws;
mod function;
mod listeners;
#[cfg(feature = "nats")]
mod nats;
mod webhook;

#[cfg(feature = "aws-events")]
pub(crate) use aws::Call;
#[cfg(feature = "aws-events")]
pub use aws::{AwsCalls, AwsConfig, AwsError, EventBridge, Queues, Topics};
pub use function::FunctionListener;
pub use listeners::{Listener, Listeners};
#[cfg(feature = "nats")]
pub use nats::NatsListener;
pub use webhook::Webhook;
