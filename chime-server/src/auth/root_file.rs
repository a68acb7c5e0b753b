//! The owner's key in the data directory.

use std::fs;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

use base64::Engine;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use chime_domain::ports::Entropy;
use serde::{Deserialize, Serialize};

use super::keys::RootKey;
use crate::files::{self, Access};

/// Name of the file in the data directory.
const NAME: &str = "root-credentials.json";

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Content {
    access_key_id: String,
    secret_access_key: String,
    account_id: String,
    region: String,
}

/// Where the owner's key is kept.
#[must_use]
pub(crate) fn path(data_dir: &Path) -> PathBuf {
    data_dir.join(NAME)
}

/// Reads the owner's key as an earlier start left it, if one did.
///
/// # Errors
///
/// As [`open`].
pub(crate) fn read(data_dir: &Path) -> io::Result<Option<RootKey>> {
    let kept = read_content(data_dir)?;
    Ok(kept.map(|kept| RootKey::new(kept.access_key_id, kept.secret_access_key)))
}

fn read_content(data_dir: &Path) -> io::Result<Option<Content>> {
    match fs::read(path(data_dir)) {
        Ok(json) => serde_json::from_slice(&json).map(Some).map_err(|_| {
            // The parser's own words might quote the secret.
            io::Error::new(
                ErrorKind::InvalidData,
                "it does not hold root credentials; remove it to make new ones",
            )
        }),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// Reads the owner's key, and makes it at the first start. Account and region are rewritten when they changed.
///
/// # Errors
///
/// The system's; [`ErrorKind::InvalidData`] when the file holds something else.
pub(crate) fn open(
    data_dir: &Path,
    account: &str,
    region: &str,
    entropy: &dyn Entropy,
) -> io::Result<RootKey> {
    let kept = read_content(data_dir)?;
    let stays = kept.as_ref().is_some_and(|kept| kept.account_id == account && kept.region == region);
    let (access_key_id, secret_access_key) = kept.map_or_else(
        || (new_id(entropy), new_secret(entropy)),
        |kept| (kept.access_key_id, kept.secret_access_key),
    );
    let content = Content {
        access_key_id,
        secret_access_key,
        account_id: account.to_owned(),
        region: region.to_owned(),
    };
    if !stays {
        let json = serde_json::to_string_pretty(&content)? + "\n";
        files::write(&path(data_dir), json.as_bytes(), Access::Private)?;
    }
    Ok(RootKey::new(content.access_key_id, content.secret_access_key))
}

/// `AKIA` and 16 characters of base 32, as clients and log filters expect an access key id to look.
fn new_id(entropy: &dyn Entropy) -> String {
    const ALPHABET: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
    let mut bytes = [0; 16];
    entropy.fill(&mut bytes);
    let letters = bytes.iter().filter_map(|byte| ALPHABET.get(usize::from(byte % 32)));
    "AKIA".chars().chain(letters.map(|letter| char::from(*letter))).collect()
}

/// 40 characters from 30 random bytes.
fn new_secret(entropy: &dyn Entropy) -> String {
    let mut bytes = [0; 30];
    entropy.fill(&mut bytes);
    STANDARD_NO_PAD.encode(bytes)
}

#[cfg(test)]
mod tests {
    use chime_adapters::SystemEntropy;

    use super::*;

    #[test]
    fn the_key_is_made_once_for_its_owner_alone() {
        let dir = tempfile::tempdir().unwrap();
        let open = |region| super::open(dir.path(), "000000000001", region, &SystemEntropy).unwrap();
        let first = open("us-east-1");
        assert_eq!(first.access_key_id.len(), 20);
        assert!(first.access_key_id.bytes().all(|b| b.is_ascii_uppercase() || (b'2'..=b'7').contains(&b)));
        assert_eq!(first.secret_access_key.expose().len(), 40);
        let second = open("eu-west-1");
        assert_eq!(second.access_key_id, first.access_key_id);
        assert_eq!(second.secret_access_key.expose(), first.secret_access_key.expose());
        let written: serde_json::Value =
            serde_json::from_slice(&fs::read(path(dir.path())).unwrap()).unwrap();
        assert_eq!(written["AccessKeyId"], first.access_key_id.as_str());
        assert_eq!(written["AccountId"], "000000000001");
        assert_eq!(written["Region"], "eu-west-1");
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            assert_eq!(fs::metadata(path(dir.path())).unwrap().permissions().mode() & 0o777, 0o600);
        }
    }

    #[test]
    fn a_file_that_holds_something_else_is_not_overwritten() {
        let dir = tempfile::tempdir().unwrap();
        fs::write(path(dir.path()), "{}").unwrap();
        let error = open(dir.path(), "000000000001", "us-east-1", &SystemEntropy).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidData);
        assert_eq!(fs::read(path(dir.path())).unwrap(), b"{}");
    }
}
