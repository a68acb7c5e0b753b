use proptest::prelude::*;

use super::*;
use crate::ids::{AppInstanceUserId, ChannelId, ClientRequestToken, MessageId};

/// What a limit counts.
#[derive(Clone, Copy, Debug)]
enum Unit {
    Characters,
    /// Of UTF-8.
    Bytes,
}

impl Unit {
    fn of(self, text: &str) -> usize {
        match self {
            Self::Characters => text.chars().count(),
            Self::Bytes => text.len(),
        }
    }
}

/// A type of bounded texts as its rule documents it.
struct Kind {
    name: &'static str,
    /// Parses, prints, parses and stores again, and gives what was printed; `None` for what does not parse.
    round: fn(&str) -> Option<String>,
    unit: Unit,
    shortest: usize,
    longest: usize,
    /// Characters that may stand anywhere in it.
    holds: fn(char) -> bool,
}

macro_rules! kind {
    ($type:ident, $unit:ident, $bounds:expr, $holds:expr) => {
        Kind {
            name: stringify!($type),
            round: |text| {
                let parsed = $type::new(text).ok()?;
                assert_eq!($type::new(parsed.as_str()).as_ref(), Ok(&parsed));
                let stored = serde_json::to_string(&parsed).unwrap();
                assert_eq!(serde_json::from_str::<$type>(&stored).unwrap(), parsed);
                Some(parsed.as_str().to_owned())
            },
            unit: Unit::$unit,
            shortest: *$bounds.start(),
            longest: *$bounds.end(),
            holds: $holds,
        }
    };
}

fn any_character(_: char) -> bool {
    true
}

fn printable(c: char) -> bool {
    !c.is_control() && c != '\u{FFFE}' && c != '\u{FFFF}'
}

fn letter_or_digit(c: char) -> bool {
    c.is_ascii_alphanumeric()
}

fn kinds() -> [Kind; 10] {
    [
        kind!(ResourceName, Characters, (1..=256), printable),
        kind!(UserName, Characters, (1..=100), |c| !c.is_whitespace()),
        kind!(Metadata, Bytes, (0..=1024), any_character),
        kind!(Content, Bytes, (1..=4096), any_character),
        kind!(TagKey, Characters, (1..=128), any_character),
        kind!(TagValue, Characters, (1..=256), any_character),
        kind!(AppInstanceUserId, Bytes, (1..=64), letter_or_digit),
        kind!(ChannelId, Bytes, (1..=64), letter_or_digit),
        kind!(MessageId, Bytes, (1..=128), letter_or_digit),
        kind!(ClientRequestToken, Bytes, (2..=64), letter_or_digit),
    ]
}

/// As much of the repeated characters as makes `length` units, filled up with letters where a character is too wide.
fn of_length(unit: Unit, characters: &[char], length: usize) -> String {
    let mut text = String::new();
    for c in characters.iter().cycle() {
        let wider = unit.of(&text) + unit.of(c.encode_utf8(&mut [0; 4]));
        if wider > length {
            break;
        }
        text.push(*c);
    }
    while unit.of(&text) < length {
        text.push('a');
    }
    text
}

