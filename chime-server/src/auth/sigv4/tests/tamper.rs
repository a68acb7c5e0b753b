//! Whatever is changed after signing makes the signature bad.

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::{Index, select};

use super::*;

const NOW: &str = "20210111T221231Z";

/// One change of a signed request.
#[derive(Clone, Copy, Debug)]
enum Change {
    Method,
    PathLetter,
    PathLonger,
    PathEncodedAgain,
    QueryLetter,
    QueryPairAdded,
    QueryPairDropped,
    HostLetter,
    Bearer,
    BearerDropped,
    BearerRepeated,
    Custom,
    CustomDropped,
    CustomRepeated,
    BodyByte,
    BodyLonger,
    Token,
    TokenDropped,
    Date,
    Signature,
    SignedHeaderUnlisted,
    Region,
    Expires,
}

const CHANGES: [Change; 23] = [
    Change::Method,
    Change::PathLetter,
    Change::PathLonger,
    Change::PathEncodedAgain,
    Change::QueryLetter,
    Change::QueryPairAdded,
    Change::QueryPairDropped,
    Change::HostLetter,
    Change::Bearer,
    Change::BearerDropped,
    Change::BearerRepeated,
    Change::Custom,
    Change::CustomDropped,
    Change::CustomRepeated,
    Change::BodyByte,
    Change::BodyLonger,
    Change::Token,
    Change::TokenDropped,
    Change::Date,
    Change::Signature,
    Change::SignedHeaderUnlisted,
    Change::Region,
    Change::Expires,
];

/// Replaces one of the letters `g` to `z`: no hexadecimal digit, so what is meant really changes.
fn replace_letter(text: &str, at: Index) -> Option<String> {
    let places: Vec<_> = text.char_indices().filter(|(_, c)| ('g'..='z').contains(c)).collect();
    let (place, letter) = *(!places.is_empty()).then(|| at.get(&places))?;
    let other = if letter == 'z' { 'g' } else { char::from(letter as u8 + 1) };
    let mut changed = text.to_owned();
    changed.replace_range(place..=place, &other.to_string());
    Some(changed)
}

fn change_header(request: &mut Owned, name: &str, change: impl Fn(&str) -> Option<String>) -> Option<()> {
    let value = change(request.header(name)?)?;
    request.set(name, &value);
    Some(())
}

fn drop_header(request: &mut Owned, name: &str) -> Option<()> {
    request.header(name)?;
    request.headers.retain(|(header, _)| header != name);
    Some(())
}

fn repeat_header(request: &mut Owned, name: &str) -> Option<()> {
    let value = request.header(name)?.to_owned();
    request.headers.push((name.to_owned(), value));
    Some(())
}

fn replace(text: &mut String, from: &str, to: &str) -> Option<()> {
    text.contains(from).then(|| *text = text.replace(from, to))
}

