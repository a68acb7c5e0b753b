//! Crates and contexts depend one way.
#![expect(
    clippy::unwrap_used,
    clippy::string_slice,
    reason = "a test that cannot read the sources fails by panicking"
)]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

/// Modules that know no others but each other, without circles.
const BASICS: [&str; 7] = ["error", "text", "time", "ids", "arn", "limits", "page"];

/// What each top-level module of the domain may use beside the basics. Contexts import only leftwards.
const DOMAIN: [(&str, &[&str]); 11] = [
    ("ports", &[]),
    ("flow", &["ports"]),
    ("access", &[]),
    ("iam", &["ports", "flow", "access"]),
    ("identity", &["ports", "flow", "access"]),
    ("messaging", &["ports", "flow", "access", "identity"]),
    ("meetings", &["ports", "flow", "identity"]),
    ("export", &["ports", "flow", "access", "identity", "messaging"]),
    ("upkeep", &["ports", "flow", "access", "iam", "identity", "messaging", "meetings"]),
    ("conformance", &["ports"]),
    ("testing", &["ports", "flow", "access", "identity", "messaging"]),
];

/// What each crate may use of the others.
const CRATES: [(&str, &[&str]); 4] = [
    ("chime-domain", &[]),
    ("chime-media", &["chime-opus"]),
    ("chime-adapters", &["chime-domain"]),
    ("chime-server", &["chime-domain", "chime-media", "chime-adapters"]),
];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

/// A source file: its module path below the crate's root, and its text without comments and unit tests.
struct Source {
    path: PathBuf,
    module: Vec<String>,
    text: String,
}

fn sources(name: &str) -> Vec<Source> {
    let src = root().join(name).join("src");
    let (mut folders, mut found) = (vec![src.clone()], Vec::new());
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            let stem = path.file_stem().unwrap().to_str().unwrap().to_owned();
            if stem == "tests" {
                continue;
            }
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|ext| ext == "rs") {
                let below = path.strip_prefix(&src).unwrap().with_extension("");
                let mut module: Vec<_> = below.iter().map(|part| part.to_str().unwrap().to_owned()).collect();
                if ["mod", "lib", "main"].contains(&stem.as_str()) {
                    module.pop();
                }
                let text = bare(&fs::read_to_string(&path).unwrap());
                found.push(Source { path, module, text });
            }
        }
    }
    assert!(!found.is_empty(), "{name} has no sources");
    found
}

/// A text without its comments, and without the unit tests at its end.
fn bare(text: &str) -> String {
    let text = match text.find("#[cfg(test)]\nmod tests {") {
        Some(at) => &text[..at],
        None => text,
    };
    text.lines().map(|line| line.split("//").next().unwrap()).collect::<Vec<_>>().join("\n")
}

fn word(text: &str) -> &str {
    let end = text.find(|c: char| !(c.is_alphanumeric() || c == '_')).unwrap_or(text.len());
    &text[..end]
}

/// The first names of a path or of a group of paths: `a` of `a::b`, `a` and `c` of `{a::b, c}`.
fn heads(text: &str) -> Vec<&str> {
    let Some(group) = text.strip_prefix('{') else { return vec![word(text)] };
    let (mut depth, mut fresh, mut names) = (1, true, Vec::new());
    for (at, c) in group.char_indices() {
        match c {
            '{' => depth += 1,
            '}' => depth -= 1,
            ',' if depth == 1 => fresh = true,
            c if fresh && depth == 1 && !c.is_whitespace() => {
                names.push(word(&group[at..]));
                fresh = false;
            }
            _ => {}
        }
        if depth == 0 {
            break;
        }
    }
    names
}

/// Every name at the root of the crate that a source names by `crate::` or by enough `super::`s.
fn names_at_root(source: &Source) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    for (at, _) in source.text.match_indices("crate::") {
        names.extend(heads(&source.text[at + "crate::".len()..]).into_iter().map(str::to_owned));
    }
    let ups = "super::".repeat(source.module.len());
    if !ups.is_empty() {
        for (at, _) in source.text.match_indices(&ups) {
            names.extend(heads(&source.text[at + ups.len()..]).into_iter().map(str::to_owned));
        }
    }
    names
}

/// Which top-level modules of a crate use which others.
fn uses(name: &str) -> BTreeMap<String, BTreeSet<String>> {
    let sources = sources(name);
    let modules: BTreeSet<_> = sources.iter().filter_map(|source| source.module.first().cloned()).collect();
    let mut uses: BTreeMap<_, BTreeSet<_>> =
        modules.iter().map(|module| (module.clone(), BTreeSet::new())).collect();
    for source in &sources {
        let Some(own) = source.module.first() else { continue };
        let others = names_at_root(source).into_iter().filter(|other| other != own);
        uses.get_mut(own).unwrap().extend(others.filter(|other| modules.contains(other)));
    }
    uses
}

/// The names in a section of a crate's manifest.
fn section(name: &str, section: &str) -> BTreeSet<String> {
    let manifest = fs::read_to_string(root().join(name).join("Cargo.toml")).unwrap();
    let lines = manifest.lines().skip_while(|line| *line != format!("[{section}]")).skip(1);
    let lines = lines.take_while(|line| !line.starts_with('['));
    let name = |line: &str| line.split(['.', '=', ' ']).next().unwrap_or_default().to_owned();
    lines.map(name).filter(|name| !name.is_empty() && !name.starts_with('#')).collect()
}

