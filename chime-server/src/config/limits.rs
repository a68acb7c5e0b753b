//! The quotas (rules APP-13 to APP-21): each by the name the rules give it.

use std::sync::LazyLock;

use chime_domain::limits::{Limits, QUOTAS};

use super::key::Kind::Number;
use super::{Key, Values};

/// The keys of the quotas, made from the domain's own table. They live as long as the process.
pub(super) static KEYS: LazyLock<Vec<Key>> = LazyLock::new(|| {
    QUOTAS
        .iter()
        .map(|row| {
            let path = format!("quotas.{}", row.name).leak();
            let about = format!("Quota of rule {}.", row.rule).leak();
            Key::new(path, Number(0, i64::MAX as u64), row.default.to_string().leak(), about)
        })
        .collect()
});

pub(super) fn read(values: &Values) -> Limits {
    let mut limits = Limits::default();
    for row in &QUOTAS {
        // The names are those of the table, so that none is unknown.
        let _ = limits.set(row.name, values.number(&format!("quotas.{}", row.name)));
    }
    limits
}
