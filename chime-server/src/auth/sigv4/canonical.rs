//! The canonical request, in each of the forms that real clients sign.
//!
//! The standard form encodes the path again (wire fact A-03) and sorts the strictly encoded query. Beside
//! it these are accepted, each for a client that was seen to use it:
//!
//! - the path, the query or both as sent, which is what curl 7.88 signs;
//! - the path with runs of slashes collapsed, which is what the Python SDK signs when an empty label leaves an
//!   empty segment. Routes have no empty segments (W-16), so such a request ends as "not found" and not as
//!   a puzzling signature error;
//! - the host in lower case, for clients that sign it so and send it as typed.
//!
//! No signature may serve for two requests that mean different things. The query is safe: both of its forms
//! encode once, so texts that agree in one of them decode alike. The path is not quite: as-sent
//! `/a%252Fb` reads like standard `/a%2Fb`. So the as-sent form is refused for paths with an encoded `%`;
//! without one, texts that read alike also decode alike.

use sha2::{Digest, Sha256};

use super::encoding::{self, Sink};
use super::{SigError, SignedRequest, hex, presigned};

/// What a client put in place of the hash of a body it did not hash.
const UNSIGNED_PAYLOAD: &[u8] = b"UNSIGNED-PAYLOAD";

/// How the path is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Path {
    Encoded,
    AsSent,
    Collapsed,
}

/// One combination of the accepted ways to write a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Form {
    path: Path,
    query_as_sent: bool,
    host_lower: bool,
}

impl Form {
    /// The form of the published specification.
    pub(super) const STANDARD: Self = Self { path: Path::Encoded, query_as_sent: false, host_lower: false };
}

/// A request with all that its canonical form needs.
#[derive(Clone, Copy, Debug)]
pub(super) struct Canonical<'a> {
    pub(super) request: &'a SignedRequest<'a>,
    /// The names of the signed headers, separated by semicolons.
    pub(super) signed_headers: &'a str,
    /// Whether the query carries the signature, which is then left out.
    pub(super) presigned: bool,
    pub(super) payload: Payload<'a>,
}

/// The last line: the hash of the body, or the words that stand for it.
#[derive(Clone, Copy, Debug)]
pub(super) enum Payload<'a> {
    Hash([u8; 64]),
    Words(&'a [u8]),
}

impl<'a> Payload<'a> {
    /// The payload line of a request (wire fact A-08).
    ///
    /// # Errors
    /// [`SigError::ContentHash`] when the hash sent is not that of the body, [`SigError::UnsignedPayload`] when
    /// the body is unsigned without TLS.
    pub(super) fn of(request: &SignedRequest<'a>) -> Result<Self, SigError> {
        let sent = request.sole("x-amz-content-sha256")?.map(<[u8]>::trim_ascii);
        if sent == Some(UNSIGNED_PAYLOAD) {
            return if request.secure {
                Ok(Self::Words(UNSIGNED_PAYLOAD))
            } else {
                Err(SigError::UnsignedPayload)
            };
        }
        let hash = hex::encode(&Sha256::digest(request.body).into());
        if sent.is_some_and(|sent| sent != hash) {
            return Err(SigError::ContentHash);
        }
        Ok(Self::Hash(hash))
    }
}

