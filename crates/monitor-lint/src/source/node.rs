//! A document of YAML or JSON as a tree in which everything knows where it stands.

use std::fmt;

use serde::de::{Deserialize, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_saphyr::{Location, Spanned};

/// A value, and where it begins: line and column, both counted from 1.
#[derive(Clone, Debug)]
pub(crate) struct Node {
    pub(crate) line: usize,
    pub(crate) column: usize,
    pub(crate) value: Value,
}

#[derive(Clone, Debug)]
pub(crate) enum Value {
    Null,
    /// A text, a number or a truth, as it would be written without quotes.
    Scalar(String),
    List(Vec<Node>),
    Map(Vec<(Key, Node)>),
}

#[derive(Clone, Debug)]
pub(crate) struct Key {
    pub(crate) line: usize,
    pub(crate) column: usize,
    pub(crate) name: String,
}

/// Why a text cannot be read, and where.
#[derive(Clone, Debug)]
pub(crate) struct Unreadable {
    pub(crate) line: usize,
    pub(crate) column: usize,
    pub(crate) why: String,
}

impl Node {
    /// Every document of a text in YAML, of which JSON is a part.
    pub(crate) fn documents(text: &str) -> Result<Vec<Self>, Unreadable> {
        serde_saphyr::from_multiple(text).map_err(|error| {
            let place = error.location();
            Unreadable {
                line: place.map_or(1, |place| number(place.line())),
                column: place.map_or(1, |place| number(place.column())),
                why: first_line(&error.to_string()),
            }
        })
    }

    /// One document in JSON. What only YAML allows is refused.
    pub(crate) fn json(text: &str) -> Result<Self, Unreadable> {
        let read: Result<serde::de::IgnoredAny, _> = serde_json::from_str(text);
        read.map_err(|error| Unreadable {
            line: error.line(),
            column: error.column().max(1),
            why: error.to_string().split(" at line").next().unwrap_or_default().to_owned(),
        })?;
        let mut documents = Self::documents(text)?;
        let none = || Unreadable { line: 1, column: 1, why: "it is empty".to_owned() };
        documents.pop().ok_or_else(none)
    }

    pub(crate) fn get(&self, name: &str) -> Option<&Self> {
        self.entry(name).map(|(_, node)| node)
    }

    pub(crate) fn entry(&self, name: &str) -> Option<(&Key, &Self)> {
        self.entries().find(|(key, _)| key.name == name)
    }

    /// What is found by going from name to name.
    pub(crate) fn at(&self, path: &[&str]) -> Option<&Self> {
        path.iter().try_fold(self, |node, name| node.get(name))
    }

    pub(crate) fn text(&self) -> Option<&str> {
        match &self.value {
            Value::Scalar(text) => Some(text),
            _ => None,
        }
    }

    /// The text below a name.
    pub(crate) fn text_of(&self, name: &str) -> Option<&str> {
        self.get(name)?.text()
    }

    /// The parts of a list; of anything else none.
    pub(crate) fn items(&self) -> &[Self] {
        match &self.value {
            Value::List(items) => items,
            _ => &[],
        }
    }

    /// The list below a name.
    pub(crate) fn list(&self, name: &str) -> &[Self] {
        self.get(name).map_or(&[], Self::items)
    }

    /// The entries of a map; of anything else none.
    pub(crate) fn entries(&self) -> impl Iterator<Item = (&Key, &Self)> {
        let entries = match &self.value {
            Value::Map(entries) => entries.as_slice(),
            _ => &[],
        };
        entries.iter().map(|(key, node)| (key, node))
    }

    pub(crate) fn is_map(&self) -> bool {
        matches!(self.value, Value::Map(_))
    }

    /// This node and all below it, with the name that each has.
    pub(crate) fn walk<'n>(&'n self, name: &'n str, see: &mut impl FnMut(&'n str, &'n Self)) {
        see(name, self);
        for (key, node) in self.entries() {
            node.walk(&key.name, see);
        }
        for item in self.items() {
            item.walk(name, see);
        }
    }
}

/// The message without the excerpt that may follow it: that is shown with the finding.
fn first_line(text: &str) -> String {
    let line = text.lines().next().unwrap_or_default();
    line.trim_start_matches("error: ").to_owned()
}

fn number(number: u64) -> usize {
    usize::try_from(number).unwrap_or(1).max(1)
}

fn place(of: Location) -> (usize, usize) {
    (number(of.line()), number(of.column()))
}

impl<'de> Deserialize<'de> for Node {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let Spanned { value, referenced, .. } = Spanned::<Value>::deserialize(deserializer)?;
        let (line, column) = place(referenced);
        Ok(Self { line, column, value })
    }
}

impl<'de> Deserialize<'de> for Value {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(AnyValue)
    }
}

struct AnyValue;

impl<'de> Visitor<'de> for AnyValue {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any value")
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Scalar(value.to_string()))
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<Value, E> {
        Ok(Value::Scalar(value.to_string()))
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<Value, E> {
        Ok(Value::Scalar(value.to_string()))
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<Value, E> {
        Ok(Value::Scalar(value.to_string()))
    }

    fn visit_str<E: Error>(self, value: &str) -> Result<Value, E> {
        Ok(Value::Scalar(value.to_owned()))
    }

    fn visit_unit<E: Error>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_none<E: Error>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut sequence: A) -> Result<Value, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = sequence.next_element()? {
            items.push(item);
        }
        Ok(Value::List(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Value, A::Error> {
        let mut entries = Vec::new();
        while let Some(key) = map.next_key::<Spanned<String>>()? {
            let (line, column) = place(key.referenced);
            entries.push((Key { line, column, name: key.value }, map.next_value()?));
        }
        Ok(Value::Map(entries))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everything_knows_where_it_stands() {
        let documents = Node::documents("a: 1\nb:\n- c: x y\n---\nd: [true, 15d]\n").expect("YAML");
        let c = documents[0].list("b")[0].entry("c").expect("it is there");
        assert_eq!((c.0.line, c.0.column, c.1.line, c.1.column), (3, 3, 3, 6));
        let texts: Vec<&str> = documents[1].list("d").iter().filter_map(Node::text).collect();
        assert_eq!((texts, documents[1].list("d")[1].line), (vec!["true", "15d"], 5));
    }

    #[test]
    fn json_has_places_too_and_no_comments() {
        let board = Node::json("{\"panels\": [\n  {\"title\": \"a\\tb\"}\n]}\n").expect("JSON");
        let panel = &board.list("panels")[0];
        assert_eq!((panel.line, panel.text_of("title")), (2, Some("a\tb")));
        let refused = Node::json("{\n  \"a\": 1, // why\n}\n").expect_err("no JSON");
        assert_eq!(refused.line, 2);
    }

    #[test]
    fn what_cannot_be_read_says_where() {
        let refused = Node::documents("a: b\nc: [d\ne: f\n").expect_err("no YAML");
        assert!(refused.line >= 2, "{refused:?}");
        assert!(!refused.why.is_empty() && !refused.why.contains('\n'), "{refused:?}");
    }
}
