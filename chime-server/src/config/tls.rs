//! Where the certificate comes from.

use std::path::PathBuf;

use super::key::Kind::{List, Text};
use super::{ConfigError, Key, Values};

pub(super) const KEYS: &[Key] = &[
    Key::new(
        "tls.cert_file",
        Text,
        "",
        "PEM file of the certificate and its chain, instead of the local authority's.",
    ),
    Key::new("tls.key_file", Text, "", "PEM file of the certificate's key."),
    Key::new(
        "tls.acme_contact",
        Text,
        "",
        "Mail address of the operator: certificates for `public_host` come from an ACME authority. Needs a build with \
         the feature `acme`.",
    ),
    Key::new(
        "tls.acme_directory",
        Text,
        "",
        "URL of the ACME authority's directory; Let's Encrypt when empty.",
    ),
    Key::new(
        "tls.extra_names",
        List,
        "",
        "Further names and addresses in the local authority's certificate.",
    ),
];

/// Where the certificate comes from.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Tls {
    /// From the authority in the data directory, which is made at the first start.
    Local {
        /// Further names and addresses in it.
        extra_names: Vec<String>,
        /// An authority that signs for the public host instead.
        acme: Option<Acme>,
    },
    /// From files that the operator provides.
    Files {
        /// The certificate and its chain.
        certificate: PathBuf,
        /// Its key.
        key: PathBuf,
    },
}

/// An ACME authority.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Acme {
    /// Mail address of the operator.
    pub contact: String,
    /// URL of the authority's directory.
    pub directory: String,
}

impl Tls {
    pub(super) fn read(values: &Values) -> Result<Self, ConfigError> {
        match (values.text("tls.cert_file"), values.text("tls.key_file")) {
            (None, None) => {
                let acme = values.text("tls.acme_contact").map(|contact| Acme {
                    contact,
                    directory: values.text("tls.acme_directory").unwrap_or_default(),
                });
                if acme.is_some() && cfg!(not(feature = "acme")) {
                    return Err(values.refuse("tls.acme_contact", "this build has no feature `acme`"));
                }
                if acme.is_some() && values.text("public_host").is_none() {
                    return Err(values.refuse("tls.acme_contact", "needs `public_host`"));
                }
                Ok(Self::Local { extra_names: values.list("tls.extra_names"), acme })
            }
            (Some(certificate), Some(key)) => {
                Ok(Self::Files { certificate: certificate.into(), key: key.into() })
            }
            (Some(_), None) => Err(values.refuse("tls.key_file", "is required with `tls.cert_file`")),
            (None, Some(_)) => Err(values.refuse("tls.cert_file", "is required with `tls.key_file`")),
        }
    }
}
