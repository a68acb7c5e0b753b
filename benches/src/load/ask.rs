//! The same question asked again and again, by several clients at once.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use anyhow::{Result, bail};
use serde_json::Value;

use super::api::{Call, Client, Keys};
use super::clock::micros;
use super::tally::Times;

/// A request by itself.
#[derive(Clone, Debug)]
pub struct Question {
    method: &'static str,
    path: String,
    query: String,
    bearer: Option<String>,
    body: String,
}

impl Question {
    /// A GET.
    #[must_use]
    pub fn get(path: impl Into<String>) -> Self {
        Self { method: "GET", path: path.into(), query: String::new(), bearer: None, body: String::new() }
    }

    /// A POST of JSON.
    #[must_use]
    pub fn post(path: impl Into<String>, body: &Value) -> Self {
        Self { method: "POST", body: body.to_string(), ..Self::get(path) }
    }

    /// A PUT of JSON.
    #[must_use]
    pub fn put(path: impl Into<String>, body: &Value) -> Self {
        Self { method: "PUT", ..Self::post(path, body) }
    }

    /// As a user.
    #[must_use]
    pub fn bearer(self, user: &str) -> Self {
        Self { bearer: Some(user.to_owned()), ..self }
    }

    /// With a query, escaped.
    #[must_use]
    pub fn query(self, query: impl Into<String>) -> Self {
        Self { query: query.into(), ..self }
    }

    /// The request itself.
    #[must_use]
    pub fn call(&self) -> Call<'_> {
        Call {
            method: self.method,
            path: &self.path,
            query: &self.query,
            bearer: self.bearer.as_deref(),
            body: self.body.as_bytes(),
            service: "chime",
        }
    }
}

/// How often, and by whom.
#[derive(Clone, Copy, Debug)]
pub struct Asking {
    /// Clients, each with a connection of its own and one question at a time.
    pub clients: usize,
    /// At most so many questions.
    pub count: usize,
    /// No new question after so long.
    pub lasting: Duration,
}

impl Default for Asking {
    fn default() -> Self {
        Self { clients: 1, count: usize::MAX, lasting: Duration::MAX }
    }
}

/// What came of it.
#[derive(Debug)]
pub struct Asked {
    /// The answers, in the order of the questions; kept only when their number was bounded.
    pub answers: Vec<Vec<u8>>,
    /// From asking until the answer.
    pub latency: Times,
    /// From the first question until the last answer.
    pub seconds: f64,
}

impl Asked {
    /// Answers in a second.
    #[must_use]
    pub fn rate(&self) -> f64 {
        self.latency.count() as f64 / self.seconds
    }
}

/// Asks what `question` makes of the numbers from 0 on.
///
/// # Errors
///
/// When an answer is no success, or a connection fails.
pub async fn ask<F>(address: SocketAddr, keys: &Keys, asking: Asking, question: F) -> Result<Asked>
where
    F: Fn(usize) -> Question + Send + Sync + 'static,
{
    if asking.count == usize::MAX && asking.lasting == Duration::MAX {
        bail!("questions without an end");
    }
    let (question, next, begin) = (Arc::new(question), Arc::new(AtomicUsize::new(0)), micros());
    let mut tasks = Vec::new();
    for _ in 0..asking.clients.min(asking.count) {
        let mut client = Client::connect(address, keys.clone()).await?;
        let (question, next) = (Arc::clone(&question), Arc::clone(&next));
        tasks.push(tokio::spawn(async move {
            let (mut latency, mut answers) = (Times::new()?, Vec::new());
            while u128::from(micros() - begin) < asking.lasting.as_micros() {
                let n = next.fetch_add(1, Ordering::Relaxed);
                if n >= asking.count {
                    break;
                }
                let (question, asked) = (question(n), micros());
                let answer = client.done(&question.call()).await?;
                latency.record(micros() - asked);
                if asking.count < usize::MAX {
                    answers.push((n, answer));
                }
            }
            anyhow::Ok((latency, answers))
        }));
    }
    let (mut latency, mut answers) = (Times::new()?, Vec::new());
    for task in tasks {
        let (own, mut given) = task.await??;
        latency.add(&own)?;
        answers.append(&mut given);
    }
    answers.sort_unstable_by_key(|(n, _)| *n);
    let answers = answers.into_iter().map(|(_, answer)| answer).collect();
    Ok(Asked { answers, latency, seconds: (micros() - begin) as f64 / 1e6 })
}
