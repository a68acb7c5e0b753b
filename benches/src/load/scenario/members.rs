//! An elastic channel of very many members: how long do they take to come in, and what is it like then?

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use chime_adapters::SystemClock;
use chime_domain::ports::Clock;
use clap::Args;
use serde_json::{Value, json};

use super::mebibytes;
use crate::load::api::{Client, escape};
use crate::load::ask::{Asked, Asking, Question, ask};
use crate::load::clock::micros;
use crate::load::fill::Fill;
use crate::load::report::Report;
use crate::load::server::{Launch, Server};
use crate::load::tally::Times;

/// Members of one request: as many as it may have.
const BATCH: usize = 100;
/// Parts of the time that rates are told of.
const PARTS: usize = 5;

/// Very many memberships in one elastic channel.
///
/// The users are made in the store before the server starts; they come in through BatchCreateChannelMembership.
#[derive(Args, Clone, Debug)]
#[expect(clippy::exhaustive_structs, reason = "arguments of a program")]
pub struct Members {
    /// Members, at most 1,000,000.
    #[arg(long, default_value_t = 1_000_000)]
    pub members: usize,
    /// Members of a sub-channel.
    #[arg(long, default_value_t = 1000)]
    pub target: usize,
    /// Clients who add members at once.
    #[arg(long, default_value_t = 32)]
    pub clients: usize,
    /// Adding stops after so many minutes, whatever is left.
    #[arg(long, default_value_t = 10)]
    pub minutes: u64,
    /// For how long messages are sent, and pages listed, in the end.
    #[arg(long, default_value_t = 10)]
    pub seconds: u64,
}

