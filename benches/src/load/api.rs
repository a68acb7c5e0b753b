//! Signed requests on a connection that is kept.

use std::net::SocketAddr;
use std::sync::Arc;

use anyhow::{Context, Result, bail};
use chime_adapters::SystemClock;
use chime_domain::ports::Clock;
use chime_server::auth::sigv4::{Secret, SignedRequest, Signer};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// Who signs.
#[derive(Clone, Debug)]
pub struct Keys {
    /// The access key id.
    pub id: Arc<str>,
    /// Its secret.
    pub secret: Secret,
}

impl Keys {
    fn signer<'a>(&'a self, service: &'a str) -> Signer<'a> {
        Signer { access_key: &self.id, secret: &self.secret, token: None, region: "us-east-1", service }
    }

    /// The target of `GET /connect` for a user.
    ///
    /// # Errors
    ///
    /// When it cannot be signed.
    pub fn connect(&self, host: &str, user: &str, session: &str, secure: bool) -> Result<String> {
        let query = format!("sessionId={session}&userArn={}", escape(user));
        let request = SignedRequest {
            method: "GET",
            raw_path: "/connect",
            raw_query: &query,
            headers: &[("host", host.as_bytes())],
            body: b"",
            secure,
        };
        Ok(format!("/connect?{}", self.signer("chime").presign(&request, 300, SystemClock.now())?))
    }
}

/// An ARN as a segment of a path or a value of a query.
#[must_use]
pub fn escape(arn: &str) -> String {
    arn.replace('%', "%25").replace(':', "%3A").replace('/', "%2F").replace('@', "%40")
}

/// A request.
#[derive(Clone, Copy, Debug)]
pub struct Call<'a> {
    /// The method.
    pub method: &'a str,
    /// Path, escaped.
    pub path: &'a str,
    /// Query, escaped; may be empty.
    pub query: &'a str,
    /// The user to act as.
    pub bearer: Option<&'a str>,
    /// The body.
    pub body: &'a [u8],
    /// Signing name, and media type of the body.
    pub service: &'a str,
}

impl<'a> Call<'a> {
    /// A POST of JSON to the Chime API.
    #[must_use]
    pub fn post(path: &'a str, body: &'a [u8]) -> Self {
        Self { method: "POST", path, query: "", bearer: None, body, service: "chime" }
    }

    /// As a user.
    #[must_use]
    pub fn bearer(self, user: &'a str) -> Self {
        Self { bearer: Some(user), ..self }
    }

    /// With a query.
    #[must_use]
    pub fn query(self, query: &'a str) -> Self {
        Self { query, ..self }
    }
}

/// A connection.
#[derive(Debug)]
pub struct Client {
    stream: TcpStream,
    host: String,
    keys: Keys,
    out: Vec<u8>,
    received: Vec<u8>,
}

impl Client {
    /// Connects.
    ///
    /// # Errors
    ///
    /// The system's.
    pub async fn connect(address: SocketAddr, keys: Keys) -> Result<Self> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        Ok(Self { stream, host: address.to_string(), keys, out: Vec::new(), received: Vec::new() })
    }

    /// Sends a request and gives the status and the body of its answer.
    ///
    /// # Errors
    ///
    /// When the connection ends, or what comes is no answer.
    pub async fn send(&mut self, call: &Call<'_>) -> Result<(u16, Vec<u8>)> {
        let media = if call.service == "chime" { "application/json" } else { FORM };
        let mut headers = vec![("host", self.host.as_bytes()), ("content-type", media.as_bytes())];
        headers.extend(call.bearer.map(|user| ("x-amz-chime-bearer", user.as_bytes())));
        let request = SignedRequest {
            method: call.method,
            raw_path: call.path,
            raw_query: call.query,
            headers: &headers,
            body: call.body,
            secure: false,
        };
        let added = self.keys.signer(call.service).sign_headers(&request, SystemClock.now())?;
        let out = &mut self.out;
        out.clear();
        let question = if call.query.is_empty() { "" } else { "?" };
        for part in [call.method, " ", call.path, question, call.query, " HTTP/1.1\r\n"] {
            out.extend_from_slice(part.as_bytes());
        }
        let added = added.iter().map(|(name, value)| (*name, value.as_bytes()));
        for (name, value) in headers.iter().copied().chain(added) {
            out.extend_from_slice(name.as_bytes());
            out.extend_from_slice(b": ");
            out.extend_from_slice(value);
            out.extend_from_slice(b"\r\n");
        }
        out.extend_from_slice(format!("content-length: {}\r\n\r\n", call.body.len()).as_bytes());
        out.extend_from_slice(call.body);
        self.stream.write_all(out).await?;
        self.answer().await
    }

    /// The same for a request that has to succeed.
    ///
    /// # Errors
    ///
    /// Any status but 2xx.
    pub async fn done(&mut self, call: &Call<'_>) -> Result<Vec<u8>> {
        let (status, body) = self.send(call).await?;
        if status / 100 != 2 {
            bail!("{} {} answered {status}: {}", call.method, call.path, String::from_utf8_lossy(&body));
        }
        Ok(body)
    }

    async fn answer(&mut self) -> Result<(u16, Vec<u8>)> {
        self.received.clear();
        loop {
            if self.stream.read_buf(&mut self.received).await? == 0 {
                bail!("the server closed a connection");
            }
            let Some((status, head, length)) = head(&self.received)? else { continue };
            while self.received.len() < head + length {
                if self.stream.read_buf(&mut self.received).await? == 0 {
                    bail!("the server closed a connection");
                }
            }
            return Ok((status, self.received.get(head..head + length).unwrap_or_default().to_vec()));
        }
    }
}

const FORM: &str = "application/x-www-form-urlencoded; charset=utf-8";

/// Status, length of the head, length of the body.
fn head(received: &[u8]) -> Result<Option<(u16, usize, usize)>> {
    let mut headers = [httparse::EMPTY_HEADER; 32];
    let mut answer = httparse::Response::new(&mut headers);
    let httparse::Status::Complete(head) = answer.parse(received)? else { return Ok(None) };
    let status = answer.code.context("an answer without a status")?;
    let length = answer.headers.iter().find(|header| header.name.eq_ignore_ascii_case("content-length"));
    let length = match length {
        Some(header) => std::str::from_utf8(header.value)?.trim().parse()?,
        None if status == 204 => 0,
        None => bail!("an answer of {status} without a length"),
    };
    Ok(Some((status, head, length)))
}
