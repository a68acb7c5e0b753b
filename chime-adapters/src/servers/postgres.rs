//! Postgres.

use std::fs::{self, File};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};

use tempfile::TempDir;

use super::{Process, free_port, until};

/// A Postgres of our own.
#[derive(Debug)]
pub(crate) struct Postgres {
    directory: PathBuf,
    pub(crate) port: u16,
    synced: bool,
    settings: Vec<String>,
    process: Option<Process>,
    _held: Held,
}

/// What goes away with a server.
#[derive(Debug)]
enum Held {
    Directory(#[expect(dead_code, reason = "it is only dropped")] TempDir),
    /// A lock that says the shared server is in use.
    Use(#[expect(dead_code, reason = "it is only dropped")] File),
}

/// Databases of this process so far.
static DATABASES: AtomicU64 = AtomicU64::new(0);

impl Postgres {
    /// The one that all tests share, those of other processes too. It does not sync to the disk.
    ///
    /// Whoever comes first starts it, and it ends by itself when nobody has used it for some seconds: a runner with a
    /// process for each test would otherwise start one for each test.
    pub(crate) fn shared() -> &'static Self {
        static SHARED: OnceLock<Postgres> = OnceLock::new();
        SHARED.get_or_init(Self::join)
    }

    fn join() -> Self {
        let uid = rustix::process::getuid().as_raw();
        let directory = std::env::temp_dir().join(format!("chime-test-postgres-{uid}"));
        fs::create_dir_all(&directory).unwrap();
        give(&directory);
        let lock_file = |name: &str| {
            File::options().create(true).truncate(false).write(true).open(directory.join(name)).unwrap()
        };
        let starting = lock_file("starting");
        starting.lock().unwrap();
        let used = lock_file("used");
        used.lock_shared().unwrap();
        let known = fs::read_to_string(directory.join("port")).ok().and_then(|port| port.parse().ok());
        let port = known.unwrap_or_else(free_port);
        let server = Self {
            directory: directory.clone(),
            port,
            synced: false,
            settings: vec![],
            process: None,
            _held: Held::Use(used),
        };
        if known.is_none() || psql(&server.url("postgres"), "SELECT 1").is_err() {
            let _ = fs::remove_dir_all(directory.join("data"));
            server.make();
            // The guardian must not have our locks, and must outlive us.
            let script = r#"dir=$1; shift; cd "$dir"; "$@" >/dev/null 2>&1 & pid=$!; idle=0
                while kill -0 $pid 2>/dev/null; do
                    sleep 1
                    if flock -n -x used true; then idle=$((idle + 1)); else idle=0; fi
                    if [ $idle -ge 5 ] && flock starting sh -c "flock -n -x used rm port && kill -INT $pid"; then break; fi
                done; wait $pid"#;
            let mut command = Command::new("setsid");
            command.args(["--fork", "sh", "-c", script, "sh"]).arg(&directory).args(server.program());
            command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).status().unwrap();
            until("starting Postgres", || psql(&server.url("postgres"), "SELECT 1").is_ok());
            fs::write(directory.join("port"), port.to_string()).unwrap();
        }
        server
    }

    /// One for this test alone, which it may kill.
    pub(crate) fn start(synced: bool) -> Self {
        let mut server = Self::made(synced);
        server.resume();
        server
    }

    /// One that speaks TLS, with this certificate and key (PEM).
    pub(crate) fn start_with_tls(certificate: &str, key: &str) -> Self {
        let mut server = Self::made(false);
        for (name, text) in [("server.crt", certificate), ("server.key", key)] {
            let path = server.directory.join("data").join(name);
            fs::write(&path, text).unwrap();
            fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
            give(&path);
        }
        server.settings.push("ssl=on".into());
        server.resume();
        server
    }

    fn made(synced: bool) -> Self {
        let held = tempfile::tempdir().unwrap();
        give(held.path());
        let directory = held.path().to_owned();
        let held = Held::Directory(held);
        let server =
            Self { directory, port: free_port(), synced, settings: vec![], process: None, _held: held };
        server.make();
        server
    }