/// Runs it.
///
/// # Errors
///
/// When the server or a connection fails.
pub async fn run(launch: &Launch, args: &Members) -> Result<()> {
    let (wanted, target) = (args.members.clamp(1, 1_000_000), args.target.clamp(2, 500_000));
    let data = Arc::new(tempfile::tempdir_in(&launch.place)?);
    let (begin, quota) = (micros(), wanted as u64 + 1);
    let fill = Fill::new(data.path(), SystemClock.now(), quota).await?;
    let users = fill.users(wanted + 1).await?;
    let app = fill.app.to_string();
    drop(fill);
    let filled = (micros() - begin) as f64 / 1e6;
    let (owner, users) = users.split_first().context("users")?;
    let users: Arc<[String]> = users.iter().map(ToString::to_string).collect();

    let mut launch = launch.clone();
    launch.settings.push(("CHIME_QUOTAS__USERS_PER_APP_INSTANCE", quota.to_string()));
    let server = Server::start_in(&launch, data)?;
    let (keys, owner) = (server.root()?, owner.to_string());
    let (memory, stored) = (server.resident()?, server.stored()?);
    let mut client = Client::connect(server.http, keys.clone()).await?;
    let elastic = json!({"MaximumSubChannels": (wanted.div_ceil(target)).max(2),
        "TargetMembershipsPerSubChannel": target, "MinimumMembershipPercentage": 40});
    let body = json!({"AppInstanceArn": app, "Name": "load", "Mode": "RESTRICTED", "Privacy": "PRIVATE",
        "ElasticChannelConfiguration": elastic, "ClientRequestToken": "load"});
    let made = client.done(&Question::post("/channels", &body).bearer(&owner).call()).await?;
    let made: Value = serde_json::from_slice(&made)?;
    let channel = made.get("ChannelArn").and_then(Value::as_str).context("no ChannelArn")?;
    let channel = format!("/channels/{}", escape(channel));

    let mut report =
        Report::new(format!("members: {wanted} of an elastic channel, {target} in a sub-channel"));
    report.note(format!("the users were made in the store itself, in {filled:.0} s"));
    let (begin, mut added, mut latency) = (micros(), 0, Times::new()?);
    let batches = wanted.div_ceil(BATCH);
    for part in 0..PARTS {
        let (first, end) = (part * batches / PARTS, (part + 1) * batches / PARTS);
        let (path, bearer, all) = (format!("{channel}/memberships"), owner.clone(), Arc::clone(&users));
        let question = move |n: usize| {
            let members: Vec<_> = all.iter().skip((first + n) * BATCH).take(BATCH).collect();
            let body = json!({"MemberArns": members, "Type": "DEFAULT"});
            Question::post(path.clone(), &body).query("operation=batch-create").bearer(&bearer)
        };
        let left = (args.minutes * 60).saturating_sub((micros() - begin) / 1_000_000);
        let lasting = Duration::from_secs(left);
        let asking = Asking { clients: args.clients, count: end - first, lasting };
        let asked = ask(server.http, &keys, asking, question).await?;
        let come = check(&asked)?;
        added += come;
        report.figure(
            format!("members added, part {} of {PARTS}", part + 1),
            come as f64 / asked.seconds,
            "1/s",
        );
        latency.add(&asked.latency)?;
        if asked.answers.len() < end - first {
            report.note(format!("adding was stopped after {} minutes", args.minutes));
            break;
        }
    }
    let seconds = (micros() - begin) as f64 / 1e6;
    report.figure("members added", added as f64, "");
    report.figure("in", seconds, "s");
    report.figure("batch of 100 p50", latency.quantile(0.5), "ms");
    report.figure("batch of 100 p99", latency.quantile(0.99), "ms");
    report.figure("memory of the server before", mebibytes(memory), "MiB");
    report.figure("memory of the server after", mebibytes(server.resident()?), "MiB");
    report.figure("database before", mebibytes(stored), "MiB");
    report.figure("database after", mebibytes(server.stored()?), "MiB");
    let each = server.stored()?.saturating_sub(stored) as f64 / added.max(1) as f64;
    report.figure("database for each member", each, "bytes");

    let asking = Asking { clients: 4, lasting: Duration::from_secs(args.seconds), ..Asking::default() };
    let (path, sender) = (format!("{channel}/messages"), users.first().cloned().context("a member")?);
    let sent = ask(server.http, &keys, asking, move |n| {
        let body = json!({"Content": "x".repeat(100), "Type": "STANDARD", "Persistence": "PERSISTENT",
            "ClientRequestToken": format!("send-{n}")});
        Question::post(path.clone(), &body).bearer(&sender)
    })
    .await?;
    report.figure("sends into a sub-channel, 4 senders: rate", sent.rate(), "1/s");
    report.figure("sends into a sub-channel, 4 senders: p50", sent.latency.quantile(0.5), "ms");
    report.figure("sends into a sub-channel, 4 senders: p99", sent.latency.quantile(0.99), "ms");
    // The server has closed the one from before, which was idle for long.
    let mut client = Client::connect(server.http, keys).await?;
    for (name, list) in [
        (
            "ListSubChannels",
            pages(&mut client, &format!("{channel}/subchannels"), &owner, args.seconds).await?,
        ),
        ("ListChannelMemberships", {
            let path = format!("{channel}/memberships");
            let member = users.first().context("a member")?;
            pages(&mut client, &path, member, args.seconds).await?
        }),
    ] {
        report.figure(format!("{name}, pages of 50: p50"), list.quantile(0.5), "ms");
        report.figure(format!("{name}, pages of 50: p99"), list.quantile(0.99), "ms");
        report.note(format!("{name}: {} pages", list.count()));
    }
    report.note("signed by the owner");
    report.print()
}

/// How many came in; everybody of an answered batch has to.
fn check(asked: &Asked) -> Result<usize> {
    let mut come = 0;
    for answer in &asked.answers {
        let answer: Value = serde_json::from_slice(answer)?;
        let errors = answer.get("Errors").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
        if let Some(error) = errors.first() {
            bail!("a member was not added: {error}");
        }
        let memberships = answer.pointer("/BatchChannelMemberships/Members").and_then(Value::as_array);
        come += memberships.map_or(0, Vec::len);
    }
    Ok(come)
}

/// Follows a listing from page to page, from its beginning again when it ends.
async fn pages(client: &mut Client, path: &str, bearer: &str, seconds: u64) -> Result<Times> {
    let (begin, mut taken, mut token) = (micros(), Times::new()?, None::<String>);
    while micros() - begin < seconds * 1_000_000 {
        let next = token.take().map_or(String::new(), |token| format!("&next-token={}", escape(&token)));
        let asked = micros();
        let question = Question::get(path).query(format!("max-results=50{next}")).bearer(bearer);
        let answer = client.done(&question.call()).await?;
        taken.record(micros() - asked);
        let answer: Value = serde_json::from_slice(&answer)?;
        token = answer.get("NextToken").and_then(Value::as_str).map(str::to_owned);
    }
    Ok(taken)
}
