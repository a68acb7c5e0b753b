//! Values with their origin, checked against their key.

use std::collections::BTreeMap;
use std::fmt;
use std::net::SocketAddr;

use super::error::ConfigError;
use super::key::{Key, Kind};

/// Where a value came from; later ones win.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Origin {
    /// The default.
    Default,
    /// The configuration file.
    File(String),
    /// An environment variable.
    Environment(String),
    /// A flag of the command line.
    Flag(String),
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Default => f.write_str("default"),
            Self::File(path) => write!(f, "file {path}"),
            Self::Environment(name) => write!(f, "environment {name}"),
            Self::Flag(name) => write!(f, "flag {name}"),
        }
    }
}

/// A value of the kind its key wants.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Value {
    /// Text.
    Text(String),
    /// A whole number.
    Number(u64),
    /// True or false.
    Flag(bool),
    /// An IP address and a port.
    Address(SocketAddr),
    /// Several texts.
    List(Vec<String>),
}

impl Value {
    /// Reads a value in the form of an environment variable.
    pub(super) fn from_text(key: &Key, text: &str) -> Result<Self, String> {
        match key.kind {
            Kind::Text => Ok(Self::Text(text.to_owned())),
            Kind::Number(..) => match text.parse() {
                Ok(number) => Self::number(key, number),
                Err(_) => Err("expected a whole number".into()),
            },
            Kind::Flag => match text.to_ascii_lowercase().as_str() {
                "true" | "1" | "yes" => Ok(Self::Flag(true)),
                "false" | "0" | "no" => Ok(Self::Flag(false)),
                _ => Err("expected true or false".into()),
            },
            Kind::Address => {
                let address = text.parse();
                address.map(Self::Address).map_err(|_| "expected an IP address and a port".into())
            }
            Kind::List => Ok(Self::List(text.split(',').map(|item| item.trim().to_owned()).collect())),
        }
    }

    /// Reads a value of the configuration file.
    pub(super) fn from_toml(key: &Key, value: &toml::Value) -> Result<Self, String> {
        match (key.kind, value) {
            (Kind::Text, toml::Value::String(text)) => Ok(Self::Text(text.clone())),
            (Kind::Address, toml::Value::String(text)) => Self::from_text(key, text),
            (Kind::Number(..), toml::Value::Integer(number)) => {
                let number = u64::try_from(*number).map_err(|_| "expected a number of at least 0")?;
                Self::number(key, number)
            }
            (Kind::Flag, toml::Value::Boolean(flag)) => Ok(Self::Flag(*flag)),
            (Kind::List, toml::Value::Array(items)) => {
                let texts = items.iter().map(|item| item.as_str().map(str::to_owned));
                let texts = texts.collect::<Option<_>>().ok_or("expected a list of texts")?;
                Ok(Self::List(texts))
            }
            (kind, _) => Err(format!("expected {}", kind.noun())),
        }
    }

    fn number(key: &Key, number: u64) -> Result<Self, String> {
        match key.kind {
            Kind::Number(least, most) if !(least..=most).contains(&number) => {
                Err(format!("expected a whole number from {least} to {most}"))
            }
            _ => Ok(Self::Number(number)),
        }
    }
}

impl Kind {
    fn noun(self) -> &'static str {
        match self {
            Self::Text => "a text",
            Self::Number(..) => "a whole number",
            Self::Flag => "true or false",
            Self::Address => "an IP address and a port, as a text",
            Self::List => "a list of texts",
        }
    }
}

impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(text) => write!(f, "{text:?}"),
            Self::Number(number) => write!(f, "{number}"),
            Self::Flag(flag) => write!(f, "{flag}"),
            Self::Address(address) => write!(f, "\"{address}\""),
            Self::List(items) => write!(f, "{items:?}"),
        }
    }
}

/// The value of every key that has one, with its origin.
#[derive(Clone, Default)]
pub struct Values(BTreeMap<&'static str, (Value, Origin)>);

impl fmt::Debug for Values {
    /// Shows which keys have a value; some values are secrets.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}

impl Values {
    /// Sets a value, unless one of a later origin stands already.
    pub(super) fn set(
        &mut self,
        key: &'static Key,
        value: Result<Value, String>,
        origin: Origin,
    ) -> Result<(), ConfigError> {
        let value = value.map_err(|problem| ConfigError::Value {
            key: key.path.into(),
            origin: origin.to_string(),
            problem,
        })?;
        let wins = self.0.get(key.path).is_none_or(|(_, standing)| *standing <= origin);
        if wins {
            self.0.insert(key.path, (value, origin));
        }
        Ok(())
    }

    /// A value and its origin.
    #[must_use]
    pub fn get(&self, path: &str) -> Option<(&Value, &Origin)> {
        self.0.get(path).map(|(value, origin)| (value, origin))
    }

    /// A text; `None` when it is not set or empty.
    pub(super) fn text(&self, path: &str) -> Option<String> {
        match self.get(path)?.0 {
            Value::Text(text) if !text.is_empty() => Some(text.clone()),
            _ => None,
        }
    }

    pub(super) fn number(&self, path: &str) -> u64 {
        match self.get(path) {
            Some((Value::Number(number), _)) => *number,
            _ => 0,
        }
    }

    pub(super) fn seconds(&self, path: &str) -> std::time::Duration {
        std::time::Duration::from_secs(self.number(path))
    }

    pub(super) fn size(&self, path: &str) -> usize {
        usize::try_from(self.number(path)).unwrap_or(usize::MAX)
    }

    pub(super) fn flag(&self, path: &str) -> bool {
        matches!(self.get(path), Some((Value::Flag(true), _)))
    }

    pub(super) fn address(&self, path: &str) -> Option<SocketAddr> {
        match self.get(path)?.0 {
            Value::Address(address) => Some(*address),
            _ => None,
        }
    }

    pub(super) fn list(&self, path: &str) -> Vec<String> {
        match self.get(path) {
            Some((Value::List(items), _)) => items.clone(),
            _ => Vec::new(),
        }
    }

    /// The refusal of a value, with its origin.
    pub(super) fn refuse(&self, path: &str, problem: impl Into<String>) -> ConfigError {
        let origin = self.get(path).map_or(&Origin::Default, |(_, origin)| origin);
        ConfigError::Value { key: path.into(), origin: origin.to_string(), problem: problem.into() }
    }
}
