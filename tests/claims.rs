//! Every rule of the acceptance checklist is claimed by the name of a test.
//!
//! A test that covers rules begins with their ids: `chn_13_…`, `ret_05_and_06_…`, `app_16_to_18_…`, `web_22_26_29_…`,
//! `chn_16_and_web_16_…`. Whether it covers what it claims is for its reader; here it is seen that nothing was forgotten.
#![expect(clippy::unwrap_used, reason = "a test that cannot read the sources fails by panicking")]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

/// The contexts of the checklist that are built, and how many rules each has.
const RULES: [(&str, u32); 13] = [
    ("iam", 31),
    ("app", 21),
    ("chn", 22),
    ("msg", 16),
    ("ret", 11),
    ("web", 35),
    ("auth", 108),
    ("role", 14),
    ("str", 16),
    ("mtg", 26),
    ("end", 8),
    ("evt", 9),
    ("qta", 11),
];

/// Contexts of which a part is built, and the rules in it. What is missing of media is up to clients and applications:
/// phones (10), the number of a tile (18), noise suppression (23), browsers (24). Of 16, SIP comes with telephony.
const PARTS: [(&str, &[u32]); 1] =
    [("med", &[1, 2, 3, 4, 5, 6, 7, 8, 9, 11, 12, 13, 14, 15, 16, 17, 19, 20, 21, 22])];

type Claimed = BTreeMap<String, BTreeSet<u32>>;

/// Reads the rules off the name of a test.
fn read_claims(name: &str, claimed: &mut Claimed) {
    let (mut context, mut last, mut range) = (None, None, false);
    for word in name.split('_') {
        match (word, word.parse::<u32>()) {
            (_, Ok(number)) if word.len() >= 2 => {
                let Some(context) = context.clone() else { return };
                let from = if range { last.unwrap_or(number) } else { number };
                claimed.entry(context).or_default().extend(from..=number);
                last = Some(number);
                range = false;
            }
            ("to", _) => range = true,
            ("and", _) => {}
            // Ids of the wire contract stand beside them: `e_07`.
            (letters, _) if letters.chars().all(|c| c.is_ascii_lowercase()) => {
                let rules = RULES.iter().map(|(rule, _)| rule).chain(PARTS.iter().map(|(rule, _)| rule));
                let known = rules.into_iter().any(|rule| *rule == letters) || letters.len() <= 2;
                if !known {
                    return;
                }
                context = Some(letters.to_owned());
            }
            _ => return,
        }
    }
}

fn read_file(path: &Path, claimed: &mut Claimed) {
    for line in fs::read_to_string(path).unwrap().lines() {
        let words: Vec<_> = line.split(|c: char| !(c.is_alphanumeric() || c == '_')).collect();
        for pair in words.windows(2) {
            match pair {
                ["fn", name] => read_claims(name, claimed),
                ["def", name] => read_claims(name.trim_start_matches("test_"), claimed),
                _ => {}
            }
        }
        // A test in JavaScript is named by a text: `test('med_11 a squeezed receiver …`.
        let text = line.trim_start().strip_prefix("test(").and_then(|rest| rest.strip_prefix(['\'', '`']));
        if let Some(name) = text.and_then(|text| text.split(' ').next()) {
            read_claims(name, claimed);
        }
    }
}

fn read_below(folder: PathBuf, claimed: &mut Claimed) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            let generated = ["node_modules", "target", "__pycache__"];
            if !generated.iter().any(|name| path.ends_with(name)) {
                read_below(path, claimed);
            }
        } else if path.extension().is_some_and(|ext| ext == "rs" || ext == "py" || ext == "mjs") {
            read_file(&path, claimed);
        }
    }
}

#[test]
fn every_rule_of_what_is_built_has_a_test_named_after_it() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let mut claimed = Claimed::new();
    for folder in ["chime-domain", "chime-media", "chime-adapters", "chime-server", "tests"] {
        read_below(root.join(folder), &mut claimed);
    }
    let mut missing = Vec::new();
    let whole = RULES.map(|(context, count)| (context, (1..=count).collect::<Vec<_>>()));
    let parts = PARTS.map(|(context, numbers)| (context, numbers.to_vec()));
    for (context, numbers) in whole.into_iter().chain(parts) {
        for number in numbers {
            if !claimed.get(context).is_some_and(|numbers| numbers.contains(&number)) {
                missing.push(format!("{}-{number:02}", context.to_uppercase()));
            }
        }
    }
    assert!(missing.is_empty(), "no test is named after {}", missing.join(", "));
}

#[test]
fn the_ids_are_read_off_names_as_they_are_written() {
    let read = |name: &str| {
        let mut claimed = Claimed::new();
        read_claims(name, &mut claimed);
        let flat =
            claimed.iter().flat_map(|(rule, numbers)| numbers.iter().map(move |n| format!("{rule}{n}")));
        flat.collect::<Vec<_>>().join(" ")
    };
    assert_eq!(read("chn_13_a_ban_removes_2_members_at_12"), "chn13");
    assert_eq!(read("ret_05_and_06_within_30_days"), "ret5 ret6");
    assert_eq!(read("app_16_to_18_each_quota"), "app16 app17 app18");
    assert_eq!(read("web_22_26_29_30_memberships"), "web22 web26 web29 web30");
    assert_eq!(read("chn_16_and_web_16_moderators"), "chn16 web16");
    assert_eq!(read("web_10_and_s_06_a_bad_signature"), "s6 web10");
    assert_eq!(read("a_burst_of_20_passes"), "");
    assert_eq!(read("role_of"), "");
}
