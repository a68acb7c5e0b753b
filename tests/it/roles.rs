//! The four role tables against the real services, with expectations written by hand from the documentation.

mod combinations;
mod stage;
mod table;

use chime_domain::access::Mode::{Restricted, Unrestricted};
use chime_domain::access::Privacy::{Private, Public};
use chime_domain::error::ErrorCode::{Forbidden, NotFound};
use chime_tests::run;

use self::stage::Stage;
use self::table::{ROWS, When};

#[test]
fn auth_01_to_108_are_each_in_the_table_of_these_tests() {
    for number in 1..=108 {
        let rule = format!("AUTH-{number:02}");
        assert!(ROWS.iter().any(|row| row.rule == rule), "{rule}");
    }
}

#[test]
fn auth_01_to_108_are_allowed_and_forbidden_as_documented_in_every_kind_of_channel() {
    run(async {
        for row in ROWS {
            for (privacy, mode) in
                [(Public, Unrestricted), (Public, Restricted), (Private, Unrestricted), (Private, Restricted)]
            {
                let stage = Stage::new(row.role, row.case, privacy, mode).await;
                let allowed = match row.when {
                    When::Always | When::Nothing => true,
                    When::Never => false,
                    When::Public => privacy == Public,
                    When::Unrestricted => mode == Unrestricted,
                    When::PublicUnrestricted => privacy == Public && mode == Unrestricted,
                };
                let place = format!("{row:?} in {privacy:?} {mode:?}");
                let attempt = stage.attempt(row.operation, row.case);
                if row.when == When::Nothing {
                    let missing = if row.rule == "AUTH-64" { NotFound } else { Forbidden };
                    assert_eq!(stage.world.refuses(attempt).await, (missing, "E-06"), "{place}");
                } else if allowed {
                    attempt.await.unwrap_or_else(|error| panic!("{place}: {error}"));
                } else {
                    let rule = row.refused_by();
                    assert_eq!(stage.world.refuses(attempt).await, (Forbidden, rule), "{place}");
                }
            }
        }
    });
}
