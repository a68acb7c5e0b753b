//! Janus, Debian's package of that name, and what is asked of it.

use std::fs;
use std::io::{Read, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use serde_json::{Value, json};
use tempfile::TempDir;

/// How long Janus may take to answer.
pub const WITHIN: Duration = Duration::from_secs(20);

/// Janus in a process of its own, which ends with this.
#[derive(Debug)]
pub struct Janus {
    child: Child,
    port: u16,
    session: u64,
    _folder: TempDir,
}

impl Drop for Janus {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Janus {
    /// Starts it, without plug-ins that open ports of their own.
    ///
    /// # Errors
    ///
    /// When it is not there or does not answer.
    pub fn start() -> Result<Self> {
        let folder = tempfile::tempdir()?;
        let port = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?.port();
        let write = |name: &str, text: &str| fs::write(folder.path().join(name), text);
        write("janus.jcfg", "general: { debug_level = 2 }\nnat: { ice_lite = true }\n")?;
        write(
            "janus.transport.http.jcfg",
            &format!(
                "general: {{ json = \"plain\" base_path = \"/janus\" http = true port = {port} ip = \"127.0.0.1\" }}\n"
            ),
        )?;
        write("janus.plugin.videoroom.jcfg", "general: { }\n")?;
        write("janus.plugin.audiobridge.jcfg", "general: { local_ip = \"127.0.0.1\" }\n")?;
        let mut command = Command::new("janus");
        command.arg("-F").arg(folder.path()).args(["-o", "-C"]).arg(folder.path().join("janus.jcfg"));
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        let child = command.spawn().context("janus: install Debian's package of that name")?;
        let mut this = Self { child, port, session: 0, _folder: folder };
        let start = Instant::now();
        loop {
            if let Ok(answer) = this.post("/janus", &json!({ "janus": "create", "transaction": "t" })) {
                this.session = number(&answer, "/data/id")?;
                return Ok(this);
            }
            if start.elapsed() > WITHIN {
                bail!("janus was not ready");
            }
            std::thread::sleep(Duration::from_millis(100));
        }
    }

    fn post(&self, path: &str, body: &Value) -> Result<Value> {
        self.ask("POST", path, &body.to_string())
    }

    fn ask(&self, method: &str, path: &str, body: &str) -> Result<Value> {
        let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, self.port))?;
        stream.set_read_timeout(Some(WITHIN))?;
        write!(
            stream,
            "{method} {path} HTTP/1.0\r\nhost: janus\r\ncontent-type: application/json\r\n\
             content-length: {}\r\n\r\n{body}",
            body.len()
        )?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer)?;
        let (_, body) = answer.split_once("\r\n\r\n").context("no answer")?;
        Ok(serde_json::from_str(body)?)
    }

    /// Its process.
    #[must_use]
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// A handle on a plug-in.
    ///
    /// # Errors
    ///
    /// When it refuses.
    pub fn attach(&self, plugin: &str) -> Result<u64> {
        let attach =
            json!({ "janus": "attach", "plugin": format!("janus.plugin.{plugin}"), "transaction": "t" });
        number(&self.post(&format!("/janus/{}", self.session), &attach)?, "/data/id")
    }

    /// Asks a plug-in something; its answer, if it gives that at once.
    ///
    /// # Errors
    ///
    /// When it does not answer.
    pub fn message(&self, handle: u64, body: &Value) -> Result<Value> {
        let message = json!({ "janus": "message", "transaction": "t", "body": body });
        self.post(&format!("/janus/{}/{handle}", self.session), &message)
    }

    /// The next event of any handle.
    ///
    /// # Errors
    ///
    /// When it does not answer.
    pub fn event(&self) -> Result<Value> {
        self.ask("GET", &format!("/janus/{}?maxev=1", self.session), "")
    }
}

/// A number of an answer.
///
/// # Errors
///
/// When there is none.
pub fn number(value: &Value, pointer: &str) -> Result<u64> {
    value.pointer(pointer).and_then(Value::as_u64).with_context(|| format!("no {pointer} in {value}"))
}