#[test]
fn the_scanner_sees_paths_groups_and_parents_and_no_comments() {
    let source = Source {
        path: PathBuf::new(),
        module: vec!["a".into(), "b".into()],
        text: bare(
            "use crate::one::X;\nuse crate::{two, three::{Y, Z}, four as w};\nuse super::super::five;\n\
             use super::six; // crate::seven\nfn f() { $crate::eight::g(); }\n#[cfg(test)]\nmod tests {\n\
             use crate::nine; }",
        ),
    };
    let names: Vec<_> = names_at_root(&source).into_iter().collect();
    assert_eq!(names, ["eight", "five", "four", "one", "three", "two"]);
    let real = uses("chime-domain");
    assert!(real["messaging"].contains("identity") && real["flow"].contains("ports"), "{real:?}");
    assert!(section("chime-adapters", "dependencies").contains("chime-domain"));
}

#[test]
fn crates_point_one_way() {
    for (name, allowed) in CRATES {
        let others = section(name, "dependencies");
        let others: Vec<_> = others.iter().filter(|other| other.starts_with("chime-")).collect();
        assert!(others.iter().all(|other| allowed.contains(&other.as_str())), "{name} uses {others:?}");
        for source in sources(name) {
            for (other, _) in CRATES.iter().filter(|(other, _)| *other != name && !allowed.contains(other)) {
                let path = format!("{}::", other.replace('-', "_"));
                assert!(!source.text.contains(&path), "{} names {other}", source.path.display());
            }
        }
    }
}

#[test]
fn contexts_of_the_domain_import_leftwards_only() {
    for (module, others) in uses("chime-domain") {
        let allowed = if BASICS.contains(&module.as_str()) {
            &[]
        } else {
            let row = DOMAIN.iter().find(|(name, _)| *name == module);
            row.unwrap_or_else(|| panic!("say in this test where the module {module} stands")).1
        };
        let strange: Vec<_> = others
            .iter()
            .filter(|other| !BASICS.contains(&other.as_str()) && !allowed.contains(&other.as_str()))
            .collect();
        assert!(strange.is_empty(), "{module} uses {strange:?}");
    }
}

#[test]
fn no_modules_of_a_library_use_each_other_in_a_circle() {
    // The server's handlers and the state they share know each other.
    for name in ["chime-domain", "chime-media", "chime-adapters"] {
        let mut uses = uses(name);
        // Takes away what uses nothing that is left, until nothing is left.
        loop {
            let free: Vec<_> =
                uses.iter().filter(|(_, others)| others.is_empty()).map(|(name, _)| name.clone()).collect();
            if free.is_empty() {
                break;
            }
            for module in free {
                uses.remove(&module);
                for others in uses.values_mut() {
                    others.remove(&module);
                }
            }
        }
        assert!(uses.is_empty(), "a circle in {name}: {uses:?}");
    }
}

#[test]
fn the_domain_touches_neither_the_system_nor_a_runtime() {
    let banned = [
        "std::fs",
        "std::env",
        "std::thread",
        "std::process",
        "tokio::",
        "async_std::",
        "SystemTime",
        "Instant::now",
        "getrandom",
        "println!",
    ];
    for source in sources("chime-domain") {
        // The suites are test code: they race threads against an adapter.
        if source.module.first().is_some_and(|module| module == "conformance") {
            continue;
        }
        for name in banned {
            assert!(!source.text.contains(name), "{} uses {name}", source.path.display());
        }
        // Addresses are values; sockets are not.
        for (at, net) in source.text.match_indices("std::net::") {
            let names = heads(&source.text[at + net.len()..]);
            let values = names.iter().all(|name| ["IpAddr", "Ipv4Addr", "Ipv6Addr"].contains(name));
            assert!(values, "{} uses {names:?} of std::net", source.path.display());
        }
        assert!(!source.text.contains("std::{"), "{} hides what it uses of std", source.path.display());
    }
    let runtime = ["tokio", "getrandom", "rand", "hyper", "axum", "rusqlite", "tracing", "chrono"];
    let found = section("chime-domain", "dependencies");
    assert!(runtime.iter().all(|name| !found.contains(*name)), "{found:?}");
}

#[test]
fn only_the_driver_of_the_engine_has_sockets_threads_and_a_clock() {
    let banned = [
        "UdpSocket",
        "TcpStream",
        "TcpListener",
        "std::thread",
        "std::sync::mpsc",
        "tokio::",
        "SystemTime",
        "Instant::now",
    ];
    let sources = sources("chime-media");
    let of = |driver: bool| {
        let of_driver = |source: &&Source| source.module.first().is_some_and(|module| module == "driver");
        sources.iter().filter(move |source| of_driver(source) == driver)
    };
    // What only tests are made of has to begin somewhere.
    let is_for_tests = |source: &&Source| source.module.first().is_some_and(|module| module == "testing");
    for source in of(false).filter(|source| !is_for_tests(source)) {
        for name in banned {
            assert!(!source.text.contains(name), "{} uses {name}", source.path.display());
        }
    }
    assert!(of(true).any(|source| source.text.contains("UdpSocket")), "the driver was not found");
}