    fn make(&self) {
        let data = self.directory.join("data");
        let data = data.to_str().unwrap();
        let options = ["-D", data, "-U", "chime", "-A", "trust", "-E", "UTF8", "--no-locale", "--no-sync"];
        let made = as_postgres(&binary("initdb")).args(options).stdout(Stdio::null()).status().unwrap();
        assert!(made.success(), "initdb failed");
    }

    fn program(&self) -> Vec<String> {
        let data = self.directory.join("data");
        let mut program = vec![];
        if rustix::process::getuid().is_root() {
            let other = ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups"];
            program.extend(other.map(String::from));
        }
        program.push(binary("postgres").to_str().unwrap().to_owned());
        program.extend(["-D".to_owned(), data.to_str().unwrap().to_owned()]);
        let sync = if self.synced { "on" } else { "off" };
        for setting in [
            format!("port={}", self.port),
            "listen_addresses=127.0.0.1".into(),
            "unix_socket_directories=".into(),
            "max_connections=400".into(),
            format!("fsync={sync}"),
            format!("full_page_writes={sync}"),
        ]
        .into_iter()
        .chain(self.settings.iter().cloned())
        {
            program.extend(["-c".to_owned(), setting]);
        }
        program
    }

    /// Starts it again after [`Postgres::kill`].
    pub(crate) fn resume(&mut self) {
        self.process = Some(Process::start(&self.program()));
        let url = self.url("postgres");
        until("starting Postgres", || psql(&url, "SELECT 1").is_ok());
    }

    /// Ends it at once, as loss of power would, but for what the operating system still holds.
    pub(crate) fn kill(&mut self) {
        let process = self.process.take().unwrap();
        process.signal("-STOP");
        // Its sessions would go on for a while without it, and must not meet those of its successor.
        let children = Command::new("pgrep").args(["-P", &process.pid.to_string()]).output().unwrap();
        let children = String::from_utf8(children.stdout).unwrap();
        process.signal("-KILL");
        Command::new("kill")
            .arg("-KILL")
            .args(children.split_whitespace())
            .stderr(Stdio::null())
            .status()
            .unwrap();
        let alive = |pid: &str| Path::new("/proc").join(pid).join("exe").exists();
        until("the end of Postgres", || !children.split_whitespace().any(alive));
        drop(process);
    }

    pub(crate) fn url(&self, database: &str) -> String {
        format!("postgres://chime@127.0.0.1:{}/{database}", self.port)
    }

    /// A new, empty database.
    pub(crate) fn database(&self) -> String {
        let name = format!("test_{}_{}", std::process::id(), DATABASES.fetch_add(1, Ordering::Relaxed));
        psql(&self.url("postgres"), &format!("CREATE DATABASE {name}")).unwrap();
        name
    }
}

/// Runs statements beside the store, as an operator would; gives what they print.
pub(crate) fn psql(url: &str, sql: &str) -> Result<String, String> {
    let options = ["-X", "-A", "-t", "-q", "-v", "ON_ERROR_STOP=1", "-c", sql, url];
    let ran = Command::new(binary("psql")).args(options).output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap().trim().to_owned();
    if ran.status.success() { Ok(text(ran.stdout)) } else { Err(text(ran.stderr)) }
}

/// A program of the newest Postgres that is installed.
fn binary(name: &str) -> PathBuf {
    let installed = fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let mut found: Vec<_> = installed.map(|version| version.path().join("bin").join(name)).collect();
    found.sort();
    found.retain(|path| path.exists());
    assert!(!found.is_empty(), "Postgres is not installed: run scripts/setup.sh test");
    found.pop().unwrap()
}

/// It refuses to run as root.
fn as_postgres(program: &Path) -> Command {
    if rustix::process::getuid().is_root() {
        let mut command = Command::new("setpriv");
        command.args(["--reuid=postgres", "--regid=postgres", "--clear-groups"]).arg(program);
        command
    } else {
        Command::new(program)
    }
}

fn give(path: &Path) {
    if rustix::process::getuid().is_root() {
        let given = Command::new("chown").arg("postgres:postgres").arg(path).status().unwrap();
        assert!(given.success());
    }
}