impl Canonical<'_> {
    /// The digest of the canonical request in one form.
    pub(super) fn digest(&self, form: Form) -> Result<[u8; 32], SigError> {
        let mut hash = Sha256::new();
        self.write(&mut hash, form)?;
        Ok(hash.finalize().into())
    }

    /// The forms beside the standard one that give another text for this request.
    pub(super) fn other_forms(&self) -> impl Iterator<Item = Form> {
        let path = self.request.raw_path;
        let as_sent = encoding::path_needs_encoding(path) && !path.contains("%25");
        let paths = [(Path::Encoded, true), (Path::AsSent, as_sent), (Path::Collapsed, path.contains("//"))];
        let queries = [(false, true), (true, self.query_differs())];
        let upper = self.request.values("host").any(|host| host.iter().any(u8::is_ascii_uppercase));
        let hosts = [(false, true), (true, upper)];

        fn usable<T>((form, usable): (T, bool)) -> Option<T> {
            usable.then_some(form)
        }
        paths
            .into_iter()
            .filter_map(usable)
            .flat_map(move |path| queries.into_iter().filter_map(usable).map(move |query| (path, query)))
            .flat_map(move |(path, query_as_sent)| {
                let hosts = hosts.into_iter().filter_map(usable);
                hosts.map(move |host_lower| Form { path, query_as_sent, host_lower })
            })
            .filter(|form| *form != Form::STANDARD)
    }

    /// Writes the canonical request.
    ///
    /// # Errors
    /// [`SigError::AbsentHeader`] when a listed header is not there.
    pub(super) fn write(&self, sink: &mut impl Sink, form: Form) -> Result<(), SigError> {
        sink.put(self.request.method.as_bytes());
        sink.put(b"\n");
        write_path(sink, self.request.raw_path, form.path);
        sink.put(b"\n");
        if form.query_as_sent {
            self.write_query_as_sent(sink)
        } else {
            self.write_query_sorted(sink)
        }
        sink.put(b"\n");
        for name in self.signed_headers.split(';') {
            self.write_header(sink, name, form.host_lower && name == "host")?;
        }
        sink.put(b"\n");
        sink.put(self.signed_headers.as_bytes());
        sink.put(b"\n");
        match &self.payload {
            Payload::Hash(hash) => sink.put(hash),
            Payload::Words(words) => sink.put(words),
        }
        Ok(())
    }

    /// The pairs of the query as sent, without the signature. Empty pairs stay: they matter as sent only.
    fn pairs(&self) -> impl Iterator<Item = &str> {
        let query = self.request.raw_query;
        query.split('&').filter(|pair| !(self.presigned && presigned::is_signature(pair)))
    }

    fn write_query_as_sent(&self, sink: &mut impl Sink) {
        for (index, pair) in self.pairs().enumerate() {
            if index > 0 {
                sink.put(b"&");
            }
            sink.put(pair.as_bytes());
        }
    }

    fn write_query_sorted(&self, sink: &mut impl Sink) {
        if self.request.raw_query.is_empty() {
            return;
        }
        let split = |pair| {
            let (name, value) = str::split_once(pair, '=').unwrap_or((pair, ""));
            (encoding::recode(name), encoding::recode(value))
        };
        let mut pairs: Vec<_> = self.pairs().filter(|pair| !pair.is_empty()).map(split).collect();
        pairs.sort_unstable();
        for (index, (name, value)) in pairs.iter().enumerate() {
            if index > 0 {
                sink.put(b"&");
            }
            sink.put(name);
            sink.put(b"=");
            sink.put(value);
        }
    }

    fn query_differs(&self) -> bool {
        let (mut sorted, mut as_sent) = (Vec::new(), Vec::new());
        self.write_query_sorted(&mut sorted);
        self.write_query_as_sent(&mut as_sent);
        sorted != as_sent
    }

    fn write_header(&self, sink: &mut impl Sink, name: &str, lower: bool) -> Result<(), SigError> {
        let mut values = self.request.values(name);
        let first = values.next().ok_or(SigError::AbsentHeader)?;
        sink.put(name.as_bytes());
        sink.put(b":");
        if lower {
            write_value(sink, &first.to_ascii_lowercase())
        } else {
            write_value(sink, first)
        }
        for value in values {
            sink.put(b",");
            write_value(sink, value);
        }
        sink.put(b"\n");
        Ok(())
    }
}

fn write_path(sink: &mut impl Sink, path: &str, form: Path) {
    match form {
        _ if path.is_empty() => sink.put(b"/"),
        Path::Encoded => encoding::encode(sink, path.as_bytes(), true),
        Path::AsSent => sink.put(path.as_bytes()),
        Path::Collapsed => {
            for run in path.as_bytes().chunk_by(|a, b| (*a == b'/') == (*b == b'/')) {
                let run = if run.starts_with(b"/") { b"/" } else { run };
                encoding::encode(sink, run, true);
            }
        }
    }
}

/// A header value without the spaces around it, and with one space for each run of them inside (wire fact A-07).
fn write_value(sink: &mut impl Sink, value: &[u8]) {
    let words = value.trim_ascii().split(|byte| *byte == b' ').filter(|word| !word.is_empty());
    for (index, word) in words.enumerate() {
        if index > 0 {
            sink.put(b" ");
        }
        sink.put(word);
    }
}
