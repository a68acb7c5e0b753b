//! A server process of its own, on an empty data directory.

use std::fs::{self, File};
use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use chime_server::auth::sigv4::Secret;
use rustix::process::{Pid, Resource, Rlimit, Signal, kill_process, setrlimit};
use serde::Deserialize;
use tempfile::TempDir;

use super::api::Keys;

/// How long a server may take to be ready.
const READY_WITHIN: Duration = Duration::from_secs(20);
/// How long it may take to end; the launch contract says 10 s.
const ENDS_WITHIN: Duration = Duration::from_secs(12);
/// Name of the database in the directory of a server.
const DATABASE: &str = "chime.db";
/// Ticks of a second in `/proc/PID/stat`: `USER_HZ`, the same on every Linux.
const TICKS: u64 = 100;

/// How to start a server.
#[derive(Clone, Debug)]
pub struct Launch {
    /// The binary.
    pub binary: PathBuf,
    /// Where data directories are made.
    pub place: PathBuf,
    /// Everything in memory instead of SQLite.
    pub memory: bool,
    /// URL of a database that is there already, instead of one of the server's own.
    pub database: Option<String>,
    /// Further settings, `CHIME_…`.
    pub settings: Vec<(&'static str, String)>,
}

/// A running server. Dropping it ends it.
#[derive(Debug)]
pub struct Server {
    child: Child,
    data: Arc<TempDir>,
    /// Address of the plain listener.
    pub http: SocketAddr,
    /// Address of the TLS listener.
    pub https: SocketAddr,
    /// Address of the media, once it is ready.
    pub media: SocketAddr,
    /// From starting the process until it said that it is ready.
    pub ready_after: Duration,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct RootCredentials {
    access_key_id: String,
    secret_access_key: String,
}

impl Server {
    /// Starts a server and waits until it is ready.
    ///
    /// # Errors
    ///
    /// When it is not ready in time, with the end of its log.
    pub fn start(launch: &Launch) -> Result<Self> {
        Self::start_in(launch, Arc::new(tempfile::tempdir_in(&launch.place)?))
    }

    /// The same in a directory that may hold a database already, see [`database_in`].
    ///
    /// # Errors
    ///
    /// As [`Server::start`].
    pub fn start_in(launch: &Launch, data: Arc<TempDir>) -> Result<Self> {
        let (http, https) = free_ports()?;
        let database = match &launch.database {
            Some(url) => url.clone(),
            None if launch.memory => "memory:".into(),
            None => format!("sqlite:{}", database_in(data.path()).display()),
        };
        let mut command = Command::new(&launch.binary);
        command.arg("serve").arg("--data-dir").arg(data.path().join("data"));
        command.args([
            "--http-listen",
            &http.to_string(),
            "--https-listen",
            &https.to_string(),
            "--media-listen",
            "127.0.0.1:0",
        ]);
        command.args(["--database", &database]).stdin(Stdio::null());
        for (name, _) in std::env::vars_os() {
            if name.to_string_lossy().starts_with("CHIME_") {
                command.env_remove(name);
            }
        }
        command.env("CHIME_THROTTLE__REQUESTS_PER_SECOND", "0");
        command.envs(launch.settings.iter().map(|(name, value)| (*name, value.as_str())));
        let log = File::create(data.path().join("log"))?;
        command.stdout(log.try_clone()?).stderr(log);
        let start = Instant::now();
        let child = command.spawn().with_context(|| launch.binary.display().to_string())?;
        let mut server = Self { child, data, http, https, media: http, ready_after: Duration::ZERO };
        loop {
            if matches!(get(http, "/readyz"), Ok((200, _))) {
                server.ready_after = start.elapsed();
                server.media = server.media_address()?;
                return Ok(server);
            }
            if server.child.try_wait()?.is_some() || start.elapsed() > READY_WITHIN {
                bail!("the server was not ready; its log ends with\n{}", server.log());
            }
            std::thread::sleep(Duration::from_micros(500));
        }
    }

    /// The key of the owner.
    ///
    /// # Errors
    ///
    /// When the file is not there.
    pub fn root(&self) -> Result<Keys> {
        let text = fs::read(self.data_dir().join("root-credentials.json"))?;
        let RootCredentials { access_key_id, secret_access_key } = serde_json::from_slice(&text)?;
        Ok(Keys { id: access_key_id.into(), secret: Secret::new(secret_access_key) })
    }

    fn media_address(&self) -> Result<SocketAddr> {
        let text = fs::read(self.data_dir().join("endpoints.json"))?;
        let endpoints: serde_json::Value = serde_json::from_slice(&text)?;
        Ok(endpoints.get("Media").and_then(|media| media.as_str()).context("no media")?.parse()?)
    }

    /// The data directory.
    #[must_use]
    pub fn data_dir(&self) -> PathBuf {
        self.data.path().join("data")
    }

    /// Processor time that the server has used.
    ///
    /// # Errors
    ///
    /// When it has ended.
    pub fn cpu(&self) -> Result<Duration> {
        process_cpu(self.child.id())
    }

    /// Memory of the process, in bytes.
    ///
    /// # Errors
    ///
    /// When it has ended.
    pub fn resident(&self) -> Result<u64> {
        let pages: u64 =
            self.proc("statm")?.split(' ').nth(1).context("an unknown form of statm")?.parse()?;
        Ok(pages * rustix::param::page_size() as u64)
    }

