//! The credential: which key signed, and for which day, region and service.

use std::borrow::Cow;

use super::{SCOPE_END, SigError};

/// `KEY/yyyymmdd/region/service/aws4_request` (rule WEB-04).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Credential<'a> {
    /// The access key id.
    pub access_key: Cow<'a, str>,
    /// What the signing key was derived for.
    pub scope: Scope<'a>,
}

/// The day, region and service that a signing key is good for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Scope<'a> {
    /// The day, `yyyymmdd`, UTC.
    pub date: Cow<'a, str>,
    /// The region the client is configured for; any is accepted (wire fact W-19).
    pub region: Cow<'a, str>,
    /// The signing name, `chime` or `sts` (wire fact A-01).
    pub service: Cow<'a, str>,
}

impl<'a> Credential<'a> {
    /// Reads the five parts of a credential.
    ///
    /// # Errors
    /// [`SigError::Credential`] unless there are five non-empty parts of visible ASCII, the second of eight
    /// digits and the last `aws4_request`.
    pub fn parse(text: &'a str) -> Result<Self, SigError> {
        let mut parts = text.split('/');
        let mut next = || parts.next();
        let (Some(access_key), Some(date), Some(region), Some(service), Some(SCOPE_END), None) =
            (next(), next(), next(), next(), next(), next())
        else {
            return Err(SigError::Credential);
        };
        let visible = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_graphic());
        let is_date = date.len() == 8 && date.bytes().all(|byte| byte.is_ascii_digit());
        if !is_date || ![access_key, region, service].into_iter().all(visible) {
            return Err(SigError::Credential);
        }
        let scope = Scope { date: date.into(), region: region.into(), service: service.into() };
        Ok(Self { access_key: access_key.into(), scope })
    }

    /// The same credential, independent of the text it was read from.
    #[must_use]
    pub fn into_owned(self) -> Credential<'static> {
        let own = |text: Cow<'_, str>| Cow::Owned(text.into_owned());
        Credential {
            access_key: own(self.access_key),
            scope: Scope {
                date: own(self.scope.date),
                region: own(self.scope.region),
                service: own(self.scope.service),
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_credential_has_exactly_five_parts() {
        let credential = Credential::parse("AKIDEXAMPLE/20150830/us-east-1/chime/aws4_request").unwrap();
        assert_eq!(credential.access_key, "AKIDEXAMPLE");
        assert_eq!(credential.scope.date, "20150830");
        assert_eq!(credential.scope.region, "us-east-1");
        assert_eq!(credential.scope.service, "chime");
        for text in [
            "",
            "AKIDEXAMPLE",
            "AKIDEXAMPLE/20150830/us-east-1/chime",
            "AKIDEXAMPLE/20150830/us-east-1/chime/aws4_request/",
            "AKIDEXAMPLE/20150830/us-east-1/chime/aws4_request/x",
            "/20150830/us-east-1/chime/aws4_request",
            "AKIDEXAMPLE/20150830//chime/aws4_request",
            "AKIDEXAMPLE/2015083/us-east-1/chime/aws4_request",
            "AKIDEXAMPLE/2015083O/us-east-1/chime/aws4_request",
            "AKIDEXAMPLE/20150830/us-east-1/chime/aws4_requests",
            "AKID EXAMPLE/20150830/us-east-1/chime/aws4_request",
        ] {
            assert_eq!(Credential::parse(text), Err(SigError::Credential), "{text}");
        }
    }
}
