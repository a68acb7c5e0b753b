//! Issuers whose tokens `AssumeRoleWithWebIdentity` accepts (rule IAM-26). Only the file can hold them.

use std::path::PathBuf;

use serde::Deserialize;

/// One issuer.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct Oidc {
    /// What its tokens say in `iss`, a URL.
    pub issuer: String,
    /// What its tokens must say in `aud`.
    pub audience: String,
    /// File of its keys, a JSON Web Key Set.
    pub jwks_file: PathBuf,
}
