//! The binary: starting, the files it makes, and how it ends.

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

use crate::wire::Answer;

pub(crate) struct Process(Child);

impl Process {
    pub(crate) fn start(dir: &Path, further: &[&str]) -> Self {
        let child = command(dir).args(further).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        Self(child)
    }

    /// Waits for the greeting, and gives it.
    pub(crate) fn greeting(&mut self) -> String {
        let mut text = String::new();
        for line in BufReader::new(self.0.stdout.as_mut().unwrap()).lines() {
            let line = line.unwrap();
            text += &line;
            text.push('\n');
            if line.contains("--endpoint-url") {
                return text;
            }
        }
        panic!("{text}");
    }

    pub(crate) fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.0), signal).unwrap();
    }

    pub(crate) fn end_within(&mut self, limit: Duration) -> ExitStatus {
        let start = Instant::now();
        loop {
            if let Some(status) = self.0.try_wait().unwrap() {
                return status;
            }
            assert!(start.elapsed() < limit, "still running");
            std::thread::sleep(Duration::from_millis(10));
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Without the settings of whoever runs the tests.
pub(crate) fn without_settings(mut command: Command) -> Command {
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("CHIME_") {
            command.env_remove(name);
        }
    }
    command
}

fn command(dir: &Path) -> Command {
    let mut command = without_settings(Command::new(env!("CARGO_BIN_EXE_chime-server")));
    command.args([
        "serve",
        "--http-listen",
        "127.0.0.1:0",
        "--https-listen",
        "127.0.0.1:0",
        "--media-listen",
        "127.0.0.1:0",
    ]);
    command.arg("--data-dir").arg(dir);
    command
}

pub(crate) fn connect(dir: &Path) -> TcpStream {
    let endpoints: Value = serde_json::from_slice(&fs::read(dir.join("endpoints.json")).unwrap()).unwrap();
    let stream =
        TcpStream::connect(endpoints["Http"].as_str().unwrap().trim_start_matches("http://")).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    stream
}

#[test]
fn it_greets_with_its_addresses_and_the_first_command_and_keeps_the_secret() {
    let dir = tempfile::tempdir().unwrap();
    let mut process = Process::start(dir.path(), &[]);
    let greeting = process.greeting();
    let credentials = dir.path().join("root-credentials.json");
    let root: Value = serde_json::from_slice(&fs::read(&credentials).unwrap()).unwrap();
    assert!(greeting.contains(credentials.to_str().unwrap()), "{greeting}");
    assert!(greeting.contains(dir.path().join("tls/ca.pem").to_str().unwrap()));
    assert!(!greeting.contains(root["SecretAccessKey"].as_str().unwrap()));
    assert_eq!(root["AccountId"], "123456789012");

    // The pasted line reads the key from the file: run its first half with a shell.
    let line = greeting.split("Try:").nth(1).unwrap().replace("\\\n", " ");
    let variables = line.split("aws chime-sdk-identity").next().unwrap().trim();
    let shown = Command::new("sh").arg("-c").arg(format!("{variables} env")).output().unwrap();
    let shown = String::from_utf8(shown.stdout).unwrap();
    let secret = format!("AWS_SECRET_ACCESS_KEY={}", root["SecretAccessKey"].as_str().unwrap());
    assert!(shown.lines().any(|found| found == secret), "{variables}");

    process.signal(Signal::TERM);
    assert!(process.end_within(Duration::from_secs(10)).success());
}

#[test]
fn the_first_signal_drains_what_was_begun() {
    let dir = tempfile::tempdir().unwrap();
    let mut process = Process::start(dir.path(), &["--database", "memory:"]);
    process.greeting();
    let mut idle = connect(dir.path());
    let mut busy = connect(dir.path());
    busy.write_all(b"POST /channels HTTP/1.1\r\nhost: a\r\ncontent-length: 2\r\n\r\n{").unwrap();
    // Once another request is answered, the server has read the beginning of this one.
    idle.write_all(b"GET /livez HTTP/1.1\r\nhost: a\r\n\r\n").unwrap();
    assert_eq!(Answer::read(&mut idle).status, 200);
    std::thread::sleep(Duration::from_millis(100));
    process.signal(Signal::TERM);
    let mut rest = Vec::new();
    idle.read_to_end(&mut rest).unwrap();
    assert_eq!(rest, b"", "an idle connection is closed");
    assert!(process.0.try_wait().unwrap().is_none(), "the request under way is waited for");
    busy.write_all(b"}").unwrap();
    Answer::read(&mut busy).is_error(403, "MissingAuthenticationTokenException");
    assert!(process.end_within(Duration::from_secs(5)).success());
}

#[test]
fn the_second_signal_waits_for_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let mut process = Process::start(dir.path(), &["--database", "memory:"]);
    process.greeting();
    let mut busy = connect(dir.path());
    busy.write_all(b"POST /channels HTTP/1.1\r\nhost: a\r\ncontent-length: 2\r\n\r\n{").unwrap();
    std::thread::sleep(Duration::from_millis(100));
    process.signal(Signal::TERM);
    std::thread::sleep(Duration::from_millis(200));
    assert!(process.0.try_wait().unwrap().is_none());
    process.signal(Signal::INT);
    assert!(process.end_within(Duration::from_secs(4)).success());
}

#[test]
fn a_wrong_setting_ends_it_at_once_with_one_line() {
    let dir = tempfile::tempdir().unwrap();
    let output = command(dir.path()).env("CHIME_COLOUR", "red").output().unwrap();
    assert!(!output.status.success());
    let text = String::from_utf8(output.stderr).unwrap();
    assert!(text.starts_with("chime-server: ") && text.contains("CHIME_COLOUR"), "{text}");
    assert_eq!(text.lines().count(), 1);
}

#[test]
fn the_configuration_commands_answer() {
    let run = |arguments: &[&str]| {
        let output = Command::new(env!("CARGO_BIN_EXE_chime-server")).args(arguments).output().unwrap();
        (output.status.success(), String::from_utf8(output.stdout).unwrap())
    };
    assert!(run(&["config", "check"]).0);
    let (good, schema) = run(&["config", "schema"]);
    assert!(good && serde_json::from_str::<Value>(&schema).is_ok());
    let (good, text) = run(&["config", "explain", "--http-listen", "127.0.0.1:9"]);
    assert!(good && text.contains("http_listen = \"127.0.0.1:9\"\n    from flag --http-listen"), "{text}");
    assert!(run(&["--version"]).1.starts_with("chime-server "));
    assert!(!run(&["config", "check", "--database", "nothing"]).0);
}
