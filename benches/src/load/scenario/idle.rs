//! What a connection costs that has nothing to say.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result};
use clap::Args;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use super::CONNECT_WITHIN;
use crate::load::members::{Members, upgrade};
use crate::load::report::{Goal, Report};
use crate::load::server::{Launch, Server, permit_files};
use crate::load::world::World;

/// Handshakes under way at once with TLS.
const AT_ONCE: usize = 8;
/// How long the server is left alone before its memory is read.
const REST: Duration = Duration::from_secs(2);

/// Memory of the server for each idle connection.
#[derive(Args, Clone, Debug)]
#[expect(clippy::exhaustive_structs, reason = "arguments of a program")]
pub struct Idle {
    /// Connections.
    #[arg(long, default_value_t = 5000)]
    pub connections: usize,
    /// Connections of each user.
    #[arg(long, default_value_t = 10)]
    pub per_user: usize,
    /// Over TLS.
    #[arg(long)]
    pub tls: bool,
}

/// Runs it.
///
/// # Errors
///
/// When the server or a connection fails.
pub async fn run(launch: &Launch, args: &Idle) -> Result<()> {
    permit_files(args.connections as u64 + 1000)?;
    let mut launch = launch.clone();
    launch.settings.push(("CHIME_QUOTAS__CONNECTIONS_PER_USER", args.per_user.to_string()));
    let server = Server::start(&launch)?;
    let users = args.connections.div_ceil(args.per_user.max(1));
    let world = World::new(server.http, server.root()?, users).await?;
    tokio::time::sleep(REST).await;
    let before = server.resident()?;
    let address = if args.tls { server.https } else { server.http };
    let host = address.to_string();
    let mut targets = Vec::with_capacity(args.connections);
    for index in 0..args.connections {
        let user = world.users.get(index % users).context("a user")?;
        targets.push(world.keys.connect(&host, user, &format!("session-{index}"), args.tls)?);
    }
    let (members, streams);
    if args.tls {
        streams = over_tls(address, &server.data_dir().join("tls/ca.pem"), targets).await?;
        tokio::time::sleep(REST).await;
    } else {
        members = Members::new()?;
        for target in &targets {
            members.connect(address, target)?;
        }
        members.established(CONNECT_WITHIN)?;
        streams = Vec::new();
    }
    tokio::time::sleep(REST).await;
    let after = server.resident()?;
    let open = server.metric("chime_websocket_sessions")?;
    drop(streams);

    let kind = if args.tls { "with TLS" } else { "without TLS" };
    let mut report = Report::new(format!("idle: {} connections {kind}", args.connections));
    let each = after.saturating_sub(before) as f64 / 1024.0 / args.connections as f64;
    let goal = if args.tls { Goal::None } else { Goal::AtMost(10.0) };
    report.goal("memory of the server for each connection", each, "KiB", goal);
    report.goal("sessions open", open, "", Goal::AtLeast(args.connections as f64));
    report.figure("memory before", super::mebibytes(before), "MiB");
    report.figure("memory after", super::mebibytes(after), "MiB");
    report.print()
}

/// Opens sessions over TLS and keeps them.
async fn over_tls(address: SocketAddr, ca: &Path, targets: Vec<String>) -> Result<Vec<TlsStream<TcpStream>>> {
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_file_iter(ca)? {
        roots.add(certificate?)?;
    }
    let config = ClientConfig::builder().with_root_certificates(roots).with_no_client_auth();
    let connector = TlsConnector::from(Arc::new(config));
    let (targets, count) = (Arc::new(targets), AT_ONCE);
    let mut tasks = Vec::new();
    for task in 0..count {
        let (connector, targets) = (connector.clone(), Arc::clone(&targets));
        tasks.push(tokio::spawn(async move {
            let mut streams = Vec::new();
            for target in targets.iter().skip(task).step_by(count) {
                let stream = TcpStream::connect(address).await?;
                let mut stream = connector.connect(ServerName::from(address.ip()), stream).await?;
                stream.write_all(upgrade(address, target).as_bytes()).await?;
                let mut received = Vec::new();
                while memchr::memmem::find(&received, b"SESSION_ESTABLISHED").is_none() {
                    if stream.read_buf(&mut received).await? == 0 {
                        anyhow::bail!("no session: {}", String::from_utf8_lossy(&received));
                    }
                }
                streams.push(stream);
            }
            anyhow::Ok(streams)
        }));
    }
    let mut all = Vec::new();
    for task in tasks {
        all.extend(task.await??);
    }
    Ok(all)
}
