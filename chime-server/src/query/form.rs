//! The form of a request: `Name=value` pairs, where lists and structures are spelled `Tags.member.1.Key`.

use std::borrow::Cow;
use std::collections::BTreeMap;

use super::error::QueryError;
use chime_domain::access::policy::Tag;

/// Pairs of one form. The largest operation has some two hundred.
const MOST_PAIRS: usize = 1_024;

/// A parsed form. Where a name stands twice, the first value counts.
#[derive(Debug, Default)]
pub(crate) struct Form<'a>(Vec<(Cow<'a, str>, Cow<'a, str>)>);

impl<'a> Form<'a> {
    /// Parses `application/x-www-form-urlencoded`.
    ///
    /// # Errors
    ///
    /// `MalformedInput` for bad escapes, bytes that are no UTF-8, and too many pairs.
    pub(crate) fn parse(bytes: &'a [u8]) -> Result<Self, QueryError> {
        let mut pairs = Vec::new();
        for pair in bytes.split(|b| *b == b'&').filter(|pair| !pair.is_empty()) {
            if pairs.len() == MOST_PAIRS {
                return Err(QueryError::malformed("The form has too many parameters."));
            }
            let at = pair.iter().position(|b| *b == b'=').unwrap_or(pair.len());
            let (name, value) = pair.split_at(at);
            pairs.push((decode(name)?, decode(value.get(1..).unwrap_or_default())?));
        }
        Ok(Self(pairs))
    }

    /// The value of a parameter, if it was given and is not empty.
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        let value = self.0.iter().find(|(known, _)| known == name).map(|(_, value)| &**value);
        value.filter(|value| !value.is_empty())
    }

    /// A parameter that may be empty, as in a description that is taken away.
    pub(crate) fn even_empty(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(known, _)| known == name).map(|(_, value)| &**value)
    }

    /// A parameter that has to be there.
    ///
    /// # Errors
    ///
    /// `ValidationError`.
    pub(crate) fn required(&self, name: &str) -> Result<&str, QueryError> {
        self.get(name)
            .ok_or_else(|| QueryError::validation(format!("The request must contain the parameter {name}.")))
    }

    /// A number.
    ///
    /// # Errors
    ///
    /// `ValidationError` when it is none.
    pub(crate) fn number<T: std::str::FromStr>(&self, name: &str) -> Result<Option<T>, QueryError> {
        let parse = |text: &str| {
            text.parse().map_err(|_| QueryError::validation(format!("The value of {name} is not valid.")))
        };
        self.get(name).map(parse).transpose()
    }

    /// `true` or `false`; false when absent.
    ///
    /// # Errors
    ///
    /// `ValidationError` when it is neither.
    pub(crate) fn flag(&self, name: &str) -> Result<bool, QueryError> {
        Ok(self.number(name)?.unwrap_or_default())
    }

    /// The values of `NAME.member.1`, `NAME.member.2`, … in the order of their numbers.
    pub(crate) fn list(&self, name: &str) -> Vec<String> {
        self.members(name, "").into_values().map(str::to_owned).collect()
    }

    /// The values of `NAME.member.N.FIELD`, in the order of their numbers.
    pub(crate) fn list_of(&self, name: &str, field: &str) -> Vec<String> {
        self.members(name, field).into_values().map(str::to_owned).collect()
    }

    /// The tags of `NAME.member.N.Key` and `.Value`.
    pub(crate) fn tags(&self, name: &str) -> Vec<Tag> {
        let values = self.members(name, "Value");
        let keys = self.members(name, "Key");
        keys.into_iter()
            .map(|(at, key)| Tag::new(key, values.get(&at).copied().unwrap_or_default()))
            .collect()
    }

    fn members(&self, name: &str, field: &str) -> BTreeMap<u32, &str> {
        let of = |key: &str| {
            let rest = key.strip_prefix(name)?.strip_prefix(".member.")?;
            let (number, rest) = rest.split_once('.').unwrap_or((rest, ""));
            (rest == field).then(|| number.parse().ok())?
        };
        let mut members = BTreeMap::new();
        for (key, value) in &self.0 {
            if let Some(number) = of(key) {
                members.entry(number).or_insert(&**value);
            }
        }
        members
    }
}

fn decode(bytes: &[u8]) -> Result<Cow<'_, str>, QueryError> {
    let malformed = || QueryError::malformed("The form cannot be decoded.");
    if !bytes.iter().any(|b| matches!(b, b'%' | b'+')) {
        return std::str::from_utf8(bytes).map(Cow::Borrowed).map_err(|_| malformed());
    }
    let digit = |byte: Option<u8>| byte.and_then(|byte| char::from(byte).to_digit(16));
    let mut decoded = Vec::with_capacity(bytes.len());
    let mut rest = bytes.iter().copied();
    while let Some(byte) = rest.next() {
        decoded.push(match byte {
            b'+' => b' ',
            b'%' => {
                let (high, low) = (digit(rest.next()), digit(rest.next()));
                let value = high.zip(low).map(|(high, low)| high * 16 + low);
                value.and_then(|value| u8::try_from(value).ok()).ok_or_else(malformed)?
            }
            byte => byte,
        });
    }
    String::from_utf8(decoded).map(Cow::Owned).map_err(|_| malformed())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn lists_and_structures_are_read_in_the_order_of_their_numbers() {
        let form = Form::parse(
            b"Action=AssumeRole&Tags.member.2.Key=b&Tags.member.10.Key=c&Tags.member.10.Value=3&Tags.member.2.Value=x+y%2B\
              &TransitiveTagKeys.member.1=b&PolicyArns.member.1.arn=arn%3Aaws&Description=&Tags.member.x.Key=no",
        )
        .unwrap();
        assert_eq!(form.tags("Tags"), [Tag::new("b", "x y+"), Tag::new("c", "3")]);
        assert_eq!(form.list("TransitiveTagKeys"), ["b"]);
        assert_eq!(form.list_of("PolicyArns", "arn"), ["arn:aws"]);
        assert_eq!((form.get("Description"), form.even_empty("Description")), (None, Some("")));
        assert_eq!((form.get("Nothing"), form.even_empty("Nothing")), (None, None));
        assert!(form.required("RoleArn").is_err());
    }

    #[test]
    fn what_is_no_form_is_refused() {
        for bytes in [&b"a=%"[..], b"a=%4", b"a=%zz", b"%ff=1", b"a=\xff"] {
            assert!(Form::parse(bytes).is_err(), "{bytes:?}");
        }
        assert!(Form::parse("a=1&".repeat(MOST_PAIRS + 1).as_bytes()).is_err());
        assert!(Form::parse("a=1&".repeat(MOST_PAIRS).as_bytes()).is_ok());
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_or_refused_without_a_panic(bytes in prop::collection::vec(any::<u8>(), 0..80)) {
            if let Ok(form) = Form::parse(&bytes) {
                let _ = (form.tags("Tags"), form.list("a"), form.get("Action"));
            }
        }

        #[test]
        fn every_text_comes_back(value in ".{0,40}") {
            let encoded = super::super::xml::percent_encoded(&value);
            let text = format!("Name={encoded}");
            let form = Form::parse(text.as_bytes()).unwrap();
            prop_assert_eq!(form.even_empty("Name"), Some(value.as_str()));
        }
    }
}
