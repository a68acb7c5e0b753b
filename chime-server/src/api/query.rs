//! The query of a request, decoded once.

use super::operations::decode;

/// Names and values in the order received. A plus sign is a plus sign (wire rule W-06).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Query(Vec<(String, String)>);

impl Query {
    /// Decodes a query without its question mark; `None` for a bad escape, or one that gives no UTF-8.
    #[must_use]
    pub fn parse(raw: &str) -> Option<Self> {
        raw.split('&')
            .filter(|pair| !pair.is_empty())
            .map(|pair| {
                let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
                Some((decode(name)?.into_owned(), decode(value)?.into_owned()))
            })
            .collect::<Option<_>>()
            .map(Self)
    }

    /// The first value of a parameter.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// All values of a parameter.
    pub fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.0.iter().filter(move |(key, _)| key == name).map(|(_, value)| value.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_decoded_once_and_a_plus_stays_a_plus() {
        let query = Query::parse("a=1%2B1&b=1+1&c&a=%25252F&=x").unwrap();
        assert_eq!(query.get("a"), Some("1+1"));
        assert_eq!(query.all("a").collect::<Vec<_>>(), ["1+1", "%252F"]);
        assert_eq!(query.get("b"), Some("1+1"));
        assert_eq!(query.get("c"), Some(""));
        assert_eq!(query.get("d"), None);
    }

    #[test]
    fn a_bad_escape_is_no_query() {
        for raw in ["a=%", "a=%4", "a=%zz", "%ff=1", "a=%C3"] {
            assert_eq!(Query::parse(raw), None, "{raw}");
        }
    }
}
