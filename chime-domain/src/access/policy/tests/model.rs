//! Evaluation against a model that was written from the documentation alone: it works on the JSON text, puts
//! values into patterns, compares by recursion and collects every statement that applies.

use std::collections::BTreeMap;

use proptest::prelude::*;
use serde_json::{Value, json};

use super::super::evaluate::Verdict;
use super::super::{Layer, PolicySet, RequestContext, Tag};
use super::{context, named};

const ACTIONS: &[&str] = &["x:Get", "x:GetAll", "x:Put", "y:Get"];
const ACTION_PATTERNS: &[&str] = &["*", "x:*", "X:get", "x:Get*", "*:Get", "x:P?t", "x>Put", "y:Get"];
const RESOURCES: &[&str] = &["*", "arn:a", "arn:a/ada", "arn:a/*", "arn:b/ada/c", "arn:a/", "arn:a/eve"];
const RESOURCE_PATTERNS: &[&str] = &[
    "*",
    "arn:*",
    "arn:a",
    "arn:a/*",
    "arn:?/ada*",
    "arn:a/${aws:username}",
    "arn:*/${aws:username}/*",
    "arn:a/${id}",
    "${id}*",
    "arn:a/${*}",
    "arn:a/${missing, 'eve'}",
    "arn:a/${aws:PrincipalTag/id}",
];
const OPERATORS: &[&str] = &[
    "StringEquals",
    "StringNotEquals",
    "StringLike",
    "StringNotLike",
    "StringEqualsIgnoreCase",
    "StringEqualsIfExists",
    "StringNotLikeIfExists",
    "ForAnyValue:StringEquals",
    "ForAllValues:StringLike",
    "ForAnyValue:StringNotEquals",
    "ForAllValues:StringNotLike",
];
const KEYS: &[&str] = &["aws:username", "AWS:PrincipalTag/ID", "aws:TagKeys", "s:key", "aws:RequestedRegion"];
const VALUES: &[&str] = &["ada", "ADA", "a*", "*", "", "${id}", "${aws:username}", "${*}", "e?e"];

/// What the request brings.
#[derive(Clone, Debug)]
struct World {
    username: Option<&'static str>,
    id: Option<&'static str>,
    tag_keys: Vec<String>,
    other: Vec<(&'static str, &'static str)>,
}

fn world() -> impl Strategy<Value = World> {
    let text = || prop::option::of(prop::sample::select(vec!["ada", "eve", "*", "", "arn:a"]));
    let keys = prop::collection::vec(prop::sample::select(vec!["ada", "eve", "x"]), 0..3);
    let other = prop::collection::vec(prop::sample::select(vec![("s:key", "ada"), ("s:key", "x")]), 0..3);
    (text(), text(), keys, other).prop_map(|(username, id, keys, other)| World {
        username,
        id,
        tag_keys: keys.into_iter().map(str::to_owned).collect(),
        other,
    })
}

fn some(of: &'static [&'static str]) -> impl Strategy<Value = Value> {
    prop::collection::vec(prop::sample::select(of), 1..3).prop_map(|items| json!(items))
}

fn one_statement() -> impl Strategy<Value = Value> {
    let condition = (prop::sample::select(OPERATORS), prop::sample::select(KEYS), some(VALUES));
    let null = (Just("Null"), prop::sample::select(KEYS), any::<bool>().prop_map(|b| json!(b)));
    let conditions = prop::collection::vec(prop_oneof![4 => condition, 1 => null], 0..2);
    let names = (prop::bool::weighted(0.2), prop::bool::weighted(0.2), prop::bool::weighted(0.3));
    (names, some(ACTION_PATTERNS), some(RESOURCE_PATTERNS), conditions).prop_map(
        |((not_action, not_resource, deny), actions, resources, conditions)| {
            let mut statement = json!({ "Effect": if deny { "Deny" } else { "Allow" } });
            statement[if not_action { "NotAction" } else { "Action" }] = actions;
            statement[if not_resource { "NotResource" } else { "Resource" }] = resources;
            for (operator, key, values) in conditions {
                statement["Condition"][operator][key] = values;
            }
            statement
        },
    )
}

fn document() -> impl Strategy<Value = Value> {
    let version = prop::sample::select(vec!["2012-10-17", "2012-10-17", "2012-10-17", "2008-10-17"]);
    (version, prop::collection::vec(one_statement(), 1..4))
        .prop_map(|(version, statements)| json!({ "Version": version, "Statement": statements }))
}

mod naive {
    use super::*;

