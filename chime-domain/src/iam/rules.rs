//! Pure rules: names, paths, tags, sizes.

use super::error::{IamCode, IamRefusal, invalid};
use crate::access::policy::{
    MANAGED_LIMIT, PolicyDocument, SESSION_LIMIT, TRUST_LIMIT, Tag, TrustPolicy, policy_size,
};

/// Access keys of a user.
pub(super) const ACCESS_KEYS_PER_USER: usize = 2;
/// Managed policies attached to a user or a role.
pub(super) const ATTACHED_POLICIES: usize = 10;
/// Versions of a managed policy.
pub(super) const POLICY_VERSIONS: usize = 5;
/// Tags of a user, a role, a policy or a session.
pub(super) const TAGS: usize = 50;
/// Users of the account.
pub(super) const USERS_PER_ACCOUNT: u64 = 5_000;
/// Roles of the account.
pub(super) const ROLES_PER_ACCOUNT: u64 = 1_000;
/// Customer managed policies of the account.
pub(super) const POLICIES_PER_ACCOUNT: u64 = 1_500;
/// Length of a role's sessions, in seconds.
pub(super) const MAX_SESSION: std::ops::RangeInclusive<u32> = 3_600..=43_200;

/// `[\w+=,.@-]`, where `\w` means ASCII.
fn is_name_char(c: char) -> bool {
    c.is_ascii_alphanumeric() || "_+=,.@-".contains(c)
}

/// Checks a name against `[\w+=,.@-]{1,most}`.
pub(super) fn name(member: &str, text: &str, most: usize) -> Result<(), IamRefusal> {
    if (1..=most).contains(&text.chars().count()) && text.chars().all(is_name_char) {
        Ok(())
    } else {
        Err(invalid(format!(
            "The specified value for {member} is invalid. It must contain 1 to {most} alphanumeric characters and/or the following: +=,.@_-"
        )))
    }
}

/// Checks a session name against `[\w+=,.@-]{2,most}`.
pub(super) fn session_name(member: &str, text: &str, most: usize) -> Result<(), IamRefusal> {
    if text.chars().count() < 2 {
        return Err(invalid(format!("The value of {member} must have 2 to {most} characters.")));
    }
    name(member, text, most)
}

/// Checks a path: a slash, or segments of printable ASCII between slashes.
pub(super) fn path(text: &str) -> Result<(), IamRefusal> {
    let printable = text.bytes().all(|b| (0x21..=0x7e).contains(&b));
    let framed = text == "/" || (text.len() > 2 && text.starts_with('/') && text.ends_with('/'));
    if text.len() <= 512 && printable && framed {
        Ok(())
    } else {
        Err(invalid(
            "The specified value for path is invalid. It must begin and end with / and contain only printable ASCII characters.",
        ))
    }
}

/// Checks a description: at most 1,000 characters of Latin-1, without control characters but tab and line ends.
pub(super) fn description(text: &str) -> Result<(), IamRefusal> {
    let is_allowed = |c| matches!(c, '\t' | '\n' | '\r' | ' '..='~' | '\u{a1}'..='\u{ff}');
    if text.chars().count() <= 1_000 && text.chars().all(is_allowed) {
        Ok(())
    } else {
        Err(invalid("A description has at most 1000 characters, of Latin-1."))
    }
}

fn is_tag_char(c: char) -> bool {
    // `[\p{L}\p{Z}\p{N}_.:/=+\-@]`
    c.is_alphanumeric() || c.is_whitespace() || "_.:/=+-@".contains(c)
}

/// Checks tags of one request: their number, patterns, and that no key stands twice (without regard to case).
pub(super) fn tags(tags: &[Tag]) -> Result<(), IamRefusal> {
    if tags.len() > TAGS {
        return Err(IamRefusal::new(
            IamCode::LimitExceeded,
            format!("{} tags were given, more than {TAGS}.", tags.len()),
        ));
    }
    for (at, tag) in tags.iter().enumerate() {
        let key = (1..=128).contains(&tag.key.chars().count()) && tag.key.chars().all(is_tag_char);
        if !key || tag.key.to_ascii_lowercase().starts_with("aws:") {
            return Err(invalid(
                "A tag key must have 1 to 128 letters, digits, spaces and _.:/=+-@, and not begin with aws:.",
            ));
        }
        if tag.value.chars().count() > 256 || !tag.value.chars().all(is_tag_char) {
            return Err(invalid("A tag value must have at most 256 letters, digits, spaces and _.:/=+-@."));
        }
        if tags.iter().take(at).any(|other| other.key.eq_ignore_ascii_case(&tag.key)) {
            return Err(IamRefusal::new(
                IamCode::InvalidInput,
                "Duplicate tag keys found. Please note that Tag keys are case insensitive.",
            ));
        }
    }
    Ok(())
}

/// The tags after `added` were put on something that has `tags`.
pub(super) fn add_tags(known: &mut Vec<Tag>, added: &[Tag]) -> Result<(), IamRefusal> {
    tags(added)?;
    for tag in added {
        match known.iter_mut().find(|other| other.key.eq_ignore_ascii_case(&tag.key)) {
            Some(other) => *other = tag.clone(),
            None => known.push(tag.clone()),
        }
    }
    if known.len() > TAGS {
        return Err(IamRefusal::new(IamCode::LimitExceeded, format!("There can be at most {TAGS} tags.")));
    }
    Ok(())
}

/// The tags without those of these keys.
pub(super) fn remove_tags(known: &mut Vec<Tag>, removed: &[String]) {
    known.retain(|tag| !removed.iter().any(|key| key.eq_ignore_ascii_case(&tag.key)));
}

fn too_long(what: &str, limit: usize) -> IamRefusal {
    IamRefusal::new(
        IamCode::LimitExceeded,
        format!("Maximum policy size of {limit} characters exceeded for {what}."),
    )
}

/// Checks a document of a managed policy.
pub(super) fn managed_document(text: &str) -> Result<(), IamRefusal> {
    PolicyDocument::parse(text)?;
    if policy_size(text) > MANAGED_LIMIT {
        return Err(too_long("the policy version", MANAGED_LIMIT));
    }
    Ok(())
}

/// Checks a trust policy.
pub(super) fn trust_document(text: &str) -> Result<(), IamRefusal> {
    TrustPolicy::parse(text)?;
    if policy_size(text) > TRUST_LIMIT {
        return Err(too_long("the trust policy", TRUST_LIMIT));
    }
    Ok(())
}

/// Checks the inline policies of one holder together.
pub(super) fn inline_size<'a>(
    documents: impl Iterator<Item = &'a String>,
    noun: &str,
    limit: usize,
) -> Result<(), IamRefusal> {
    let size: usize = documents.map(|text| policy_size(text)).sum();
    if size > limit { Err(too_long(noun, limit)) } else { Ok(()) }
}

/// Checks a session policy; its white space counts.
pub(super) fn session_document(text: &str) -> Result<(), IamRefusal> {
    if text.chars().count() > SESSION_LIMIT {
        return Err(invalid(format!("The Policy is longer than {SESSION_LIMIT} characters.")));
    }
    PolicyDocument::parse(text)?;
    Ok(())
}