/// Makes the change, or says that there is nothing in the request to change so.
fn apply(request: &mut Owned, change: Change, at: Index) -> Option<()> {
    let letter = |text: &str| replace_letter(text, at);
    match change {
        Change::Method => request.method = if request.method == "GET" { "POST" } else { "GET" }.to_owned(),
        Change::PathLetter => request.path = letter(&request.path)?,
        Change::PathLonger => request.path.push_str("/x"),
        Change::PathEncodedAgain => replace(&mut request.path, "%", "%25")?,
        Change::QueryLetter => request.query = letter(&request.query)?,
        Change::QueryPairAdded => request.query.push_str("&added=1"),
        Change::QueryPairDropped => {
            let mut pairs: Vec<_> = request.query.split('&').filter(|pair| !pair.is_empty()).collect();
            if pairs.is_empty() {
                return None;
            }
            pairs.remove(at.index(pairs.len()));
            request.query = pairs.join("&");
        }
        Change::HostLetter => change_header(request, "host", letter)?,
        Change::Bearer => change_header(request, "x-amz-chime-bearer", letter)?,
        Change::BearerDropped => drop_header(request, "x-amz-chime-bearer")?,
        Change::BearerRepeated => repeat_header(request, "x-amz-chime-bearer")?,
        Change::Custom => change_header(request, "x-custom", letter)?,
        Change::CustomDropped => drop_header(request, "x-custom")?,
        Change::CustomRepeated => repeat_header(request, "x-custom")?,
        Change::BodyByte => {
            let place = (!request.body.is_empty()).then(|| at.index(request.body.len()))?;
            request.body[place] ^= 1;
        }
        Change::BodyLonger => request.body.push(b' '),
        Change::Token => match request.header("x-amz-security-token") {
            Some(_) => change_header(request, "x-amz-security-token", letter)?,
            None => replace(&mut request.query, "Token=token", "Token=tokem")?,
        },
        Change::TokenDropped => match request.header("x-amz-security-token") {
            Some(_) => drop_header(request, "x-amz-security-token")?,
            None => replace(&mut request.query, "X-Amz-Security-Token=", "Other=")?,
        },
        Change::Date => match request.header("x-amz-date") {
            Some(_) => change_header(request, "x-amz-date", |_| Some("20210111T221232Z".to_owned()))?,
            None => replace(&mut request.query, NOW, "20210111T221232Z")?,
        },
        Change::Signature => {
            let text = match request.header("authorization") {
                Some(text) => text.to_owned(),
                None => request.query.clone(),
            };
            let place = text.len() - 1 - at.index(64);
            let digit = if text.as_bytes()[place] == b'0' { "1" } else { "0" };
            let mut changed = text.clone();
            changed.replace_range(place..=place, digit);
            match request.header("authorization") {
                Some(_) => request.set("authorization", &changed),
                None => request.query = changed,
            }
        }
        Change::SignedHeaderUnlisted => match request.header("authorization") {
            Some(_) => change_header(request, "authorization", |text| {
                text.contains(";x-custom").then(|| text.replace(";x-custom", ""))
            })?,
            None => replace(&mut request.query, "%3Bx-custom", "")?,
        },
        Change::Region => match request.header("authorization") {
            Some(_) => {
                change_header(request, "authorization", |text| Some(text.replace("us-east-1", "us-east-2")))?
            }
            None => replace(&mut request.query, "us-east-1", "us-east-2")?,
        },
        Change::Expires => replace(&mut request.query, "X-Amz-Expires=60", "X-Amz-Expires=61")?,
    }
    Some(())
}

fn requests() -> impl Strategy<Value = Owned> {
    let segment =
        prop_oneof!["[a-z0-9]{1,8}", "arn%3Aaws%3Achime%2F[a-z]{3}", "arn:aws:[a-z]{3}", "%25[a-z]{2}"];
    (
        select(vec!["GET", "POST", "PUT", "DELETE"]),
        vec(segment, 1..4),
        vec("[a-z]{1,6}=([a-z0-9]|%2B|%20|%3A|:){0,8}", 0..4),
        proptest::option::of("arn:aws:[a-z/]{1,10}"),
        proptest::option::of("[a-z]{1,5} {0,3}[a-z]{1,5}"),
        vec(any::<u8>(), 0..40),
    )
        .prop_map(|(method, path, query, bearer, custom, body)| {
            let mut request = Owned::new(method, "/", &[("host", "chime.test:8080")], "");
            request.path = format!("/{}", path.join("/"));
            request.query = query.join("&");
            request.body = body;
            let optional = [("x-amz-chime-bearer", bearer), ("x-custom", custom)];
            for (name, value) in optional {
                if let Some(value) = value {
                    request.set(name, &value);
                }
            }
            request
        })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn no_change_survives_the_signature(
        request in requests(),
        presign in any::<bool>(),
        token in proptest::option::of("token[a-z/+]{1,10}"),
        change in select(CHANGES.to_vec()),
        at_index in any::<Index>(),
    ) {
        let secret = Secret::new(SECRET);
        let signer = signer(&secret, token.as_deref());
        let signed =
            if presign { request.presigned(&signer, 60, at(NOW)) } else { request.signed(&signer, at(NOW)) };
        prop_assert_eq!(signed.verify(at(NOW)), Ok(()));
        let mut changed = signed.clone();
        prop_assume!(apply(&mut changed, change, at_index).is_some());
        prop_assert!(changed.verify(at(NOW)).is_err(), "{:?} of {:?} gave {:?}", change, signed, changed);
    }
}