proptest! {
    #[test]
    fn what_parses_prints_the_same_within_its_bounds_and_parses_again(text in any::<String>(), word in "[A-Za-z0-9:_.@-]{0,140}") {
        for kind in kinds() {
            for text in [&text, &word] {
                if let Some(printed) = (kind.round)(text) {
                    prop_assert_eq!(&printed, text, "{}", kind.name);
                    let length = kind.unit.of(text);
                    prop_assert!((kind.shortest..=kind.longest).contains(&length), "{} {}", kind.name, length);
                }
            }
        }
    }

    #[test]
    fn a_text_of_any_characters_fits_up_to_its_limit_and_not_one_past(
        characters in proptest::collection::vec(any::<char>(), 1..20), part in 0.0..1.0,
    ) {
        for kind in kinds() {
            let mut characters: Vec<_> = characters.iter().copied().filter(|c| (kind.holds)(*c)).collect();
            if characters.is_empty() {
                characters.push('z');
            }
            let between = kind.shortest + ((kind.longest - kind.shortest) as f64 * part) as usize;
            for length in [kind.shortest, between, kind.longest] {
                let text = of_length(kind.unit, &characters, length);
                prop_assert_eq!((kind.round)(&text), Some(text.clone()), "{} of {}", kind.name, length);
            }
            let beyond = of_length(kind.unit, &characters, kind.longest + 1);
            prop_assert_eq!((kind.round)(&beyond), None, "{} of {}", kind.name, kind.longest + 1);
            if let Some(length) = kind.shortest.checked_sub(1) {
                let short = of_length(kind.unit, &characters, length);
                prop_assert_eq!((kind.round)(&short), None, "{} of {}", kind.name, length);
            }
        }
    }

    #[test]
    fn chosen_ids_hold_their_marks_inside_and_letters_or_digits_at_both_ends(
        first in "[A-Za-z0-9]", middle in "[A-Za-z0-9:_.@-]{0,62}", last in "[A-Za-z0-9]", mark in "[:_.@-]",
        foreign in "[^A-Za-z0-9:_.@-]",
    ) {
        let good = format!("{first}{middle}{last}");
        prop_assert!(AppInstanceUserId::new(&good).is_ok() && ChannelId::new(&good).is_ok());
        let middle: String = middle.chars().take(50).collect();
        for bad in [
            format!("{mark}{middle}{last}"),
            format!("{first}{middle}{mark}"),
            format!("{first}{middle}{foreign}{last}"),
        ] {
            prop_assert!(AppInstanceUserId::new(&bad).is_err() && ChannelId::new(&bad).is_err(), "{:?}", bad);
        }
    }

    #[test]
    fn words_hold_letters_digits_and_two_marks_and_nothing_else(word in "[A-Za-z0-9_-]{2,64}", foreign in "[^A-Za-z0-9_-]") {
        prop_assert!(MessageId::new(&word).is_ok() && ClientRequestToken::new(&word).is_ok());
        let head: String = word.chars().take(60).collect();
        let bad = format!("{head}{foreign}");
        prop_assert!(MessageId::new(&bad).is_err() && ClientRequestToken::new(&bad).is_err());
    }

    #[test]
    fn what_people_write_is_not_in_the_debug_form(secret in "[a-z]{12,40}") {
        let shown = [
            format!("{:?}", ResourceName::new(&secret)),
            format!("{:?}", UserName::new(&secret)),
            format!("{:?}", Metadata::new(&secret)),
            format!("{:?}", Content::new(&secret)),
            format!("{:?}", TagKey::new(&secret)),
            format!("{:?}", TagValue::new(&secret)),
            format!("{:?}", Private(&secret)),
        ];
        for shown in shown {
            prop_assert!(!shown.contains(&secret), "{}", shown);
        }
    }
}

#[test]
fn a_limit_in_bytes_counts_the_bytes_of_each_character_and_one_in_characters_does_not() {
    for (character, bytes) in [("a", 1), ("\u{e9}", 2), ("\u{2603}", 3), ("\u{10348}", 4)] {
        assert!(Metadata::new(character.repeat(1024 / bytes)).is_ok());
        assert!(Metadata::new(character.repeat(1024 / bytes + 1)).is_err());
        assert!(Content::new(character.repeat(4096 / bytes)).is_ok());
        assert!(Content::new(character.repeat(4096 / bytes + 1)).is_err());
        assert!(ResourceName::new(character.repeat(256)).is_ok());
        assert!(ResourceName::new(character.repeat(257)).is_err());
        assert!(UserName::new(character.repeat(100)).is_ok());
        assert!(UserName::new(character.repeat(101)).is_err());
        assert!(TagKey::new(character.repeat(128)).is_ok());
        assert!(TagKey::new(character.repeat(129)).is_err());
    }
}

#[test]
fn names_hold_no_control_characters_but_those_of_lines() {
    for c in ['\t', '\n', '\r', '\u{85}'] {
        assert!(ResourceName::new(format!("a{c}b")).is_ok(), "{c:?}");
    }
    for c in ['\0', '\u{1b}', '\u{7f}', '\u{9f}', '\u{FFFE}', '\u{FFFF}'] {
        assert!(ResourceName::new(format!("a{c}b")).is_err(), "{c:?}");
    }
    for blank in [" ", "\t\n", "\u{3000}"] {
        assert!(UserName::new(blank).is_err() && ResourceName::new(blank).is_ok(), "{blank:?}");
    }
}
