//! Flags over environment over file over defaults.
//!
//! Our own hundred lines instead of a layering crate: those at hand take a misspelt environment variable for one of
//! somebody else's, and guess the type of a value from its look, so that an account id loses its leading zeros. The
//! table of keys, which the schema and `config explain` need anyway, knows both.

use std::path::Path;

use super::error::ConfigError;
use super::oidc::Oidc;
use super::value::{Origin, Value, Values};
use super::{Key, keys};

const PREFIX: &str = "CHIME_";
/// Names the file, which therefore cannot hold it.
const FILE: &str = "CHIME_CONFIG";
/// Variables of the scripts around the server, which are no settings of it.
const OTHERS: [&str; 9] = [
    "CHIME_SERVER_BIN",
    "CHIME_SDK_PROFILE",
    "CHIME_NO_INSTALL",
    "CHIME_KILL_ROUNDS",
    "CHIME_CHROMIUM",
    "CHIME_TEST_SERVERS",
    "CHIME_MOTO_SERVER",
    "CHIME_FAKETIME",
    "CHIME_WEB_DIR",
];

/// What was given on the command line: a flag, the key it sets, and its value.
pub type Flag = (&'static str, &'static str, String);

/// Everything that was set, before it is given a type.
#[derive(Debug)]
pub(super) struct Layers {
    pub(super) values: Values,
    pub(super) oidc: Vec<Oidc>,
}

pub(super) fn read(
    flags: &[Flag],
    file: Option<&Path>,
    environment: &[(String, String)],
) -> Result<Layers, ConfigError> {
    let mut layers = Layers { values: Values::default(), oidc: Vec::new() };
    for key in keys().filter(|key| !key.default.is_empty()) {
        layers.values.set(key, Value::from_text(key, key.default), Origin::Default)?;
    }
    let named = environment.iter().find(|(name, _)| name == FILE).map(|(_, path)| Path::new(path));
    if let Some(path) = file.or(named) {
        layers.read_file(path)?;
    }
    for (name, text) in environment.iter().filter(|(name, _)| is_setting(name)) {
        let origin = Origin::Environment(name.clone());
        let key = keys().find(|key| key.variable() == *name);
        let key = key.ok_or_else(|| ConfigError::Unknown { origin: origin.to_string() })?;
        layers.values.set(key, Value::from_text(key, text), origin)?;
    }
    for (flag, path, text) in flags {
        let origin = Origin::Flag((*flag).to_owned());
        let key = keys().find(|key| key.path == *path);
        let key = key.ok_or_else(|| ConfigError::Unknown { origin: origin.to_string() })?;
        layers.values.set(key, Value::from_text(key, text), origin)?;
    }
    Ok(layers)
}

impl Layers {
    fn read_file(&mut self, path: &Path) -> Result<(), ConfigError> {
        let name = path.display().to_string();
        let text = std::fs::read_to_string(path)
            .map_err(|source| ConfigError::File { path: name.clone(), source })?;
        let syntax = |problem: String| ConfigError::Syntax { path: name.clone(), problem };
        let mut table: toml::Table = toml::from_str(&text).map_err(|error| syntax(error.to_string()))?;
        if let Some(issuers) = table.remove("oidc") {
            self.oidc = issuers.try_into().map_err(|error| syntax(format!("oidc: {error}")))?;
        }
        self.read_table("", &table, &name)
    }

    fn read_table(&mut self, section: &str, table: &toml::Table, file: &str) -> Result<(), ConfigError> {
        for (name, value) in table {
            let path = if section.is_empty() { name.clone() } else { format!("{section}.{name}") };
            match (keys().find(|key| key.path == path), value) {
                (Some(key), value) => {
                    self.values.set(key, Value::from_toml(key, value), Origin::File(file.to_owned()))?;
                }
                (None, toml::Value::Table(inner)) if is_section(&path) => {
                    self.read_table(&path, inner, file)?
                }
                (None, _) => return Err(ConfigError::Unknown { origin: format!("`{path}` in {file}") }),
            }
        }
        Ok(())
    }
}

fn is_section(path: &str) -> bool {
    keys().any(|Key { path: key, .. }| key.strip_prefix(path).is_some_and(|rest| rest.starts_with('.')))
}

fn is_setting(name: &str) -> bool {
    name.starts_with(PREFIX) && name != FILE && !OTHERS.contains(&name)
}
