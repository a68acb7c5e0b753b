//! A Postgres and a NATS server of our own, for servers that share them. Both come from Debian.

use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;

use super::api::Keys;
use super::server::free_ports;

/// How long either may take to start or to end.
const WITHIN: Duration = Duration::from_secs(20);
/// The owner's key, which servers on one database have to share.
const ROOT: (&str, &str) = ("AKIALOADNODES0000001", "a-secret-that-all-nodes-share");

/// The owner's key of servers that were given [`root_settings`].
#[must_use]
pub fn root() -> Keys {
    Keys { id: ROOT.0.into(), secret: chime_server::auth::sigv4::Secret::new(ROOT.1.to_owned()) }
}

/// What makes servers share an owner.
#[must_use]
pub fn root_settings() -> Vec<(&'static str, String)> {
    vec![("CHIME_ROOT_ACCESS_KEY_ID", ROOT.0.to_owned()), ("CHIME_ROOT_SECRET_ACCESS_KEY", ROOT.1.to_owned())]
}

/// A process that is ended by its id when this is dropped.
#[derive(Debug)]
struct Process(Child);

impl Process {
    /// Starts a program that the kernel ends, too, should this one be killed.
    fn start(program: &mut Command) -> Result<Self> {
        let child = program.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn();
        Ok(Self(child.with_context(|| format!("{:?}", program.get_program()))?))
    }

    /// Waits until something holds.
    fn until(&mut self, what: &str, mut holds: impl FnMut() -> bool) -> Result<()> {
        let begin = Instant::now();
        while !holds() {
            if self.0.try_wait()?.is_some() || begin.elapsed() > WITHIN {
                bail!("{what} did not start");
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        Ok(())
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = kill_process(Pid::from_child(&self.0), Signal::INT);
        let begin = Instant::now();
        while begin.elapsed() < WITHIN {
            if !matches!(self.0.try_wait(), Ok(None)) {
                return;
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A Postgres with synced commits on an empty directory.
#[derive(Debug)]
pub struct Postgres {
    bin: PathBuf,
    port: u16,
    /// Before the directory, which it has to leave first.
    process: Process,
    _directory: TempDir,
}

impl Postgres {
    /// The newest that is installed. It refuses to run as root, and is the user `postgres` then.
    ///
    /// # Errors
    ///
    /// When it is not installed or does not start.
    pub fn start(place: &Path) -> Result<Self> {
        let bin = installed()?;
        let directory = tempfile::tempdir_in(place)?;
        let data = directory.path().join("data");
        let as_root = rustix::process::getuid().is_root();
        if as_root {
            let given = Command::new("chown").arg("postgres:").arg(directory.path()).status()?;
            if !given.success() {
                bail!("there is no user postgres");
            }
        }
        let program = |name: &str| {
            let mut command = Command::new("setpriv");
            if as_root {
                command.args(["--reuid=postgres", "--regid=postgres", "--clear-groups"]);
            }
            command.arg("--pdeathsig=INT").arg(bin.join(name)).current_dir("/");
            command
        };
        let made = program("initdb")
            .arg("-D")
            .arg(&data)
            .args(["-U", "chime", "-A", "trust", "-E", "UTF8", "--no-locale", "--no-sync"])
            .stdout(Stdio::null())
            .status()?;
        if !made.success() {
            bail!("initdb failed");
        }
        let port = free_ports()?.0.port();
        let mut postgres = program("postgres");
        postgres.arg("-D").arg(&data);
        let port_setting = format!("port={port}");
        for setting in [
            port_setting.as_str(),
            "listen_addresses=127.0.0.1",
            "unix_socket_directories=",
            "max_connections=200",
            "shared_buffers=256MB",
            "max_wal_size=4GB",
        ] {
            postgres.args(["-c", setting]);
        }
        let process = Process::start(&mut postgres)?;
        let mut started = Self { bin, port, process, _directory: directory };
        let ready = |bin: &Path| {
            let mut asked = Command::new(bin.join("pg_isready"));
            asked.args(["-q", "-h", "127.0.0.1", "-p", &port.to_string()]);
            asked.status().is_ok_and(|status| status.success())
        };
        started.process.until("Postgres", || ready(&started.bin))?;
        Ok(started)
    }

    /// Makes a database and gives its URL.
    ///
    /// # Errors
    ///
    /// When it is there already.
    pub fn database(&self, name: &str) -> Result<String> {
        let made = Command::new(self.bin.join("createdb"))
            .args(["-h", "127.0.0.1", "-p", &self.port.to_string(), "-U", "chime", name])
            .status()?;
        if !made.success() {
            bail!("the database {name} was not made");
        }
        Ok(format!("postgres://chime@127.0.0.1:{}/{name}", self.port))
    }
}

/// Where the programs of the newest installed version are.
fn installed() -> Result<PathBuf> {
    let missing = "Postgres is not installed: run scripts/setup.sh test";
    let versions = std::fs::read_dir("/usr/lib/postgresql").context(missing)?;
    let number = |path: &PathBuf| path.file_name()?.to_str()?.parse::<u32>().ok();
    let newest =
        versions.filter_map(|entry| Some(entry.ok()?.path())).filter_map(|path| Some((number(&path)?, path)));
    let (_, path) = newest.max().context(missing)?;
    Ok(path.join("bin"))
}

/// A NATS server.
#[derive(Debug)]
pub struct Nats {
    port: u16,
    _process: Process,
    _directory: TempDir,
}

impl Nats {
    /// With JetStream in an empty directory.
    ///
    /// # Errors
    ///
    /// When it is not installed or does not start.
    pub fn start(place: &Path) -> Result<Self> {
        let directory = tempfile::tempdir_in(place)?;
        let port = free_ports()?.0.port();
        let mut command = Command::new("setpriv");
        command.args([
            "--pdeathsig=INT",
            "nats-server",
            "-a",
            "127.0.0.1",
            "-p",
            &port.to_string(),
            "-js",
            "-sd",
        ]);
        let mut process = Process::start(command.arg(directory.path()))?;
        process.until("nats-server (scripts/setup.sh test installs it)", || {
            TcpStream::connect(("127.0.0.1", port)).is_ok()
        })?;
        Ok(Self { port, _process: process, _directory: directory })
    }

    /// Its port on the loopback interface.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Its URL.
    #[must_use]
    pub fn url(&self) -> String {
        format!("nats://127.0.0.1:{}", self.port)
    }
}
