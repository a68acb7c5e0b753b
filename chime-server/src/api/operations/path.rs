//! Paths: segments, templates, and how a template matches.

use std::borrow::Cow;

/// Decodes percent escapes once. `None` for a bad escape, or bytes that are no UTF-8. A plus sign stays one (wire rule W-06).
pub(crate) fn decode(text: &str) -> Option<Cow<'_, str>> {
    if !text.contains('%') {
        return Some(Cow::Borrowed(text));
    }
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        if byte == b'%' {
            let mut digit = || char::from(rest.next()?).to_digit(16);
            let (high, low) = (digit()?, digit()?);
            bytes.push(u8::try_from(high * 16 + low).ok()?);
        } else {
            bytes.push(byte);
        }
    }
    String::from_utf8(bytes).ok().map(Cow::Owned)
}

/// The values of a path's labels, in the order of the template.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Labels(Vec<(&'static str, String)>);

impl Labels {
    /// The decoded value of a label; `None` when the route has none of that name.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(label, _)| *label == name).map(|(_, value)| value.as_str())
    }
}

#[derive(Clone, Copy, Debug)]
enum Part {
    Static(&'static str),
    Label(&'static str),
}

/// A path with labels, split once.
#[derive(Debug)]
pub(super) struct Template(Vec<Part>);

impl Template {
    pub(super) fn new(path: &'static str) -> Self {
        let part = |text: &'static str| match text.strip_prefix('{').and_then(|text| text.strip_suffix('}')) {
            Some(label) => Part::Label(label),
            None => Part::Static(text),
        };
        Self(path.split('/').skip(1).map(part).collect())
    }

    /// Segment by segment.
    pub(super) fn matches(&self, segments: &[Cow<'_, str>]) -> Option<Labels> {
        if self.0.len() != segments.len() {
            return None;
        }
        let mut labels = Vec::new();
        for (part, segment) in self.0.iter().zip(segments) {
            match part {
                _ if segment.is_empty() => return None,
                Part::Static(text) if text == segment => {}
                Part::Static(_) => return None,
                Part::Label(name) => labels.push((*name, segment.clone().into_owned())),
            }
        }
        Some(Labels(labels))
    }

    /// The second chance of wire rule W-05: an ARN whose slashes were not escaped is joined again.
    pub(super) fn matches_raw_arns(&self, segments: &[Cow<'_, str>]) -> Option<Labels> {
        let mut rest = segments;
        let mut labels = Vec::new();
        for part in &self.0 {
            let (segment, others) = rest.split_first()?;
            match part {
                _ if segment.is_empty() => return None,
                Part::Static(text) if text == segment => rest = others,
                Part::Static(_) => return None,
                Part::Label(name) => {
                    let taken = raw_arn_segments(name, segment);
                    let (arn, others) = rest.split_at_checked(taken)?;
                    if arn.iter().any(|segment| segment.is_empty()) {
                        return None;
                    }
                    labels.push((*name, arn.join("/")));
                    rest = others;
                }
            }
        }
        rest.is_empty().then_some(Labels(labels))
    }
}

/// How many segments the value of a label takes: `…:app-instance/ID` is two, `…:app-instance/ID/channel/ID` four.
fn raw_arn_segments(label: &str, segment: &str) -> usize {
    let is_cut_arn = label.ends_with("Arn") && segment.starts_with("arn:") && !segment.contains('/');
    match label {
        _ if !is_cut_arn => 1,
        "appInstanceArn" => 2,
        _ => 4,
    }
}