    /// Bytes of the database and its log.
    ///
    /// # Errors
    ///
    /// The system's.
    pub fn stored(&self) -> Result<u64> {
        let mut bytes = 0;
        for file in fs::read_dir(self.data.path())? {
            let file = file?;
            if file.file_name().to_string_lossy().starts_with(DATABASE) {
                bytes += file.metadata()?.len();
            }
        }
        Ok(bytes)
    }

    /// A number of `/metrics`, its labels being part of the name.
    ///
    /// # Errors
    ///
    /// When there is none of that name.
    pub fn metric(&self, name: &str) -> Result<f64> {
        let (_, text) = get(self.http, "/metrics")?;
        let line = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
        Ok(line.with_context(|| format!("no metric {name}"))?.trim().parse()?)
    }

    /// The end of what it printed.
    #[must_use]
    pub fn log(&self) -> String {
        let text = fs::read(self.data.path().join("log")).unwrap_or_default();
        let start = text.len().saturating_sub(4000);
        String::from_utf8_lossy(text.get(start..).unwrap_or_default()).into_owned()
    }

    fn proc(&self, file: &str) -> Result<String> {
        Ok(fs::read_to_string(format!("/proc/{}/{file}", self.child.id()))?)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = kill_process(Pid::from_child(&self.child), Signal::TERM);
        let start = Instant::now();
        while start.elapsed() < ENDS_WITHIN {
            if !matches!(self.child.try_wait(), Ok(None)) {
                return;
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Where a server that is started in a directory has its database.
#[must_use]
pub fn database_in(directory: &Path) -> PathBuf {
    directory.join(DATABASE)
}

/// Processor time that a process has used.
///
/// # Errors
///
/// When it has ended.
pub fn process_cpu(id: u32) -> Result<Duration> {
    let stat = fs::read_to_string(format!("/proc/{id}/stat"))?;
    // The name of the command, in parentheses, may hold spaces; user and system time are fields 14 and 15.
    let (_, fields) = stat.rsplit_once(") ").context("an unknown form of stat")?;
    let ticks: u64 = fields.split(' ').skip(11).take(2).filter_map(|field| field.parse::<u64>().ok()).sum();
    Ok(Duration::from_millis(ticks * 1000 / TICKS))
}

/// Lets this process, and those it starts, open as many files as the system permits.
///
/// # Errors
///
/// When that is less than `wanted`.
pub fn permit_files(wanted: u64) -> Result<()> {
    let limit = rustix::process::getrlimit(Resource::Nofile);
    setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, maximum: limit.maximum })?;
    match limit.maximum {
        Some(maximum) if maximum < wanted => {
            bail!(
                "{wanted} open files are needed and the system permits {maximum}: raise the hard limit (ulimit -Hn)"
            )
        }
        _ => Ok(()),
    }
}

/// How many pairs of connected sockets this process may hold, both ends of each, beside a few other files.
#[must_use]
pub fn permitted_pairs() -> usize {
    let files = rustix::process::getrlimit(Resource::Nofile).current.unwrap_or(u64::MAX);
    usize::try_from(files.saturating_sub(200) / 2).unwrap_or(usize::MAX)
}

/// Sees to it that so many connections to one address can be opened from this machine: each takes a source port.
///
/// # Errors
///
/// When there are fewer source ports.
pub fn permit_connections(wanted: u64) -> Result<()> {
    // Where the system does not tell, the connections will.
    let Ok(range) = fs::read_to_string("/proc/sys/net/ipv4/ip_local_port_range") else { return Ok(()) };
    let mut bounds = range.split_whitespace().filter_map(|bound| bound.parse::<u64>().ok());
    if let (Some(first), Some(last)) = (bounds.next(), bounds.next())
        && last.saturating_sub(first) < wanted
    {
        bail!(
            "{wanted} source ports are needed and the system has {first} to {last}: widen net.ipv4.ip_local_port_range"
        );
    }
    Ok(())
}

/// Ports that were free a moment ago.
pub(super) fn free_ports() -> Result<(SocketAddr, SocketAddr)> {
    let one = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    let other = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    Ok((one.local_addr()?, other.local_addr()?))
}

/// An unsigned request on a connection of its own.
fn get(address: SocketAddr, path: &str) -> Result<(u16, String)> {
    let mut stream = TcpStream::connect(address)?;
    stream.set_read_timeout(Some(Duration::from_secs(5)))?;
    write!(stream, "GET {path} HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n\r\n")?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    let status = answer.get(9..12).context("no status")?.parse()?;
    Ok((status, answer.split_once("\r\n\r\n").map_or(String::new(), |(_, body)| body.to_owned())))
}

/// The binary that was named, or the one that is built beside this program.
///
/// # Errors
///
/// When there is none.
pub fn binary(named: Option<&Path>) -> Result<PathBuf> {
    if let Some(path) =
        named.map(Path::to_owned).or_else(|| std::env::var_os("CHIME_SERVER_BIN").map(Into::into))
    {
        return Ok(path);
    }
    let beside = std::env::current_exe()?.with_file_name("chime-server");
    if beside.is_file() {
        return Ok(beside);
    }
    bail!("no server: build it with `cargo build --release -p chime-server`, or set CHIME_SERVER_BIN")
}