    #[derive(Clone, Copy, PartialEq)]
    enum Token {
        Char(char),
        One,
        Many,
    }

    /// The values of every key, by its name in small letters.
    pub(super) type Facts = BTreeMap<String, Vec<String>>;

    pub(super) fn facts(world: &World) -> Facts {
        let mut facts = Facts::new();
        let mut put =
            |key: &str, value: &str| facts.entry(key.to_owned()).or_default().push(value.to_owned());
        world.username.iter().for_each(|name| put("aws:username", name));
        world.id.iter().for_each(|id| put("aws:principaltag/id", id));
        world.tag_keys.iter().for_each(|key| put("aws:tagkeys", key));
        world.other.iter().for_each(|(key, value)| put(key, value));
        facts
    }

    /// The pattern with its variables filled in; `None` when one has no value.
    fn tokens(pattern: &str, wildcards: bool, variables: bool, facts: &Facts) -> Option<Vec<Token>> {
        let chars: Vec<char> = pattern.chars().collect();
        let mut tokens = Vec::new();
        let mut at = 0;
        while at < chars.len() {
            if variables && chars[at..].starts_with(&['$', '{']) {
                let end = at + chars[at..].iter().position(|c| *c == '}').unwrap();
                let inside: String = chars[at + 2..end].iter().collect();
                at = end + 1;
                let text = match inside.as_str() {
                    "*" | "?" | "$" => inside,
                    _ => {
                        let (name, default) = match inside.split_once(", ") {
                            Some((name, default)) => (name, Some(default.trim_matches('\'').to_owned())),
                            None => (inside.as_str(), None),
                        };
                        let key = if name.contains(':') {
                            name.to_lowercase()
                        } else {
                            format!("aws:principaltag/{name}")
                        };
                        facts.get(&key).map(|values| values[0].clone()).or(default)?
                    }
                };
                tokens.extend(text.chars().map(Token::Char));
                continue;
            }
            tokens.push(match chars[at] {
                '*' if wildcards => Token::Many,
                '?' if wildcards => Token::One,
                c => Token::Char(c),
            });
            at += 1;
        }
        Some(tokens)
    }

    fn glob(pattern: &[Token], text: &[char]) -> bool {
        match (pattern, text) {
            ([], []) => true,
            ([Token::Many, rest @ ..], _) => (0..=text.len()).any(|n| glob(rest, &text[n..])),
            ([Token::One, rest @ ..], [_, after @ ..]) => glob(rest, after),
            ([Token::Char(p), rest @ ..], [t, after @ ..]) => p == t && glob(rest, after),
            _ => false,
        }
    }

    /// Whether any pattern of the list matches, and whether any has a variable without value.
    fn listed(list: &Value, text: &str, wildcards: bool, variables: bool, facts: &Facts) -> (bool, bool) {
        let chars: Vec<char> = text.chars().collect();
        let filled: Vec<_> = list
            .as_array()
            .unwrap()
            .iter()
            .map(|pattern| tokens(pattern.as_str().unwrap(), wildcards, variables, facts))
            .collect();
        let hit = filled.iter().flatten().any(|tokens| glob(tokens, &chars));
        (hit, filled.iter().any(Option::is_none))
    }

    fn condition(
        operator: &str,
        key: &str,
        values: &Value,
        allow: bool,
        variables: bool,
        facts: &Facts,
    ) -> bool {
        let found = facts.get(&key.to_lowercase());
        if operator == "Null" {
            return values.as_bool().unwrap() == found.is_none();
        }
        let negated = operator.contains("Not");
        let wildcards = operator.contains("Like");
        let fold = |text: &str| {
            if operator.contains("IgnoreCase") { text.to_lowercase() } else { text.to_owned() }
        };
        let matches = |value: &String| {
            if !operator.contains("IgnoreCase") {
                return listed(values, value, wildcards, variables, facts).0;
            }
            values.as_array().unwrap().iter().any(|operand| {
                let Some(tokens) = tokens(operand.as_str().unwrap(), false, variables, facts) else {
                    return false;
                };
                let text: String = tokens
                    .iter()
                    .map(|t| match t {
                        Token::Char(c) => *c,
                        _ => unreachable!(),
                    })
                    .collect();
                fold(&text) == fold(value)
            })
        };
        if negated && allow && listed(values, "", wildcards, variables, facts).1 {
            return false;
        }
        let found = found.cloned().unwrap_or_default();
        let tested = |value: &String| matches(value) != negated;
        if operator.starts_with("ForAllValues") {
            found.iter().all(tested)
        } else if operator.starts_with("ForAnyValue") {
            found.iter().any(tested)
        } else if found.is_empty() {
            negated || operator.ends_with("IfExists")
        } else {
            found.iter().any(matches) != negated
        }
    }

