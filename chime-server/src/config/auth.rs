//! The account and its owner.

use super::key::Kind::Text;
use super::{ConfigError, Key, Values};
use crate::auth::RootKey;

pub(super) const KEYS: &[Key] = &[
    Key::new("account_id", Text, "123456789012", "The account in ARNs: 12 digits."),
    Key::new("region", Text, "us-east-1", "The region in ARNs that are made. Signatures may name any."),
    Key::new(
        "root_access_key_id",
        Text,
        "",
        "Access key id of the owner; made at the first start if not given.",
    ),
    Key::new("root_secret_access_key", Text, "", "Secret of that key.").secret(),
];

/// The account and its owner.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Auth {
    /// 12 digits.
    pub account_id: String,
    /// Region of the ARNs.
    pub region: String,
    /// The owner's key, if it was given.
    pub root: Option<RootKey>,
}

impl Auth {
    pub(super) fn read(values: &Values) -> Result<Self, ConfigError> {
        let account_id = values.text("account_id").unwrap_or_default();
        if account_id.len() != 12 || !account_id.bytes().all(|b| b.is_ascii_digit()) {
            return Err(values.refuse("account_id", "expected 12 digits"));
        }
        let region = values.text("region").unwrap_or_default();
        let is_word = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
        if region.is_empty() || region.len() > 63 || !region.bytes().all(is_word) {
            return Err(values.refuse("region", "expected a region, such as us-east-1"));
        }
        let root = match (values.text("root_access_key_id"), values.text("root_secret_access_key")) {
            (None, None) => None,
            (Some(id), Some(secret)) => {
                let is_id = id.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
                if !(16..=128).contains(&id.len()) || !is_id {
                    let problem = "expected 16 to 128 letters, digits and underscores";
                    return Err(values.refuse("root_access_key_id", problem));
                }
                Some(RootKey::new(id, secret))
            }
            (Some(_), None) => {
                let problem = "is required with `root_access_key_id`";
                return Err(values.refuse("root_secret_access_key", problem));
            }
            (None, Some(_)) => {
                let problem = "is required with `root_secret_access_key`";
                return Err(values.refuse("root_access_key_id", problem));
            }
        };
        Ok(Self { account_id, region, root })
    }
}
