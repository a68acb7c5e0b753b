//! Answers as XML.

use std::fmt::{Display, Write};

use chime_domain::time::Timestamp;

/// XML under construction.
#[derive(Debug, Default)]
pub(crate) struct Xml(String);

impl Xml {
    /// An element with other elements in it.
    pub(crate) fn element(&mut self, name: &str, content: impl FnOnce(&mut Self)) {
        self.open(name);
        content(self);
        self.close(name);
    }

    /// An element with text in it.
    pub(crate) fn text(&mut self, name: &str, value: &str) {
        self.element(name, |xml| xml.escape(value));
    }

    /// The same, unless there is no value.
    pub(crate) fn maybe(&mut self, name: &str, value: Option<&str>) {
        if let Some(value) = value {
            self.text(name, value);
        }
    }

    /// A number or a truth value.
    pub(crate) fn value(&mut self, name: &str, value: impl Display) {
        self.text(name, &value.to_string());
    }

    /// A moment, ISO 8601 with whole seconds.
    pub(crate) fn moment(&mut self, name: &str, at: Timestamp) {
        let text = Timestamp::from_millis(at.seconds().saturating_mul(1_000)).to_string();
        self.text(name, &text.replace(".000Z", "Z"));
    }

    /// A list: `<NAME><member>…</member>…</NAME>`.
    pub(crate) fn list<T>(
        &mut self,
        name: &str,
        items: impl IntoIterator<Item = T>,
        mut each: impl FnMut(&mut Self, T),
    ) {
        self.element(name, |xml| {
            for item in items {
                xml.element("member", |xml| each(xml, item));
            }
        });
    }

    /// Text within an element.
    pub(crate) fn escape(&mut self, text: &str) {
        for c in text.chars() {
            match c {
                '&' => self.0.push_str("&amp;"),
                '<' => self.0.push_str("&lt;"),
                '>' => self.0.push_str("&gt;"),
                '"' => self.0.push_str("&quot;"),
                '\r' => self.0.push_str("&#xD;"),
                // Not even escaped may these stand in XML 1.0.
                '\0'..='\x08' | '\x0b' | '\x0c' | '\x0e'..='\x1f' | '\u{fffe}' | '\u{ffff}' => {
                    self.0.push('\u{fffd}');
                }
                c => self.0.push(c),
            }
        }
    }

    /// What was written elsewhere.
    pub(super) fn append(&mut self, other: &Self) {
        self.0.push_str(&other.0);
    }

    pub(super) fn open(&mut self, name: &str) {
        let _ = write!(self.0, "<{name}>");
    }

    pub(super) fn close(&mut self, name: &str) {
        let _ = write!(self.0, "</{name}>");
    }

    pub(super) fn open_in(&mut self, name: &str, namespace: &str) {
        let _ = write!(self.0, "<{name} xmlns=\"{namespace}\">");
    }

    pub(super) fn into_bytes(self) -> Vec<u8> {
        self.0.into_bytes()
    }
}

/// A policy document as IAM answers it: percent-encoded but for unreserved characters (RFC 3986).
pub(crate) fn percent_encoded(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len() * 2);
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            let _ = write!(encoded, "%{byte:02X}");
        }
    }
    encoded
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hostile_text_stays_text() {
        let mut xml = Xml::default();
        xml.text("Message", "<a b=\"c\">&]]>\r\n\u{1}");
        let text = String::from_utf8(xml.into_bytes()).unwrap();
        assert_eq!(text, "<Message>&lt;a b=&quot;c&quot;&gt;&amp;]]&gt;&#xD;\n\u{fffd}</Message>");
    }

    #[test]
    fn moments_have_whole_seconds() {
        let mut xml = Xml::default();
        xml.moment("At", Timestamp::from_millis(1_610_403_151_999));
        assert_eq!(xml.into_bytes(), b"<At>2021-01-11T22:12:31Z</At>");
    }
}