    fn applies(statement: &Value, variables: bool, action: &str, resource: &str, facts: &Facts) -> bool {
        let allow = statement["Effect"] == "Allow";
        let small = |list: &Value| {
            let items = list.as_array().unwrap().iter().map(|item| item.as_str().unwrap().to_lowercase());
            json!(items.collect::<Vec<_>>())
        };
        let named = |list: &Value| listed(&small(list), &action.to_lowercase(), true, false, facts).0;
        let action = match statement.get("Action") {
            Some(list) => named(list),
            None => !named(&statement["NotAction"]),
        };
        let resource = match statement.get("Resource") {
            Some(list) => listed(list, resource, true, variables, facts).0,
            None => {
                let (hit, unresolved) = listed(&statement["NotResource"], resource, true, variables, facts);
                !hit && (!allow || !unresolved)
            }
        };
        let conditions = statement.get("Condition").and_then(Value::as_object);
        let conditions = conditions.into_iter().flatten().all(|(operator, tests)| {
            tests
                .as_object()
                .unwrap()
                .iter()
                .all(|(key, values)| condition(operator, key, values, allow, variables, facts))
        });
        action && resource && conditions
    }

    /// The effects of all statements that apply.
    pub(super) fn effects(documents: &[Value], action: &str, resource: &str, facts: &Facts) -> Vec<String> {
        let mut effects = Vec::new();
        for document in documents {
            let variables = document["Version"] == "2012-10-17";
            for statement in document["Statement"].as_array().unwrap() {
                if applies(statement, variables, action, resource, facts) {
                    effects.push(statement["Effect"].as_str().unwrap().to_owned());
                }
            }
        }
        effects
    }

    pub(super) fn verdict(
        identity: &[Value],
        session: &[Value],
        action: &str,
        resource: &str,
        facts: &Facts,
    ) -> &'static str {
        let (own, narrowed) =
            (effects(identity, action, resource, facts), effects(session, action, resource, facts));
        if own.iter().chain(&narrowed).any(|effect| effect == "Deny") {
            "explicit"
        } else if own.is_empty() {
            "identity"
        } else if !session.is_empty() && narrowed.is_empty() {
            "session"
        } else {
            "allowed"
        }
    }
}

fn set(identity: &[Value], session: &[Value]) -> PolicySet {
    let named = |documents: &[Value]| documents.iter().map(|d| named("p", &d.to_string())).collect();
    PolicySet::new(named(identity)).with_session(named(session))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn evaluation_agrees_with_the_model(
        identity in prop::collection::vec(document(), 0..3),
        session in prop::collection::vec(document(), 0..2),
        world in world(),
        action in prop::sample::select(ACTIONS),
        resources in prop::collection::vec(prop::sample::select(RESOURCES), 1..3),
    ) {
        let facts = naive::facts(&world);
        let tags: Vec<Tag> = world.id.iter().map(|id| Tag::new("id", *id)).collect();
        let ctx = RequestContext {
            username: world.username,
            session_tags: &tags,
            request_tag_keys: &world.tag_keys,
            other: &world.other,
            ..context()
        };
        let policies = set(&identity, &session);
        let mut expected = Vec::new();
        for resource in &resources {
            let verdict = policies.evaluate(action, resource, &ctx);
            let got = match verdict {
                Verdict::Allowed(_) => "allowed",
                Verdict::ExplicitDeny(_) => "explicit",
                Verdict::ImplicitDeny(Layer::Identity) => "identity",
                Verdict::ImplicitDeny(Layer::Session) => "session",
            };
            let want = naive::verdict(&identity, &session, action, resource, &facts);
            prop_assert_eq!(got, want, "{}", policies.explain(action, resource, &ctx));
            prop_assert_eq!(policies.explain(action, resource, &ctx).verdict, verdict);
            expected.push(want);
        }
        let all = policies.evaluate_all(action, &resources, &ctx);
        prop_assert_eq!(all.is_ok(), expected.iter().all(|verdict| *verdict == "allowed"));
        if let Err(refused) = all {
            let explicit = expected.contains(&"explicit");
            prop_assert_eq!(matches!(refused.verdict, Verdict::ExplicitDeny(_)), explicit);
        }
    }
}
