//! Signatures made elsewhere are accepted, and what was changed after signing is not.

mod examples;
mod hostile;
mod published_client;
mod recorded;
mod rules;
mod tamper;

use chime_domain::time::Timestamp;

use super::*;

const ACCESS_KEY: &str = "AKIDEXAMPLE";
const SECRET: &str = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";

/// A request that owns its parts, so that tests can build and change it.
#[derive(Clone, Debug)]
struct Owned {
    method: String,
    path: String,
    query: String,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
    secure: bool,
}

impl Owned {
    fn new(method: &str, target: &str, headers: &[(&str, &str)], body: &str) -> Self {
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        Self {
            method: method.to_owned(),
            path: path.to_owned(),
            query: query.to_owned(),
            headers: headers.iter().map(|(name, value)| (name.to_string(), value.to_string())).collect(),
            body: body.as_bytes().to_vec(),
            secure: false,
        }
    }

    fn with<T>(&self, run: impl FnOnce(&SignedRequest<'_>) -> T) -> T {
        let headers: Vec<_> =
            self.headers.iter().map(|(name, value)| (name.as_str(), value.as_bytes())).collect();
        run(&SignedRequest {
            method: &self.method,
            raw_path: &self.path,
            raw_query: &self.query,
            headers: &headers,
            body: &self.body,
            secure: self.secure,
        })
    }

    fn set(&mut self, name: &str, value: &str) {
        self.headers.retain(|(header, _)| header != name);
        self.headers.push((name.to_owned(), value.to_owned()));
    }

    fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(header, _)| header == name).map(|(_, value)| value.as_str())
    }

    fn signed(mut self, signer: &Signer<'_>, at: Timestamp) -> Self {
        for (name, value) in self.with(|request| signer.sign_headers(request, at)).unwrap() {
            self.set(name, &value);
        }
        self
    }

    fn presigned(mut self, signer: &Signer<'_>, expires: u32, at: Timestamp) -> Self {
        self.query = self.with(|request| signer.presign(request, expires, at)).unwrap();
        self
    }

    /// Both steps, with the secret of every test.
    fn verify(&self, now: Timestamp) -> Result<(), SigError> {
        self.verify_with(SECRET, now)
    }

    fn verify_with(&self, secret: &str, now: Timestamp) -> Result<(), SigError> {
        self.with(|request| {
            let parsed = parse(request)?;
            verify(request, &parsed, &Secret::new(secret), &KeyCache::new(16), &["chime", "sts"], now)
        })
    }
}

/// The signer that all tests use.
fn signer<'a>(secret: &'a Secret, token: Option<&'a str>) -> Signer<'a> {
    Signer { access_key: ACCESS_KEY, secret, token, region: "us-east-1", service: "chime" }
}

fn at(text: &str) -> Timestamp {
    Timestamp::parse_basic(text).unwrap()
}
