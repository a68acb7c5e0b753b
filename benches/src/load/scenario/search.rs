//! Finding channels: what do `SearchChannels` and the lists take among many channels?

use std::time::Duration;

use anyhow::{Context, Result};
use clap::Args;
use serde_json::{Value, json};

use crate::load::api::escape;
use crate::load::ask::{Asked, Asking, Question, ask};
use crate::load::report::Report;
use crate::load::server::{Launch, Server};
use crate::load::world::World;

/// Users who are members of a channel beside the one who made it.
const OTHERS: usize = 4;

/// SearchChannels and the lists of channels among many channels of one app instance.
///
/// One user made all channels and is a member of all; the others are members of equally many. 50 results a page.
#[derive(Args, Clone, Debug)]
#[expect(clippy::exhaustive_structs, reason = "arguments of a program")]
pub struct Search {
    /// Channels.
    #[arg(long, default_value_t = 10_000)]
    pub channels: usize,
    /// Users, at least 10.
    #[arg(long, default_value_t = 1000)]
    pub users: usize,
    /// Clients who ask at once.
    #[arg(long, default_value_t = 4)]
    pub clients: usize,
    /// For how long each question is asked.
    #[arg(long, default_value_t = 5)]
    pub seconds: u64,
}

/// Runs it.
///
/// # Errors
///
/// When the server or a connection fails.
pub async fn run(launch: &Launch, args: &Search) -> Result<()> {
    let server = Server::start(launch)?;
    let world = World::new(server.http, server.root()?, args.users.max(10)).await?;
    let made = make_channels(&world, args.channels).await?;
    let mut report = Report::new(format!(
        "search: {} channels of {} members, {} users, {} clients",
        args.channels,
        OTHERS + 1,
        world.users.len(),
        args.clients
    ));
    report.figure("channels made", made.rate(), "1/s");

    let others = world.users.get(1..).unwrap_or_default().to_vec();
    let everywhere = world.users.first().context("a user")?.clone();
    let (all, rest) = (everywhere.clone(), others.clone());
    let one_of = move |n: usize| rest.get(n % rest.len()).cloned().unwrap_or_default();
    let place = args.channels;

    let channel = format!("/channels/{}", escape(&world.channel));
    let (bearer, one) = (all.clone(), one_of.clone());
    measure(&world, args, &mut report, "reference: DescribeChannel", move |n| {
        let _ = one(n);
        Question::get(channel.clone()).bearer(&bearer)
    })
    .await?;
    let (whole, one) = (all.clone(), one_of.clone());
    measure(&world, args, &mut report, "INCLUDES the one who is everywhere, by a member of few", move |n| {
        searched("INCLUDES", &[&whole]).bearer(&one(n))
    })
    .await?;
    let (whole, mine) = (all.clone(), others.clone());
    measure(&world, args, &mut report, "EQUALS the members of a channel, by one of them", move |n| {
        let members = members_of(n % place, &mine);
        let mut values: Vec<&str> = members.iter().map(String::as_str).collect();
        values.push(&whole);
        searched("EQUALS", &values).bearer(members.first().map_or("", String::as_str))
    })
    .await?;
    let (whole, one) = (all.clone(), one_of.clone());
    measure(&world, args, &mut report, "INCLUDES a member of few, by the one who is everywhere", move |n| {
        searched("INCLUDES", &[&one(n)]).bearer(&whole)
    })
    .await?;
    let whole = all.clone();
    measure(&world, args, &mut report, "INCLUDES oneself, everywhere: the first page", move |_| {
        searched("INCLUDES", &[&whole]).bearer(&whole)
    })
    .await?;
    let whole = all.clone();
    measure(&world, args, &mut report, "EQUALS oneself, everywhere: none of all fits", move |_| {
        searched("EQUALS", &[&whole]).bearer(&whole)
    })
    .await?;
    let (app, one) = (escape(&world.app), one_of.clone());
    measure(&world, args, &mut report, "ListChannels, the first page", move |n| {
        let query = format!("app-instance-arn={app}&max-results=50&privacy=PUBLIC");
        Question::get("/channels").query(query).bearer(&one(n))
    })
    .await?;
    for (name, bearer) in [
        ("ListChannelMembershipsForAppInstanceUser of few", others.first().cloned().unwrap_or_default()),
        ("ListChannelMembershipsForAppInstanceUser, everywhere", all.clone()),
    ] {
        measure(&world, args, &mut report, name, move |_| {
            let query = format!("app-instance-user-arn={}&max-results=50", escape(&bearer));
            let query = format!("{query}&scope=app-instance-user-memberships");
            Question::get("/channels").query(query).bearer(&bearer)
        })
        .await?;
    }
    report.note(format!("signed by {}", world.signer()));
    report.print()
}

/// Each channel has its maker and the next few of the others.
async fn make_channels(world: &World, count: usize) -> Result<Asked> {
    let (app, users) = (world.app.clone(), world.users.clone());
    let question = move |n: usize| {
        let (first, others) =
            users.split_first().map_or(("", &[][..]), |(first, rest)| (first.as_str(), rest));
        let body = json!({"AppInstanceArn": app, "Name": format!("Channel {n}"), "Mode": "UNRESTRICTED",
            "Privacy": "PUBLIC", "MemberArns": members_of(n, others), "ClientRequestToken": format!("channel-{n}")});
        Question::post("/channels", &body).bearer(first)
    };
    ask(world.address, &world.keys, Asking { clients: 16, count, ..Asking::default() }, question).await
}

/// The members of a channel by its number, without its maker.
fn members_of(channel: usize, others: &[String]) -> Vec<String> {
    (0..OTHERS).filter_map(|n| others.get((channel * OTHERS + n) % others.len().max(1)).cloned()).collect()
}

fn searched(operator: &str, members: &[&str]) -> Question {
    let fields: Value = json!([{"Key": "MEMBERS", "Values": members, "Operator": operator}]);
    Question::post("/channels", &json!({"Fields": fields})).query("max-results=50&operation=search")
}

async fn measure<F>(world: &World, args: &Search, report: &mut Report, name: &str, question: F) -> Result<()>
where
    F: Fn(usize) -> Question + Send + Sync + 'static,
{
    let lasting = Duration::from_secs(args.seconds);
    let asking = Asking { clients: args.clients, lasting, ..Asking::default() };
    let asked = ask(world.address, &world.keys, asking, question).await?;
    report.figure(format!("{name}: p50"), asked.latency.quantile(0.5), "ms");
    report.figure(format!("{name}: p99"), asked.latency.quantile(0.99), "ms");
    report.figure(format!("{name}: rate"), asked.rate(), "1/s");
    Ok(())
}
