//! Meetings and their attendees, made by the API.

use std::net::SocketAddr;

use anyhow::{Context, Result};
use serde_json::{Value, json};

use crate::load::api::{Call, Client, Keys};

/// Attendees that one request makes.
const AT_ONCE: usize = 100;

/// An attendee of a meeting, and how it gets in.
#[derive(Clone, Debug)]
pub struct Ticket {
    /// The path of the meeting's WebSocket.
    pub path: String,
    /// Its id.
    pub attendee: String,
    /// Its token.
    pub token: String,
}

/// Makes a meeting with so many attendees.
///
/// # Errors
///
/// When the server refuses.
pub async fn make(http: SocketAddr, keys: &Keys, name: &str, count: usize) -> Result<Vec<Ticket>> {
    let mut api = Client::connect(http, keys.clone()).await?;
    let body = json!({ "ClientRequestToken": name, "ExternalMeetingId": name, "MediaRegion": "us-east-1" });
    let answer = api.done(&Call::post("/meetings", &serde_json::to_vec(&body)?)).await?;
    let answer: Value = serde_json::from_slice(&answer)?;
    let id = answer.pointer("/Meeting/MeetingId").and_then(Value::as_str).context("no meeting")?.to_owned();
    let mut tickets = Vec::new();
    for first in (0..count).step_by(AT_ONCE) {
        let users: Vec<Value> = (first..count.min(first + AT_ONCE))
            .map(|number| json!({ "ExternalUserId": format!("user-{number}") }))
            .collect();
        let body = serde_json::to_vec(&json!({ "Attendees": users }))?;
        let path = format!("/meetings/{id}/attendees");
        let answer = api.done(&Call::post(&path, &body).query("operation=batch-create")).await?;
        let answer: Value = serde_json::from_slice(&answer)?;
        for attendee in answer.get("Attendees").and_then(Value::as_array).context("no attendees")? {
            let text = |name: &str| attendee.get(name).and_then(Value::as_str).map(str::to_owned);
            tickets.push(Ticket {
                path: format!("/control/{id}"),
                attendee: text("AttendeeId").context("no id")?,
                token: text("JoinToken").context("no token")?,
            });
        }
    }
    Ok(tickets)
}
