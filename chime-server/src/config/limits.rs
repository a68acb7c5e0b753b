//! The quotas (rules APP-13 to APP-21): each by the name the rules give it.

use std::sync::LazyLock;

use chime_domain::limits::{Limits, Profile, QUOTAS};

use super::key::Kind::Number;
use super::{Key, Values};

/// The keys of the quotas, made from the domain's own table. They live as long as the process.
pub(super) static KEYS: LazyLock<Vec<Key>> = LazyLock::new(|| {
    QUOTAS
        .iter()
        .map(|row| {
            let path = format!("quotas.{}", row.name).leak();
            let number = Number(0, i64::MAX as u64);
            if row.default == row.current {
                let about = format!("Quota of rule {}.", row.rule).leak();
                return Key::new(path, number, row.default.to_string().leak(), about);
            }
            let (then, now) = (row.default, row.current);
            let about = format!("Quota of rule {}. `2020-11`: {then}, `current`: {now}.", row.rule);
            Key::new(path, number, "", about.leak())
        })
        .collect()
});

pub(super) fn read(values: &Values, profile: Profile) -> Limits {
    let mut limits = Limits::of(profile);
    for row in &QUOTAS {
        let path = format!("quotas.{}", row.name);
        if values.get(&path).is_some() {
            // The names are those of the table, so that none is unknown.
            let _ = limits.set(row.name, values.number(&path));
        }
    }
    limits
}
