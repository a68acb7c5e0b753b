//! The configuration shown: what is set and by whom, and what can be set.

use std::fmt::Write;

use serde_json::{Map, Value as Json, json};

use super::key::{Key, Kind};
use super::{Config, keys};

/// Every key with its value and where that came from. Secrets are not shown.
#[must_use]
pub fn explain(config: &Config) -> String {
    let mut text = String::new();
    for key in keys() {
        let (value, origin) = match config.values.get(key.path) {
            Some((_, origin)) if key.secret => ("(hidden)".to_owned(), origin.to_string()),
            Some((value, origin)) => (without_password(&value.to_string()), origin.to_string()),
            None => ("(not set)".to_owned(), "default".to_owned()),
        };
        // Writing to a text does not fail.
        let _ = writeln!(
            text,
            "{} = {value}\n    from {origin}; variable {}\n    {}",
            key.path,
            key.variable(),
            key.about
        );
    }
    for issuer in &config.oidc {
        let _ = writeln!(
            text,
            "oidc = {:?} for {:?}, keys in {:?}",
            issuer.issuer, issuer.audience, issuer.jwks_file
        );
    }
    text
}

/// A value, without the passwords of the URLs in it.
fn without_password(value: &str) -> String {
    let mut shown = String::new();
    let mut rest = value;
    while let Some((scheme, after)) = rest.split_once("://") {
        let authority = after.find(['/', '?', ',', '"']).unwrap_or(after.len());
        let (authority, behind) = after.split_at_checked(authority).unwrap_or((after, ""));
        shown.push_str(scheme);
        shown.push_str("://");
        match authority.rsplit_once('@') {
            Some((who, host)) => {
                let user = who.split_once(':').map_or("(hidden)", |(user, _)| user);
                let _ = write!(shown, "{user}:(hidden)@{host}");
            }
            None => shown.push_str(authority),
        }
        rest = behind;
    }
    // A password may stand among the options as well.
    for (place, part) in rest.split_inclusive(['?', '&']).enumerate() {
        match part.split_once('=') {
            Some((name, _)) if place > 0 && name.contains("password") => {
                let end = part.trim_start_matches(|c| c != '&' && c != '"');
                let _ = write!(shown, "{name}=(hidden){end}");
            }
            _ => shown.push_str(part),
        }
    }
    shown
}

/// A JSON Schema of the configuration file.
#[must_use]
pub fn schema() -> String {
    let mut properties = Map::new();
    for key in keys() {
        match key.path.split_once('.') {
            None => {
                properties.insert(key.path.into(), schema_of(key));
            }
            Some((section, name)) => {
                let empty = || json!({ "type": "object", "additionalProperties": false, "properties": {} });
                let section = properties.entry(section).or_insert_with(empty);
                if let Some(members) = section.get_mut("properties").and_then(Json::as_object_mut) {
                    members.insert(name.into(), schema_of(key));
                }
            }
        }
    }
    properties.insert("oidc".into(), oidc());
    let schema = json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Configuration of chime-server",
        "type": "object",
        "additionalProperties": false,
        "properties": properties,
    });
    serde_json::to_string_pretty(&schema).unwrap_or_default()
}

fn schema_of(key: &Key) -> Json {
    let mut schema = match key.kind {
        Kind::Text | Kind::Address => json!({ "type": "string" }),
        Kind::Number(least, most) => json!({ "type": "integer", "minimum": least, "maximum": most }),
        Kind::Flag => json!({ "type": "boolean" }),
        Kind::List => json!({ "type": "array", "items": { "type": "string" } }),
    };
    if let Some(members) = schema.as_object_mut() {
        members.insert("description".into(), format!("{} Variable: {}.", key.about, key.variable()).into());
        let default = match key.kind {
            _ if key.default.is_empty() => None,
            Kind::Number(..) => key.default.parse::<u64>().ok().map(Json::from),
            Kind::Flag => Some(Json::from(key.default == "true")),
            _ => Some(Json::from(key.default)),
        };
        members.extend(default.map(|default| ("default".to_owned(), default)));
    }
    schema
}

fn oidc() -> Json {
    let text = |about: &str| json!({ "type": "string", "description": about });
    json!({
        "type": "array",
        "description": "Issuers whose tokens AssumeRoleWithWebIdentity accepts.",
        "items": {
            "type": "object",
            "additionalProperties": false,
            "required": ["issuer", "audience", "jwks_file"],
            "properties": {
                "issuer": text("What its tokens say in `iss`."),
                "audience": text("What its tokens must say in `aud`."),
                "jwks_file": text("File of its keys, a JSON Web Key Set."),
            }
        }
    })
}
