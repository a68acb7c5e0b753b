//! Why a signature is refused, and how that is answered (wire facts ).

use chime_domain::time::Timestamp;

/// A refused signature. All of them are answered with status [`SigError::STATUS`], [`SigError::name`] and
/// [`SigError::message`]; none of them tells anything about a secret.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SigError {
    /// The request is not signed at all.
    #[error("missing authentication token")]
    MissingAuthentication,

    /// No such access key, or a session token that does not belong to it. For the caller of this module.
    #[error("the security token included in the request is invalid")]
    UnknownKey,
    /// The temporary credentials are past their end. For the caller of this module.
    #[error("the security token included in the request is expired")]
    ExpiredToken,

    /// Signed in the header and in the query at once.
    #[error("the request is signed both in its header and in its query")]
    SignedTwice,
    /// Another algorithm or authentication scheme.
    #[error("the authorization is not of the form AWS4-HMAC-SHA256")]
    Algorithm,
    /// A piece of the signature that is not there.
    #[error("the signature lacks its {0}")]
    MissingPart(&'static str),
    /// A piece of the signature that is there more than once.
    #[error("{0} appears more than once")]
    RepeatedPart(&'static str),
    /// A piece of the signature that cannot be read.
    #[error("{0} is malformed")]
    Malformed(&'static str),
    /// A credential that does not have its five parts.
    #[error("the credential is not of the form KEY/yyyymmdd/region/service/aws4_request")]
    Credential,
    /// A header that changes meaning and is not signed (wire fact A-06).
    #[error("the header {0} must be signed")]
    UnsignedHeader(&'static str),
    /// The credential is for another day than the request.
    #[error("the date of the credential is not the day of the request")]
    ScopeDate,
    /// A lifetime outside 1 to 604800 seconds (wire fact A-11).
    #[error("X-Amz-Expires is not a number of seconds from 1 to 604800")]
    Expires,

    /// The scope names a service that is not expected here.
    #[error("the credential is not scoped to the service {expected}")]
    Service {
        /// The signing name that was expected.
        expected: String,
    },
    /// Signed too long ago.
    #[error("signature expired: {} is earlier than {} (the time here is {})", .signed.basic(), .limit.basic(), .now.basic())]
    Expired {
        /// When the request says that it was signed, or for a presigned URL when its lifetime ended.
        signed: Timestamp,
        /// The earliest moment that would do now.
        limit: Timestamp,
        /// The time of this server.
        now: Timestamp,
    },
    /// Signed in the future.
    #[error("signature not yet current: {} is later than {} (the time here is {})", .signed.basic(), .limit.basic(), .now.basic())]
    NotYetCurrent {
        /// When the request says that it was signed.
        signed: Timestamp,
        /// The latest moment that would do now.
        limit: Timestamp,
        /// The time of this server.
        now: Timestamp,
    },
    /// A header listed as signed that the request does not have.
    #[error("a signed header is missing from the request")]
    AbsentHeader,
    /// `x-amz-content-sha256` does not fit the body.
    #[error("x-amz-content-sha256 is not the hash of the body")]
    ContentHash,
    /// `UNSIGNED-PAYLOAD` without TLS.
    #[error("an unsigned payload is accepted over TLS only")]
    UnsignedPayload,
    /// Everything is in order, except that the signature is another one.
    #[error("the signature does not match the request; check the secret access key and the signing method")]
    Mismatch,
}

impl SigError {
    /// The HTTP status of every refused signature: never one that makes clients retry (wire fact A-15).
    pub const STATUS: u16 = 403;

    /// The exception name on the wire (wire fact A-13).
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::MissingAuthentication => "MissingAuthenticationTokenException",
            Self::UnknownKey => "UnrecognizedClientException",
            Self::ExpiredToken => "ExpiredTokenException",
            Self::SignedTwice
            | Self::Algorithm
            | Self::MissingPart(_)
            | Self::RepeatedPart(_)
            | Self::Malformed(_)
            | Self::Credential
            | Self::UnsignedHeader(_)
            | Self::ScopeDate
            | Self::Expires => "IncompleteSignatureException",
            Self::Service { .. }
            | Self::Expired { .. }
            | Self::NotYetCurrent { .. }
            | Self::AbsentHeader
            | Self::ContentHash
            | Self::UnsignedPayload
            | Self::Mismatch => "InvalidSignatureException",
        }
    }

    /// The message on the wire: the error as a sentence.
    #[must_use]
    pub fn message(&self) -> String {
        let text = self.to_string();
        let mut letters = text.chars();
        let mut sentence: String = letters.next().into_iter().flat_map(char::to_uppercase).collect();
        sentence.push_str(letters.as_str());
        sentence.push('.');
        sentence
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_errors_say_both_times_as_a_sentence() {
        let now = Timestamp::parse_basic("20210111T221231Z").unwrap();
        let signed = Timestamp::parse_basic("20210111T220000Z").unwrap();
        let limit = Timestamp::parse_basic("20210111T220731Z").unwrap();
        let error = SigError::Expired { signed, limit, now };
        assert_eq!(error.name(), "InvalidSignatureException");
        assert_eq!(
            error.message(),
            "Signature expired: 20210111T220000Z is earlier than 20210111T220731Z (the time here is 20210111T221231Z)."
        );
        assert!(
            SigError::NotYetCurrent { signed, limit, now }
                .message()
                .starts_with("Signature not yet current: ")
        );
    }

    #[test]
    fn an_unknown_key_is_answered_in_the_words_clients_know() {
        assert_eq!(SigError::UnknownKey.name(), "UnrecognizedClientException");
        assert_eq!(SigError::UnknownKey.message(), "The security token included in the request is invalid.");
    }
}
