//! The same question, put to a running server.

use std::io;
use std::time::Duration;

use chime_domain::time::Timestamp;
use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::endpoint::{ALLOWED, PATH, SERVICE, VERDICT};
use super::{Explained, Question};
use crate::auth::RootKey;
use crate::auth::sigv4::{SigError, SignedRequest, Signer};

/// How long the server may take.
const PATIENCE: Duration = Duration::from_secs(20);
/// Bytes of an answer; a principal has some hundred kilobytes of policies at most.
const MAX_ANSWER: u64 = 16 * 1024 * 1024;

/// Why a running server gave no explanation.
#[derive(Debug, thiserror::Error)]
pub(crate) enum RemoteError {
    /// It cannot be reached, or broke off.
    #[error(transparent)]
    Io(#[from] io::Error),
    /// It did not answer in time.
    #[error("it did not answer in time")]
    TooSlow,
    /// What it answered is no HTTP.
    #[error("its answer cannot be read")]
    Answer,
    /// The request cannot be signed.
    #[error(transparent)]
    Signature(#[from] SigError),
    /// It refused.
    #[error("{0}")]
    Refused(String),
}

/// Asks the server at `url`, as the owner of the account.
///
/// Its clock may be a test clock that was moved: a signature that has the wrong time is made again with the time of the
/// answer.
///
/// # Errors
///
/// [`RemoteError`].
pub(crate) async fn ask(
    url: &str,
    region: &str,
    root: &RootKey,
    now: Timestamp,
    question: &Question,
) -> Result<Explained, RemoteError> {
    let body = serde_json::to_vec(question).map_err(io::Error::from)?;
    let host = url.strip_prefix("http://").unwrap_or(url);
    let send = async |at| {
        let request = signed(host, region, root, at, &body)?;
        let answer = tokio::time::timeout(PATIENCE, exchange(host, &request));
        answer.await.map_err(|_| RemoteError::TooSlow)?
    };
    let mut answer = send(now).await?;
    if answer.header("x-amzn-errortype") == Some("InvalidSignatureException")
        && let Some(date) = answer.header("date").and_then(Timestamp::parse_http_date)
    {
        answer = send(date).await?;
    }
    if answer.status != 200 {
        let message = serde_json::from_str::<Value>(&answer.body).ok();
        let message = message.as_ref().and_then(|body| body.get("Message")).and_then(Value::as_str);
        let message = message.unwrap_or("it gave no reason");
        return Err(RemoteError::Refused(format!("{message} (HTTP status {})", answer.status)));
    }
    let allowed = answer.header(VERDICT) == Some(ALLOWED);
    Ok(Explained { allowed, text: answer.body })
}

fn signed(host: &str, region: &str, root: &RootKey, at: Timestamp, body: &[u8]) -> Result<Vec<u8>, SigError> {
    let signer = Signer {
        access_key: &root.access_key_id,
        secret: &root.secret_access_key,
        token: None,
        region,
        service: SERVICE,
    };
    let headers = [("host", host.as_bytes())];
    let request = SignedRequest {
        method: "POST",
        raw_path: PATH,
        raw_query: "",
        headers: &headers,
        body,
        secure: false,
    };
    let mut text = format!("POST {PATH} HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\n");
    for (name, value) in signer.sign_headers(&request, at)? {
        text.push_str(&format!("{name}: {value}\r\n"));
    }
    text.push_str(&format!("content-length: {}\r\n\r\n", body.len()));
    let mut bytes = text.into_bytes();
    bytes.extend_from_slice(body);
    Ok(bytes)
}

async fn exchange(host: &str, request: &[u8]) -> Result<Answer, RemoteError> {
    let mut stream = TcpStream::connect(host).await?;
    stream.write_all(request).await?;
    let mut bytes = Vec::new();
    stream.take(MAX_ANSWER).read_to_end(&mut bytes).await?;
    let text = String::from_utf8(bytes).map_err(|_| RemoteError::Answer)?;
    Answer::parse(&text).ok_or(RemoteError::Answer)
}

/// An answer with its body whole: the server closes the connection behind it.
struct Answer {
    status: u16,
    head: String,
    body: String,
}

impl Answer {
    fn parse(text: &str) -> Option<Self> {
        let (head, body) = text.split_once("\r\n\r\n")?;
        let status = head.split(' ').nth(1)?.parse().ok()?;
        let answer = Self { status, head: head.to_owned(), body: body.to_owned() };
        let length = answer.header("content-length")?.parse::<usize>().ok()?;
        (length == body.len()).then_some(answer)
    }

    fn header(&self, name: &str) -> Option<&str> {
        self.head.lines().skip(1).find_map(|line| {
            let (key, value) = line.split_once(':')?;
            key.eq_ignore_ascii_case(name).then_some(value.trim())
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_that_was_cut_short_is_none() {
        let whole = "HTTP/1.1 200 OK\r\nX-Chime-Verdict: allowed\r\ncontent-length: 5\r\n\r\nhello";
        let answer = Answer::parse(whole).unwrap();
        assert_eq!((answer.status, answer.body.as_str()), (200, "hello"));
        assert_eq!(answer.header(VERDICT), Some(ALLOWED));
        for end in 0..whole.len() {
            assert!(Answer::parse(whole.get(..end).unwrap()).is_none(), "{end}");
        }
    }
}
